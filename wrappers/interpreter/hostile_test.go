package interpreter

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/wrappers/python"
)

func TestScriptThatClosesAllDescriptors(t *testing.T) {
	interpreter := needs(t, "python3")
	h := newHost(t)
	j := launch(t, h, interpreter, `
import os, sys
os.closerange(3, 65536)
own = open("own", "w")
print("first file", own.fileno())
sys.stdin.close()
while not os.path.exists("go"):
    os.sched_yield()
import mlhost
mlhost.result(accuracy=0.5)
own.close()
print(mlhost.connected(), repr(open("own").read()))
`, withPython)
	h.waitLine("stdout", "first file 3")
	wait(h, func(w script.Warned) bool { return strings.HasPrefix(w.Text, "live control is lost: ") })
	if err := os.WriteFile(filepath.Join(j.launch.Directory, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, err := j.wait(t); code != 0 || err != nil {
		t.Error(code, err, h.lines("stderr"))
	}
	if out := h.lines("stdout"); out[len(out)-1] != "False ''" {
		t.Error(out)
	}
}

func TestScriptThatBecomesADaemon(t *testing.T) {
	interpreter := needs(t, "python3")
	h := newHost(t)
	j := launch(t, h, interpreter, `
import os, sys, time
if os.fork():
    os._exit(5)
os.setsid()
if os.fork():
    os._exit(0)
os.chdir("/")
for fd in range(3):
    os.close(fd)
while True:
    time.sleep(60)
`, withPython)
	code, _ := j.wait(t)
	if code != 5 {
		t.Error(code, h.lines("stderr"))
	}
	if left := h.alive(); len(left) > 0 {
		t.Errorf("the processes %v are left", left)
	}
}

func TestLargeSource(t *testing.T) {
	interpreter := needs(t, "python3")
	h := newHost(t)
	source := "data = '''" + strings.Repeat(strings.Repeat("x", 99)+"\n", 500_000) + "'''\nimport mlhost\nprint(len(data), mlhost.connected())\n"
	j := launch(t, h, interpreter, source, withPython)
	if code, err := j.wait(t); code != 0 || err != nil {
		t.Fatal(code, err, h.lines("stderr"))
	}
	if out := h.lines("stdout"); !slices.Equal(out, []string{"50000000 True"}) {
		t.Error(out)
	}
}

func TestBrokenPythonSide(t *testing.T) {
	interpreter := needs(t, "python3")
	for name, text := range map[string]string{
		"mlhost/_channel.py": "raise ImportError('broken')", "mlhost/_session.py": "syntax error", "mlhost/__init__.py": "import nothing_of_that_name",
		"mlhost/_launch.py": "def prepare(*a): return 1 / 0",
	} {
		h := newHost(t)
		folder, err := python.Extract(filepath.Join(h.dir, "python"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.FromSlash(name)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		j := launch(t, h, interpreter, `import os, sys
try:
    kind = os.fstat(3)
except OSError:
    kind = "closed"
print("bare", sys.argv[1:], "MLHOST_FD" in os.environ, kind)
sys.exit(3)`, func(l *script.Launch) {
			withPython(l)
			l.Args = []string{"a"}
		})
		code, _ := j.wait(t)
		if out := h.lines("stdout"); code != 3 || len(out) != 1 || out[0] != "bare ['a'] False closed" {
			t.Error(name, code, out, h.lines("stderr"))
		}
		if !strings.HasPrefix(h.warnings(), "the script runs plain, and only its output is read: ") || strings.Contains(h.warnings(), "\n") {
			t.Error(name, h.warnings())
		}
	}
}

func TestInterpreterThatIsNoPython(t *testing.T) {
	for name, want := range map[string]string{"true": "is not a Python: ", "bash": "does not run as a Python: exit status "} {
		interpreter := needs(t, name)
		h := newHost(t)
		_, err := launch(t, h, interpreter, "print(1)", withPython).wait(t)
		if script.CodeOf(err) != script.CodeRejected || !strings.Contains(err.Error(), "interpreter "+interpreter+" "+want) {
			t.Error(err)
		}
	}
}

func TestSourceThatIsNoFile(t *testing.T) {
	h := newHost(t)
	_, err := launch(t, h, needs(t, "python3"), "", func(l *script.Launch) {
		withPython(l)
		l.Source = filepath.Join(l.Directory, "fifo.py")
		if err := unix.Mkfifo(l.Source, 0o600); err != nil {
			t.Fatal(err)
		}
	}).wait(t)
	if err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Error(err)
	}
	folder := t.TempDir()
	_, err = launch(t, newHost(t), needs(t, "python3"), "", func(l *script.Launch) { withPython(l); l.Source = folder }).wait(t)
	if err == nil || !strings.Contains(err.Error(), folder+"/__main__.py does not exist") {
		t.Error(err)
	}
	h = newHost(t)
	if os.Getuid() != 0 { // root may read everything
		_, err = launch(t, h, needs(t, "python3"), "", func(l *script.Launch) {
			withPython(l)
			if err := os.Chmod(l.Source, 0); err != nil {
				t.Fatal(err)
			}
		}).wait(t)
		if err == nil || !strings.Contains(err.Error(), "source cannot be read") {
			t.Error(err)
		}
	}
}
