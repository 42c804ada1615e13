package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mlhost/mlhost/host/config"
)

// folder is a place with scripts and a state directory of its own.
type folder struct {
	t     *testing.T
	dir   string
	state string
}

func newFolder(t *testing.T, files map[string]string) *folder {
	t.Helper()
	if testing.Short() {
		t.Skip("starts many processes")
	}
	f := &folder{t: t, dir: t.TempDir()}
	f.state = filepath.Join(f.dir, ".state")
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { takeDown(t, f.state) })
	return f
}

// command is a call of mlhost in the folder.
func (f *folder) command(args ...string) *exec.Cmd {
	cmd := exec.Command("mlhost", args...)
	cmd.Dir = f.dir
	cmd.Env = append(os.Environ(), "MLHOST_STATE="+f.state, config.ListenEnv+"=", config.ConnectorListenEnv+"=",
		"TERM=xterm-256color", "LANG=C.UTF-8", "LC_ALL=", "NO_COLOR=", "TZ=UTC")
	return cmd
}

// says runs a command and returns what it writes.
func (f *folder) says(args ...string) string {
	f.t.Helper()
	out, err := f.command(args...).CombinedOutput()
	if err != nil {
		f.t.Fatalf("mlhost %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// await runs a command again and again until what it writes matches.
func (f *folder) await(pattern string, args ...string) {
	f.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		out := f.says(args...)
		if regexp.MustCompile(pattern).MatchString(out) {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("no match for %q: mlhost %s:\n%s", pattern, strings.Join(args, " "), out)
		}
		time.Sleep(20 * time.Millisecond) // between two looks; the look decides
	}
}

const menuConfig = `
host { name = "lab1" }
script "trainer" {
  source = "trainer.py"
}
script "by_hand" {
  source    = "by_hand.py"
  autostart = false
}
script "last" {
  source     = "by_hand.py"
  depends_on = [script.trainer]
}
route "reduce" {
  from  = script.trainer.variable.loss
  to    = script.trainer.parameter.decay
  when  = from < 0
  value = to * 0.5
}
`

// trainer reports the same hundred losses in every run and then goes on
// without reporting more.
const menuTrainer = `
import time
import mlhost

rate = mlhost.param("learning_rate", 0.01, min=1e-5, max=1, scale="log", doc="step size of the optimizer")
size = mlhost.param("batch_size", 32, choices=[16, 32, 64])
mix = mlhost.param("shuffle", True)
decay = mlhost.param("decay", 0.9, min=0, max=1)
print("hello \x1b[31mred\x1b[0m \x1b]2;title\x07")
for step in range(100):
    mlhost.log(loss=1 / (1 + step), step=step)
mlhost.result(best=0.01)
for step in mlhost.loop(10**9):
    time.sleep(0.02)
`

const menuByHand = `
import mlhost
mlhost.log(x=1)
for step in mlhost.loop(10**9):
    __import__("time").sleep(0.02)
`

func menuFolder(t *testing.T) *folder {
	return newFolder(t, map[string]string{"config.hcl": menuConfig, "trainer.py": menuTrainer, "by_hand.py": menuByHand})
}

// The menu from the first screen to the last: nothing runs, a host is started,
// a script executed, parameters changed and refused, variables charted, logs
// read, a command run, a script stopped, and the menu left.
func TestMenu(t *testing.T) {
	f := menuFolder(t)
	x := newTerminal(t, 80, 24, f.command())
	x.await(`No host is running`, `> 1  Start the configuration config\.hcl`, `^\$ mlhost run --detach config\.hcl$`)
	x.press("enter")
	x.await(`^lab1 +3 scripts, 1 live$`, `trainer +running`, `last +waiting`, `2 Execute script`, `last is waiting|by_hand is stopped`)

	x.press("2")
	x.await(`Execute script`, `1  by_hand`)
	x.press("1")
	x.await(`1  Run with connector integration`, `2  Run without`, `^\$ mlhost start by_hand --with-connector$`)
	x.press("down")
	x.await(`^\$ mlhost start by_hand$`)
	x.press("2")
	x.await(`by_hand is (running|starting|ready) \(run \w+\)`, `by_hand +(ready|running)`, `^\$ mlhost start by_hand$`)

	x.press("/")
	x.press("trai")
	x.await(`^/trai`, `> trainer`)
	x.press("enter", "4")
	x.await(`lab1 › trainer`, `> learning_rate +0\.01 +1e-5 to 1, log`, `decay .*moved by route:reduce`)
	x.press("enter")
	x.await(`step size of the optimizer`, `new +0\.01`, `●`)
	x.press("0.5")
	x.await(`new +0\.5`, `^\$ mlhost set trainer learning_rate=0\.5$`)
	x.press("enter")
	x.await(`learning_rate +0\.5 .*applied at step \d+ by user`, `^learning_rate applied at step \d+: 0\.01 → 0\.5$`)
	if got := strings.TrimSpace(f.says("get", "trainer.learning_rate")); got != "0.5" {
		t.Errorf("the rate is %s", got)
	}

	x.press("enter", "7", "enter")
	x.await(`new +7`, `out of range`, `refused: .*7`)
	x.back(`PARAMETER`)
	x.press("down", "enter")
	x.await(`\(\*\) 32`)
	x.press("down")
	x.await(`\(\*\) 64`)
	x.press("enter")
	x.await(`batch_size +64`)
	x.press("down", "enter")
	x.await(`\[x\] on  \[ \] off`)
	x.press("space")
	x.await(`\[ \] on  \[x\] off`)
	x.press("enter")
	x.await(`shuffle +false`)
	x.press("down", "enter", "0.25", "enter")
	x.await(`decay is moved by route:reduce\. Take it over`, `y yes`)
	x.press("y")
	x.await(`decay +0\.25`, `mlhost set trainer decay=0\.25 --take`)
	x.press("d")
	x.await(`decay was given back`, `decay .*moved by route:reduce`)

	x.press("3")
	x.await(`> \S+ `, `loss +0\.01 +█▃▂`)
	x.press("/", "loss", "enter", "enter")
	x.await(`loss = 0\.01 +100 samples`, `⠁|⡇|⣀|⠤|⢀`, `step 0 to 99`)
	x.back(`> loss`)
	x.press("5")
	x.await(`hello \\x1b\[31mred\\x1b\[0m \\x1b\]2;title\\x07`)
	x.press("p")
	x.await(`^paused`, `\$ mlhost pause trainer`)
	x.press("p")
	x.await(`^running`, `\$ mlhost resume trainer`)

	x.press(":")
	x.press("get trainer.ba")
	x.await(`^:get trainer\.ba`, `trainer\.batch_size`)
	x.press("tab")
	x.await(`^:get trainer\.batch_size$`)
	x.press("enter")
	x.await(`^64$`, `› get trainer\.batch_size`)
	x.back(`1 Overview`)
	x.press("?")
	x.await(`EVERYWHERE`, `stop it, after a question`)
	x.back(`1 Overview`)
	x.back(`1 List`)
	x.press("s")
	x.await(`Stop (trainer|by_hand)\?`)
	x.press("n")
	x.await(`nothing was done`)
	x.press("q")
	if code := x.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"2 scripts run on", "`mlhost` returns"} {
		if !strings.Contains(x.output(), want) {
			t.Errorf("leaving does not say %q", want)
		}
	}
	if ps := f.says("ps"); !regexp.MustCompile(`trainer +running`).MatchString(ps) || !regexp.MustCompile(`by_hand +running`).MatchString(ps) {
		t.Errorf("leaving stopped something:\n%s", ps)
	}
	if regexp.MustCompile(`\x1b\[31mred|\x1b\]2;title`).MatchString(x.output()) {
		t.Error("what a script printed reached the terminal as it was")
	}
}

// The menu fits small terminals, follows their size, and does without colours.
func TestMenuSizes(t *testing.T) {
	f := menuFolder(t)
	f.says("run", "--detach", "config.hcl")
	cmd := f.command()
	cmd.Env = append(cmd.Env, "NO_COLOR=1")
	x := newTerminal(t, 40, 12, cmd)
	x.await(`^lab1 +3 scripts, 1 live$`, `SCRIPT +STATE`, `trainer +running`, `\? help  q leave$`)
	x.resize(80, 24)
	x.await(`2 Execute script`, `trainer +running .*loss=0\.01`)
	x.resize(20, 5)
	x.await(`^lab1$`, `> by_hand +stopped`)
	x.resize(80, 24)
	x.press("/", "trainer", "enter", "s")
	x.await(`Stop trainer\? Its run ends\.`)
	x.press("y")
	x.await(`trainer is stopped`, `trainer +stopped`)
	x.press("ctrl+c")
	if code := x.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if m := regexp.MustCompile(`\x1b\[[0-9;]*(3[0-8]|4[0-8]|9[0-7])[0-9;]*m`).FindString(x.output()); m != "" {
		t.Errorf("a colour without leave: %q", m)
	}
}

// Where no host runs, what one has kept can be looked at.
func TestMenuRecord(t *testing.T) {
	f := menuFolder(t)
	f.says("run", "--detach", "config.hcl")
	f.await(`best +0\.01`, "results", "trainer")
	f.says("down")
	x := newTerminal(t, 80, 24, f.command("menu"))
	x.await(`Start the configuration`, `2  Look at what the host lab1 has kept`)
	x.press("2")
	x.await(`3 scripts, as they were left`, `trainer +stopped`)
	x.press("9")
	x.await(`RUN +SCRIPT`, `trainer +stopped .*best=0\.01`)
	x.press("enter")
	x.await(`RESULTS`, `best = 0\.01`)
	x.press("q")
	x.end()
}

// On a terminal that cannot be written over the menu asks line by line.
func TestMenuPlain(t *testing.T) {
	f := menuFolder(t)
	f.says("run", "--detach", "config.hcl")
	cmd := f.command()
	cmd.Env = append(cmd.Env, "TERM=dumb")
	x := newTerminal(t, 80, 60, cmd)
	x.await(`2\. Execute script`, `^Option:`)
	x.press("2\r")
	x.await(`\d\. by_hand \(stopped\)`, `^Script:`)
	x.press("by_hand\r")
	x.await(`1\. Run with connector integration`)
	x.press("1\r")
	x.await(`^\$ mlhost start by_hand --with-connector`, `by_hand is (ready|running)`)
	x.press("4\r")
	x.await(`by_hand \((ready|running)\)`)
	x.press("trainer\r")
	x.await(`learning_rate = 0\.01`)
	x.press("learning_rate\r", "0.02\r")
	x.await(`learning_rate = 0\.02 \(was 0\.01\)`)
	x.press("0\r")
	x.await(`Left the menu. 2 scripts run on`)
	if code := x.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(x.output(), "\x1b") {
		t.Errorf("control characters:\n%q", x.output())
	}
}

// On a terminal the original connector's command leads to the menu.
func TestMenuLauncher(t *testing.T) {
	f := menuFolder(t)
	f.says("sdk", "python", "system")
	f.says("run", "--detach", "config.hcl")
	cmd := f.command()
	program := cmd.Path
	cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", "exec python3 system/connector.py"}
	cmd.Env = append(cmd.Env, "MLHOST="+program, "MLHOST_CONNECTOR=")
	x := newTerminal(t, 80, 24, cmd)
	x.await(`trainer +running`, `2 Execute script`)
	x.press("2")
	x.await(`Execute script`, `\d  by_hand`)
	x.press("q")
	if code := x.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// On a terminal watch shows the course of each variable, and one of them
// large; elsewhere it writes lines.
func TestWatchOnTerminal(t *testing.T) {
	f := menuFolder(t)
	f.says("run", "--detach", "config.hcl")
	f.await(`loss +0\.01`, "vars", "trainer")
	x := newTerminal(t, 80, 24, f.command("watch", "trainer"))
	x.await(`^loss +0\.01 +step 99 +█▃▂`)
	f.says("set", "trainer", "learning_rate=0.5")
	x.await(`learning_rate: 0\.01 → 0\.5`, `^loss +0\.01`)
	y := newTerminal(t, 80, 24, f.command("watch", "trainer.loss"))
	y.await(`^loss = 0\.01  step 99`, `^ +1 │`, `0\.01 │`)
	f.says("stop", "trainer")
	x.await(`stopped`, `^loss +0\.01`)
	if code := x.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	y.end()
}
