package supervisor

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// left is a rig whose host has gone and left its scripts running.
func left(t *testing.T, scripts ...*config.Script) *rig {
	t.Helper()
	r := newRig(t, Options{}, scripts...)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(t.Context()) }()
	for _, s := range scripts {
		r.seen("a sample of "+s.Name, func(events []script.Event) bool { return len(bodies[script.Samples](events, s.Name)) > 3 })
	}
	r.goes(ended)
	return r
}

// goes makes the host go. Its processes are this test's children all the same.
func (r *rig) goes(ended <-chan error) {
	r.t.Helper()
	for _, name := range r.order {
		p := r.process(name)
		r.t.Cleanup(func() {
			var ws syscall.WaitStatus
			_, _ = syscall.Wait4(p.PID(), &ws, 0, nil)
		})
		r.procs = append(r.procs, p)
	}
	r.Leave()
	if err := <-ended; err != nil {
		r.t.Fatal(err)
	}
}

// next is the host that comes after r on the same directory. It knows what r
// has kept.
func (r *rig) next(scripts ...*config.Script) *rig {
	r.t.Helper()
	n := newRig(r.t, Options{
		Dir: r.options.Dir,
		LastSeq: func(_ context.Context, run string) (uint64, error) {
			last := uint64(0)
			for _, e := range r.events {
				if e.Run == run {
					last = max(last, e.Seq)
				}
			}
			return last, nil
		},
		LogEnd: func(_ context.Context, run, stream string) (int64, bool, error) {
			var last script.LogLine
			for _, e := range r.events {
				if l, ok := e.Body.(script.LogLine); ok && e.Run == run && l.Stream == stream {
					last = l
				}
			}
			return last.End, last.Partial, nil
		},
	}, scripts...)
	for name := range n.units {
		states := states(r.events, name)
		if len(states) == 0 {
			continue
		}
		last := states[len(states)-1]
		if err := n.Recall(name, r.run(name), last.State, last.Reason); err != nil {
			r.t.Fatal(err)
		}
	}
	return n
}

// said returns what was emitted until now.
func (r *rig) said() []script.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events
}

// run is the script's last run.
func (r *rig) run(name string) string {
	run := ""
	for _, e := range r.events {
		if _, ok := e.Body.(script.RunStarted); ok && e.Script == name {
			run = e.Run
		}
	}
	return run
}

func (r *rig) set(name, parameter string, v script.Value) {
	r.t.Helper()
	reply, err := r.SetParameters(r.soon(), name, script.Batch{ID: parameter, Author: "user:t", Values: map[string]script.Value{parameter: v}})
	if err != nil || reply.Rejected() {
		r.t.Fatalf("set %s: %+v, %v", parameter, reply, err)
	}
}

// checkTalk tests that what a script that talks has said is there without a
// gap or a double, and returns how many samples there are.
func checkTalk(t *testing.T, name string, rigs ...*rig) int {
	t.Helper()
	samples, lines := 0, 0
	for _, r := range rigs {
		events := r.said()
		for _, b := range bodies[script.Samples](events, name) {
			for _, s := range b.Samples {
				if v, _ := s.Value.Float(); v != float64(samples) {
					t.Fatalf("sample %v, not %d", v, samples)
				}
				samples++
			}
		}
		for _, l := range bodies[script.LogLine](events, name) {
			if l.Text != strconv.Itoa(lines) {
				t.Fatalf("line %q, not %d", l.Text, lines)
			}
			lines++
		}
	}
	if samples != lines {
		t.Errorf("%d samples, %d lines", samples, lines)
	}
	return samples
}

// A process that runs is taken over: it goes on as if no host had gone.
func TestAdopt(t *testing.T) {
	conf := testPlugin("trainer", "talks")
	r := left(t, conf)
	next := r.next(conf)
	next.start()
	next.state("trainer", script.Running, 1)
	if was, is := r.procs[0], next.process("trainer"); was.PID() != is.PID() || was.Run() != is.Run() {
		t.Errorf("process %d with run %s, not %d with %s", is.PID(), is.Run(), was.PID(), was.Run())
	}
	next.seen("more samples", func(events []script.Event) bool { return len(bodies[script.Samples](events, "trainer")) > 3 })
	if n := len(bodies[script.RunStarted](next.said(), "trainer")); n > 0 {
		t.Errorf("%d new runs", n)
	}
	if err := next.Pause(next.soon(), "trainer"); err != nil {
		t.Error(err)
	}
	next.state("trainer", script.Paused, 1)
	if err := next.Resume(next.soon(), "trainer"); err != nil {
		t.Error(err)
	}
	wantError(t, next.Start(next.soon(), "trainer"), script.CodeRejected, "runs already")
	next.set("trainer", "rate", script.Float(0.25))
	next.set("trainer", "text", script.String("end"))
	end := next.state("trainer", script.Finished, 1)
	if end.ExitCode == nil || *end.ExitCode != 0 {
		t.Errorf("it ended %+v", end)
	}
	if results := bodies[script.ResultSet](next.said(), "trainer"); len(results) != 1 || !results[0].Value.Equal(script.Float(0.25)) {
		t.Errorf("results: %v", results)
	}
	checkTalk(t, "trainer", r, next)
}

// A second host takes over from the first one that did.
func TestAdoptTwice(t *testing.T) {
	conf := testPlugin("trainer", "talks")
	r := left(t, conf)
	second := r.next(conf)
	ended := make(chan error, 1)
	go func() { ended <- second.Run(t.Context()) }()
	second.seen("samples", func(events []script.Event) bool { return len(bodies[script.Samples](events, "trainer")) > 3 })
	second.Leave()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	first := len(r.events)
	r.events = append(r.events, second.said()...)
	third := r.next(conf)
	third.start()
	third.seen("samples", func(events []script.Event) bool { return len(bodies[script.Samples](events, "trainer")) > 3 })
	if err := third.Stop(third.soon(), "trainer"); err != nil {
		t.Fatal(err)
	}
	if n := checkTalk(t, "trainer", r, third); n < first/4 {
		t.Errorf("%d samples", n)
	}
}

// How an adopted process ends is known from its record, and its policy is
// followed.
func TestAdoptedFails(t *testing.T) {
	conf := testPlugin("trainer", "talks")
	conf.Restart = config.Restart{Policy: config.RestartOnFailure, MaxAttempts: 2, Backoff: time.Millisecond}
	r := left(t, conf)
	next := r.next(conf)
	next.start()
	next.state("trainer", script.Running, 1)
	next.set("trainer", "text", script.String("fail"))
	if end := next.state("trainer", script.Failed, 1); end.ExitCode == nil || *end.ExitCode != 7 {
		t.Errorf("it ended %+v", end)
	}
	checkTalk(t, "trainer", r, next)
	next.seen("the next run", func(events []script.Event) bool {
		runs := bodies[script.RunStarted](events, "trainer")
		return len(runs) == 1 && runs[0].Attempt == 1
	})
}

func TestAdoptedVanishes(t *testing.T) {
	conf := testPlugin("trainer", "talks")
	r := left(t, conf)
	next := r.next(conf)
	next.start()
	next.state("trainer", script.Running, 1)
	_, _ = next.SetParameters(next.soon(), "trainer", script.Batch{ID: "1", Author: "user:t", // it may be gone before it answers
		Values: map[string]script.Value{"text": script.String("vanish")}})
	// Both hosts are this process, which is the parent: it knows the status, as
	// after an upgrade.
	wantText(t, next.state("trainer", script.Failed, 1).Reason, "killed by signal 9")
}

// A script that ended while no host was there is not started again.
func TestEndedMeanwhile(t *testing.T) {
	conf := testPlugin("trainer", "talks")
	conf.Restart.Policy = config.RestartOnFailure
	after := testPlugin("after", "waits")
	after.DependsOn = []config.Dependency{{Script: "trainer"}}
	r := left(t, conf)
	p := r.procs[0]
	// Somebody else ends it: the host has gone.
	finishAlone(t, p)
	next := r.next(conf, after)
	next.start()
	end := next.state("trainer", script.Finished, 1)
	if end.ExitCode == nil || *end.ExitCode != 0 {
		t.Errorf("it ended %+v", end)
	}
	next.state("after", script.Running, 1) // what waited for it goes on
	if runs := bodies[script.RunStarted](next.said(), "trainer"); len(runs) > 0 {
		t.Errorf("it was started again: %+v", runs)
	}
	if results := bodies[script.ResultSet](next.said(), "trainer"); len(results) != 1 {
		t.Errorf("results: %v", results)
	}
	checkTalk(t, "trainer", r, next)
}

// An end that the host before had told, though not cleared up after, is not
// told again; one that it had cleared up after, though not told, is told.
func TestEndIsToldOnce(t *testing.T) {
	r := newRig(t, Options{}, testPlugin("trainer", "steps"))
	ended := make(chan error, 1)
	go func() { ended <- r.Run(t.Context()) }()
	r.state("trainer", script.Finished, 1)
	r.Leave()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(r.options.Dir, "runs", r.run("trainer"))
	if err := writeInstance(dir, instance{Run: r.run("trainer"), Script: "trainer", Begun: true}, false); err != nil {
		t.Fatal(err)
	}
	next := r.next(r.conf["trainer"])
	next.start()
	<-next.Swept()
	if all := states(next.said(), "trainer"); len(all) > 0 {
		t.Errorf("its end is told again: %v", all)
	}

	r.events = slices.DeleteFunc(r.events, func(e script.Event) bool {
		s, ok := e.Body.(script.StateChanged)
		return ok && s.State == script.Finished
	})
	untold := r.next(r.conf["trainer"])
	untold.start()
	if end := untold.state("trainer", script.Finished, 1); end.ExitCode == nil || *end.ExitCode != 0 {
		t.Errorf("it ended %+v", end)
	}
}

// finishAlone makes a script end that no host attends to.
func finishAlone(t *testing.T, p *Process) {
	t.Helper()
	conn, err := dial(p.instance.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := wire.NewClient(conn).SetParameters(ctx, script.Batch{ID: "end", Author: "user:t",
		Values: map[string]script.Value{"text": script.String("end")}}); err != nil {
		t.Fatal(err)
	}
	h, err := openHandle(p.instance.PID)
	if err != nil {
		return // it has ended
	}
	defer h.close()
	if err := h.wait(ctx); err != nil {
		t.Fatal(err)
	}
}

// forge changes the record of a process.
func forge(t *testing.T, p *Process, change func(*instance)) {
	t.Helper()
	in, err := readInstance(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	change(&in)
	if err := writeInstance(p.dir, in, false); err != nil {
		t.Fatal(err)
	}
}

// A process that has the recorded pid by chance is not touched.
func TestAnotherProcessIsLeftAlone(t *testing.T) {
	for name, change := range map[string]func(in *instance, began uint64){
		"pid":                        func(*instance, uint64) {},
		"pid and start":              func(in *instance, began uint64) { in.StartTime, in.Socket = began, "unix:/nowhere" },
		"beside the plugin's socket": func(in *instance, began uint64) { in.StartTime = began },
	} {
		conf := testPlugin("trainer", "talks")
		r := left(t, conf)
		other := exec.CommandContext(t.Context(), "sleep", "1000")
		if err := other.Start(); err != nil {
			t.Fatal(err)
		}
		began, err := startTime(other.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		forge(t, r.procs[0], func(in *instance) {
			in.PID = other.Process.Pid
			change(in, began)
		})
		next := r.next(conf)
		next.start()
		wantText(t, next.state("trainer", script.Lost, 1).Reason, "belongs to another process")
		if err := other.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = other.Wait() // it was killed
		if status, ok := other.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
			t.Errorf("%s: the other process was ended before: %v", name, other.ProcessState)
		}
	}
}

// A process that is ours but does not fit is ended.
func TestWhatDoesNotFitIsFenced(t *testing.T) {
	for name, change := range map[string]func(*instance){
		"another process answers": func(in *instance) { in.Nonce = "forged" },
		"protocol":                func(in *instance) { in.Protocol = 99 },
		"did not say who it is":   func(in *instance) { in.Socket = "unix:/nowhere" },
	} {
		t.Run(name, func(t *testing.T) {
			conf := testPlugin("trainer", "talks")
			conf.Restart = config.Restart{Policy: config.RestartOnFailure, MaxAttempts: 1}
			r := left(t, conf)
			forge(t, r.procs[0], change)
			next := r.next(conf)
			next.start()
			wantText(t, next.state("trainer", script.Lost, 1).Reason, name)
			next.seen("the next run", func(events []script.Event) bool { return len(bodies[script.RunStarted](events, "trainer")) == 1 })
			if p := next.process("trainer"); p.PID() == r.procs[0].PID() {
				t.Error("it is the same process")
			}
		})
	}
}

// silence stops the process of a script from doing anything, until again is
// called.
func (r *rig) silence(i int) (again func()) {
	r.t.Helper()
	pid := r.procs[i].PID()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		r.t.Fatal(err)
	}
	again = func() { _ = syscall.Kill(pid, syscall.SIGCONT) } // it may have been ended
	r.t.Cleanup(again)
	return again
}

// A process that does not answer is waited for, and holds no other up.
func TestSilentIsWaitedFor(t *testing.T) {
	silent, other := testPlugin("silent", "talks"), testPlugin("other", "talks")
	r := left(t, silent, other)
	again := r.silence(slices.Index(r.order, "silent"))
	next := r.next(silent, other)
	next.options.CallTimeout = 300 * time.Millisecond
	next.start()
	next.state("other", script.Running, 1)
	wantText(t, next.state("silent", script.Stuck, 1).Reason, "has not answered since")
	again()
	next.state("silent", script.Running, 1)
	for i, name := range r.order {
		if pid := next.process(name).PID(); pid != r.procs[i].PID() {
			t.Errorf("%s has process %d, and had %d", name, pid, r.procs[i].PID())
		}
	}
	for _, name := range r.order {
		if err := next.Stop(next.soon(), name); err != nil {
			t.Error(err)
		}
		checkTalk(t, name, r, next)
	}
}

// One that does not answer can be stopped, and a host that ends leaves it.
func TestSilentIsStopped(t *testing.T) {
	conf := testPlugin("trainer", "talks")
	r := left(t, conf)
	r.silence(0)
	between := r.next(conf)
	between.options.CallTimeout = 300 * time.Millisecond
	ended := make(chan error, 1)
	go func() { ended <- between.Run(t.Context()) }()
	between.state("trainer", script.Stuck, 1)
	between.Leave()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := states(between.said(), "trainer"); len(got) != 1 {
		t.Errorf("the host that went told %v", got)
	}
	next := r.next(conf)
	next.options.CallTimeout = 300 * time.Millisecond
	next.start()
	next.state("trainer", script.Stuck, 1)
	if err := next.Stop(next.soon(), "trainer"); err != nil {
		t.Fatal(err)
	}
	if got := next.state("trainer", script.Stopped, 1).Reason; got != "on request" {
		t.Errorf("it was stopped %q", got)
	}
	if _, err := startTime(r.procs[0].PID()); err == nil {
		t.Error("its process is still there")
	}
}

// A script that the configuration does not name any more is stopped.
func TestUnnamedIsStopped(t *testing.T) {
	r := left(t, testPlugin("trainer", "talks"))
	next := r.next()
	next.start()
	wantText(t, next.state("trainer", script.Stopped, 1).Reason, "does not name it")
	checkTalk(t, "trainer", r, next)
}

// An adopted process that does not heed a stop is killed with all its like.
func TestHurryAdopted(t *testing.T) {
	conf := testPlugin("trainer", "deaf")
	conf.StopGrace = time.Hour
	r := newRig(t, Options{}, conf)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(t.Context()) }()
	r.log("trainer", "deaf")
	r.goes(ended)
	next := r.next(conf)
	next.start()
	next.state("trainer", script.Running, 1)
	hurry := make(chan struct{})
	close(hurry)
	if err := next.StopAll(next.soon(), hurry); err != nil {
		t.Error(err)
	}
	wantText(t, next.state("trainer", script.Stopped, 1).Reason, "was hurried")
}

func TestAdoptedFamilyIsStopped(t *testing.T) {
	conf := testPlugin("trainer", "family")
	r := newRig(t, Options{}, conf)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(t.Context()) }()
	r.log("trainer", "waiting")
	r.goes(ended)
	next := r.next(conf)
	next.start()
	next.state("trainer", script.Running, 1)
	if err := next.Stop(next.soon(), "trainer"); err != nil {
		t.Error(err)
	}
	next.checkNothingLeft()
}
