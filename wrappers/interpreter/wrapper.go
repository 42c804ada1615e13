package interpreter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
)

// Serve is the plugin that runs the script of a launch file. Like sdk.Serve it
// does not return once it serves: an error means that it could not begin.
func Serve(launchFile string) error {
	data, err := os.ReadFile(launchFile)
	if err != nil {
		return fmt.Errorf("read launch file: %w", err)
	}
	var l script.Launch
	if err := json.Unmarshal(data, &l); err != nil {
		return fmt.Errorf("read launch file %s: %w", launchFile, err)
	}
	if err := becomeReaper(); err != nil {
		return fmt.Errorf("become the reaper of orphans: %w", err)
	}
	w := New(l)
	w.ownsProcess = true
	sdk.Serve(w)
	return nil
}

// Wrapper is the plugin of one foreign script.
type Wrapper struct {
	launch script.Launch
	// ownsProcess: there is nothing else in this process, so that all of its
	// descendants belong to the run.
	ownsProcess bool

	run   *run          // set before begun is closed
	begun chan struct{} // closed by Run
}

// New returns the plugin of a script. In a process of its own it serves by
// Serve; elsewhere only processes with the run's mark count as the run's.
func New(l script.Launch) *Wrapper { return &Wrapper{launch: l, begun: make(chan struct{})} }

// Describe tells what the launch says of the script; more comes while it runs.
func (w *Wrapper) Describe() script.Description { return describe(w.launch) }

// RecordsItself says that what a run needs to be understood later is reported
// here.
func (w *Wrapper) RecordsItself() {}

// Run runs the script until it ends, or ctx does.
func (w *Wrapper) Run(ctx context.Context, s *sdk.Session) error {
	r := newRun(w.launch, s, w.ownsProcess)
	w.run = r
	close(w.begun)
	code, err := r.execute(ctx)
	switch {
	case err == nil:
		return &sdk.Exit{Code: code}
	case code > 0 || isFinal(err):
		return &sdk.Exit{Code: max(code, 1), Reason: err.Error(), Final: isFinal(err)}
	}
	return err
}

// isFinal reports whether the run failed of what its launch says, which is
// the same at every try.
func isFinal(err error) bool {
	switch script.CodeOf(err) {
	case script.CodeRejected, script.CodeNotFound, script.CodeConfigInvalid, script.CodeUsage:
		return true
	}
	return false
}

// current returns the run once its script has started; it waits for a start
// that is under way.
func (w *Wrapper) current(ctx context.Context) (*run, error) {
	select {
	case <-w.begun:
	case <-ctx.Done():
		return nil, notStarted(ctx)
	}
	select {
	case <-w.run.up:
		return w.run, nil
	default:
	}
	select {
	case <-w.run.up:
		return w.run, nil
	case <-w.run.done:
		return nil, script.Errorf(script.CodeUnavailable, "the script could not be started")
	case <-ctx.Done():
		return nil, notStarted(ctx)
	}
}

func notStarted(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return script.Errorf(script.CodeUnavailable, "the script is still being started").WithHint("try again in a moment")
	}
	return ctx.Err()
}

// SetParameters changes what can be changed while the script runs.
func (w *Wrapper) SetParameters(ctx context.Context, batch script.Batch) (script.BatchReply, error) {
	r, err := w.current(ctx)
	if err != nil {
		return script.BatchReply{}, err
	}
	return r.setParameters(ctx, batch)
}

// Tells reports whether the script tells when a value is in use that was
// pending: the Python shim does, of what the script or a library declares.
func (w *Wrapper) Tells(parameter string) bool {
	select {
	case <-w.begun:
		return w.run.holds.Load() && w.run.declares(parameter)
	default:
		return false
	}
}

// Release has the script take back what was laid over its parameters.
func (w *Wrapper) Release(ctx context.Context, batch script.Batch) (script.BatchReply, error) {
	r, err := w.current(ctx)
	if err != nil {
		return script.BatchReply{}, err
	}
	return r.release(ctx, batch)
}

// SetVariables hands values to the script.
func (w *Wrapper) SetVariables(ctx context.Context, batch script.Batch) (script.BatchReply, error) {
	r, err := w.current(ctx)
	if err != nil {
		return script.BatchReply{}, err
	}
	return r.setVariables(ctx, batch)
}

// Pause pauses the script where it wants to, or else where it is.
func (w *Wrapper) Pause(ctx context.Context) error {
	r, err := w.current(ctx)
	if err != nil {
		return err
	}
	return r.pause(ctx)
}

// Standing tells how a paused script stands.
func (w *Wrapper) Standing() string {
	if w.run.isFrozen() {
		return "stopped by SIGSTOP, wherever it was"
	}
	return "at its own next step"
}

// Resume lets the script go on.
func (w *Wrapper) Resume(ctx context.Context) error {
	r, err := w.current(ctx)
	if err != nil {
		return err
	}
	return r.resume(ctx)
}

// Stop ends the script and everything that it has started.
func (w *Wrapper) Stop(ctx context.Context, grace time.Duration, _ string) error {
	select {
	case <-w.begun:
		if w.run.isUp() {
			w.run.stop(ctx, grace)
		}
	default:
	}
	return nil // what has not started ends with Run's context
}

// Answer hands a message to the script.
func (w *Wrapper) Answer(ctx context.Context, m script.Message) (script.Value, error) {
	r, err := w.current(ctx)
	if err != nil {
		return script.Null(), err
	}
	return r.answer(ctx, m)
}
