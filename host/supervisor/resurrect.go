package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mlhost/mlhost/shared/wire"
)

// stateFile keeps, in a run's directory, the checkpoint of a process that must
// end before another one may begin. It is there only while no process has the
// run: a host that is killed then leaves the run to the next one.
const stateFile = "handover.json"

// betweenProcesses is the content of stateFile.
type betweenProcesses struct {
	Generation int             `json:"generation"` // of the process that made it
	LastSeq    uint64          `json:"last_seq"`   // of what it has reported
	Checkpoint wire.Checkpoint `json:"checkpoint"`
}

// saveState keeps the checkpoint for the time between two processes.
func (h *handover) saveState() error {
	data, err := json.Marshal(betweenProcesses{
		Generation: h.old.instance.Generation, LastSeq: h.old.taken, Checkpoint: h.checkpoint,
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", stateFile, err)
	}
	return writeFile(filepath.Join(h.old.home, stateFile), data, false)
}

// removeState forgets it.
func removeState(home string) error {
	err := os.Remove(filepath.Join(home, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// stateBetween reads the checkpoint of a run whose host was killed while no
// process had it; false where that is not so.
func stateBetween(home string, in instance) (betweenProcesses, bool, error) {
	var b betweenProcesses
	data, err := os.ReadFile(filepath.Join(home, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return b, false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &b)
	}
	if err != nil {
		return b, false, fmt.Errorf("read %s: %w", stateFile, err)
	}
	return b, b.Generation == in.Generation, nil
}

// resurrect lets a run go on whose host was killed while no process had it: the
// binary that had it is started again, from its checkpoint.
func (u *unit) resurrect(ctx context.Context, home string, in instance, b betweenProcesses) (*Process, error) {
	old := newProcess(u)
	old.run, old.home, old.dir, old.instance, old.began = in.Run, home, in.processDir(home), in, in.Launched
	old.program.sum = in.SHA256
	program, err := old.sameProgram()
	if err != nil {
		return nil, err
	}
	next, err := old.launchBeside(ctx, program)
	if err != nil {
		return nil, err
	}
	if err := next.goOn(ctx, old, b); err != nil {
		return nil, joined(err, next.vanish())
	}
	return next, removeState(home)
}

// goOn begins with the run where the process of another host has left it.
func (p *Process) goOn(ctx context.Context, old *Process, b betweenProcesses) error {
	p.traffic, p.done = newTraffic(p), make(chan struct{})
	p.taken = b.LastSeq
	if p.s.options.LastSeq != nil {
		last, err := p.s.options.LastSeq(ctx, p.run)
		if err != nil {
			return err
		}
		p.taken = max(p.taken, last)
	}
	p.seen.reach(p.taken)
	old.described = p.described
	p.values = old.present(p.unit.values(old))
	if p.s.options.Kept != nil {
		_, revision, err := p.kept(ctx)
		if err != nil {
			return err
		}
		p.revision = revision
	}
	if err := old.fits(ctx, p, p.values); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.s.options.StartTimeout)
	defer cancel()
	if err := p.client.Restore(ctx, b.Checkpoint); err != nil {
		return because("it did not restore the state", p.explain("restore the state", err))
	}
	err := p.client.Start(ctx, wire.StartRequest{
		Run: p.run, Script: p.name, Parameters: p.values, Revision: p.revision, FirstSeq: p.taken + 1,
		RunDir: p.home, ProcessDir: p.dir, Paused: p.instance.Paused,
	})
	if err != nil {
		return because("it did not start", p.explain("start", err))
	}
	p.openTails()
	if err := p.continueLogs(ctx); err != nil {
		return err
	}
	p.status.succeed(&old.status, p.instance.Paused)
	return writeInstance(p.home, p.instance, false)
}

// continueLogs lets the ends of lines that the process prints stand behind
// those that are kept of the processes before it.
func (p *Process) continueLogs(ctx context.Context) error {
	if p.s.options.LogEnd == nil {
		return nil
	}
	for i, t := range p.tails {
		end, _, err := p.s.options.LogEnd(ctx, p.run, t.stream)
		if err != nil {
			return fmt.Errorf("find the end of what was read of %s: %w", t.stream, err)
		}
		t.base, p.instance.LogBase[i] = end, end
	}
	return nil
}
