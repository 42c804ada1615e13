package supervisor

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

func after(name string, deps ...config.Dependency) func(*config.Script) *config.Script {
	return func(c *config.Script) *config.Script {
		c.Name, c.DependsOn = name, deps
		return c
	}
}

func TestDependencies(t *testing.T) {
	r := newRig(t, Options{},
		after("train", config.Dependency{Script: "prepare"})(testPlugin("", "waits")),
		after("watch", config.Dependency{Script: "train", Ready: true})(testPlugin("", "waits")),
		testPlugin("prepare", "steps"),
	)
	r.start()
	r.log("watch", "waiting")
	events := r.seen("", func([]script.Event) bool { return true })
	position := func(name string, state script.State) int {
		return slices.IndexFunc(events, func(e script.Event) bool {
			s, ok := e.Body.(script.StateChanged)
			return ok && e.Script == name && s.State == state
		})
	}
	if position("train", script.Starting) < position("prepare", script.Finished) {
		t.Error("train did not wait for prepare")
	}
	if position("watch", script.Starting) < max(position("train", script.Ready), 0) {
		t.Error("watch did not wait for train")
	}
	if i := position("train", script.Waiting); i < 0 || events[i].Body.(script.StateChanged).Reason != "for prepare to finish" {
		t.Errorf("train waited: %d", i)
	}
	// The end is in reverse order.
	if err := r.StopAll(r.soon(), nil); err != nil {
		t.Fatal(err)
	}
	events = r.seen("", func([]script.Event) bool { return true })
	if position("train", script.Stopping) < position("watch", script.Stopped) {
		t.Error("train was stopped before watch had ended")
	}
}

func TestFailedDependency(t *testing.T) {
	r := newRig(t, Options{},
		testPlugin("prepare", "fails:1"),
		after("train", config.Dependency{Script: "prepare"})(testPlugin("", "steps")),
		after("watch", config.Dependency{Script: "train"})(testPlugin("", "steps")),
	)
	idle := r.Idle()
	r.start()
	<-idle
	r.seen("reason of train", func(events []script.Event) bool {
		s := states(events, "train")
		return len(s) > 0 && s[len(s)-1].Reason == "for prepare, which failed: exit code 1"
	})
	r.seen("reason of watch", func(events []script.Event) bool {
		s := states(events, "watch")
		return len(s) > 0 && s[len(s)-1].Reason == "for train, which waits itself for prepare, which failed: exit code 1"
	})
	// What it waits for is repaired by hand.
	r.conf["prepare"].Env[kindName] = "steps"
	if err := r.Start(r.soon(), "prepare"); err != nil {
		t.Fatal(err)
	}
	r.state("watch", script.Finished, 1)
}

func TestStartLimit(t *testing.T) {
	r := newRig(t, Options{StartLimit: 1, StartTimeout: time.Hour}, testPlugin("first", "mute"))
	r.start()
	r.state("first", script.Starting, 1)
	if err := r.Add(testPlugin("second", "waits")); err != nil {
		t.Fatal(err)
	}
	waiting := r.state("second", script.Waiting, 1)
	wantText(t, waiting.Reason, "for a place to start")
	if err := r.Stop(r.soon(), "first"); err != nil {
		t.Fatal(err)
	}
	r.log("second", "waiting")
}

func TestStartStopRestart(t *testing.T) {
	conf := testPlugin("trainer", "waits")
	conf.Autostart = false
	r := newRig(t, Options{}, conf)
	r.start()
	r.state("trainer", script.Stopped, 1)
	_, err := r.SetParameters(r.soon(), "trainer", script.Batch{ID: "1"})
	wantError(t, err, script.CodeUnavailable, "does not run", "mlhost start trainer")
	for _, verb := range []func(context.Context, string) error{r.Start, r.Stop, r.Restart, r.Pause, r.Resume} {
		wantError(t, verb(r.soon(), "trianer"), script.CodeNotFound, "trainer")
	}
	if err := r.Start(r.soon(), "trainer"); err != nil {
		t.Fatal(err)
	}
	first := r.process("trainer")
	wantError(t, r.Start(r.soon(), "trainer"), script.CodeRejected, "runs already", first.Run())
	reply, err := r.SetParameters(r.soon(), "trainer", script.Batch{ID: "1", Author: "user:t", Values: map[string]script.Value{"rate": script.Float(0.25)}})
	if err != nil || len(reply.Outcomes) != 1 || reply.Outcomes[0].Status != script.Applied {
		t.Fatalf("%+v, %v", reply, err)
	}
	if err := r.Restart(r.soon(), "trainer"); err != nil {
		t.Fatal(err)
	}
	if second := r.process("trainer"); second.Run() == first.Run() || second.PID() == first.PID() {
		t.Errorf("restarted as the same run %s", second.Run())
	}
	wantError(t, r.Add(conf), script.CodeConflict, "trainer")
}

// What is asked of a script that is just being started waits until it runs, or
// until it is known that it does not.
func TestCallsWaitForTheStart(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "begin")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	conf := testPlugin("trainer", "slow:"+fifo)
	conf.Autostart = false
	r := newRig(t, Options{CallTimeout: patience}, conf)
	r.start()
	ask := func(ctx context.Context, errs chan<- error) {
		_, err := r.SetParameters(ctx, "trainer", script.Batch{ID: "1", Author: "user:t", Values: map[string]script.Value{"rate": script.Float(0.25)}})
		errs <- err
	}
	errs := make(chan error, 4)
	begin := func(nth int, say string) (set error) {
		t.Helper()
		started := make(chan error, 1)
		go func() { started <- r.Start(r.soon(), "trainer") }()
		r.state("trainer", script.Starting, nth)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		ask(ctx, errs)
		wantError(t, <-errs, script.CodeUnavailable, `"trainer" is still being started`)
		go ask(t.Context(), errs)
		if err := os.WriteFile(fifo, []byte(say), 0o600); err != nil { // opens when the plugin does
			t.Fatal(err)
		}
		<-started
		return <-errs
	}
	wantError(t, begin(1, "no GPU"), script.CodeUnavailable, "does not run (failed", "no GPU")
	nth := len(bodiesOf(r, "trainer", script.Starting)) + 1
	if err := begin(nth, ""); err != nil {
		t.Fatal(err)
	}
	go func() { errs <- r.Pause(t.Context(), "trainer") }() // it takes no step, and is stopped meanwhile
	if err := r.Stop(r.soon(), "trainer"); err != nil {
		t.Fatal(err)
	}
	wantError(t, <-errs, script.CodeUnavailable, "trainer")
}

// A set value outlives the run; one that does not fit any more is dropped.
func TestKeptValues(t *testing.T) {
	kept := func(context.Context, string) (map[string]script.Value, uint64, map[string]string, error) {
		return map[string]script.Value{"rate": script.Float(0.75), "steps": script.String("many"), "gone": script.Int(1)}, 7, nil, nil
	}
	unlucky := func(context.Context, string) (map[string]script.Value, uint64, map[string]string, error) {
		return map[string]script.Value{"steps": script.Int(13)}, 2, nil, nil
	}
	r := newRig(t, Options{Kept: kept}, testPlugin("trainer", "steps"))
	r.start()
	r.state("trainer", script.Finished, 1)
	events := r.seen("", func([]script.Event) bool { return true })
	start := bodies[script.RunStarted](events, "trainer")[0]
	if !start.Parameters["rate"].Equal(script.Float(0.75)) || !start.Parameters["steps"].Equal(script.Int(3)) || start.Revision != 7 {
		t.Errorf("started with %+v", start)
	}
	if w := bodies[script.Warned](events, "trainer"); len(w) != 2 {
		t.Errorf("warnings %+v", w)
	}
	r = newRig(t, Options{Kept: unlucky}, testPlugin("trainer", "steps"))
	r.start()
	r.state("trainer", script.Finished, 1)
	events = r.seen("", func([]script.Event) bool { return true })
	if w := bodies[script.Warned](events, "trainer"); len(w) != 1 {
		t.Errorf("warnings %+v", w)
	} else {
		wantText(t, w[0].Text, "13 steps bring bad luck", "configured ones")
	}
}

// The link is opened again when it breaks.
func TestLinkIsReopened(t *testing.T) {
	links := make(chan *Process, 10)
	r := newRig(t, Options{Link: func(_ context.Context, p *Process, l wire.Link) error {
		links <- p
		return errTest
	}}, testPlugin("trainer", "waits"))
	r.start()
	for range 3 {
		if p := <-links; p.Name() != "trainer" {
			t.Errorf("link of %s", p.Name())
		}
	}
}

// While events cannot be kept, nothing is lost.
func TestEmitFails(t *testing.T) {
	r := newRig(t, Options{}, testPlugin("trainer", "many:5000"))
	refused := make(chan struct{})
	r.refuse = func(events []script.Event) error { // the first batch that has samples, twice
		samples := func(e script.Event) bool { _, ok := e.Body.(script.Samples); return ok }
		if !slices.ContainsFunc(events, samples) || isClosed(refused) {
			return nil
		}
		if r.refusals++; r.refusals == 2 {
			close(refused)
		}
		return errTest
	}
	r.start()
	select {
	case <-refused:
	case <-time.After(patience):
		t.Fatal("no samples were emitted")
	}
	r.state("trainer", script.Finished, 1)
	n := 0
	for _, s := range bodies[script.Samples](r.seen("", func([]script.Event) bool { return true }), "trainer") {
		n += len(s.Samples)
	}
	if n != 5000 {
		t.Errorf("%d samples", n)
	}
}

func TestStalled(t *testing.T) {
	conf := testPlugin("trainer", "waits")
	conf.StalledAfter = 300 * time.Millisecond
	r := newRig(t, Options{Heartbeat: 100 * time.Millisecond}, conf)
	r.start()
	stalled := r.state("trainer", script.Stalled, 1)
	if stalled.Reason != "no step and no output for 300ms" {
		t.Errorf("reason %q", stalled.Reason)
	}
}

// What an earlier host left is taken up once: a recorded end is recorded, a
// dead process is lost, a stranger is not touched.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	boot, err := bootID()
	if err != nil {
		t.Fatal(err)
	}
	stranger := exec.Command("sleep", "1000")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Process.Kill(); _ = stranger.Wait() }()
	began, err := startTime(stranger.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	leave := func(name string, in instance) string {
		in.Run, in.Script, in.BootID, in.Begun = "run-"+name, name, boot, true
		run := filepath.Join(dir, "runs", in.Run)
		if err := os.MkdirAll(filepath.Join(run, oldSocketDir), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := writeInstance(run, in, true); err != nil {
			t.Fatal(err)
		}
		return run
	}
	code := 0
	ended := leave("ended", instance{PID: 1 << 22, StartTime: 1})
	if err := wire.WriteExit(ended, wire.Exit{Run: "run-ended", State: script.Finished, ExitCode: &code, Time: time.Now()}); err != nil {
		t.Fatal(err)
	}
	leave("vanished", instance{PID: 1 << 22, StartTime: 1})
	leave("reused", instance{PID: stranger.Process.Pid, StartTime: began - 1})
	leave("unproven", instance{PID: stranger.Process.Pid, StartTime: began})
	torn := filepath.Join(dir, "runs", "run-torn")
	if err := os.MkdirAll(torn, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(torn, instanceFile), []byte(`{"run":`), 0o600); err != nil {
		t.Fatal(err)
	}

	r := newRig(t, Options{Dir: dir})
	r.sweep(t.Context())
	if end := r.state("ended", script.Finished, 1); end.ExitCode == nil || *end.ExitCode != 0 {
		t.Errorf("ended: %+v", end)
	}
	wantText(t, r.state("vanished", script.Lost, 1).Reason, "vanished without an exit record")
	wantText(t, r.state("reused", script.Lost, 1).Reason, "belongs to another process")
	wantText(t, r.state("unproven", script.Lost, 1).Reason, "belongs to another process")
	if _, err := startTime(stranger.Process.Pid); err != nil {
		t.Errorf("the stranger: %v", err)
	}
	r.checkNothingLeft()
	again := newRig(t, Options{Dir: dir})
	again.sweep(t.Context())
	if len(again.events) > 0 {
		t.Errorf("recorded twice: %s", show(again.events))
	}
}
