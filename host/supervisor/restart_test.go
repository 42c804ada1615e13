package supervisor

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// handClock is a clock that the test moves.
type handClock struct {
	mu     sync.Mutex
	now    time.Time
	timers map[chan time.Time]time.Time
	asked  chan time.Duration // gets what was asked of After, for the durations that want accepts
	want   func(time.Duration) bool
}

func newHandClock(want func(time.Duration) bool) *handClock {
	return &handClock{now: time.Unix(1_800_000_000, 0), timers: map[chan time.Time]time.Time{}, asked: make(chan time.Duration, 100), want: want}
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) After(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	timer := make(chan time.Time, 1)
	c.timers[timer] = c.now.Add(d)
	if c.want(d) {
		c.asked <- d
	}
	return timer, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.timers, timer)
	}
}

func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for timer, at := range c.timers {
		if !at.After(c.now) {
			timer <- c.now
			delete(c.timers, timer)
		}
	}
}

func near(d, want time.Duration) bool { return d >= want*9/10 && d <= want*11/10 }

// A script that fails again and again is started again later each time, until
// its budget is used up; a person's start gives it the whole budget back.
func TestCrashLoop(t *testing.T) {
	conf := testPlugin("trainer", "fails:1")
	conf.Restart = config.Restart{Policy: config.RestartOnFailure, MaxAttempts: 3, Window: 10 * time.Minute, Backoff: 4 * time.Second, MaxBackoff: 10 * time.Second}
	clock := newHandClock(func(d time.Duration) bool { return d != time.Hour })
	r := newRig(t, Options{Clock: clock, Heartbeat: time.Hour}, conf, testPlugin("other", "waits"))
	r.start()
	loop := func(before int) {
		for n, want := range []time.Duration{4 * time.Second, 8 * time.Second, 10 * time.Second} {
			d := <-clock.asked
			if !near(d, want) {
				t.Fatalf("restart %d after %s, not %s", n+1, d, want)
			}
			back := r.state("trainer", script.Backoff, before+n+1)
			wantText(t, back.Reason, fmt.Sprintf("exit code 1, next start in %s (%d of 3)", roughly(d), n+1))
			clock.advance(d)
		}
	}
	loop(0)
	gaveUp := func(events []script.Event) bool {
		all := states(events, "trainer")
		last := all[len(all)-1]
		return last.State == script.Failed && strings.Contains(last.Reason, "exit code 1; given up after 3 restarts in 10m")
	}
	events := r.seen("giving up", gaveUp)
	starts := bodies[script.RunStarted](events, "trainer")
	if len(starts) != 4 || starts[0].Attempt != 0 || starts[3].Attempt != 3 {
		t.Errorf("started %+v", starts)
	}
	r.log("other", "waiting")

	if err := r.Start(r.soon(), "trainer"); err != nil {
		t.Fatal(err)
	}
	loop(3)
	events = r.seen("giving up again", gaveUp)
	if starts := bodies[script.RunStarted](events, "trainer"); starts[4].Attempt != 0 {
		t.Errorf("a person's start counts as restart %d", starts[4].Attempt)
	}
}

// A run that says that another try will not go better is not tried again.
func TestFinalFailure(t *testing.T) {
	conf := testPlugin("trainer", "hopeless")
	conf.Restart = config.Restart{Policy: config.RestartAlways, MaxAttempts: 3, Window: time.Hour, Backoff: time.Hour, MaxBackoff: time.Hour}
	r := newRig(t, Options{}, conf)
	idle := r.Idle()
	r.start()
	failed := r.state("trainer", script.Failed, 1)
	wantText(t, failed.Reason, "lambda is above 0.5")
	<-idle // a restart to come would keep it busy
}

func TestStopInBackoff(t *testing.T) {
	conf := testPlugin("trainer", "fails:1")
	conf.Restart = config.Restart{Policy: config.RestartAlways, MaxAttempts: 3, Window: time.Hour, Backoff: time.Hour, MaxBackoff: time.Hour}
	r := newRig(t, Options{}, conf)
	idle := r.Idle()
	r.start()
	r.state("trainer", script.Backoff, 1)
	// A start does not wait for the hour to pass.
	if err := r.Start(r.soon(), "trainer"); err != nil {
		t.Fatal(err)
	}
	r.state("trainer", script.Backoff, 2)
	if isClosed(idle) {
		t.Error("idle, though a start is to come")
	}
	if err := r.Stop(r.soon(), "trainer"); err != nil {
		t.Fatal(err)
	}
	r.state("trainer", script.Stopped, 1)
	<-idle
}

func TestPolicies(t *testing.T) {
	good := ending{state: script.Finished}
	bad := ending{state: script.Failed, reason: "exit code 1", lived: time.Second}
	fatalEnd := ending{state: script.Failed, reason: "no such file", fatal: true}
	stopped := ending{state: script.Stopped}
	for _, tt := range []struct {
		policy string
		end    ending
		want   bool
	}{
		{config.RestartNever, bad, false}, {config.RestartNever, good, false},
		{config.RestartOnFailure, bad, true}, {config.RestartOnFailure, good, false},
		{config.RestartOnFailure, fatalEnd, false}, {config.RestartOnFailure, stopped, false},
		{config.RestartOnFailure, ending{state: script.Lost}, true},
		{config.RestartAlways, bad, true}, {config.RestartAlways, good, true}, {config.RestartAlways, stopped, false},
	} {
		r := newRestarts(config.Restart{Policy: tt.policy, MaxAttempts: 5}, realClock{})
		got := r.after(tt.end)
		if got.yes != tt.want {
			t.Errorf("%s after %s: %v", tt.policy, tt.end.state, got.yes)
		}
		if got.yes && strings.HasPrefix(got.reason, ",") {
			t.Errorf("%s after %s: %q does not say why", tt.policy, tt.end.state, got.reason)
		}
	}
}

// One healthy minute gives the budget back, and so does the window's passing.
func TestBudget(t *testing.T) {
	clock := newHandClock(func(time.Duration) bool { return false })
	r := newRestarts(config.Restart{Policy: config.RestartOnFailure, MaxAttempts: 2, Window: 10 * time.Minute, Backoff: time.Second, MaxBackoff: time.Minute}, clock)
	bad := ending{state: script.Failed, reason: "exit code 1", lived: time.Second}
	steps := []struct {
		end  ending
		wait time.Duration
		yes  bool
	}{
		{bad, 0, true}, {bad, 0, true}, {bad, 0, false},
		{ending{state: script.Failed, reason: "exit code 1", lived: time.Minute}, 0, true},
		{bad, 0, true}, {bad, 0, false}, {bad, 11 * time.Minute, true},
	}
	for i, s := range steps {
		clock.advance(s.wait)
		if got := r.after(s.end); got.yes != s.yes {
			t.Errorf("step %d: %+v", i, got)
		}
	}
}

func TestRoughly(t *testing.T) {
	for d, want := range map[time.Duration]string{
		123 * time.Millisecond: "120ms", 4100 * time.Millisecond: "4s", time.Minute: "1m", 90 * time.Second: "1m30s",
		10 * time.Minute: "10m", 24 * time.Hour: "24h", 90 * time.Minute: "1h30m",
	} {
		if got := roughly(d); got != want {
			t.Errorf("%v: %q, not %q", d, got, want)
		}
	}
}
