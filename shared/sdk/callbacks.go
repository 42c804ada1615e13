package sdk

import "github.com/mlhost/mlhost/shared/script"

// callbacks are the calls that one change causes.
type callbacks struct {
	changes []script.Change
	depth   int // of changes that callbacks made, one from within the other
	done    chan struct{}
}

// maxDepth bounds how deep callbacks may set parameters from within each other.
const maxDepth = 64

// watch adds a callback for changes of one parameter.
func (p *parameters) watch(name string, f func(old, new script.Value)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.values[name]; !ok {
		return p.unknown(name)
	}
	p.watchers[name] = append(p.watchers[name], f)
	return nil
}

// enqueue queues the callbacks of changes behind those that are being called.
// The caller holds mu.
func (p *parameters) enqueue(changes []script.Change, depth int) *callbacks {
	c := &callbacks{changes: changes, depth: depth, done: make(chan struct{})}
	p.queue = append(p.queue, c)
	return c
}

// depth returns the depth of a change that the script makes now.
func (p *parameters) depth() int {
	if !p.draining || len(p.queue) == 0 {
		return 0
	}
	return p.queue[0].depth + 1
}

// drain calls the queued callbacks, unless somebody does so already: then they
// come after those. problem is told of a callback that panics.
func (p *parameters) drain(problem func(name string, cause any)) {
	p.mu.Lock()
	if p.draining {
		p.mu.Unlock()
		return
	}
	p.draining = true
	for len(p.queue) > 0 {
		c := p.queue[0]
		var calls []func()
		for _, change := range c.changes {
			for _, f := range p.watchers[change.Name] {
				calls = append(calls, func() { callWatcher(f, change, problem) })
			}
		}
		p.mu.Unlock()
		for _, call := range calls {
			call()
		}
		p.mu.Lock()
		p.queue = p.queue[1:]
		close(c.done)
	}
	p.draining = false
	p.mu.Unlock()
}

func callWatcher(f func(old, new script.Value), c script.Change, problem func(string, any)) {
	defer func() {
		if cause := recover(); cause != nil {
			problem(c.Name, cause)
		}
	}()
	f(c.Old, c.New)
}
