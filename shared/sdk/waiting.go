package sdk

import (
	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// handOut returns the changes that wait for a step, for the process that takes
// over the run. Here they go on waiting: that process may fail.
func (p *parameters) handOut() []wire.Waiting {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []wire.Waiting
	for _, w := range p.waiting {
		if !w.told {
			out = append(out, wire.Waiting{Name: w.name, Value: w.value, Step: w.step, Author: w.author})
		}
	}
	return out
}

// takeUp lets the changes wait here that waited in the process before. Their
// revision is counted already.
func (p *parameters) takeUp(changes []wire.Waiting) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range changes {
		v := c.Value
		if spec, known := p.specs[c.Name]; known {
			var err error
			if v, err = spec.Check(v); err != nil {
				return script.Errorf(script.CodeRejected, "%s, which waits for step %d: %s", c.Name, c.Step, err)
			}
		}
		p.forget(c.Name)
		p.waiting = append(p.waiting, waiting{name: c.Name, value: v, step: c.Step, author: c.Author})
	}
	return nil
}
