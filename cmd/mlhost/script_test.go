package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mlhost/mlhost/host"
	"github.com/mlhost/mlhost/host/api/client"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/internal/left"
	"github.com/mlhost/mlhost/shared/script"
)

func TestMain(m *testing.M) {
	// A host runs wrappers from a copy of this program, under another name.
	if len(os.Args) > 2 && os.Args[1] == "plugin" && os.Args[2] == "serve" {
		os.Exit(run())
	}
	testscript.Main(suite{m}, map[string]func(){"mlhost": main})
}

// suite cleans up behind all tests, before testscript exits.
type suite struct{ *testing.M }

func (s suite) Run() int {
	for _, name := range []string{config.ListenEnv, config.ConnectorListenEnv} {
		if err := os.Setenv(name, ""); err != nil { // tests run beside each other
			panic(err)
		}
	}
	code, err := left.Run(s.M)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	for _, clean := range atEnd {
		if err := clean(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	return code
}

// TestScripts runs testdata/*.txtar against the real program, with real
// plugins and interpreters.
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: setup,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"await":       await,
			"code":        code,
			"certificate": certificate,
			"plugins":     buildPlugins,
			"killpid":     killPID,
			"bigfile":     bigFile,
			"turner":      turner, "slowly": slowly, "alone": alone, "single": single, "killing": killing,
			"identities": identities, "unbroken": unbroken, "forge": forge,
			"knocking": knocking, "tamper": tamper, "stray": stray, "olderstate": olderState, "newerstate": newerState,
		},
		Condition:           condition,
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
	})
}

// condition knows [limits]: a process can be given fewer inotify instances.
func condition(name string) (bool, error) {
	if name != "limits" {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	err := exec.Command("unshare", "-Ur", "sh", "-c", "echo 0 >/proc/sys/user/max_inotify_instances").Run()
	return err == nil, nil
}

// setup gives a script a state directory of its own, and takes down whatever
// host it leaves behind.
func setup(env *testscript.Env) error {
	state := filepath.Join(env.WorkDir, "state")
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return err
	}
	for _, name := range []string{"HOME", "GOCACHE", "GOMODCACHE", "GOFLAGS", "GOTOOLCHAIN", "PYENV_ROOT", "PYENV_VERSION", "LANG"} {
		if v, ok := os.LookupEnv(name); ok {
			env.Setenv(name, v)
		}
	}
	env.Setenv("MLHOST_STATE", state)
	env.Setenv(config.ListenEnv, "") // a script that wants ports says ":0"
	env.Setenv(config.ConnectorListenEnv, "")
	env.Setenv("ROOT", root)
	env.Setenv("NO_COLOR", "1")
	env.Values[envKey{}] = env
	env.Defer(func() {
		takeDown(env.T(), state)
		checkLeft(env.T(), env.WorkDir)
	})
	return nil
}

// takeDown ends the hosts of a state directory that still run, at once.
func takeDown(t interface{ Log(...any) }, state string) {
	all, err := places(state)
	if err != nil {
		t.Log(err)
	}
	for _, p := range all {
		pid, err := host.LockHolder(p.dir)
		if err != nil || pid == 0 {
			continue
		}
		ended, err := watchProcess(pid)
		if err != nil {
			continue // it has ended just now
		}
		c := client.New(p.socket())
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		if err := c.Down(ctx, true); err != nil && script.CodeOf(err) != script.CodeHostDown { // it may be about to end
			t.Log("take down ", p.name, ": ", err)
		} else if err := ended.wait(); err != nil {
			t.Log(err)
		}
		cancel()
		c.Close()
		ended.close()
	}
}

// awaited is how long an await may take on a machine that is busy.
const awaited = 90 * time.Second

// await runs a command again and again until its output matches:
//
//	await REGEXP COMMAND ARGS…
//
// ! await waits until it does not match.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: await REGEXP COMMAND ARGS…")
	}
	re, err := regexp.Compile(`(?ms)` + args[0])
	ts.Check(err)
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	deadline := time.Now().Add(awaited)
	pause := 10 * time.Millisecond
	for {
		cmd := exec.Command(path, args[2:]...)
		cmd.Dir, cmd.Env = ts.MkAbs("."), ts.Value(envKey{}).(*testscript.Env).Vars
		out, err := cmd.CombinedOutput()
		if re.Match(out) != neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("no match for %s after %v (last: %v):\n%s", args[0], awaited, err, out)
		}
		time.Sleep(pause) // between two looks; the look decides
		pause = min(2*pause, 200*time.Millisecond)
	}
}

// envKey finds a script's testscript.Env in its values.
type envKey struct{}

// code runs a command and checks its exit code: code 5 mlhost set …
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// buildPlugins builds the plugins that the scripts use, once, and links them
// into bin.
func buildPlugins(ts *testscript.TestScript, _ bool, _ []string) {
	dir, err := builtPlugins()
	ts.Check(err)
	ts.Check(os.Symlink(dir, ts.MkAbs("bin")))
}

var builtPlugins = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "mlhost-plugins-")
	if err != nil {
		return "", err
	}
	atEnd = append(atEnd, func() error { return os.RemoveAll(dir) })
	out, err := exec.Command("go", "build", "-o", dir+"/", "./testdata/worker", "../../plugins/plateau").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build plugins: %w\n%s", err, out)
	}
	return dir, nil
})

var atEnd []func() error

// killPID sends a signal to the process whose id a file holds:
//
//	killpid KILL FILE
func killPID(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: killpid SIGNAL FILE")
	}
	pid := strings.TrimSpace(ts.ReadFile(args[1]))
	if _, err := strconv.Atoi(pid); err != nil {
		ts.Fatalf("%s holds no process id: %q", args[1], pid)
	}
	ts.Check(ts.Exec("kill", "-"+args[0], pid))
}

// bigFile writes {"NAME": "xxx…"} with a string of so many bytes:
//
//	bigfile FILE NAME BYTES
func bigFile(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(`{"`+args[1]+`": "`+strings.Repeat("x", n)+`"}`), 0o600))
}
