package host

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/host/connector"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/host/supervisor"
	"github.com/mlhost/mlhost/shared/script"
)

// byHand knows the scripts that were started by hand and are connected.
type byHand struct {
	mu       sync.Mutex // guards what follows
	sessions map[string]*connector.Session
	lost     []string // those that are shown though they have gone, oldest first
}

const (
	// maxLost bounds the scripts that are shown as lost.
	maxLost = 100
	// replaceTime is how long an old connection of a script may take to end when
	// the script has opened a new one.
	replaceTime = 2 * time.Second
	// handGrace is how long a script that was started by hand may take to end.
	handGrace = 10 * time.Second
)

// hand returns the session of a script that was started by hand.
func (h *Host) hand(name string) (*connector.Session, bool) {
	h.hands.mu.Lock()
	defer h.hands.mu.Unlock()
	s, ok := h.hands.sessions[name]
	return s, ok
}

// attachHand makes a script known that was started by hand. It may have the
// name of a configured script that does not run.
func (h *Host) attachHand(ctx context.Context, s *connector.Session, facts []script.Body) (string, error) {
	if err := h.reserveHand(s); err != nil {
		return "", err
	}
	run, again := h.handRun(ctx, s)
	bodies := []script.Body{script.StateChanged{State: script.Running, PID: s.PID}}
	if !again {
		bodies = []script.Body{script.RunStarted{}, bodies[0]}
	}
	h.registry.Define(s.Name, registry.Info{})
	if err := h.Emit(ctx, handEvents(s.Name, run, append(bodies, facts...))...); err != nil {
		h.releaseHand(s)
		h.forgetHand(s.Name)
		return "", err
	}
	h.router.Attach(s.Name, s)
	return run, nil
}

// reserveHand keeps the name for the session. A script whose connection broke
// takes the place of its old one.
func (h *Host) reserveHand(s *connector.Session) error {
	if old, ok := h.hand(s.Name); ok && s.Was != "" && old.Run() == s.Was {
		old.Close()
		timer := time.NewTimer(replaceTime)
		defer timer.Stop()
		select {
		case <-old.Gone():
		case <-timer.C:
		}
	}
	h.hands.mu.Lock()
	defer h.hands.mu.Unlock()
	if old, ok := h.hands.sessions[s.Name]; ok {
		return script.Errorf(script.CodeConflict, "a script %q is connected already (process %d)", s.Name, old.PID).
			WithHint("give this one another name")
	}
	if state, _ := h.registry.State(s.Name); state.Live() {
		return script.Errorf(script.CodeConflict, "this host runs a script %q itself", s.Name).
			WithHint("`mlhost stop %s` ends it, or give this one another name", s.Name)
	}
	h.hands.sessions[s.Name] = s
	return nil
}

func (h *Host) releaseHand(s *connector.Session) {
	h.hands.mu.Lock()
	defer h.hands.mu.Unlock()
	delete(h.hands.sessions, s.Name)
}

// handRun is the run that the script goes on with, where its connection or the
// host was lost, else a new one.
func (h *Host) handRun(ctx context.Context, s *connector.Session) (run string, again bool) {
	if s.Was != "" {
		if r, err := h.store.Run(ctx, s.Was); err == nil && r.ID == s.Was && r.Script == s.Name && r.State == script.Lost {
			return s.Was, true
		}
	}
	return supervisor.NewRunID(time.Now()), false
}

func handEvents(name, run string, bodies []script.Body) []script.Event {
	events := make([]script.Event, len(bodies))
	for i, b := range bodies {
		events[i] = script.Event{Time: time.Now(), Script: name, Run: run, Body: b}
	}
	return events
}

func (h *Host) emitHand(ctx context.Context, s *connector.Session, facts ...script.Body) error {
	return h.Emit(context.WithoutCancel(ctx), handEvents(s.Name, s.Run(), facts)...)
}

// detachHand records how a script ended that was started by hand. It is shown
// no more, unless it got lost.
func (h *Host) detachHand(s *connector.Session, end connector.End) {
	h.router.Detach(s.Name, s)
	state := script.StateChanged{State: end.State, Reason: end.Reason, ExitCode: end.Code}
	if err := h.Emit(context.Background(), handEvents(s.Name, s.Run(), []script.Body{state})...); err != nil {
		h.logger.Error("record the end of a script", "script", s.Name, "error", err)
	}
	h.releaseHand(s)
	if end.State != script.Lost {
		h.forgetHand(s.Name)
		return
	}
	h.hands.mu.Lock()
	h.hands.lost = append(slices.DeleteFunc(h.hands.lost, func(name string) bool { return name == s.Name }), s.Name)
	var oldest string
	if len(h.hands.lost) > maxLost {
		oldest, h.hands.lost = h.hands.lost[0], h.hands.lost[1:]
	}
	h.hands.mu.Unlock()
	if _, configured := h.config.Load().Script(s.Name); configured {
		h.forgetHand(s.Name)
	}
	if _, back := h.hand(oldest); oldest != "" && !back {
		h.forgetHand(oldest)
	}
}

// forgetHand shows the script no more, or as the one that is configured.
func (h *Host) forgetHand(name string) {
	if conf, ok := h.config.Load().Script(name); ok {
		h.define(conf, nil)
		return
	}
	h.registry.Remove(name)
}

// loseHands records that scripts got lost which were connected to a host that
// was killed. Those that live come back by themselves.
func (h *Host) loseHands(ctx context.Context, known []store.Script) error {
	for _, s := range known {
		if _, ok := h.config.Load().Script(s.Name); ok || !s.State.Live() || s.Last == nil {
			continue
		}
		lost := script.StateChanged{State: script.Lost, Reason: "its host was killed, and it has not come back"}
		if err := h.Emit(ctx, handEvents(s.Name, s.Last.ID, []script.Body{lost})...); err != nil {
			return err
		}
		h.registry.Remove(s.Name)
	}
	return nil
}

// doHand carries out a verb about a script that was started by hand.
func (h *Host) doHand(ctx context.Context, s *connector.Session, c api.Command) error {
	if s.Deaf {
		return s.ErrDeaf()
	}
	switch c.Verb {
	case api.Pause, api.Resume:
		if err := s.Order(ctx, string(c.Verb)); err != nil {
			return err
		}
		state := script.Paused
		if c.Verb == api.Resume {
			state = script.Running
		}
		return h.emitHand(ctx, s, script.StateChanged{State: state, PID: s.PID})
	case api.Stop:
		return h.stopHand(ctx, s)
	case api.Start, api.Restart:
		return script.Errorf(script.CodeRejected, "script %q was started by hand (process %d)", s.Name, s.PID).
			WithHint("`mlhost stop %s` ends it; start it by hand again", s.Name)
	default:
		return script.Errorf(script.CodeRejected, "script %q was started by hand: %s is not possible", s.Name, c.Verb)
	}
}

func (h *Host) stopHand(ctx context.Context, s *connector.Session) error {
	if err := h.emitHand(ctx, s, script.StateChanged{State: script.Stopping, PID: s.PID}); err != nil {
		return err
	}
	if err := s.Order(ctx, "stop"); err != nil && script.CodeOf(err) != script.CodeUnavailable {
		return err
	}
	timer := time.NewTimer(handGrace)
	defer timer.Stop()
	select {
	case <-s.Gone():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return script.Errorf(script.CodeDeadline, "script %q was told to stop, and runs still", s.Name).
			WithHint("it was started by hand: end process %d by hand", s.PID)
	}
}

// setOn sets parameters of a script that runs.
func (h *Host) setOn(ctx context.Context, name string, b script.Batch) (script.BatchReply, error) {
	if s, ok := h.hand(name); ok {
		return s.SetParameters(ctx, b)
	}
	return h.supervisor.SetParameters(ctx, name, b)
}

// setVariablesOn sets variables of a script that runs.
func (h *Host) setVariablesOn(ctx context.Context, name string, b script.Batch) (script.BatchReply, error) {
	if s, ok := h.hand(name); ok {
		return s.SetVariables(ctx, b)
	}
	return h.supervisor.SetVariables(ctx, name, b)
}
