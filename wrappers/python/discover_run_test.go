package python

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

func TestObserve(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 on PATH")
	}
	see := func(text string, limit time.Duration) (Discovered, []string, string) {
		t.Helper()
		dir := t.TempDir()
		path := writeScript(t, filepath.Join(dir, "s.py"), text)
		o := DiscoverOptions{Cache: t.TempDir(), Limit: limit}
		read, err := Discover(t.Context(), o, []string{path})
		if err != nil {
			t.Fatal(err)
		}
		seen, err := Observe(t.Context(), o, []string{python}, read[0])
		if err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) != 1 {
			t.Errorf("the script has left %v", left)
		}
		var told []string
		for _, p := range seen.Problems {
			told = append(told, p.Message)
		}
		return seen, told, strings.Join(told, "\n")
	}

	seen, _, told := see(`import argparse, importlib, os, socket, subprocess, sys
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default=1e-3, help="the rate")
for name in sorted(os.environ)[:1]:
    p.add_argument("--from-" + name, type=int, default=3, dest="computed")
def attempt(f):
    try:
        f()
    except OSError:
        return
    sys.exit("not refused")
attempt(lambda: open("made", "w"))
attempt(lambda: os.mkdir("folder"))
attempt(lambda: socket.create_connection(("127.0.0.1", 9)))
attempt(lambda: subprocess.run(["true"]))
attempt(os.fork)
p.parse_args()
open("behind", "w")
`, 10*time.Second)
	if seen.Executed == nil || seen.Executed.Parser != "argparse" || seen.Executed.Ended != "parsed" || len(seen.Executed.Refused) != 5 {
		t.Fatalf("executed %+v\n%s", seen.Executed, told)
	}
	names := func(d Discovered) (out []string) {
		for _, p := range d.Parameters {
			out = append(out, p.Name)
		}
		return out
	}
	if !slices.Equal(names(seen), []string{"lr", "computed"}) {
		t.Fatalf("parameters %v", names(seen))
	}
	if lr := seen.Parameters[0]; lr.Line != 3 || lr.Type != script.TypeFloat || !lr.Default.Same(script.Float(1e-3)) || lr.Pass != "--lr=" {
		t.Errorf("lr %+v", lr)
	}
	for _, part := range []string{"refused writing the file made", "refused a connection", "refused a process: os.fork"} {
		if !strings.Contains(told, part) {
			t.Errorf("%q is not told: %s", part, told)
		}
	}

	seen, _, told = see("while True:\n    pass\n", time.Second)
	if seen.Executed.Ended != "it did not come to a parser within 1s and was ended" || !strings.Contains(told, seen.Executed.Ended) {
		t.Errorf("an endless script: %+v", seen.Executed)
	}
	seen, _, _ = see("lr = 0.1\nraise ValueError('no')\n", 10*time.Second)
	if !slices.Equal(names(seen), []string{"lr"}) || !strings.Contains(seen.Executed.Ended, "ValueError: no") || seen.Problems[len(seen.Problems)-1].Line != 2 {
		t.Errorf("a script that fails: %+v", seen)
	}
}
