package supervisor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

const (
	pauseTime  = time.Minute     // for a script to come to its next step
	holdTime   = 5 * time.Second // for a script to deal with what it has in hand
	retireTime = 5 * time.Second // for a process to end that has been replaced
)

// swap asks for the process of a run to be replaced.
type swap struct {
	program program  // what the new process executes
	takes   *Process // has shown what it takes; it may have ended
	next    *Process // launched already; nil: the present one is to end first
	done    chan error
}

// handover is the replacement of a run's process by another one. It goes on in
// the goroutine that attends to the run.
type handover struct {
	old    *Process
	next   *Process
	swap   *swap
	st     *streams // of old, and then of the process that has the run
	byHand bool     // a person has paused the script

	checkpoint wire.Checkpoint
	values     map[string]script.Value
	revision   uint64
	ended      bool          // old has
	lastSeq    uint64        // of what old has reported
	drained    chan struct{} // closed when that is kept; nil: nobody works at it
}

// handOver carries out a swap, and returns the process that has the run then,
// with its streams. They are nil when neither process could go on.
func (p *Process) handOver(ctx context.Context, st *streams, w *swap) (*Process, *streams) {
	h := &handover{old: p, next: w.next, swap: w, st: st}
	err := h.carryOut(ctx)
	w.done <- err
	if err == nil {
		return h.next, h.st
	}
	return h.old, h.st
}

// carryOut replaces the process. When it fails, the old one has the run again
// as if nothing had happened.
func (h *handover) carryOut(ctx context.Context) error {
	p, t := h.old, h.old.traffic
	p.status.mute(true)
	defer p.status.mute(false)
	if err := h.pause(ctx); err != nil {
		return h.back(ctx, err)
	}
	began := p.s.clock.Now()
	unlock, err := h.hold(ctx)
	if err == nil {
		err = h.replace(ctx)
	}
	if err != nil {
		err = h.back(ctx, err)
	}
	t.line.release()
	t.calls.open()
	unlock()
	if err != nil {
		return err
	}
	p.logger.Info("handed over", "run", p.run, "pid", h.next.PID(), "sha256", h.next.program.sum, "held", p.s.clock.Now().Sub(began))
	if !h.ended {
		p.retire(ctx)
	}
	h.next.settled()
	return nil
}

// pause brings the script to its next step. Calls still go to it meanwhile.
func (h *handover) pause(ctx context.Context) error {
	p := h.old
	h.byHand = p.status.is(script.Paused)
	p.instance.Paused = h.byHand
	if err := p.proposes(h.next); err != nil {
		return err
	}
	if h.byHand {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, pauseTime)
	defer cancel()
	if err := p.client.Pause(ctx); err != nil {
		return because("the one that runs did not pause", err)
	}
	return nil
}

// hold keeps everything back that goes to the script, and waits until it has
// dealt with what it has.
func (h *handover) hold(ctx context.Context) (unlock func(), err error) {
	p, t := h.old, h.old.traffic
	unlock = func() {}
	values := p.values
	h.revision = p.revision
	var locked func() (map[string]script.Value, uint64)
	if p.s.options.Parameters != nil {
		locked, unlock = p.s.options.Parameters(p.name)
	}
	ctx, cancel := context.WithTimeout(ctx, holdTime)
	defer cancel()
	t.line.hold()
	if err := errors.Join(t.calls.close(ctx), t.line.drained(ctx)); err != nil {
		return unlock, script.Errorf(script.CodeDeadline, "the one that runs is still at work on a message after %s", roughly(holdTime))
	}
	if h.checkpoint, err = h.state(ctx); err != nil {
		return unlock, err
	}
	if locked != nil {
		if p.moves.Load() > 0 { // they are not among the values before they are kept
			if err := h.settle(); err != nil {
				return unlock, err
			}
		}
		values, h.revision = locked()
	}
	h.values = p.present(values)
	return unlock, h.swap.takes.fitsWaiting(h.checkpoint.Waiting)
}

// state takes the script's checkpoint, and everything that it has said until
// then.
func (h *handover) state(ctx context.Context) (wire.Checkpoint, error) {
	p := h.old
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.s.options.StartTimeout)
	defer cancel()
	c, err := p.client.Checkpoint(ctx)
	if err != nil {
		return c, because("the one that runs made no checkpoint", err)
	}
	id, err := p.client.Identify(ctx)
	if err != nil {
		return c, because("the one that runs did not say how far it is", err)
	}
	if err := p.seen.await(ctx, id.LastSeq); err != nil {
		return c, script.Errorf(script.CodeDeadline, "the one that runs did not hand over what it has reported")
	}
	h.drain()
	return c, nil
}

// drain ends the reading of what the old process reports, and lets what was
// read be kept while the new one begins.
func (h *handover) drain() {
	p, st := h.old, h.st
	st.cancel()
	<-st.read
	h.lastSeq, h.st, h.drained = p.seen.value(), nil, make(chan struct{})
	go func() {
		defer close(h.drained)
		st.end(context.Background(), 0)
		p.readTails(false)
	}()
}

// settle waits until everything is kept that the old process has reported.
func (h *handover) settle() error {
	if h.drained != nil {
		<-h.drained
		h.drained = nil
	}
	if h.old.taken < h.lastSeq {
		return script.Errorf(script.CodeIO, "what the one that runs has reported could not be kept").WithHint("is the disk full?")
	}
	return nil
}

// replace lets the new process begin where the old one has stopped.
func (h *handover) replace(ctx context.Context) error {
	if h.next == nil {
		if err := errors.Join(h.settle(), h.saveState()); err != nil {
			return err
		}
		h.ended = true
		h.old.retire(ctx)
		next, err := h.old.launchBeside(ctx, h.swap.program)
		if err != nil {
			return err
		}
		h.next = next
		if err := h.old.fits(ctx, next, h.values); err != nil {
			return err
		}
	}
	if err := h.validateWaiting(ctx); err != nil {
		return err
	}
	st, err := h.takeOver(ctx)
	if err == nil {
		h.st = st
	}
	return err
}

// validateWaiting asks the next process whether the changes that wait for a
// step go together with the values.
func (h *handover) validateWaiting(ctx context.Context) error {
	if len(h.checkpoint.Waiting) == 0 {
		return nil
	}
	values := maps.Clone(h.values)
	for _, c := range h.checkpoint.Waiting {
		values[c.Name] = c.Value
	}
	ctx, cancel := context.WithTimeout(ctx, h.old.s.options.CallTimeout)
	defer cancel()
	return h.next.validate(ctx, values)
}

// takeOver starts the next process from the checkpoint and gives it the run.
// When it fails, nothing of what the process has said counts.
func (h *handover) takeOver(ctx context.Context) (*streams, error) {
	p, next := h.old, h.next
	next.values, next.revision = h.values, h.revision
	next.taken = h.lastSeq
	next.seen.reach(h.lastSeq)
	calling, cancel := context.WithTimeout(ctx, p.s.options.StartTimeout)
	defer cancel()
	if err := next.client.Restore(calling, h.checkpoint); err != nil {
		return nil, because("it did not restore the state", next.explain("restore the state", err))
	}
	err := next.client.Start(calling, wire.StartRequest{
		Run: p.run, Script: p.name, Parameters: next.values, Revision: next.revision, FirstSeq: h.lastSeq + 1,
		RunDir: p.home, ProcessDir: next.dir, Paused: h.byHand,
	})
	if err != nil {
		return nil, because("it did not start", next.explain("start", err))
	}
	commit := make(chan struct{})
	st := next.serveStreams(commit)
	select {
	case <-st.heard:
		err = nil
	case <-next.child.exited:
		err = next.explain("report anything", script.Errorf(script.CodeUnavailable, "it ended"))
	case <-calling.Done():
		err = script.Errorf(script.CodeDeadline, "it gave no sign of life after its start")
	}
	if err == nil && isClosed(next.child.exited) {
		err = next.explain("go on", script.Errorf(script.CodeUnavailable, "it ended"))
	}
	if err == nil {
		err = h.settle()
	}
	if err == nil {
		err = h.commit()
	}
	if err != nil {
		st.drop()
		st.end(ctx, 0)
		return nil, err
	}
	close(commit)
	return st, nil
}

// commit makes the next process the one that has the run.
func (h *handover) commit() error {
	p, next := h.old, h.next
	next.openTails()
	for i, t := range p.tails {
		next.instance.LogBase[i] = t.base + t.start
		if i < len(next.tails) {
			next.tails[i].base = t.base + t.start
		}
		t.mute = true
	}
	before := p.instance
	before.Candidate = nil
	next.instance.Before = &before
	next.instance.Paused = h.byHand
	if err := writeInstance(next.home, next.instance, false); err != nil {
		for _, t := range p.tails {
			t.mute = false
		}
		return err
	}
	next.first = []script.Event{
		p.s.event(p.name, p.run, script.BinaryChanged{SHA256: next.program.sum, FromStep: h.checkpoint.Step}),
		p.s.event(p.name, p.run, script.Described{Description: next.described, Values: next.startValues()}),
	}
	next.status.succeed(&p.status, h.byHand)
	p.s.update(func() { p.unit.process = next })
	p.traffic.current.Store(next)
	if p.s.options.Link != nil {
		if err := next.openLink(p.traffic.ctx); err != nil {
			next.logger.Warn("open message stream", "run", next.run, "error", err) // serveLink tries again
		}
	}
	return nil
}

// back gives the run to the old process again. The record of the candidate
// goes last: a host that is killed before knows by it that the old process is
// to go on.
func (h *handover) back(ctx context.Context, cause error) error {
	p := h.old
	if h.next != nil {
		cause = joined(cause, h.next.vanish())
		h.next = nil
	}
	if h.ended {
		return h.revive(ctx, cause)
	}
	if h.st == nil {
		if err := h.settle(); err != nil {
			p.logger.Error("keep events", "run", p.run, "error", err) // they are read again
		}
		h.st = p.serveStreams(nil)
	}
	return joined(cause, errors.Join(h.resume(), p.proposes(nil)))
}

// resume lets the old process go on, unless a person has paused the script.
func (h *handover) resume() error {
	p := h.old
	if h.byHand || isClosed(p.child.exited) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.s.options.CallTimeout)
	defer cancel()
	if err := p.client.Resume(ctx); err != nil && !isClosed(p.child.exited) {
		return because("let the one that ran go on", err)
	}
	return nil
}

// revive starts the old binary again, from the checkpoint, as its process had
// to end before the new one could be tried.
func (h *handover) revive(ctx context.Context, cause error) error {
	p := h.old
	ctx = context.WithoutCancel(ctx)
	program, err := p.sameProgram()
	if err == nil {
		h.next, err = p.launchBeside(ctx, program)
	}
	if err == nil {
		err = p.fits(ctx, h.next, h.values)
	}
	if err == nil {
		h.st, err = h.takeOver(ctx)
	}
	if err == nil {
		h.next.settled()
		h.old = h.next
		return cause
	}
	if h.next != nil {
		err = joined(err, h.next.vanish())
	}
	p.lastReason = fmt.Sprintf("%v; and the one that ran could not be started again: %v", cause, err)
	return script.Errorf(script.CodeOf(cause), "%s", p.lastReason)
}

// settled notes that the process before is gone.
func (p *Process) settled() {
	p.instance.Before = nil
	if err := errors.Join(writeInstance(p.home, p.instance, false), removeState(p.home)); err != nil {
		p.warn("note that the process before has ended: %v", err)
	}
}

// retire ends a process that another one replaces, and takes its last words.
func (p *Process) retire(ctx context.Context) {
	grace := min(p.config().StopGrace, retireTime)
	stopping, cancel := context.WithTimeout(ctx, grace+time.Second)
	if err := p.client.Stop(stopping, grace, "another process takes its place"); err == nil {
		p.linger(stopping)
	}
	cancel()
	err := errors.Join(p.child.end(ctx, termTime), p.conn.Close())
	p.readTails(true)
	for _, name := range []string{wire.SpoolFile, wire.ExitFile} {
		err = errors.Join(err, os.RemoveAll(filepath.Join(p.dir, name)))
	}
	err = errors.Join(err, removeSockets(p.dir))
	if p.dir != p.home {
		err = errors.Join(err, discardRunDir(p.dir))
	}
	if err != nil {
		p.warn("clear up after the process that was replaced: %v", err)
	}
}

// because puts what has failed before an error, for a person to read both.
func because(what string, err error) error {
	e := *script.AsError(err)
	e.Message = what + ": " + e.Message
	return &e
}
