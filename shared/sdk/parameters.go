package sdk

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/mlhost/mlhost/shared/script"
)

// parameters are the declared parameters of a run and the values in use. A
// change is checked, committed and told to the callbacks, in this order;
// changes are committed one at a time, and so are the callbacks called.
type parameters struct {
	mu       sync.Mutex
	order    []string
	specs    map[string]script.ParameterSpec
	values   map[string]script.Value
	waiting  []waiting // for a step
	revision uint64
	step     int64
	watchers map[string][]func(old, new script.Value)
	queue    []*callbacks
	draining bool
}

// waiting is a change that takes effect at a step.
type waiting struct {
	name  string
	value script.Value
	step  int64 // the first step at which it may; -1: the next one
	told  bool  // not by itself: when the script says so

	author string
}

func newParameters(specs []script.ParameterSpec) *parameters {
	p := &parameters{
		specs: map[string]script.ParameterSpec{}, values: map[string]script.Value{},
		watchers: map[string][]func(old, new script.Value){},
	}
	for _, spec := range specs {
		p.declare(spec)
	}
	return p
}

func (p *parameters) declare(spec script.ParameterSpec) {
	if _, known := p.specs[spec.Name]; !known {
		p.order = append(p.order, spec.Name)
	}
	p.specs[spec.Name] = spec
	if _, has := p.values[spec.Name]; !has {
		p.values[spec.Name] = spec.Default
	}
}

// adopt declares a parameter while the run lasts. A configured value that was
// kept for it is used where it fits.
func (p *parameters) adopt(spec script.ParameterSpec) {
	kept, has := p.values[spec.Name]
	_, known := p.specs[spec.Name]
	p.declare(spec)
	if known || !has {
		return
	}
	if v, err := spec.Check(kept); err == nil {
		p.values[spec.Name] = v
	} else {
		p.values[spec.Name] = spec.Default
	}
}

// withdraw takes parameters back. Their values are forgotten too.
func (p *parameters) withdraw(names []string) {
	for _, name := range names {
		delete(p.specs, name)
		delete(p.values, name)
	}
	p.order = slices.DeleteFunc(p.order, func(name string) bool { return slices.Contains(names, name) })
}

// start sets the configured values. Where strict is not set, a value without a
// spec is kept for a parameter that may be declared later.
func (p *parameters) start(values map[string]script.Value, revision uint64, strict bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.revision = revision
	for _, name := range slices.Sorted(maps.Keys(values)) {
		spec, known := p.specs[name]
		if !known {
			if strict {
				return p.unknown(name)
			}
			p.values[name] = values[name]
			continue
		}
		v, err := spec.Check(values[name])
		if err != nil {
			return script.Errorf(script.CodeRejected, "parameter %s: %s", name, err)
		}
		p.values[name] = v
	}
	for _, name := range p.order {
		if _, given := values[name]; p.specs[name].Required && !given {
			return script.Errorf(script.CodeRejected, "parameter %s is required, and has no value", name)
		}
	}
	return nil
}

func (p *parameters) unknown(name string) *script.Error {
	e := script.Errorf(script.CodeNotFound, "there is no parameter %q", name)
	if best := script.Suggest(name, p.order); best != "" {
		return e.WithHint("did you mean %q?", best)
	}
	return e
}

// get returns the value in use.
func (p *parameters) get(name string) (script.Value, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.values[name]
	if !ok {
		return script.Null(), p.unknown(name)
	}
	return v, nil
}

func (p *parameters) all() map[string]script.Value {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.values)
}

// check tests a batch against the specs. The outcomes are what will happen; a
// rejection among them takes the others with it. The caller holds mu.
func (p *parameters) check(b script.Batch) []script.Outcome {
	outcomes := make([]script.Outcome, 0, len(b.Values))
	bad := ""
	for _, name := range slices.Sorted(maps.Keys(b.Values)) {
		o := p.checkOne(name, b.Values[name], b.AtStep)
		if o.Status == script.Rejected && bad == "" {
			bad = name
		}
		outcomes = append(outcomes, o)
	}
	if bad != "" {
		rejectRest(outcomes, fmt.Sprintf("nothing was set, because %s was rejected", bad))
	}
	return outcomes
}

// rejectRest turns the outcomes that are no rejections into such, for reason.
func rejectRest(outcomes []script.Outcome, reason string) {
	for i := range outcomes {
		if o := &outcomes[i]; o.Status != script.Rejected {
			o.Status, o.Reason, o.Value, o.Step = script.Rejected, reason, o.Old, -1
		}
	}
}

func (p *parameters) checkOne(name string, v script.Value, at *int64) script.Outcome {
	spec, known := p.specs[name]
	if !known {
		e := p.unknown(name)
		return script.Outcome{Name: name, Status: script.Rejected, Step: -1, Reason: e.Error()}
	}
	old := p.values[name]
	o := script.Outcome{Name: name, Status: script.Applied, Old: old, Step: p.step}
	v, err := spec.Check(v)
	if err != nil {
		o.Status, o.Value, o.Step, o.Reason = script.Rejected, old, -1, err.Error()
		return o
	}
	o.Value = v
	switch {
	case spec.Mutability == script.Fixed:
		o.Status, o.Value, o.Step, o.Reason = script.Rejected, old, -1, "fixed while the run lasts"
	case spec.Mutability == script.Restart:
		o.Status, o.Step, o.Reason = script.NeedsRestart, -1, "the script reads it only when it starts"
	case at != nil && *at > p.step:
		o.Status, o.Step, o.Reason = script.Pending, *at, fmt.Sprintf("takes effect at step %d", *at)
	case spec.Mutability == script.Boundary:
		o.Status, o.Step, o.Reason = script.Pending, -1, "takes effect at the next step"
	}
	return o
}

// commit does what the outcomes say and returns the changes that callbacks
// want to know. The script itself tells when a value that told accepts is no
// longer pending. The revision counts what is applied or will be. The caller
// holds mu.
func (p *parameters) commit(author string, outcomes []script.Outcome, told func(name string) bool) []script.Change {
	var changes []script.Change
	bump := false
	for _, o := range outcomes {
		switch o.Status {
		case script.Applied:
			p.forget(o.Name)
			p.values[o.Name] = o.Value
			changes = append(changes, script.Change{Name: o.Name, Old: o.Old, New: o.Value, Status: o.Status, Step: o.Step})
			bump = true
		case script.Pending:
			p.forget(o.Name)
			p.waiting = append(p.waiting, waiting{name: o.Name, value: o.Value, step: o.Step, told: told(o.Name), author: author})
			bump = true
		}
	}
	if bump {
		p.revision++
	}
	return changes
}

// forget drops a change that waits: a newer one takes its place.
func (p *parameters) forget(name string) {
	p.waiting = slices.DeleteFunc(p.waiting, func(w waiting) bool { return w.name == name })
}

// observe takes over a value that was seen in use. A change that waits for a
// step that has not come goes on waiting, unless it is that value.
func (p *parameters) observe(name string, v script.Value) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = slices.DeleteFunc(p.waiting, func(w waiting) bool {
		return w.name == name && (w.step <= p.step || w.value.Same(v))
	})
	p.values[name] = v
}

// reach moves to a step and applies what waited for it.
func (p *parameters) reach(step int64) []script.Change {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.step = step
	if len(p.waiting) == 0 {
		return nil
	}
	var changes []script.Change
	p.waiting = slices.DeleteFunc(p.waiting, func(w waiting) bool {
		if w.told || w.step > step {
			return false
		}
		changes = append(changes, script.Change{
			Name: w.name, Old: p.values[w.name], New: w.value, Status: script.Applied, Step: step,
		})
		p.values[w.name] = w.value
		return true
	})
	return changes
}

// leave takes out the changes that still wait: the run is over, so they are for
// the next one.
func (p *parameters) leave() []script.ParametersChanged {
	p.mu.Lock()
	defer p.mu.Unlock()
	var left []script.ParametersChanged
	for _, w := range p.waiting {
		change := script.Change{Name: w.name, Old: p.values[w.name], New: w.value, Status: script.NeedsRestart, Step: -1}
		left = append(left, script.ParametersChanged{Revision: p.revision, Author: w.author, Changes: []script.Change{change}})
	}
	p.waiting = nil
	return left
}
