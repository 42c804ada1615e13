package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// errNotBegun says that a process was launched, but not told to begin its run.
var errNotBegun = errors.New("its run had not begun")

// adopt makes the process that an earlier host launched for a script this
// host's own. The error says what does not fit; nothing has been done to the
// process then.
func (u *unit) adopt(ctx context.Context, dir string, in instance) (_ *Process, err error) {
	if in.Protocol != wire.ProtocolVersion {
		return nil, fmt.Errorf("it speaks version %d of the plugin protocol, this host speaks %d", in.Protocol, wire.ProtocolVersion)
	}
	p := newProcess(u)
	p.run, p.home, p.dir, p.instance, p.began = in.Run, dir, in.processDir(dir), in, in.Launched
	p.program.sum = in.SHA256
	if p.child, err = foster(in); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = joined(err, p.child.release())
		}
	}()
	if p.conn, err = dial(in.Socket); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = joined(err, p.conn.Close())
		}
	}()
	p.client = wire.NewClient(p.conn)
	if err = p.recognize(ctx); err != nil {
		return nil, err
	}
	if u.s.options.LastSeq != nil {
		if p.taken, err = u.s.options.LastSeq(ctx, p.run); err != nil {
			return nil, err
		}
	}
	p.seen.reach(p.taken)
	p.openTails()
	if err = u.s.rewind(ctx, in, p.tails); err != nil {
		return nil, err
	}
	return p, nil
}

// recognize makes sure that the process is the one that was recorded, and
// finds out what it takes.
func (p *Process) recognize(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.s.options.CallTimeout)
	defer cancel()
	id, err := p.client.Identify(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("it did not say who it is: %w", err)
	case id.Nonce == "" || id.Nonce != p.instance.Nonce || id.PID != p.instance.PID:
		return errors.New("another process answers for it")
	case id.Run == "":
		return errNotBegun
	case id.Run != p.run:
		return fmt.Errorf("it has another run, %s", id.Run)
	}
	p.identity = id
	if in := p.instance; in.Candidate != nil && !in.Paused && id.State == script.Paused {
		// Its host was killed while it was to be replaced.
		if err := p.client.Resume(ctx); err != nil {
			return fmt.Errorf("it did not go on: %w", err)
		}
		id.State = script.Running
	}
	p.instance.Candidate, p.instance.Before = nil, nil
	if err := writeInstance(p.home, p.instance, false); err != nil {
		p.logger.Warn("the record of an adopted process stays as it was", "run", p.run, "error", err) // which is no fault of the process
	}
	d, err := p.client.Describe(ctx)
	if err != nil {
		return fmt.Errorf("it did not describe itself: %w", err)
	}
	if _, specs, diags := p.config().Resolve(d); diags.HasErrors() {
		p.warn("the configuration does not fit the script, which runs on: %v", config.Error(diags))
	} else {
		d.Parameters = specs
	}
	p.described = d
	p.status.resume(id)
	return nil
}

// adoptAtLast is adopt for a process that may be silent for now: it is waited
// for, and shown as stuck, until it answers, ends, or somebody stops it, which
// ends ctx.
func (u *unit) adoptAtLast(ctx context.Context, dir string, in instance) (*Process, error) {
	told := false
	for {
		p, err := u.adopt(ctx, dir, in)
		if script.CodeOf(err) != script.CodeDeadline || ctx.Err() != nil || u.s.inspect(ctx, in) != ours {
			return p, err
		}
		if !told {
			told = true
			u.s.logger.Warn("a running script of an earlier host does not answer", "script", in.Script, "run", in.Run, "error", err)
			reason := "it has not answered since the host was started again"
			u.s.tell(u.s.event(u.name, in.Run, script.StateChanged{State: script.Stuck, Reason: reason, PID: in.PID, PluginPID: in.PID}))
			u.note(script.Stuck, reason)
		}
	}
}

// install puts an adopted process into its unit, whose loop attends to it, and
// stops it at once where until was ended for that.
func (u *unit) install(until context.Context, p *Process) {
	_, stopped := errors.AsType[errStop](context.Cause(until))
	u.restarts.resume(p.instance.Attempt, p.instance.Restarts)
	u.s.update(func() {
		u.process, u.held = p, false
		u.wanted, u.busy, u.trying, u.began = !stopped, true, true, true
		u.gen++
	})
}

// resume attends to an adopted process until its run is over.
func (p *Process) resume(ctx context.Context) ending {
	defer close(p.done)
	p.logger.Info("goes on with a script of an earlier host", "run", p.run, "pid", p.child.pid)
	p.status.tell()
	return p.attend(ctx)
}

// rewind lets tails begin where the lines end that an earlier host kept.
func (s *Supervisor) rewind(ctx context.Context, in instance, tails []*tail) error {
	for i, t := range tails {
		t.skip, t.base = 0, in.LogBase[i]
		if filepath.Base(t.path) == stdoutFile {
			t.skip = in.Handshake
		}
		if s.options.LogEnd == nil {
			continue
		}
		end, partial, err := s.options.LogEnd(ctx, in.Run, t.stream)
		if err != nil {
			return fmt.Errorf("find the end of what was read of %s: %w", t.stream, err)
		}
		if end -= t.base; end <= 0 {
			continue
		}
		info, err := os.Stat(t.path)
		if err != nil {
			return fmt.Errorf("follow %s: %w", t.stream, err)
		}
		t.skip, t.mid = end, partial
		if end > info.Size() { // it was emptied since
			t.skip = 0
		}
	}
	return nil
}

// dismissGrace is the grace of a script that no configuration names any more.
const dismissGrace = 10 * time.Second

// dismiss asks a process of an earlier host to end its run. What it does not
// heed is left to fence.
func (s *Supervisor) dismiss(ctx context.Context, in instance, reason string) error {
	if !s.knowsNonce(ctx, in) {
		return nil // it carries the run's mark, but does not answer
	}
	conn, err := dial(in.Socket)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, dismissGrace+time.Second)
	defer cancel()
	err = wire.NewClient(conn).Stop(ctx, dismissGrace, reason)
	if script.CodeOf(err) == script.CodeUnavailable || script.CodeOf(err) == script.CodeDeadline {
		err = nil // it ended before it answered, or must be made to end
	}
	return errors.Join(err, conn.Close())
}
