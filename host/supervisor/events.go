package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

const (
	emitEvents = 4096             // most events kept in one go
	waitingMax = 64               // messages of a plugin that wait to be kept
	keepTime   = 30 * time.Second // to keep what a process said that has ended
)

// readEvents takes the process's event stream in, from the event behind after
// on, until the plugin ends it, the process ends or ctx does. A stream that
// breaks is opened again where it broke.
func (p *Process) readEvents(ctx context.Context, after uint64, into chan<- []script.Event, heard chan<- struct{}) {
	defer close(into)
	pause := 20 * time.Millisecond
	first := sync.OnceFunc(func() { close(heard) })
	for {
		err := p.client.Events(ctx, after, func(events []script.Event) error {
			last := after
			for _, e := range events { // they are another goroutine's once they are handed over
				last = max(last, e.Seq)
				if movesParameters(e.Body) {
					p.moves.Add(1)
				}
			}
			p.status.hear()
			first()
			p.status.holding.Store(true)
			defer p.status.holding.Store(false)
			select {
			case into <- events:
			case <-ctx.Done():
				return ctx.Err()
			}
			p.status.hear()
			after = last
			p.seen.reach(last)
			pause = 20 * time.Millisecond
			return nil
		})
		if err == nil || ctx.Err() != nil || isClosed(p.child.exited) {
			return
		}
		p.logger.Debug("event stream broke", "run", p.run, "error", err)
		if !p.rest(ctx, &pause) {
			return
		}
	}
}

// rest waits before a stream is opened again, longer each time; false when
// there is nothing to open any more.
func (p *Process) rest(ctx context.Context, pause *time.Duration) bool {
	timer := time.NewTimer(*pause)
	defer timer.Stop()
	*pause = min(2**pause, time.Second)
	select {
	case <-timer.C:
		return true
	case <-p.child.exited:
	case <-ctx.Done():
	}
	return false
}

// keepEvents hands in what readEvents has read, as much at a time as there is,
// until the channel is closed.
func (p *Process) keepEvents(ctx context.Context, from <-chan []script.Event) {
	for events := range from {
		for more := true; more && len(events) < emitEvents; {
			select {
			case next, ok := <-from:
				events = append(events, next...)
				more = ok
			default:
				more = false
			}
		}
		p.take(ctx, events)
		p.status.tell()
	}
}

// take keeps what is to be kept of what the plugin says.
func (p *Process) take(ctx context.Context, events []script.Event) bool {
	last, moves := p.taken, int64(0)
	for _, e := range events {
		last = max(last, e.Seq)
		if movesParameters(e.Body) {
			moves++
		}
	}
	defer p.moves.Add(-moves)
	out := p.sift(events)
	if len(out) > 0 && !p.keep(ctx, out) {
		p.logger.Error("events are lost", "run", p.run, "count", len(out))
		return false
	}
	p.taken = last
	return true
}

// movesParameters reports whether a fact tells another value of a parameter.
func movesParameters(body script.Body) bool {
	switch body.(type) {
	case script.ParametersChanged, script.ParametersObserved:
		return true
	}
	return false
}

// catchUp takes what an ended process wrote down because it could not hand it
// over, and tells what is missing even so. last is the number of the last
// event that the process made, 0 where it is not known.
func (p *Process) catchUp(last uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), keepTime)
	defer cancel()
	err := drainSpool(p.dir, p.taken, func(events []script.Event) error {
		if !p.take(ctx, events) {
			return errors.New("they could not be kept")
		}
		return nil
	})
	if err != nil {
		p.warn("take what the script wrote down: %v", err)
	}
	if last > p.taken {
		p.s.tell(p.s.event(p.name, p.run, script.Gap{From: p.taken + 1, To: last, Dropped: last - p.taken,
			Reason: "the process ended before it had handed them over"}))
	}
}

// drainSpool takes what an ended process wrote down behind the event of the
// number after, and clears it away when it is taken.
func drainSpool(dir string, after uint64, take func([]script.Event) error) error {
	path := filepath.Join(dir, wire.SpoolFile)
	if err := wire.ReadSpool(path, after, take); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("clear spool: %w", err)
	}
	return nil
}

// keep hands events in, and tries again as long as it does not work: the
// plugin holds back what does not find room here.
func (p *Process) keep(ctx context.Context, events []script.Event) bool {
	pause := 50 * time.Millisecond
	for {
		err := p.s.options.Emit(ctx, events...)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		p.logger.Error("keep events", "run", p.run, "count", len(events), "error", err)
		timer := time.NewTimer(pause)
		pause = min(2*pause, 5*time.Second)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// sift looks at what the plugin says, and returns what is to be kept of it.
func (p *Process) sift(events []script.Event) []script.Event {
	out := events[:0]
	for _, e := range events {
		e.Script, e.Run = p.name, p.run
		switch body := e.Body.(type) {
		case script.Heartbeat:
			p.status.beat()
		case script.StateChanged:
			p.status.say(body) // which tells it, in the light of what else is known
		case script.Described:
			e.Body = p.redescribe(body)
		case script.Stepped, script.Samples, script.LogLine, script.Progress, script.ResultSet:
			p.status.move()
		}
		if toKeep(e.Body) {
			out = append(out, e)
		}
	}
	return out
}

// toKeep reports whether a fact is a plugin's to tell. States are told by the
// supervisor, which knows more, and the rest by others.
func toKeep(body script.Body) bool {
	switch body.(type) {
	case script.Heartbeat, script.StateChanged, script.RunStarted, script.OwnerChanged, script.MessageRouted, script.RouteFired:
		return false
	}
	return true
}

// redescribe refines a description that has grown by what the configuration
// says.
func (p *Process) redescribe(body script.Described) script.Described {
	_, specs, diags := p.config().Resolve(body.Description)
	if err := config.Error(diags); err != nil {
		p.warn("the configuration does not fit what the script declares: %v", err)
	} else {
		body.Description.Parameters = specs
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.described = body.Description
	return body
}

// follow gives out what the process prints until ctx ends.
func (p *Process) follow(ctx context.Context) {
	if len(p.tails) == 0 {
		return
	}
	paths := make([]string, len(p.tails))
	for i, t := range p.tails {
		paths[i] = t.path
	}
	wake, forget := p.s.follower.follow(paths)
	defer forget()
	for {
		p.readTails(false)
		select {
		case <-wake:
		case <-ctx.Done():
			return
		}
	}
}

// lines makes facts of lines of output.
func (s *Supervisor) lines(name, run string, lines []script.LogLine) []script.Event {
	events := make([]script.Event, len(lines))
	for i, l := range lines {
		events[i] = s.event(name, run, l)
	}
	return events
}

// readTails gives out what the process printed since it was last asked; with
// last also a line that has no end, and then no more.
func (p *Process) readTails(last bool) {
	for _, t := range p.tails {
		err := t.read(last, func(lines []script.LogLine) {
			p.status.move()
			p.s.tell(p.s.lines(p.name, p.run, lines)...)
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			p.logger.Warn("follow output", "run", p.run, "error", err)
		}
		if last {
			t.close()
		}
	}
}
