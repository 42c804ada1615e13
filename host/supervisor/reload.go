package supervisor

import (
	"context"
	"fmt"

	"github.com/mlhost/mlhost/shared/script"
)

// ReloadOptions says how a script is reloaded.
type ReloadOptions struct {
	// Now: where the run cannot be handed over, it is ended and a new one
	// started.
	Now bool
}

// Reloaded says what became of a reload.
type Reloaded string

// What becomes of a reload.
const (
	Unchanged  Reloaded = "unchanged"   // what runs is what is there
	HandedOver Reloaded = "handed_over" // the run goes on with the new binary
	Restarted  Reloaded = "restarted"   // a new run has begun
	AtNextRun  Reloaded = "at_next_run" // the new one is used when the script is started the next time
)

// Reload lets a script run with its program as it is now: a plugin's binary, or
// a script's source. A run of a plugin that makes checkpoints is handed over
// and goes on; any other run is ended only with Now, or where a script's
// source has changed. When the new program does not work the old one goes on,
// and the error says why.
func (s *Supervisor) Reload(ctx context.Context, name string, o ReloadOptions) (Reloaded, error) {
	u, err := s.unit(name)
	if err != nil {
		return "", err
	}
	select {
	case u.reloading <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-u.reloading }()
	// One that is just being started or taken over is let get there.
	starting, cancel := context.WithTimeout(ctx, s.options.CallTimeout)
	err = s.await(starting, func() bool { return !u.starts() })
	cancel()
	if err != nil && ctx.Err() != nil {
		return "", ctx.Err()
	}
	s.mu.Lock()
	p := u.process
	if s.closed || isClosed(s.leaving) {
		p = nil
	}
	if p != nil && !u.began {
		p = nil // it is just being started, with what is there now
	}
	s.mu.Unlock()
	switch {
	case p == nil:
		return AtNextRun, nil
	case u.config().Plugin == "":
		return u.reloadSource(ctx, p, o)
	}
	return u.reloadBinary(ctx, p, o)
}

// reloadBinary is Reload for a plugin.
func (u *unit) reloadBinary(ctx context.Context, p *Process, o ReloadOptions) (Reloaded, error) {
	next, err := u.s.program(u.config(), p.run, p.home, &u.s.binaries, nil)
	if err != nil {
		return "", u.refuse(ctx, p, next.sum, err)
	}
	if next.sum == p.program.sum {
		u.refused = ""
		p.status.remark("")
		return Unchanged, nil
	}
	if p.Description().Has(script.CapabilityCheckpoint) {
		if err = u.handOver(ctx, p, next); err == nil {
			u.refused = ""
			p.traffic.current.Load().status.remark("") // what was said of a build before
			return HandedOver, nil
		}
		if !o.Now || ctx.Err() != nil {
			return "", u.refuse(ctx, p, next.sum, err)
		}
	}
	if !o.Now {
		p.status.remark(fmt.Sprintf("new binary %s waits for the end of the run", short(next.sum)))
		return AtNextRun, nil
	}
	return u.restart(ctx, "")
}

// restart ends the run and begins another one, which goes on from the newest
// checkpoint of the run from, where that is not "" and the script can.
func (u *unit) restart(ctx context.Context, from string) (Reloaded, error) {
	if err := u.s.stop(ctx, u, "to be started again"); err != nil {
		return "", err
	}
	u.s.update(func() { u.from = from })
	if err := u.s.Start(ctx, u.name); err != nil {
		return "", err
	}
	return Restarted, nil
}

// refuse tells that a new binary is not used, and why.
func (u *unit) refuse(ctx context.Context, p *Process, sum string, err error) error {
	e := *script.AsError(err)
	if ctx.Err() != nil || isClosed(p.done) {
		return blame(u.config(), &e) // that is not the binary's fault
	}
	e.Code = script.CodeRejected
	what := "the new binary"
	if sum != "" {
		what += " " + short(sum)
	}
	e.Message = fmt.Sprintf("%s is not used: %s", what, e.Message)
	if text := e.Error(); u.refused != text {
		u.refused = text
		p.warn("%s", text)
	}
	p.traffic.current.Load().status.remark(e.Message)
	return blame(u.config(), &e)
}

// handOver starts the new binary beside the old one, and gives it the run when
// it has shown that it can take it.
func (u *unit) handOver(ctx context.Context, p *Process, program program) error {
	w := &swap{program: program, done: make(chan error, 1)}
	next, err := p.launchBeside(ctx, program)
	if err == nil {
		err = p.fits(ctx, next, p.present(u.values(p)))
		if err == nil && u.s.options.Accepts != nil {
			err = u.s.options.Accepts(u.name, next.plain)
		}
		if diff := difference(p.Description().Parameters, next.plain.Parameters); err != nil && diff != "" {
			e := *script.AsError(err)
			e.Message += "; its parameters differ: " + diff
			err = &e
		}
	}
	if err != nil {
		return joined(err, p.dropCandidate(next))
	}
	w.takes = next
	if next.plain.MayOverlap && p.Description().MayOverlap {
		w.next = next
	} else if err := p.dropCandidate(next); err != nil {
		return err
	}
	select {
	case p.traffic.swaps <- w:
		return <-w.done
	case <-p.done:
		err = script.Errorf(script.CodeUnavailable, "the run ended meanwhile")
	case <-ctx.Done():
		err = ctx.Err()
	}
	return joined(err, p.dropCandidate(w.next))
}

// dropCandidate ends a process that is not going to take over, if there is one.
func (p *Process) dropCandidate(next *Process) error {
	var err error
	if next != nil {
		err = next.vanish()
	}
	return joined(err, p.proposes(nil))
}

// values are the script's values now, without keeping them as they are.
func (u *unit) values(p *Process) map[string]script.Value {
	if u.s.options.Parameters == nil {
		return p.values
	}
	values, unlock := u.s.options.Parameters(u.name)
	defer unlock()
	now, _ := values()
	return now
}

// short is the beginning of a sum, which people can compare.
func short(sum string) string { return sum[:min(len(sum), 12)] }
