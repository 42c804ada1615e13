package supervisor

import (
	"context"
	"maps"
	"sync"
)

// rounds looks after all live processes, each heartbeat. One timer serves
// them all, and what they have said meanwhile is looked at in one go.
type rounds struct {
	s *Supervisor

	mu    sync.Mutex
	all   map[*Process]*looked
	quit  chan struct{} // closed to end serve; nil: it does not run
	ended chan struct{} // closed when it has
}

// looked is a process that is looked after.
type looked struct {
	mu   sync.Mutex // held while it is looked at
	over bool
}

// watch looks for silence until ctx ends.
func (p *Process) watch(ctx context.Context) {
	l := p.s.rounds.add(p)
	<-ctx.Done()
	p.s.rounds.remove(p, l)
	p.pulse.close()
}

func (o *rounds) add(p *Process) *looked {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.quit == nil {
		o.all = map[*Process]*looked{}
		o.quit, o.ended = make(chan struct{}), make(chan struct{})
		go o.serve(o.quit, o.ended)
	}
	l := &looked{}
	o.all[p] = l
	return l
}

// remove ends the looking after p: none goes on when it returns.
func (o *rounds) remove(p *Process, l *looked) {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	o.mu.Lock()
	delete(o.all, p)
	var ended chan struct{}
	if len(o.all) == 0 {
		close(o.quit)
		ended, o.quit = o.ended, nil
	}
	o.mu.Unlock()
	if ended != nil {
		<-ended
	}
}

// serve looks at all processes each heartbeat until quit is closed.
func (o *rounds) serve(quit, ended chan struct{}) {
	defer close(ended)
	for {
		tick, stop := o.s.clock.After(o.s.options.Heartbeat)
		select {
		case <-tick:
		case <-quit:
			stop()
			return
		}
		o.mu.Lock()
		all := maps.Clone(o.all)
		o.mu.Unlock()
		for p, l := range all {
			l.mu.Lock()
			if !l.over {
				p.feel()
				p.status.check()
			}
			l.mu.Unlock()
		}
	}
}
