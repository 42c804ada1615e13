// Package examples_test runs the examples, and the commands of the documents,
// with the real binary in a copy of this folder.
package examples_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlhost/mlhost/internal/left"
)

// root is the copy: bin/mlhost, bin/plugins/* and examples/*, as `make build`
// leaves the repository.
var root string

func TestMain(m *testing.M) {
	code, err := runIn(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runIn(m *testing.M) (code int, err error) {
	if root, err = os.MkdirTemp("", "mlx"); err != nil { // short, for the sockets below it
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()
	if err := os.CopyFS(filepath.Join(root, "examples"), os.DirFS(".")); err != nil {
		return 0, err
	}
	if err := seeSources(); err != nil {
		return 0, err
	}
	plugins := []string{"build", "-o", filepath.Join(root, "bin", "plugins") + "/"}
	for _, pattern := range []string{"../plugins/*/main.go", "../examples/*/main.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return 0, err
		}
		for _, file := range found {
			plugins = append(plugins, filepath.Dir(file))
		}
	}
	for _, args := range [][]string{{"build", "-o", filepath.Join(root, "bin", "mlhost"), "../cmd/mlhost"}, plugins} {
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			return 0, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return left.Run(m)
}

// seeSources looks at the folders that the programs are built from: go test
// remembers a result as long as what the test has looked at is the same, and
// cannot see what the builds below read.
func seeSources() error {
	for _, folder := range []string{"cmd", "host", "shared", "wrappers", "plugins"} {
		look := func(_ string, _ fs.DirEntry, err error) error { return err }
		if err := filepath.WalkDir(filepath.Join("..", folder), look); err != nil {
			return err
		}
	}
	return nil
}

// session is a state directory and the commands that use it.
type session struct {
	t     *testing.T
	state string
	dir   string // commands run here
	env   []string
}

func newSession(t *testing.T) *session {
	state, err := os.MkdirTemp(root, "s")
	if err != nil {
		t.Fatal(err)
	}
	s := &session{t: t, state: state, dir: root}
	t.Cleanup(func() {
		if t.Failed() {
			s.showLogs()
		}
	})
	return s
}

// command makes a command that has mlhost on its path and the session's state.
func (s *session) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	bin := filepath.Join(root, "bin")
	if name == "mlhost" {
		name = filepath.Join(bin, "mlhost")
	}
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = s.dir
	c.Env = append(os.Environ(), "MLHOST_STATE="+s.state, "MLHOST_LISTEN=", "MLHOST_CONNECTOR_LISTEN=", "NO_COLOR=1", "PATH="+bin+":"+os.Getenv("PATH"))
	c.Env = append(c.Env, s.env...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // lets mlhost stop its scripts
	c.WaitDelay = 20 * time.Second
	return c
}

// mlhost runs a command that must succeed and returns its standard output.
func (s *session) mlhost(args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	c := s.command(ctx, "mlhost", args...)
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		s.t.Fatalf("mlhost %s: %v\n%s%s", strings.Join(args, " "), err, &stdout, &stderr)
	}
	return stdout.String()
}

// read runs a command with --json and decodes its answer.
func (s *session) read(into any, args ...string) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.mlhost(append(args, "--json")...)), into); err != nil {
		s.t.Fatalf("mlhost %s: %v", strings.Join(args, " "), err)
	}
}

// run is what `runs --json` says of one.
type run struct {
	ID         string
	Script     string
	State      string
	ExitCode   *int `json:"exit_code"`
	Parameters map[string]any
	Results    map[string]any
	Changes    []struct {
		Name, Author string
		Old, New     any
	}
}

// runOf returns the last run of a script, with its changes.
func (s *session) runOf(script string) run {
	s.t.Helper()
	var all struct{ Runs []run }
	s.read(&all, "runs")
	for _, r := range all.Runs {
		if r.Script == script {
			var whole run
			s.read(&whole, "runs", "show", r.ID)
			return whole
		}
	}
	s.t.Fatalf("script %s has no run; there are %+v", script, all.Runs)
	return run{}
}

// variable returns the last value of a script's variable.
func (s *session) variable(script, name string) any {
	s.t.Helper()
	var all struct {
		Variables []struct {
			Name  string
			Value any
		}
	}
	s.read(&all, "vars", script)
	for _, v := range all.Variables {
		if v.Name == name {
			return v.Value
		}
	}
	s.t.Fatalf("script %s has no variable %s; there are %+v", script, name, all.Variables)
	return nil
}

// showLogs prints what the scripts of a failed test wrote.
func (s *session) showLogs() {
	for _, name := range []string{"stderr.log", "stdout.log"} {
		files, err := filepath.Glob(filepath.Join(s.state, "*", "runs", "*", name))
		if err != nil {
			s.t.Log(err)
		}
		for _, file := range files {
			if data, err := os.ReadFile(file); err == nil && len(data) > 0 {
				s.t.Logf("%s:\n%s", file, data[max(0, len(data)-4000):])
			}
		}
	}
}
