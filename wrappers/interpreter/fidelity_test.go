package interpreter

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/mlhost/mlhost/shared/script"
)

// TestSameAsPlainPython runs each script of testdata/fidelity by plain python
// and under the wrapper: exit code, standard output and standard error are the
// same, byte by byte. An archive begins with options:
//
//	args: A B        arguments of the script
//	python: -W error options of the interpreter
//	env: A=B         environment variables; DIR is the script's folder
//	steady: REGEXP   what differs from run to run by itself
//	stderr: prefix   standard error only begins with what plain python prints
func TestSameAsPlainPython(t *testing.T) {
	archives, err := filepath.Glob("testdata/fidelity/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(archives, err)
	}
	interpreters := slices.Concat(pythons(t, "3.8.*"), pythons(t, "3.13.*"))
	if len(interpreters) == 0 {
		interpreters = []string{needs(t, "python3")}
	}
	for _, interpreter := range interpreters {
		interpreter = realPython(t, interpreter)
		for _, name := range archives {
			t.Run(filepath.Base(interpreter)+"/"+strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
				t.Parallel()
				compareWithPlain(t, interpreter, name)
			})
		}
	}
}

// fidelityOptions are what an archive's comment says.
type fidelityOptions struct {
	args, python, env []string
	steady            *regexp.Regexp
	prefix            bool
}

func compareWithPlain(t *testing.T, interpreter, name string) {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := readOptions(t, string(archive.Comment), dir)
	unpack(t, archive, dir)
	want := runPlain(t, append([]string{interpreter}, o.python...), dir, o)
	unpack(t, archive, dir)
	got := runWrapped(t, append([]string{interpreter}, o.python...), dir, o)
	if o.prefix && strings.HasPrefix(got.stderr, want.stderr) {
		got.stderr = want.stderr
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(outcome{})); diff != "" {
		t.Errorf("-plain python +wrapped:\n%s", diff)
	}
}

func readOptions(t *testing.T, comment, dir string) (o fidelityOptions) {
	t.Helper()
	for line := range strings.Lines(comment) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "args":
			o.args = strings.Fields(value)
		case "python":
			o.python = strings.Fields(value)
		case "env":
			o.env = strings.Fields(strings.ReplaceAll(value, "DIR", dir))
		case "steady":
			o.steady = regexp.MustCompile(value)
		case "stderr":
			o.prefix = value == "prefix"
		default:
			t.Fatalf("unknown option %q", line)
		}
	}
	return o
}

// unpack makes dir hold the archive's files and nothing else.
func unpack(t *testing.T, archive *txtar.Archive, dir string) {
	t.Helper()
	old, err := os.ReadDir(dir)
	for _, entry := range old {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, entry.Name())))
	}
	for _, f := range archive.Files {
		path := filepath.Join(dir, f.Name)
		data := f.Data
		if bytes.Contains(data, []byte("coding: latin-1")) {
			data = bytes.ReplaceAll(data, []byte("ä"), []byte{0xe4})
		}
		err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// outcome is what can be seen of a script from outside.
type outcome struct {
	code           int
	stdout, stderr string
}

func (o fidelityOptions) outcome(code int, stdout, stderr []byte) outcome {
	if o.steady != nil {
		stdout, stderr = o.steady.ReplaceAll(stdout, []byte("…")), o.steady.ReplaceAll(stderr, []byte("…"))
	}
	return outcome{code, string(stdout), string(stderr)}
}

func runPlain(t *testing.T, command []string, dir string, o fidelityOptions) outcome {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], slices.Concat(command[1:], []string{filepath.Join(dir, "script.py")}, o.args)...)
	cmd.Dir, cmd.Env = dir, slices.Concat(plainEnvironment(), []string{"PWD=" + dir, "PYTHONUNBUFFERED=1"}, o.env)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	code := cmd.ProcessState.ExitCode()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = 128 + int(status.Signal())
	}
	return o.outcome(code, stdout.Bytes(), stderr.Bytes())
}

// plainEnvironment is this process's without what is ours.
func plainEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "MLHOST_") })
}

func runWrapped(t *testing.T, command []string, dir string, o fidelityOptions) outcome {
	t.Helper()
	h := newHost(t)
	j := launch(t, h, command[0], "", func(l *script.Launch) {
		withPython(l)
		l.Source, l.Directory, l.Interpreter, l.Args = filepath.Join(dir, "script.py"), dir, command, o.args
		l.Env = map[string]string{}
		for _, entry := range o.env {
			name, value, _ := strings.Cut(entry, "=")
			l.Env[name] = value
		}
	})
	code, _ := j.wait(t)
	var streams [2][]byte
	for i, name := range []string{"stdout.log", "stderr.log"} {
		data, err := os.ReadFile(filepath.Join(h.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		streams[i] = data
	}
	if w := h.warnings(); w != "" {
		t.Log(w)
	}
	return o.outcome(code, streams[0], streams[1])
}
