package interpreter

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/shared/script"
)

func TestExitCodes(t *testing.T) {
	for source, want := range map[string]struct {
		code   int
		reason string
	}{
		"exit 0":        {0, ""},
		"exit 1":        {1, "exit code 1"},
		"exit 3":        {3, "exit code 3"},
		"kill -TERM $$": {143, "ended by signal 15 (terminated)"},
		"kill -KILL $$": {137, "ended by signal 9 (killed)"},
	} {
		j := launch(t, newHost(t), "bash", source, nil)
		code, err := j.wait(t)
		if code != want.code || (err == nil) != (want.reason == "") || (err != nil && err.Error() != want.reason) {
			t.Errorf("%s: got %d, %v; want %d, %s", source, code, err, want.code, want.reason)
		}
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*script.Launch){
		"source /nowhere/fit.R does not exist":                  func(l *script.Launch) { l.Source = "/nowhere/fit.R" },
		"source " + dir + " is a directory":                     func(l *script.Launch) { l.Source = dir },
		`interpreter "no-such-program" was not found in PATH`:   func(l *script.Launch) { l.Interpreter = []string{"no-such-program"} },
		"interpreter " + dir + "/none does not exist":           func(l *script.Launch) { l.Interpreter = []string{dir + "/none"} },
		"interpreter " + plain + " is not executable":           func(l *script.Launch) { l.Interpreter = []string{plain} },
		"interpreter " + dir + " is a directory":                func(l *script.Launch) { l.Interpreter = []string{dir} },
		"no interpreter is named":                               func(l *script.Launch) { l.Interpreter = nil },
		"open stdin":                                            func(l *script.Launch) { l.Stdin = "/nowhere/in" },
		"compile the pattern of variable \"loss\": error parsi": func(l *script.Launch) { l.Variables = []script.LaunchVariable{{Name: "loss", Pattern: "("}} },
	} {
		h := newHost(t)
		_, err := launch(t, h, "bash", "", change).wait(t)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if h.pid != 0 {
			t.Errorf("%s: something was started", want)
		}
	}
}

func TestArgumentsEnvironmentFileAndStdin(t *testing.T) {
	h := newHost(t)
	t.Setenv("PLUGIN_PROTOCOL_VERSIONS", "1")
	t.Setenv("MLHOST_FD", "77")
	j := launch(t, h, "bash", `
echo "args: $*"; echo "env: $LAMBDA $ADDED"; echo "file: $(tr -d ' \n' <params.json)"; echo "in: $(cat)"
echo "mark: $MLHOST_RUN fd: $MLHOST_FD plugin:$PLUGIN_PROTOCOL_VERSIONS"; echo "dir: $(pwd) $(printenv PWD)"`,
		func(l *script.Launch) {
			l.Args = []string{"--data", "a b"}
			l.Env = map[string]string{"ADDED": "yes"}
			l.Stdin = "input.txt"
			if err := os.WriteFile(filepath.Join(l.Directory, "input.txt"), []byte("hello"), 0o600); err != nil {
				t.Fatal(err)
			}
			a, b, c := set("epochs", script.Int(3)), set("lambda", script.Float(0.5)), set("alpha", script.Float(1))
			a.Pass, b.Env, c.File = "--epochs", "LAMBDA", "params.json"
			l.Parameters = []script.LaunchParameter{a, b, c}
		})
	if code, err := j.wait(t); code != 0 || err != nil {
		t.Fatal(code, err, h.lines("stderr"))
	}
	want := []string{
		"args: --data a b --epochs 3", "env: 0.5 yes", `file: {"alpha":1.0}`, "in: hello",
		"mark: " + h.run + " fd:  plugin:", "dir: " + j.launch.Directory + " " + j.launch.Directory,
	}
	if diff := cmp.Diff(want, h.lines("stdout")); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(filepath.Join(j.launch.Directory, "params.json")); err == nil {
		t.Error("the parameter file is still there")
	}
	if h.warnings() != "" {
		t.Error(h.warnings())
	}
}

func TestPatternsOfOutput(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "bash", `printf 'epoch 1 loss=0.5\n'; printf '10%% loss=0.4\r20%% loss=0.3\r\n'; echo 'loss=nan' >&2`, func(l *script.Launch) {
		l.Variables = []script.LaunchVariable{{Name: "loss", Pattern: `loss=(\S+)`}}
	})
	if _, err := j.wait(t); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, s := range of[script.Samples](h) {
		for _, s := range s.Samples {
			got[s.Value.String()]++
		}
	}
	for _, want := range []string{"0.5", "0.3", "NaN"} {
		if got[want] != 1 {
			t.Errorf("samples are %v, want %s among them", got, want)
		}
	}
}

func TestAnyOutputIsSurvived(t *testing.T) {
	const size = 100 << 20
	h := newHost(t)
	j := launch(t, h, "bash", `head -c 104857600 /dev/zero | tr '\0' x
head -c 100000 /dev/urandom >&2
for i in {1..20000}; do printf '\r%d%%' $i; done; printf '\nlast\n'`, nil)
	if _, err := j.wait(t); err != nil {
		t.Fatal(err)
	}
	out := h.lines("stdout")
	if len(out) < 2 || out[len(out)-1] != "last" || out[len(out)-2] != "20000%" {
		t.Fatalf("the last of %d lines is not there", len(out))
	}
	if len(out[0]) < size {
		t.Errorf("the long line has %d bytes", len(out[0]))
	}
	if len(out) > 50 {
		t.Errorf("the bar made %d lines", len(out))
	}
	total := int64(0)
	for _, name := range []string{"stdout.log", "stdout.log.1"} {
		if info, err := os.Stat(filepath.Join(h.dir, name)); err == nil {
			total += info.Size()
		}
	}
	if total < size+20000*2 {
		t.Errorf("the output files hold %d bytes", total)
	}
	if info, err := os.Stat(filepath.Join(h.dir, "stderr.log")); err != nil || info.Size() != 100000 {
		t.Errorf("stderr.log: %v, %v", info, err)
	}
}

func TestOutputFilesAreRaw(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "bash", `printf 'a\xff\0b\rc\n'; printf 'Traceback (most recent call last):\n  x\n' >&2; exit 1`, nil)
	if code, _ := j.wait(t); code != 1 {
		t.Error(code)
	}
	if got, err := os.ReadFile(filepath.Join(h.dir, "stdout.log")); err != nil || !bytes.Equal(got, []byte("a\xff\x00b\rc\n")) {
		t.Errorf("%q, %v", got, err)
	}
	if diff := cmp.Diff([]string{"Traceback (most recent call last):", "  x"}, h.lines("stderr")); diff != "" {
		t.Error(diff)
	}
}

// TestOutputIsInOrder: what a script prints before it fails comes before the
// traceback, which is in one piece.
func TestOutputIsInOrder(t *testing.T) {
	interpreter := needs(t, "python3")
	source := `
import sys
for i in range(50):
    print("line", i, flush=True)
    for j in range(5):
        sys.stderr.write("trace %d %d\n" % (i, j))
        sys.stderr.flush()
    sys.stdin.readline()
`
	h := newHost(t)
	j := launch(t, h, interpreter, source, func(l *script.Launch) {
		makeFifo(t, l)
		l.Stdin = "fifo"
	})
	var want []string
	for i := range 50 {
		want = append(want, fmt.Sprintf("line %d", i))
		for k := range 5 {
			want = append(want, fmt.Sprintf("trace %d %d", i, k))
		}
		h.waitLine("stderr", fmt.Sprintf("trace %d 4", i)) // a round is over: the next one does not overtake it
		writeFifo(t, j)
	}
	if _, err := j.wait(t); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range of[script.LogLine](h) {
		got = append(got, l.Text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOrphansDoNotHoldTheEnd(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "bash", `(trap '' TERM HUP; setsid sleep 1000 & setsid sleep 1001 >/dev/null 2>&1 &) ; echo started`, nil)
	start := time.Now()
	if _, err := j.wait(t); err != nil {
		t.Fatal(err)
	}
	if left := h.alive(); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the end took %s", took)
	}
	if diff := cmp.Diff([]string{"started"}, h.lines("stdout")); diff != "" {
		t.Error(diff)
	}
}

// TestPipeHeldByAStranger: a process that threw its mark away and left the
// group holds the pipes; the run ends all the same.
func TestPipeHeldByAStranger(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "bash", `env -i /usr/bin/setsid /bin/sleep 30 & echo "pid $!"; sleep 0.2`, nil)
	if _, err := j.wait(t); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscanf(strings.Join(h.lines("stdout"), "\n"), "pid %d", &pid); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Errorf("the stranger was killed, or never there: %v", err)
	}
}
