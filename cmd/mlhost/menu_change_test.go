package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlhost/mlhost/host"
)

// A change that waits is shown as waiting, and as applied when it is; a script
// that does not run keeps it for the next one; what is typed stays what was
// typed when the value changes meanwhile; a script is asked.
func TestMenuChanges(t *testing.T) {
	f := newFolder(t, map[string]string{
		"config.hcl": "host { name = \"lab1\" }\nscript \"slow\" {\n  source = \"slow.py\"\n}\nscript \"off\" {\n  source    = \"slow.py\"\n  autostart = false\n}\n",
		"slow.py": `
import os
import time
import mlhost

rate = mlhost.param("rate", 1.0, min=0, max=10)

@mlhost.answers("double")
def double(data):
    return data * 2

for step in mlhost.loop(10**9):
    while step < 5 and not os.path.exists("go"):
        time.sleep(0.01)
    time.sleep(0.01)
`,
	})
	f.says("run", "--detach", "config.hcl")
	f.await(`rate`, "get", "slow")
	x := newTerminal(t, 80, 24, f.command())
	x.await(`slow +running`)
	x.press("/", "slow", "enter", "4")
	x.await(`> rate`)
	x.press("enter", "2", "tab", "5")
	x.await(`at step +5`, `^\$ mlhost set slow rate=2 --at-step 5$`)
	x.press("enter")
	x.await(`> rate +1\.0 \(next: 2\.0\) .*pending: 2\.0 at step 5`)
	if err := os.WriteFile(filepath.Join(f.dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	x.await(`rate +2\.0 .*applied: 2\.0 at step 5`)

	x.press("enter", "3")
	x.await(`new +3`)
	f.says("set", "slow", "rate=4")
	x.await(`is +4\.0 .*changed while you edit, was 2\.0`, `new +3`)
	x.back(`> rate`)
	x.press("6")
	x.await(`slow answers double`, `^\$ mlhost mailbox slow$`)
	x.press("a")
	x.await(`ask slow`, `topic +double`)
	x.press("tab", "21", "enter")
	x.await(`reply: 42`, `^\$ mlhost call slow double 21$`)
	x.back(`MAILBOX`)
	x.back(`1 List`)
	x.back(`off +stopped`)
	x.press("/", "off", "enter", "4")
	x.await(`off .* parameters|> rate`)
	x.press("enter")
	x.await(`new +1\.0`)
	x.press("7", "enter")
	x.await(`next run: 7`)
	x.press("q")
	x.end()
}

// When the host goes away the menu says so, and goes on when one is back.
func TestMenuHostGone(t *testing.T) {
	f := menuFolder(t)
	f.says("run", "--detach", "config.hcl")
	x := newTerminal(t, 80, 24, f.command())
	x.await(`trainer +running`)
	pid, err := host.LockHolder(filepath.Join(f.state, "lab1"))
	if err != nil || pid == 0 {
		t.Fatalf("the host's pid: %d, %v", pid, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	x.await(`scripts run on without it`)
	f.says("run", "--detach", "config.hcl")
	x.await(`trainer +running`, `enter open`)
	for {
		screen, changed := x.text()
		if !strings.Contains(screen, "run on without it") {
			break
		}
		select {
		case <-changed:
		case <-time.After(60 * time.Second):
			t.Fatalf("it does not see the host:\n%s", screen)
		}
	}
	x.press("q")
	x.end()
	if !strings.Contains(x.output(), "script runs on: trainer") {
		t.Errorf("leaving says:\n%s", x.output()[max(0, len(x.output())-300):])
	}
}

// Where several hosts run one is chosen.
func TestMenuSeveralHosts(t *testing.T) {
	f := menuFolder(t)
	f.says("run", "--detach", "config.hcl", "--host", "lab1")
	f.says("run", "--detach", "config.hcl", "--host", "lab2")
	x := newTerminal(t, 80, 24, f.command())
	x.await(`Several hosts run here`, `1  Enter the host lab1`, `2  Enter the host lab2`)
	x.press("2")
	x.await(`^lab2 `, `trainer +running`, `^\$ mlhost --host lab2 ps$`)
	x.press("q")
	x.end()
	if !strings.Contains(x.output(), "`mlhost --host lab2` returns") {
		t.Errorf("leaving says:\n%s", x.output()[max(0, len(x.output())-300):])
	}
}
