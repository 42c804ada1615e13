package supervisor

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// Start starts a script that does not run. It returns when the script is ready,
// or when it waits for another one; the error of a start that failed
// says why. Earlier restarts do not count any more.
func (s *Supervisor) Start(ctx context.Context, name string) error { return s.StartWith(ctx, name) }

// StartWith is Start, with arguments behind the configured ones until the
// script is started the next time.
func (s *Supervisor) StartWith(ctx context.Context, name string, args ...string) error {
	u, err := s.unit(name)
	if err != nil {
		return err
	}
	// A script that is just ending is let end first, and a host that is just
	// coming up is let come up.
	if err := s.await(ctx, func() bool { return s.closed || s.running && u.decided() }); err != nil {
		return err
	}
	s.mu.Lock()
	switch {
	case s.closed:
		s.mu.Unlock()
		return script.Errorf(script.CodeUnavailable, "the host is going down")
	case u.busy && u.state == script.Backoff:
		close(u.kick)
		u.kick = make(chan struct{})
	case u.process != nil:
		run := u.process.run
		s.mu.Unlock()
		return script.Errorf(script.CodeRejected, "script %q runs already (run %s)", name, run).
			WithHint("`mlhost restart %s` ends it and starts it anew", name)
	}
	u.wanted, u.held, u.fresh, u.extra = true, false, true, args
	gen := u.gen
	if u.trying {
		gen-- // this attempt's outcome is the answer
	}
	s.notify()
	s.mu.Unlock()

	var failure error
	err = s.await(ctx, func() bool {
		switch {
		case u.gen == gen:
			return u.waits || !u.busy && !u.wanted || s.closed
		case u.shown, u.began && u.over:
			return true
		case u.err != nil:
			failure = u.err
			return true
		}
		return !u.busy
	})
	if err != nil {
		return err
	}
	return failure
}

// decided reports whether it is known what the unit does next. s.mu is held.
func (u *unit) decided() bool { return u.taking == 0 && (!u.busy || u.wanted && !u.over) }

// Stop ends a script and returns when nothing of it is left; it gives the
// script its grace to end by itself. One that does not run stays as it is.
func (s *Supervisor) Stop(ctx context.Context, name string) error {
	u, err := s.unit(name)
	if err != nil {
		return err
	}
	return s.stop(ctx, u, "on request")
}

func (s *Supervisor) stop(ctx context.Context, u *unit, reason string) error {
	s.mu.Lock()
	u.wanted = false
	if u.halt != nil {
		u.halt(errStop{reason})
	}
	s.notify()
	s.mu.Unlock()
	return s.await(ctx, func() bool { return !u.busy && u.taking == 0 })
}

// Restart ends a script, if it runs, and starts it.
func (s *Supervisor) Restart(ctx context.Context, name string) error {
	u, err := s.unit(name)
	if err != nil {
		return err
	}
	if err := s.stop(ctx, u, "to be started again"); err != nil {
		return err
	}
	return s.Start(ctx, name)
}

// StopAll ends all scripts, those first on which no other one depends, and
// returns when nothing of them is left. Once hurry is closed nobody gets any
// more grace.
func (s *Supervisor) StopAll(ctx context.Context, hurry <-chan struct{}) error {
	return s.StopSome(ctx, hurry, func(*config.Script) bool { return true })
}

// StopSome is StopAll for the scripts that which picks. No script is started
// any more, the others included: it is for the end of a host.
func (s *Supervisor) StopSome(ctx context.Context, hurry <-chan struct{}, which func(*config.Script) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	s.closed = true
	order := slices.DeleteFunc(s.stopOrder(), func(u *unit) bool { return !which(u.config()) })
	s.mu.Unlock()
	var rushing sync.WaitGroup
	defer rushing.Wait()
	rushing.Go(func() {
		select {
		case <-hurry:
			for _, u := range order {
				u.rush()
			}
		case <-ctx.Done():
		}
	})
	defer cancel()

	done := map[string]chan struct{}{}
	errs := make([]error, len(order))
	var stopping sync.WaitGroup
	for i, u := range order {
		after := s.dependents(u, done)
		ended := make(chan struct{})
		done[u.name] = ended
		stopping.Go(func() {
			defer close(ended)
			if s.hasProcess(u) { // another one may still need it
				for _, d := range after {
					<-d
				}
			}
			errs[i] = s.stop(ctx, u, "the host stops")
		})
	}
	stopping.Wait()
	return errors.Join(errs...)
}

func (s *Supervisor) hasProcess(u *unit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return u.process != nil
}

// stopOrder lists the units so that each stands behind those that depend on
// it. s.mu is held.
func (s *Supervisor) stopOrder() []*unit {
	var order []*unit
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		u := s.units[name]
		if u == nil || seen[name] {
			return
		}
		seen[name] = true
		for _, d := range u.config().DependsOn {
			visit(d.Script)
		}
		order = append(order, u)
	}
	for _, name := range s.order {
		visit(name)
	}
	slices.Reverse(order)
	return order
}

// dependents returns the ends of those units, among the ones in done, that
// depend on u.
func (s *Supervisor) dependents(u *unit, done map[string]chan struct{}) []chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ends []chan struct{}
	for name, end := range done {
		for _, d := range s.units[name].config().DependsOn {
			if d.Script == u.name {
				ends = append(ends, end)
				break
			}
		}
	}
	return ends
}

// Idle returns a channel that is closed as soon as no script lives or is going
// to by itself. Before Run has begun that is not so.
func (s *Supervisor) Idle() <-chan struct{} {
	idle := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idlers = append(s.idlers, idle)
	s.tellIdle()
	return idle
}

// tellIdle closes what Idle gave out, when it is time. s.mu is held.
func (s *Supervisor) tellIdle() {
	if !s.running || len(s.idlers) == 0 {
		return
	}
	for _, u := range s.units {
		if (u.busy || u.wanted || u.taking > 0) && u.stuck == "" {
			return
		}
	}
	for _, idle := range s.idlers {
		close(idle)
	}
	s.idlers = nil
}

// rush ends the patience with a script that is being stopped.
func (u *unit) rush() {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	u.hurried = true
	for _, h := range u.hurry {
		h()
	}
}

// onHurry has h, which must not block, called when there is no patience left
// for the script. The function it returns takes that back.
func (u *unit) onHurry(h func()) (forget func()) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	if u.hurried {
		h()
	}
	if u.hurry == nil {
		u.hurry = map[int]func(){}
	}
	u.hurries++
	key := u.hurries
	u.hurry[key] = h
	return func() {
		u.s.mu.Lock()
		defer u.s.mu.Unlock()
		delete(u.hurry, key)
	}
}
