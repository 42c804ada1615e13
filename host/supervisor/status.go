package supervisor

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// missedBeats is how many heartbeats may be missing before a process is stuck.
const missedBeats = 3

// status works out the state of a live process from what it says, and from its
// silence.
type status struct {
	p *Process

	heard   atomic.Int64 // when anything came from the process, in ns of its clock
	holding atomic.Bool  // what came waits to be kept: the silence is not the plugin's

	mu      sync.Mutex // held over the telling, so that states are told in order
	base    script.State
	reason  string // of base
	beats   int
	moved   time.Time // last step or output
	pid     int       // of the interpreter, where there is one
	stuck   bool
	stalled bool
	shown   script.StateChanged
	muted   bool   // what the process says of its state is not told: it is being replaced
	notice  string // shown where the state has no reason of its own
}

func (st *status) init(p *Process) {
	st.p, st.base, st.moved = p, script.Starting, p.s.clock.Now()
	st.hear()
}

// hear notes that the process lives.
func (st *status) hear() { st.heard.Store(st.p.s.clock.Now().UnixNano()) }

// silence is how long nothing came.
func (st *status) silence() time.Duration {
	return time.Duration(st.p.s.clock.Now().UnixNano() - st.heard.Load())
}

// beat takes a heartbeat: the first makes the script ready.
func (st *status) beat() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.beats++
	switch {
	case st.base == script.Starting:
		st.base = script.Ready
	case st.base == script.Ready && st.beats > 1:
		st.base = script.Running
	}
}

// resume takes what a process says of itself that an earlier host began.
func (st *status) resume(id wire.Identity) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.pid, st.base = id.ScriptPID, script.Running
	if id.State == script.Paused {
		st.base = script.Paused
	}
}

// move takes a step or output.
func (st *status) move() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.moved, st.stalled = st.p.s.clock.Now(), false
	if st.base == script.Starting || st.base == script.Ready {
		st.base = script.Running
	}
}

// say takes a state that the plugin tells. How a run ends is known when its
// process has ended, and not before.
func (st *status) say(c script.StateChanged) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if c.PID != 0 {
		st.pid = c.PID
	}
	if st.base == script.Stopping || st.muted {
		return
	}
	switch c.State {
	case script.Ready, script.Running, script.Paused:
		if c.State == script.Running && st.base == script.Paused {
			st.moved = st.p.s.clock.Now()
		}
		st.base, st.reason = c.State, c.Reason
	}
}

// stopping notes that the run is being ended.
func (st *status) stopping(reason string) {
	st.mu.Lock()
	st.base, st.reason = script.Stopping, reason
	st.mu.Unlock()
	st.tell()
}

// check looks for silence.
func (st *status) check() {
	silence := st.silence()
	st.mu.Lock()
	limit := missedBeats * st.p.s.options.Heartbeat
	st.stuck = silence > limit+st.p.s.options.Heartbeat/2 && !st.holding.Load()
	after := st.p.config().StalledAfter
	st.stalled = after > 0 && st.base == script.Running && st.p.s.clock.Now().Sub(st.moved) >= after
	st.mu.Unlock()
	st.tell()
}

// tell reports the state where it has changed.
func (st *status) tell() {
	st.mu.Lock()
	defer st.mu.Unlock()
	now := script.StateChanged{State: st.base, Reason: st.reason, PID: st.p.child.pid, PluginPID: st.p.child.pid}
	if st.pid != 0 {
		now.PID = st.pid
	}
	switch {
	case st.base == script.Stopping:
	case st.stuck:
		now.State = script.Stuck
		now.Reason = fmt.Sprintf("no sign of life for %s", roughly(st.silence()))
		if st.shown.State == script.Stuck {
			now.Reason = st.shown.Reason
		}
	case st.stalled && st.base == script.Running: // check may not have looked since it was paused
		now.State = script.Stalled
		now.Reason = fmt.Sprintf("no step and no output for %s", roughly(st.p.config().StalledAfter))
	}
	if now.Reason == "" && now.State != script.Stopping {
		now.Reason = st.notice
	}
	if now.State == script.Running && now.PID == st.p.child.pid && st.p.config().Plugin == "" {
		// The wrapper runs, and the interpreter does not yet.
		now.State = script.Ready
		if st.shown.State == script.Running {
			return
		}
	}
	if now == st.shown || now.State == script.Starting {
		return
	}
	st.shown = now
	if st.p.s.emit(st.p.s.event(st.p.name, st.p.run, now)) != nil {
		st.shown = script.StateChanged{} // it is told again at the next look
	}
	st.p.unit.note(now.State, now.Reason)
	st.p.onReady()
}

// is reports whether the script is in a state by its own word.
func (st *status) is(state script.State) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.base == state
}

// mute keeps what the process says of its state back, or ends that.
func (st *status) mute(on bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.muted = on
}

// succeed takes the place of the status of the process before.
func (st *status) succeed(before *status, paused bool) {
	before.mu.Lock()
	shown, notice := before.shown, before.notice
	before.mu.Unlock()
	st.hear()
	st.mu.Lock()
	defer st.mu.Unlock()
	st.shown, st.notice, st.base, st.beats = shown, notice, script.Running, 2
	if paused {
		st.base = script.Paused
	}
}

// remark shows a text beside the state, where that has no reason of its own.
func (st *status) remark(text string) {
	st.mu.Lock()
	st.notice = text
	st.mu.Unlock()
	st.tell()
}
