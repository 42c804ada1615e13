package supervisor

import (
	"context"
	"errors"
	"fmt"

	"github.com/mlhost/mlhost/shared/script"
)

// SetParameters hands a batch to a script that runs and returns what became of
// it.
func (s *Supervisor) SetParameters(ctx context.Context, name string, b script.Batch) (script.BatchReply, error) {
	p, err := s.live(ctx, name)
	if err != nil {
		return script.BatchReply{}, err
	}
	return p.SetParameters(ctx, b)
}

// SetVariables hands values of writable variables to a script that runs.
func (s *Supervisor) SetVariables(ctx context.Context, name string, b script.Batch) (script.BatchReply, error) {
	p, err := s.live(ctx, name)
	if err != nil {
		return script.BatchReply{}, err
	}
	return p.SetVariables(ctx, b)
}

// Pause returns when the script has paused.
func (s *Supervisor) Pause(ctx context.Context, name string) error {
	p, err := s.live(ctx, name)
	if err != nil {
		return err
	}
	return p.Pause(ctx)
}

// Resume returns when the script goes on.
func (s *Supervisor) Resume(ctx context.Context, name string) error {
	p, err := s.live(ctx, name)
	if err != nil {
		return err
	}
	return p.Resume(ctx)
}

// live returns the process of a script whose run has begun. A start under way
// is waited for: as long as ctx allows, or else as long as a call may take.
func (s *Supervisor) live(ctx context.Context, name string) (*Process, error) {
	u, err := s.unit(name)
	if err != nil {
		return nil, err
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.options.CallTimeout)
		defer cancel()
	}
	var p *Process
	var notLive error
	silent := false
	err = s.await(ctx, func() bool {
		p, notLive = u.live()
		silent = u.taking > 0
		return !u.starts()
	})
	switch {
	case silent && errors.Is(err, context.DeadlineExceeded):
		return nil, script.Errorf(script.CodeUnavailable, "script %q has not answered since the host was started again", name).
			WithHint("it is waited for; `mlhost stop %s` ends it", name)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, script.Errorf(script.CodeUnavailable, "script %q is still being started", name).
			WithHint("try again in a moment")
	case err != nil:
		return nil, fmt.Errorf("wait for the start of script %q: %w", name, err)
	}
	return p, notLive
}

// SetParameters changes all or nothing.
func (p *Process) SetParameters(ctx context.Context, b script.Batch) (reply script.BatchReply, err error) {
	err = p.call(ctx, "the set", func(ctx context.Context, p *Process) error {
		reply, err = p.client.SetParameters(ctx, b)
		return err
	})
	return reply, err
}

// SetVariables changes all or nothing.
func (p *Process) SetVariables(ctx context.Context, b script.Batch) (reply script.BatchReply, err error) {
	err = p.call(ctx, "the set", func(ctx context.Context, p *Process) error {
		reply, err = p.client.SetVariables(ctx, b)
		return err
	})
	return reply, err
}

// Pause returns when the script has paused.
func (p *Process) Pause(ctx context.Context) error {
	return p.call(ctx, "the pause", func(ctx context.Context, p *Process) error {
		if err := p.client.Pause(ctx); err != nil {
			return err
		}
		p.status.say(script.StateChanged{State: script.Paused})
		p.status.tell()
		return nil
	})
}

// Resume returns when the script goes on.
func (p *Process) Resume(ctx context.Context) error {
	return p.call(ctx, "the resume", func(ctx context.Context, p *Process) error {
		if err := p.client.Resume(ctx); err != nil {
			return err
		}
		p.status.say(script.StateChanged{State: script.Running})
		p.status.tell()
		return nil
	})
}

// call makes a call with a deadline, to the process that has the run; while
// that is being replaced the call waits. It names the script in errors that are
// about the way to it.
func (p *Process) call(ctx context.Context, what string, f func(context.Context, *Process) error) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.s.options.CallTimeout)
		defer cancel()
	}
	err := p.traffic.calls.enter(ctx)
	if err == nil {
		p = p.traffic.current.Load()
		err = f(ctx, p)
		p.traffic.calls.leave()
	}
	return p.explainCall(ctx, what, err)
}

// explainCall says what the error of a call means to whoever made it.
func (p *Process) explainCall(ctx context.Context, what string, err error) error {
	ended := script.Errorf(script.CodeUnavailable, "script %q ended before it answered %s", p.name, what)
	switch code := script.CodeOf(err); {
	case code == "":
		return nil
	case code == script.CodeDeadline:
		return script.Errorf(script.CodeDeadline, "script %q did not answer %s in time", p.name, what).
			WithHint("it may still take effect; `mlhost get %s` shows what holds", p.name)
	case errors.Is(err, context.Canceled) && ctx.Err() == nil: // not by the caller: the run is being ended
		return ended
	case code == script.CodeUnavailable && isClosed(p.child.exited):
		return ended
	case code == script.CodeUnavailable:
		return fmt.Errorf("script %q: %w", p.name, err)
	}
	return err
}
