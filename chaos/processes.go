//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/internal/proc"
	"github.com/mlhost/mlhost/shared/script"
)

var allRuns = client.RunFilter{Limit: 10_000}

// crashLoops lets scripts fail for ever beside one that works.
func crashLoops(ctx context.Context, l *lab, o *outcome) error {
	n := l.scaled(20, 4)
	h, err := l.newHost()
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(h.counter("good", ", pause = 0.5"))
	for i := range n {
		fmt.Fprintf(&b, "script \"bad%d\" {\n  source = \"bad.sh\"\n  interpreter = \"bash\"\n  restart {\n    max_attempts = 4\n    backoff = \"200ms\"\n  }\n}\n", i)
	}
	if err := h.write("bad.sh", "exit 1\n"); err != nil {
		return err
	}
	if err := h.launch(ctx, b.String()); err != nil {
		return err
	}
	var bad []string
	for i := range n {
		bad = append(bad, fmt.Sprintf("bad%d", i))
	}
	if err := h.reach(ctx, 2*time.Minute, []script.State{script.Failed}, bad...); err != nil {
		return err
	}
	runs, err := h.Runs(ctx, allRuns)
	if err != nil {
		return err
	}
	o.count("scripts that always fail", float64(n))
	o.zero("runs over the budget", len(runs.Runs)-1-5*n)
	o.zero("pauses out of 200, 400, 800, 1600 ms, ± 10 % and the time to start", pauses(runs.Runs, bad))
	now, err := h.all(ctx)
	if err != nil {
		return err
	}
	disturbed := now["good"].Restarts
	if now["good"].State != script.Running {
		disturbed++
	}
	o.zero("disturbances of the others", disturbed)
	if err := h.idleCost(ctx, o); err != nil {
		return err
	}
	return h.account(ctx, o, map[string]v1.Script{"good": now["good"]})
}

// pauses counts those between a script's runs that are too short.
func pauses(runs []v1.Run, names []string) int {
	wrong := 0
	for _, name := range names {
		want := 180 * time.Millisecond
		var last *v1.Run
		for i := len(runs) - 1; i >= 0; i-- { // oldest first
			r := &runs[i]
			if r.Script != name {
				continue
			}
			if last != nil && last.Finished != nil {
				if r.Started.Sub(*last.Finished) < want {
					wrong++
				}
				want *= 2
			}
			last = r
		}
	}
	return wrong
}

// idleCost measures the host's processor time while nothing happens.
func (h *host) idleCost(ctx context.Context, o *outcome) error {
	pid, err := h.pid()
	if err != nil {
		return err
	}
	before, err := proc.CPU(pid)
	if err != nil {
		return err
	}
	const seconds = 3
	select {
	case <-time.After(seconds * time.Second): // what is measured is time
	case <-ctx.Done():
		return ctx.Err()
	}
	after, err := proc.CPU(pid)
	if err != nil {
		return err
	}
	o.atMost("host's share of a core afterwards, %", 100*(after-before).Seconds()/seconds, 2)
	return nil
}

// wrapperDies kills the wrapper of a script that does not listen.
func wrapperDies(ctx context.Context, l *lab, o *outcome) error {
	h, err := l.newHost()
	if err != nil {
		return err
	}
	err = h.write("deaf.py", "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    time.sleep(60)\n")
	if err != nil {
		return err
	}
	if err := h.launch(ctx, "script \"deaf\" {\n  source = \"deaf.py\"\n  restart {\n    backoff = \"50ms\"\n  }\n}\n"); err != nil {
		return err
	}
	n := l.scaled(10, 2)
	survivors, notLost, again := 0, 0, 0
	for i := range n {
		o.at("wrapper %d of %d", i+1, n)
		if err := h.reach(ctx, time.Minute, running, "deaf"); err != nil {
			return err
		}
		now, err := h.all(ctx)
		if err != nil {
			return err
		}
		s := now["deaf"]
		if err := syscall.Kill(*s.PluginPID, syscall.SIGKILL); err != nil {
			return err
		}
		if err := until(ctx, 10*time.Second, "the script is ended", func() (bool, error) { return !proc.Lives(*s.PID), nil }); err != nil {
			survivors++
		}
		var run v1.RunDetail
		err = until(ctx, 10*time.Second, "the run has ended", func() (bool, error) {
			run, err = h.Run(ctx, s.Run)
			return err == nil && run.State.Ended(), err
		})
		if err != nil {
			return err
		}
		if run.State != script.Lost {
			notLost++
		}
		if err := until(ctx, 30*time.Second, "the restart policy is applied", func() (bool, error) {
			now, err := h.all(ctx)
			next := now["deaf"]
			return err == nil && next.State == script.Running && next.Run != s.Run && next.Restarts == 1, err
		}); err != nil {
			return err
		}
		again++
		if i == n-1 {
			break
		}
		if _, err := h.Act(ctx, "deaf", "restart"); err != nil { // the budget is full again
			return err
		}
	}
	o.count("wrappers killed", float64(n))
	o.zero("scripts that outlived their wrapper", survivors)
	o.zero("runs not told as lost", notLost)
	o.count("scripts started again by their policy", float64(again))
	return nil
}

// hung stops a plugin by SIGSTOP, lets another never answer a call, and a third
// wait for ever in the handler of a change.
func hung(ctx context.Context, l *lab, o *outcome) error {
	h, err := l.newHost()
	if err != nil {
		return err
	}
	now, err := h.begin(ctx, fmt.Sprintf("script \"frozen\" {\n  plugin = %q\n  stop_grace = \"1s\"\n}\nscript \"silent\" {\n  plugin = %q\n}\nscript \"locked\" {\n  plugin = %q\n  stop_grace = \"1s\"\n}\nscript \"good\" {\n  plugin = %q\n}\n", l.plugin, l.plugin, l.plugin, l.plugin))
	if err != nil {
		return err
	}
	if err := syscall.Kill(*now["frozen"].PluginPID, syscall.SIGSTOP); err != nil {
		return err
	}
	if err := h.reach(ctx, 20*time.Second, []script.State{script.Stuck}, "frozen"); err != nil {
		return err
	}
	unbounded := 0
	for name, call := range map[string]func() error{
		"a set": func() error {
			_, err := h.Set(ctx, "frozen", v1.Set{Values: map[string]script.Value{"code": script.Int(1)}})
			return err
		},
		"a set whose handler waits for ever": func() error {
			_, err := h.Set(ctx, "locked", v1.Set{Values: map[string]script.Value{"deadlock": script.Bool(true)}})
			return err
		},
		"an ask": func() error { _, err := h.Ask(ctx, "silent", v1.Ask{Topic: "hang", Timeout: 0.5}); return err },
	} {
		o.at("%s", name)
		began := time.Now()
		if err := call(); err == nil {
			o.breaks("%s of a hung script was answered", name)
		}
		if time.Since(began) > 40*time.Second {
			unbounded++
		}
	}
	o.zero("calls without a deadline", unbounded)
	reply, err := h.Ask(ctx, "good", v1.Ask{Topic: "echo", Data: script.Int(7), Timeout: 5})
	if got, _ := reply.Reply.Int(); err != nil || got != 7 {
		o.breaks("another script does not answer: %v", err)
	}
	for _, name := range []string{"frozen", "locked", "silent"} {
		o.at("stop %s", name)
		if _, err := h.Act(ctx, name, "stop"); err != nil {
			o.breaks("stop of a hung script: %v", err)
		}
		if proc.Lives(*now[name].PluginPID) {
			o.breaks("the hung process of %s lives on after stop", name)
		}
	}
	return nil
}

// leftovers stops scripts that leave processes behind in every way.
func leftovers(ctx context.Context, l *lab, o *outcome) error {
	h, err := l.newHost()
	if err != nil {
		return err
	}
	err = h.write("tree.py", `import os, signal, subprocess, sys, time
def spawn(session, deaf, twice, bare):
    pid = os.fork()
    if pid == 0:
        if session:
            os.setsid()
        if deaf:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if twice and os.fork():
            os._exit(0)
        with open("tree.pids", "a") as file:
            file.write("%d\n" % os.getpid())
        os.execve("/bin/sleep", ["sleep", "600"], {} if bare else os.environ)
open("tree.pids", "w").close()
for i in range(16):
    spawn(i & 1, i & 2, i & 4, i & 8)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("n=1", flush=True)
while True:
    time.sleep(60)
`)
	if err != nil {
		return err
	}
	n, left := l.scaled(5, 1), 0
	if err := h.launch(ctx, "script \"tree\" {\n  source = \"tree.py\"\n  stop_grace = \"2s\"\n  restart {\n    policy = \"never\"\n  }\n}\n"); err != nil {
		return err
	}
	for i := range n {
		o.at("tree %d of %d", i+1, n)
		if err := h.reach(ctx, time.Minute, running, "tree"); err != nil {
			return err
		}
		now, err := h.all(ctx)
		if err != nil {
			return err
		}
		run := now["tree"].Run
		var tree []int
		if err := until(ctx, 20*time.Second, "the tree stands", func() (bool, error) {
			tree, err = readPIDs(filepath.Join(h.dir, "tree.pids"))
			return len(tree) == 16, err
		}); err != nil {
			return err
		}
		for _, pid := range tree {
			if !proc.Lives(pid) {
				return fmt.Errorf("the process %d of the tree has ended by itself", pid)
			}
		}
		if _, err := h.Act(ctx, "tree", "stop"); err != nil {
			return err
		}
		left += len(proc.WithEnv("MLHOST_RUN", run))
		for _, pid := range tree { // half of them have no mark
			if proc.Lives(pid) {
				left++
				o.breaks("the process %d of the tree lives on after stop", pid)
			}
		}
		if err := os.Remove(filepath.Join(h.dir, "tree.pids")); err != nil {
			return err
		}
		if _, err := h.Act(ctx, "tree", "start"); err != nil {
			return err
		}
	}
	o.count("trees of 16 processes stopped", float64(n))
	o.zero("processes left by stop", left)
	return nil
}

// readPIDs reads a file with a process id on each line.
func readPIDs(path string) ([]int, error) {
	text, err := os.ReadFile(path)
	var pids []int
	for field := range strings.FieldsSeq(string(text)) {
		pid, e := strconv.Atoi(field)
		pids, err = append(pids, pid), errors.Join(err, e)
	}
	return pids, err
}
