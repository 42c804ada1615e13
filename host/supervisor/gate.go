package supervisor

import (
	"context"
	"sync"
)

// gate lets calls through to a process, and holds them while the process is
// being replaced.
type gate struct {
	mu     sync.Mutex
	inside int
	shut   chan struct{} // closed when the gate is opened again; nil: it is open
	left   chan struct{} // closed when nobody is inside; nil: nobody waits for that
}

// enter waits until the gate is open.
func (g *gate) enter(ctx context.Context) error {
	for {
		g.mu.Lock()
		shut := g.shut
		if shut == nil {
			g.inside++
			g.mu.Unlock()
			return nil
		}
		g.mu.Unlock()
		select {
		case <-shut:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leave ends what enter began.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside--; g.inside == 0 && g.left != nil {
		close(g.left)
		g.left = nil
	}
}

// close shuts the gate and waits until everybody has left. It stays shut, also
// where ctx ends before.
func (g *gate) close(ctx context.Context) error {
	g.mu.Lock()
	if g.shut == nil {
		g.shut = make(chan struct{})
	}
	if g.inside == 0 {
		g.mu.Unlock()
		return nil
	}
	if g.left == nil {
		g.left = make(chan struct{})
	}
	left := g.left
	g.mu.Unlock()
	select {
	case <-left:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// open lets calls through again.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != nil {
		close(g.shut)
		g.shut = nil
	}
}

// progress is a number that only grows, and that others wait for.
type progress struct {
	mu      sync.Mutex
	now     uint64
	changed chan struct{}
}

// reach moves the number on.
func (p *progress) reach(n uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n <= p.now {
		return
	}
	p.now = n
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// value is the number now.
func (p *progress) value() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// await returns when the number is n or more.
func (p *progress) await(ctx context.Context, n uint64) error {
	for {
		p.mu.Lock()
		if p.now >= n {
			p.mu.Unlock()
			return nil
		}
		if p.changed == nil {
			p.changed = make(chan struct{})
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
