package sdk

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// pauseState is a pause that was asked for, or lasts.
type pauseState struct {
	wanted  bool
	reached chan struct{} // closed when the script waits in Step
	resumed chan struct{} // closed when it may go on
}

func (s *pauseState) begin() {
	s.wanted, s.reached, s.resumed = true, make(chan struct{}), make(chan struct{})
}

func (s *pauseState) end() {
	if s.wanted {
		s.wanted = false
		close(s.resumed)
	}
}

// live returns an error unless the run goes on.
func (p *Plugin) live() error {
	switch {
	case !p.begun():
		return script.Errorf(script.CodeUnavailable, "the script does not run yet")
	case p.over():
		return script.Errorf(script.CodeUnavailable, "the run is over")
	}
	return nil
}

// Pause answers when the script has paused. Where ctx ends before, the script
// is not paused.
func (p *Plugin) Pause(ctx context.Context) error {
	if err := p.live(); err != nil {
		return err
	}
	if pauser, ok := p.script.(Pauser); ok {
		return p.delegate(ctx, pauser.Pause, script.Paused)
	}
	if _, wraps := p.script.(Setter); wraps {
		return script.Errorf(script.CodeRejected, "the script cannot be paused")
	}
	p.mu.Lock()
	if !p.pause.wanted {
		p.pause.begin()
		p.markDue()
	}
	reached, resumed := p.pause.reached, p.pause.resumed
	p.mu.Unlock()
	select {
	case <-reached:
		return nil
	case <-resumed:
		return script.Errorf(script.CodeUnavailable, "the script was resumed or ended before it paused")
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-reached:
		return nil
	default:
	}
	if p.pause.resumed == resumed {
		p.pause.end()
	}
	return script.Errorf(script.CodeDeadline, "the script took no step in time; it is not paused").
		WithHint("a script pauses where it calls Step")
}

// Resume lets a paused script go on.
func (p *Plugin) Resume(ctx context.Context) error {
	if err := p.live(); err != nil {
		return err
	}
	if pauser, ok := p.script.(Pauser); ok {
		return p.delegate(ctx, pauser.Resume, script.Running)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pause.end()
	if p.state == script.Paused {
		p.toState(script.Running, "")
	}
	return nil
}

// delegate lets the script itself pause or resume.
func (p *Plugin) delegate(ctx context.Context, do func(context.Context) error, state script.State) error {
	if err := do(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != state && (p.state == script.Running || p.state == script.Paused) {
		reason := ""
		if stander, ok := p.script.(Stander); ok && state == script.Paused {
			reason = stander.Standing()
		}
		p.toState(state, reason)
	}
	return nil
}

// markDue notes that something waits for the script's next step. The caller
// holds mu.
func (p *Plugin) markDue() {
	select {
	case <-p.due:
	default:
		close(p.due)
	}
}

// stepDone is Session.Step, and Session.Yield where it does not count.
func (p *Plugin) stepDone(ctx context.Context, counts bool) error {
	p.mu.Lock()
	if counts && !p.ownStep {
		p.step++
		p.recorder.moveStep(p.step)
	}
	step := p.step
	select {
	case <-p.due:
		p.due = make(chan struct{})
	default:
	}
	for p.pause.wanted {
		if p.state == script.Running {
			p.toState(script.Paused, "")
		}
		select {
		case <-p.pause.reached:
		default:
			close(p.pause.reached)
		}
		resumed := p.pause.resumed
		p.mu.Unlock()
		select {
		case <-resumed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-p.ctx.Done():
			return context.Cause(p.ctx)
		}
		p.mu.Lock()
	}
	p.mu.Unlock()
	p.reach(step)
	if err := p.ctx.Err(); err != nil {
		return err
	}
	return ctx.Err()
}

// setStep is Session.SetStep.
func (p *Plugin) setStep(step int64) {
	p.mu.Lock()
	p.ownStep, p.step = true, step
	p.mu.Unlock()
	p.recorder.moveStep(step)
	p.reach(step)
}

// reach applies the changes that waited for this step.
func (p *Plugin) reach(step int64) {
	changes := p.parameters.reach(step)
	if len(changes) == 0 {
		return
	}
	for _, c := range changes {
		p.recorder.emit(script.ParametersObserved{Name: c.Name, Value: c.New, Step: step})
	}
	p.parameters.mu.Lock()
	p.parameters.enqueue(changes, 0)
	p.parameters.mu.Unlock()
	p.parameters.drain(p.callbackPanicked)
}

func (p *Plugin) currentStep() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.step
}

// Stop asks the script to end and returns when it has, or when the grace has
// passed.
func (p *Plugin) Stop(ctx context.Context, grace time.Duration, reason string) error {
	p.mu.Lock()
	first := !p.stopping
	if first {
		p.stopping, p.reason = true, reason
		p.deadline = time.Now().Add(grace)
		if p.state == script.Ready || p.state == script.Running || p.state == script.Paused {
			p.state = script.Stopping
		}
	}
	begun := p.request.Run != ""
	p.mu.Unlock()
	if !begun {
		p.cancel()
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if stopper, ok := p.script.(Stopper); ok && first && !p.over() {
		if err := stopper.Stop(ctx, grace, reason); err != nil {
			p.warn("stop: %s", err)
		}
	}
	p.cancel()
	select {
	case <-p.done:
	case <-ctx.Done():
	}
	return nil
}

// Checkpoint asks the script for its state, when it has dealt with all
// messages that it was given. All that it has reported until then has its
// number when Checkpoint returns.
func (p *Plugin) Checkpoint(ctx context.Context) (wire.Checkpoint, error) {
	c, ok := p.script.(Checkpointer)
	if !ok {
		return wire.Checkpoint{}, script.Errorf(script.CodeRejected, "the script makes no checkpoints")
	}
	if err := p.live(); err != nil {
		return wire.Checkpoint{}, err
	}
	if err := p.switchboard.quiet(ctx); err != nil {
		return wire.Checkpoint{}, err
	}
	var data []byte
	err := guarded("Checkpoint", func() (err error) {
		data, err = c.Checkpoint(ctx)
		return err
	})
	if err != nil {
		return wire.Checkpoint{}, err
	}
	p.recorder.settle()
	out := wire.Checkpoint{Data: data, Step: p.currentStep(), Waiting: p.parameters.handOut()}
	if schema := p.describe().State; schema != nil {
		out.Schema, out.Version = schema.Name, schema.Version
	}
	return out, nil
}

// Restore hands a state to the script, before its run.
func (p *Plugin) Restore(ctx context.Context, checkpoint wire.Checkpoint) error {
	c, ok := p.script.(Checkpointer)
	if !ok {
		return script.Errorf(script.CodeRejected, "the script takes no checkpoints")
	}
	if p.begun() {
		return script.Errorf(script.CodeConflict, "the run has begun already")
	}
	if err := p.parameters.takeUp(checkpoint.Waiting); err != nil {
		return err
	}
	if err := guarded("Restore", func() error { return c.Restore(ctx, checkpoint.Data) }); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.step, p.restored = checkpoint.Step, true
	return nil
}

// guarded calls a part of the script that must not take the process along.
func guarded(what string, f func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			fmt.Fprintf(os.Stderr, "panic: %v\n\n%s", cause, debug.Stack())
			err = script.Errorf(script.CodeHandlerFailed, "%s panicked: %s", what, fmt.Sprint(cause))
		}
	}()
	return f()
}

// Events streams what the script reports, from behind afterSeq.
func (p *Plugin) Events(ctx context.Context, afterSeq uint64, send func([]script.Event) error) error {
	return p.recorder.serve(ctx, afterSeq, send)
}

// Link carries messages both ways.
func (p *Plugin) Link(ctx context.Context, link wire.Link) error {
	return p.switchboard.serve(ctx, link)
}
