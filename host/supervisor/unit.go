package supervisor

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// unit is one script and what the supervisor does with it. Its loop is the
// only one to start processes, one after the other.
type unit struct {
	s    *Supervisor
	conf atomic.Pointer[config.Script]
	name string

	restarts restarts // of the loop

	reloading chan struct{} // holds one: a reload is under way
	refused   string        // what was last told of a new binary that does not work; of a reload

	// Guarded by s.mu.
	taking  int            // runs that an earlier host left of it are being taken up
	looping bool           // loop has begun
	wanted  bool           // it is to run, now or when it can
	held    bool           // it is not started by itself
	fresh   bool           // a person started it: earlier restarts do not count
	kick    chan struct{}  // closed: do not wait for the backoff to pass
	halt    func(error)    // ends the present attempt; nil: there is none
	hurry   map[int]func() // called to end the patience with a stop
	hurries int            // counts them
	hurried bool           // the patience has ended
	busy    bool           // an attempt is under way: from the wait for its turn to its end
	removed bool           // the configuration does not have it any more
	gen     int            // counts attempts to launch
	trying  bool           // a process is being launched, or lives
	shown   bool           // the present attempt is ready
	began   bool           // the present attempt's run has begun
	over    bool           // the attempt has ended, and what comes next is not decided
	state   script.State
	reason  string
	stuck   string // why it cannot start before somebody acts; "": it can
	waits   bool   // for a dependency
	ready   bool   // it was ready in its present run
	well    bool   // its last run finished well
	err     *script.Error
	process *Process
	extra   []string // arguments of runs until a person starts it the next time
	from    string   // the run whose checkpoint the next attempt goes on from; "": none

	// What the record of an earlier host says of the last run.
	lastRun   string
	lastState script.State
}

func newUnit(s *Supervisor, conf *config.Script) *unit {
	u := &unit{s: s, name: conf.Name, wanted: conf.Autostart, restarts: newRestarts(conf.Restart, s.clock), kick: make(chan struct{}),
		reloading: make(chan struct{}, 1)}
	u.conf.Store(conf)
	return u
}

// config returns what the configuration says of the script now.
func (u *unit) config() *config.Script { return u.conf.Load() }

// errStop is the cause of an attempt's end that somebody asked for.
type errStop struct{ reason string }

func (e errStop) Error() string { return e.reason }

// loop serves the unit until ctx ends.
func (u *unit) loop(ctx context.Context) {
	if u.waitsForPerson() {
		u.report("", script.Stopped, "not started yet", nil)
	}
	for u.s.await(ctx, u.take) == nil && !u.gone() {
		u.cycle(ctx)
		if isClosed(u.s.leaving) || ctx.Err() != nil {
			return
		}
	}
}

// waitsForPerson reports whether nobody has ever started the script, and it is
// not started by itself.
func (u *unit) waitsForPerson() bool {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	return !u.config().Autostart && !u.held && !u.wanted
}

// gone reports whether the script was removed.
func (u *unit) gone() bool {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	return u.removed
}

// take begins a cycle if the script is to run, or runs already, and ends the
// wait for one if the script was removed. s.mu is held.
func (u *unit) take() bool {
	if u.removed && u.process == nil {
		return true
	}
	if !u.wanted && u.process == nil {
		return false
	}
	u.busy, u.shown, u.over, u.err, u.hurried = true, false, false, nil, false
	u.began = u.process != nil
	if u.fresh {
		u.fresh = false
		u.restarts.reset()
	}
	return true
}

// cycle runs the script once, and then decides whether it runs again.
func (u *unit) cycle(ctx context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	u.s.update(func() {
		u.halt = cancel
		if !u.wanted { // it was stopped in between
			cancel(errStop{"on request"})
		}
	})
	defer u.s.update(func() { u.busy, u.halt, u.waits, u.stuck = false, nil, false, "" })

	end, ok := u.once(ctx)
	if !ok || end.left {
		return
	}
	u.after(ctx, end)
}

// once runs the script to its end, from where it is; false when it was stopped
// before it could start.
func (u *unit) once(ctx context.Context) (ending, bool) {
	if p, ok := u.s.Process(u.name); ok {
		return p.resume(ctx), true
	}
	release, err := u.turn(ctx)
	if err != nil {
		u.stopped(ctx, "")
		return ending{}, false
	}
	return u.attempt(ctx, release), true
}

// starts reports whether an attempt is on its way to its run. One that waits
// for another script is not. s.mu is held.
func (u *unit) starts() bool {
	switch {
	case u.s.closed:
		return false
	case u.taking > 0:
		return true
	case !u.busy:
		return u.wanted && u.s.base != nil
	case u.waits, u.err != nil:
		return false
	}
	return !u.began
}

// live returns the process of the run that has begun. s.mu is held.
func (u *unit) live() (*Process, error) {
	if u.process != nil && u.began {
		return u.process, nil
	}
	state, why := u.state, ""
	if state == "" {
		state = script.Stopped
	}
	if u.err != nil { // it has just been tried
		why = ": " + u.reason
	}
	return nil, script.Errorf(script.CodeUnavailable, "script %q does not run (%s%s)", u.name, state, why).
		WithHint("`mlhost start %s` starts it", u.name)
}

// stopped reports that the script was stopped while it had no process.
func (u *unit) stopped(ctx context.Context, run string) {
	if isClosed(u.s.leaving) {
		return
	}
	reason := "on request"
	if e, ok := errors.AsType[errStop](context.Cause(ctx)); ok {
		reason = e.reason
	}
	u.report(run, script.Stopped, reason, nil)
}

// conclude decides what comes after a run, and tells how it ended.
func (u *unit) conclude(ctx context.Context, end ending) ending {
	u.restarts.adjust(u.config().Restart)
	end.again = u.restarts.after(end)
	if ctx.Err() != nil {
		end.again = decision{}
	}
	if !end.again.yes && end.again.reason != "" {
		end.reason = end.again.reason
	}
	u.report(end.run, end.state, end.reason, end.code)
	return end
}

// after waits for the script's next start, if there is to be one.
func (u *unit) after(ctx context.Context, end ending) {
	if ctx.Err() != nil || !end.again.yes {
		u.s.update(func() { u.wanted = false })
		return
	}
	timer, stop := u.s.clock.After(end.again.delay)
	defer stop()
	var kick <-chan struct{}
	u.s.update(func() { u.over, kick = false, u.kick })
	u.report("", script.Backoff, end.again.reason, end.code)
	select {
	case <-timer:
	case <-kick:
	case <-ctx.Done():
		u.s.update(func() { u.wanted = false })
		u.stopped(ctx, "")
	}
}

// reportTries is how often it is tried to tell a state of a script that has no
// process, a second apart: nothing comes after it that would tell it again.
const reportTries = 10

// report tells a state of the script, which has no process now; run is "" for
// what does not concern its last run.
func (u *unit) report(run string, state script.State, reason string, code *int) {
	event := u.s.event(u.name, run, script.StateChanged{State: state, Reason: reason, ExitCode: code})
	for try := 1; u.s.emit(event) != nil && try < reportTries && !u.inHurry(); try++ {
		time.Sleep(time.Second)
	}
	u.note(state, reason)
}

func (u *unit) inHurry() bool {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	return u.hurried
}

// note keeps the state for those who ask here.
func (u *unit) note(state script.State, reason string) {
	u.s.update(func() {
		u.state, u.reason = state, reason
		switch state {
		case script.Starting:
			u.ready, u.well = false, false
		case script.Ready, script.Running:
			u.ready, u.shown = true, true
		case script.Finished:
			u.well = true
		}
		if state.Ended() {
			u.ready = false
		}
	})
}

// turn waits until the script's dependencies allow it to start, and then for a
// place among those that start. The function it returns gives the place back.
func (u *unit) turn(ctx context.Context) (release func(), err error) {
	shown := ""
	for {
		u.s.mu.Lock()
		why, never := u.waitsFor()
		stuck := ""
		if never {
			stuck = why
		}
		if u.waits != (why != "") || u.stuck != stuck {
			u.waits, u.stuck = why != "", stuck
			u.s.notify()
		}
		changed := u.s.changed
		u.s.mu.Unlock()
		if why == "" {
			break
		}
		if why != shown {
			shown = why
			u.report("", script.Waiting, why, nil)
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	select {
	case u.s.starting <- struct{}{}:
	default:
		u.report("", script.Waiting, fmt.Sprintf("for a place to start: %d start at a time", cap(u.s.starting)), nil)
		select {
		case u.s.starting <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return func() { <-u.s.starting }, nil
}

// waitsFor names the first dependency that is not met, and tells whether it
// cannot be met before somebody acts. s.mu is held.
func (u *unit) waitsFor() (why string, never bool) {
	for _, d := range u.config().DependsOn {
		dep := u.s.units[d.Script]
		switch {
		case dep == nil:
			return fmt.Sprintf("for %s, which is not known", d.Script), true
		case dep.well, d.Ready && dep.ready:
			continue
		case dep.stuck != "":
			return fmt.Sprintf("for %s, which waits itself %s", d.Script, dep.stuck), true
		case dep.taking > 0:
			return fmt.Sprintf("for %s, which is being taken over", d.Script), false
		case dep.wanted && d.Ready:
			return fmt.Sprintf("for %s to be ready", d.Script), false
		case dep.wanted:
			return fmt.Sprintf("for %s to finish", d.Script), false
		case dep.state == "" || dep.state == script.Stopped:
			return fmt.Sprintf("for %s, which is stopped", d.Script), true
		default:
			return fmt.Sprintf("for %s, which %s: %s", d.Script, pastTense(dep.state), dep.reason), true
		}
	}
	return "", false
}

func pastTense(s script.State) string {
	switch s {
	case script.Failed:
		return "failed"
	case script.Lost:
		return "was lost"
	}
	return "is " + string(s)
}
