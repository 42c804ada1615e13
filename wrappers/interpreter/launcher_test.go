package interpreter

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

// fakeLauncher starts processes as torchrun does: two ranks of python -u
// SCRIPT or python -u -m MODULE, and before them a process that is neither.
const fakeLauncher = `
import os, subprocess, sys
subprocess.check_call([sys.executable, "-c", "import os, sys; print('other', 'mlhost' in sys.modules)"])
children = []
for rank in range(2):
    env = dict(os.environ, RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2")
    children.append(subprocess.Popen([sys.executable, "-u"] + sys.argv[1:], env=env))
sys.exit(max(child.wait() for child in children))
`

const ranked = `
import os, subprocess, sys, __main__
import mlhost
rate = mlhost.param("rate", 0.5)
ours = [n for n in os.environ if n.startswith("MLHOST_") and n != "MLHOST_RUN"]
def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())
say("rank", os.environ["RANK"], sys.argv[1:], rate.value, mlhost.connected(), ours, os.environ.get("PYTHONPATH"), __name__)
child = subprocess.check_output([sys.executable, "-c", "import sys; print([p for p in sys.path if 'mlhost_site' in p], 'mlhost' in sys.modules)"])
say("child", child.decode().strip(), os.environ["RANK"])
if os.environ["RANK"] == "0":
    for step in mlhost.loop(10**9):
        mlhost.log(loss=rate.value)
        if rate.value == 0.125:
            break
    mlhost.result(accuracy=0.75)
`

// throughLauncher makes a launch one of a launcher that is a Python program of
// the given text.
func throughLauncher(t *testing.T, interpreter, text string) func(*script.Launch) {
	t.Helper()
	launcher := filepath.Join(t.TempDir(), "fakerun")
	if err := os.WriteFile(launcher, []byte("#!"+interpreter+"\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return func(l *script.Launch) {
		withPython(l)
		l.Launcher = []string{launcher}
		l.Args = []string{"--data", "iris.csv"}
	}
}

func TestLauncher(t *testing.T) {
	for _, interpreter := range append(pythons(t, "3.8.*"), needs(t, "python3")) {
		for _, kind := range []string{"file", "module"} {
			t.Run(kind, func(t *testing.T) { testLauncher(t, realPython(t, interpreter), kind) })
		}
	}
}

func testLauncher(t *testing.T, interpreter, kind string) {
	h := newHost(t)
	j := launch(t, h, interpreter, ranked, func(l *script.Launch) {
		throughLauncher(t, interpreter, fakeLauncher)(l)
		l.Parameters = []script.LaunchParameter{set("rate", script.Float(0.25))}
		if kind == "module" {
			l.Module = "pkg.train"
			pkg := filepath.Join(l.Directory, "pkg")
			if err := os.Mkdir(pkg, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(pkg, "train.py"), []byte(ranked), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	})
	wait(h, func(s script.Samples) bool { return s.Samples[0].Name == "loss" })
	reply, err := j.setParameters(t.Context(), script.Batch{Values: map[string]script.Value{"rate": script.Float(0.125)}, Author: "user:ann"})
	if err != nil || reply.Outcomes[0].Status != script.Applied {
		t.Fatal(reply, err)
	}
	if code, err := j.wait(t); code != 0 || err != nil {
		t.Fatal(code, err, h.lines("stderr"))
	}
	out := h.lines("stdout")
	slices.Sort(out)
	want := []string{
		"child [] False 0", "child [] False 1", "other False",
		"rank 0 ['--data', 'iris.csv'] 0.25 True [] None __main__", "rank 1 ['--data', 'iris.csv'] 0.5 False [] None __main__",
	}
	if !slices.Equal(out, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(out, "\n"), strings.Join(want, "\n"))
	}
	if r := of[script.ResultSet](h); len(r) != 1 || h.warnings() != "" || len(h.lines("stderr")) > 0 {
		t.Error(r, h.warnings(), h.lines("stderr"))
	}
}

// What all ranks print is kept, but only rank 0's lines are read; what the
// launcher has sent to a file is there.
func TestLauncherReadsTheLinesOfOneRank(t *testing.T) {
	interpreter := realPython(t, needs(t, "python3"))
	h := newHost(t)
	j := launch(t, h, interpreter, `
import os, sys
rank = os.environ["RANK"]
for step in range(50):
    print("step", step, "loss", rank + ".5", flush=True)
print("step 60 acc 0." + rank, file=sys.stderr)
`, func(l *script.Launch) {
		throughLauncher(t, interpreter, `
import os, subprocess, sys
children = []
for rank in range(3):
    env = dict(os.environ, RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="3")
    children.append(subprocess.Popen([sys.executable, "-u"] + sys.argv[1:], env=env, stdout=open("apart", "w") if rank == 2 else None))
sys.exit(max(child.wait() for child in children))
`)(l)
	})
	if code, err := j.wait(t); code != 0 || err != nil {
		t.Fatal(code, err, h.lines("stderr"))
	}
	var seen []string
	for _, samples := range of[script.Samples](h) {
		for _, s := range samples.Samples {
			if s.Name == "loss" || s.Name == "acc" {
				seen = append(seen, s.Value.String())
			}
		}
	}
	slices.Sort(seen)
	if want := append([]string{"0.0"}, slices.Repeat([]string{"0.5"}, 50)...); !slices.Equal(seen, want) {
		t.Errorf("samples %q, want %q", seen, want)
	}
	out, errs := h.lines("stdout"), h.lines("stderr")
	slices.Sort(errs)
	if len(out) != 100 || strings.Count(strings.Join(out, "\n"), "loss 1.5") != 50 || strings.Join(errs, "|") != "step 60 acc 0.0|step 60 acc 0.1|step 60 acc 0.2" || h.warnings() != "" {
		t.Error(out, errs, h.warnings())
	}
	apart, err := os.ReadFile(filepath.Join(j.launch.Directory, "apart"))
	if err != nil || strings.Count(string(apart), "loss 2.5\n") != 50 {
		t.Errorf("%q %v", apart, err)
	}
}

func TestLauncherThatIgnoresTheEnvironment(t *testing.T) {
	interpreter := realPython(t, needs(t, "python3"))
	h := newHost(t)
	j := launch(t, h, interpreter, "print('plain')", throughLauncher(t, interpreter+" -E", "import subprocess, sys\nsubprocess.check_call([sys.executable, '-I'] + sys.argv[1:])"))
	if code, err := j.wait(t); code != 0 || err != nil {
		t.Fatal(code, err, h.lines("stderr"))
	}
	if out := h.lines("stdout"); !slices.Equal(out, []string{"plain"}) {
		t.Error(out)
	}
	for _, want := range []string{"is run by a Python with -E, which ignores what mlhost adds to it", "no process of rank 0 of the launcher"} {
		if !strings.Contains(h.warnings(), want) {
			t.Errorf("%q is not in the warnings: %s", want, h.warnings())
		}
	}
}

func TestLauncherLoadsTheSitecustomizeThatItHides(t *testing.T) {
	interpreter := realPython(t, needs(t, "python3"))
	h := newHost(t)
	j := launch(t, h, interpreter, "import sys, mlhost\nprint('script', sys.site_was_here, mlhost.connected())", func(l *script.Launch) {
		throughLauncher(t, interpreter, "import os, sys\nprint('launcher', sys.site_was_here, flush=True)\nos.execv(sys.executable, [sys.executable] + sys.argv[1:])")(l)
		own := filepath.Join(l.Directory, "site")
		if err := os.Mkdir(own, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(own, "sitecustomize.py"), []byte("import sys\nsys.site_was_here = __file__.split('/')[-2]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		l.Env = map[string]string{"PYTHONPATH": own}
	})
	if code, err := j.wait(t); code != 0 || err != nil {
		t.Fatal(code, err, h.lines("stderr"))
	}
	if out := h.lines("stdout"); !slices.Equal(out, []string{"launcher site", "script site True"}) || h.warnings() != "" {
		t.Error(out, h.warnings())
	}
}

func TestLauncherOfAnOldPython(t *testing.T) {
	for _, interpreter := range append(pythons(t, "2.7.*"), pythons(t, "3.[67].*")...) {
		h := newHost(t)
		j := launch(t, h, interpreter, "import sys\nsys.stdout.write('plain %r\\n' % sys.argv[1:])\nsys.exit(4)",
			throughLauncher(t, interpreter, "import subprocess, sys\nsys.exit(subprocess.call([sys.executable] + sys.argv[1:]))"))
		code, _ := j.wait(t)
		if out := h.lines("stdout"); code != 4 || !slices.Equal(out, []string{"plain ['--data', 'iris.csv']"}) {
			t.Error(interpreter, code, out, h.lines("stderr"))
		}
		if !strings.Contains(h.warnings(), "the script runs plain, and only its output is read: RuntimeError: Python ") {
			t.Error(interpreter, h.warnings())
		}
	}
}

// Literals get their configured values in every rank, and the script sees
// nothing else of that: compared with a run that has none.
func TestLiteralsUnderALauncher(t *testing.T) {
	const source = `"""doc"""
import inspect, os, sys
LR = 0.5
class CFG:
    steps = 3
def fails():
    raise ValueError("rank " + os.environ["RANK"])
os.write(1, ("values %s %s\n" % (LR, CFG.steps)).encode())
os.write(1, ("%s %s\n" % (os.environ["RANK"], [sorted(globals()), __file__, __name__, __package__, __spec__ and __spec__.name, __doc__, sys.path[0], sys.argv, [n for n in os.environ if n.startswith("MLHOST_C")], inspect.getsource(fails)])).encode())
if os.environ["RANK"] == "1":
    fails()
`
	run := func(interpreter, module string, values ...script.LaunchParameter) (stdout, stderr []string) {
		h := newHost(t)
		j := launch(t, h, interpreter, source, func(l *script.Launch) {
			throughLauncher(t, interpreter, fakeLauncher)(l)
			l.Parameters = values
			if l.Module = module; module != "" {
				if err := os.Rename(l.Source, filepath.Join(l.Directory, module+".py")); err != nil {
					t.Fatal(err)
				}
			}
		})
		if code, _ := j.wait(t); code != 1 || h.warnings() != "" {
			t.Fatal(code, h.lines("stderr"), h.warnings())
		}
		stdout, stderr = h.lines("stdout"), h.lines("stderr")
		slices.Sort(stdout)
		for _, lines := range [][]string{stdout, stderr} {
			for i := range lines {
				lines[i] = strings.ReplaceAll(lines[i], filepath.Dir(j.launch.Source), "DIR")
			}
		}
		return stdout, stderr
	}
	lr, steps := set("LR", script.Float(0.25)), set("CFG.steps", script.Int(7))
	lr.Constant, steps.Constant = "LR", "CFG.steps"
	for _, interpreter := range append(pythons(t, "3.8.*"), needs(t, "python3")) {
		interpreter = realPython(t, interpreter)
		for _, module := range []string{"", "training"} {
			out, errs := run(interpreter, module, lr, steps)
			plain, plainErrs := run(interpreter, module)
			for i, line := range plain {
				plain[i] = strings.Replace(line, "values 0.5 3", "values 0.25 7", 1)
			}
			if !slices.Equal(out, plain) || !slices.Equal(errs, plainErrs) || strings.Count(strings.Join(out, "\n"), "values 0.25 7") != 2 {
				t.Errorf("%s %q: got\n%s\n%s\nwant\n%s\n%s", interpreter, module, strings.Join(out, "\n"), strings.Join(errs, "\n"), strings.Join(plain, "\n"), strings.Join(plainErrs, "\n"))
			}
		}
	}
}

func TestLiteralsThatWouldNotComeThroughALauncherAreRefused(t *testing.T) {
	interpreter := realPython(t, needs(t, "python3"))
	h := newHost(t)
	_, err := launch(t, h, interpreter, "LR = 1", func(l *script.Launch) {
		throughLauncher(t, interpreter+" -E", "")(l)
		p := set("LR", script.Float(0.5))
		p.Constant = "LR"
		l.Parameters = []script.LaunchParameter{p}
	}).wait(t)
	if e := script.AsError(err); e == nil || !strings.Contains(e.Message, "would not come through") {
		t.Error(err)
	}
}

func TestModule(t *testing.T) {
	interpreter := needs(t, "python3")
	h := newHost(t)
	j := launch(t, h, interpreter, "", func(l *script.Launch) {
		withPython(l)
		l.Source, l.Module, l.Args = "", "pkg.train", []string{"x"}
		pkg := filepath.Join(l.Directory, "pkg")
		if err := os.Mkdir(pkg, 0o700); err != nil {
			t.Fatal(err)
		}
		text := "import sys, os, mlhost\nfrom . import train\nprint(sys.argv[1:], os.path.basename(sys.argv[0]), __name__, __package__, __spec__.name, mlhost.connected())"
		if err := os.WriteFile(filepath.Join(pkg, "train.py"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if code, err := j.wait(t); code != 0 || err != nil {
		t.Fatal(code, err, h.lines("stderr"))
	}
	if out := h.lines("stdout"); len(out) != 2 || out[1] != "['x'] train.py __main__ pkg pkg.train True" {
		t.Error(out)
	}
}

func TestEndIsNoLoss(t *testing.T) {
	if l, err := decodeLine([]byte(`{"op":"end"}`)); l != (endLine{}) || err != nil {
		t.Error(l, err)
	}
	h := newHost(t)
	j := launch(t, h, needs(t, "bash"), `echo '{"op":"end"}' >&$MLHOST_FD; exec {MLHOST_FD}>&-; echo closed; read -r _; exit 3`, func(l *script.Launch) {
		withLines(l)
		l.Stdin = "fifo"
		makeFifo(t, l)
	})
	h.waitLine("stdout", "closed")
	<-j.calls.gone
	j.warnOfLoss() // waits as long as a loss takes to be told
	if h.warnings() != "" {
		t.Error(h.warnings())
	}
	writeFifo(t, j)
	if code, _ := j.wait(t); code != 3 {
		t.Error(code)
	}
}
