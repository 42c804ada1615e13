package interpreter

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

// withPython makes a launch one of a Python script.
func withPython(l *script.Launch) { l.Profile = profilePython }

// realPython is the executable behind a launcher.
func realPython(t *testing.T, interpreter string) string {
	t.Helper()
	out, err := exec.Command(interpreter, "-c", "import os, sys; sys.stdout.write(os.path.realpath(sys.executable))").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// pythons are the interpreters of this machine, the default one first.
func pythons(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(os.Getenv("PYENV_ROOT"), "versions", pattern, "bin", "python"))
	if os.Getenv("PYENV_ROOT") == "" || err != nil || len(found) == 0 {
		found = nil
	}
	return found
}

func TestPythonScript(t *testing.T) {
	interpreter := needs(t, "python3")
	h := newHost(t)
	j := launch(t, h, interpreter, `
import sys, time, mlhost
rate = mlhost.param("rate", 0.1, min=0, max=1)
print("rate", rate.value, sys.argv[1:], __file__)
for step in mlhost.loop(10**9):
    mlhost.log(loss=1 / (step + 1) if rate.value < 0.5 else float("nan"))
    time.sleep(0.001)
mlhost.result(accuracy=0.75)
`, func(l *script.Launch) {
		withPython(l)
		l.Args = []string{"--data", "iris.csv"}
		l.Parameters = []script.LaunchParameter{set("rate", script.Float(0.25))}
	})
	h.waitLine("stdout", "rate 0.25 ['--data', 'iris.csv'] "+j.launch.Source)
	wait(h, func(s script.Samples) bool { return s.Samples[0].Name == "loss" })
	reply, err := j.setParameters(t.Context(), script.Batch{Values: map[string]script.Value{"rate": script.Float(0.75)}, Author: "user:ann"})
	if err != nil || reply.Outcomes[0].Status != script.Applied || reply.Outcomes[0].Old.String() != "0.25" {
		t.Fatal(reply, err)
	}
	wait(h, func(s script.Samples) bool { return s.Samples[len(s.Samples)-1].Value.String() == "NaN" })
	if err := j.pause(t.Context()); err != nil || j.isFrozen() {
		t.Error(err)
	}
	if err := j.resume(t.Context()); err != nil {
		t.Error(err)
	}
	j.stop(t.Context(), limit)
	if code, err := j.wait(t); code != 0 || err != nil {
		t.Error(code, err, h.lines("stderr"))
	}
	if r := of[script.ResultSet](h); len(r) != 1 || r[0].Value.String() != "0.75" {
		t.Errorf("%+v", r)
	}
	if h.warnings() != "" {
		t.Error(h.warnings())
	}
}

func TestPythonThatKnowsNothingOfUs(t *testing.T) {
	interpreter := needs(t, "python3")
	h := newHost(t)
	j := launch(t, h, interpreter, "import sys\nprint('loss=0.5')\ndef f():\n    raise ValueError('no')\nf()\n", func(l *script.Launch) {
		withPython(l)
		l.Variables = []script.LaunchVariable{{Name: "loss", Pattern: `loss=(\S+)`}}
	})
	if code, err := j.wait(t); code != 1 || err == nil {
		t.Error(code, err)
	}
	want := "Traceback (most recent call last):\n  File \"" + j.launch.Source + "\", line 5, in <module>"
	if got := strings.Join(h.lines("stderr"), "\n"); !strings.HasPrefix(got, want) || strings.Contains(got, "shim") {
		t.Errorf("stderr:\n%s", got)
	}
	if s := of[script.Samples](h); len(s) != 1 || s[0].Samples[0].Value.String() != "0.5" {
		t.Errorf("%+v", s)
	}
}

func TestOldPythonRunsPlain(t *testing.T) {
	old := append(pythons(t, "2.7.*"), pythons(t, "3.[67].*")...)
	if len(old) == 0 {
		t.Skip("no Python below 3.8 is installed on this machine")
	}
	for _, command := range [][]string{{""}, {"", "-B"}} { // the second is not asked for its version
		for _, interpreter := range old {
			command[0] = interpreter
			testOldPython(t, command)
		}
	}
}

func testOldPython(t *testing.T, command []string) {
	t.Helper()
	h := newHost(t)
	source := "import sys, os\nsys.stdout.write('plain %d %r\\n' % (len(sys.argv), os.environ.get('MLHOST_FD')))\nsys.exit(3)"
	j := launch(t, h, command[0], source, func(l *script.Launch) { withPython(l); l.Interpreter = command })
	code, _ := j.wait(t)
	if out := h.lines("stdout"); code != 3 || len(out) != 1 || out[0] != "plain 1 None" {
		t.Errorf("%s: exit code %d, %q", command, code, out)
	}
	if w := h.warnings(); !strings.Contains(w, "the script runs plain") {
		t.Errorf("%s: %s", command, w)
	}
}

func TestProbeOfPython(t *testing.T) {
	interpreter := needs(t, "python3")
	cache := t.TempDir()
	real := realPython(t, interpreter)
	first, err := probePython(t.Context(), []string{real}, "", os.Environ(), cache)
	if err != nil || first.major != 3 {
		t.Fatal(first, err)
	}
	kept, err := os.ReadDir(cache)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range kept { // the second answer is the kept one
		if err := os.WriteFile(filepath.Join(cache, f.Name()), []byte("mlhost 3 99\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if v, err := probePython(t.Context(), []string{real}, "", os.Environ(), cache); err != nil || v != (version{3, 99}) {
			t.Error(v, err)
		}
	}
	if _, err := probePython(t.Context(), []string{"/bin/false"}, "", nil, cache); err == nil || !strings.Contains(err.Error(), "/bin/false does not run as a Python") {
		t.Error(err)
	}
	if v, err := probePython(t.Context(), []string{real, "-X", "dev"}, "", nil, cache); err != nil || v != (version{}) {
		t.Error("a command was asked", v, err)
	}
	if _, err := probePython(t.Context(), []string{"/bin/echo"}, "", nil, cache); err == nil {
		t.Error("echo is no Python")
	}
}

// A set that comes before the script's parser has run waits for it.
func TestSetBeforeTheParser(t *testing.T) {
	interpreter := needs(t, "python3")
	h := newHost(t)
	j := launch(t, h, interpreter, `
import argparse, sys
print("here")
open("fifo").readline()
p = argparse.ArgumentParser()
p.add_argument("--rate", type=float, default=0.5)
p.add_argument("--fixed", type=int, default=1)
args = p.parse_args()
while args.rate != 2: pass
`, func(l *script.Launch) {
		withPython(l)
		l.Parameters = []script.LaunchParameter{found("rate", script.TypeFloat, "argparse"), found("fixed", script.TypeInt, "argparse")}
		l.Parameters[0].Spec.Mutability = script.Live
		makeFifo(t, l)
	})
	h.waitLine("stdout", "here")
	fixed, err := j.setParameters(t.Context(), script.Batch{Values: map[string]script.Value{"fixed": script.Int(2)}})
	if err != nil || fixed.Outcomes[0].Status != script.NeedsRestart {
		t.Errorf("what only a restart changes: %+v %v", fixed, err)
	}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	gone, err := j.setParameters(late, script.Batch{Values: map[string]script.Value{"rate": script.Float(1)}})
	if err != nil || gone.Outcomes[0].Status != script.NeedsRestart {
		t.Errorf("a set that cannot wait: %+v %v", gone, err)
	}
	var reply script.BatchReply
	answered := make(chan error, 1)
	go func() {
		var err error
		reply, err = j.setParameters(t.Context(), script.Batch{Values: map[string]script.Value{"rate": script.Float(2)}})
		answered <- err
	}()
	writeFifo(t, j)
	if err := <-answered; err != nil || reply.Outcomes[0].Status != script.Applied {
		t.Errorf("a set before the parser: %+v %v", reply, err)
	}
	if code, err := j.wait(t); code != 0 || err != nil {
		t.Error(code, err, h.lines("stderr"))
	}
}
