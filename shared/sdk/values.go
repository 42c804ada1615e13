package sdk

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// SetParameters changes parameters, all or none.
func (p *Plugin) SetParameters(ctx context.Context, b script.Batch) (script.BatchReply, error) {
	if err := p.live(); err != nil {
		return script.BatchReply{}, err
	}
	return p.batches.once(ctx, "parameters", b.ID, func() (script.BatchReply, error) {
		if len(b.Release) > 0 {
			return p.release(ctx, b)
		}
		return p.applyParameters(ctx, b)
	})
}

// release gives parameters back to the script.
func (p *Plugin) release(ctx context.Context, b script.Batch) (script.BatchReply, error) {
	p.setting.Lock()
	defer p.setting.Unlock()
	var reply script.BatchReply
	if releaser, ok := p.script.(Releaser); ok {
		var err error
		if reply, err = releaser.Release(ctx, b); err != nil {
			return script.BatchReply{}, err
		}
	}
	ps := p.parameters
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, o := range reply.Outcomes {
		if o.Status == script.Released {
			ps.forget(o.Name)
			ps.values[o.Name] = o.Value
			ps.revision++
		}
	}
	reply.Revision = ps.revision
	return reply, nil
}

func (p *Plugin) applyParameters(ctx context.Context, b script.Batch) (script.BatchReply, error) {
	reply, calls, err := p.commitParameters(ctx, b)
	if slices.ContainsFunc(reply.Outcomes, func(o script.Outcome) bool { return o.Status == script.Pending }) {
		p.mu.Lock()
		p.markDue()
		p.mu.Unlock()
	}
	if err != nil || calls == nil {
		return reply, err
	}
	p.parameters.drain(p.callbackPanicked)
	select {
	case <-calls.done:
	case <-ctx.Done(): // the change is made; its callbacks take longer than the caller waits
	}
	return reply, nil
}

// commitParameters checks a batch and commits it, one batch at a time.
func (p *Plugin) commitParameters(ctx context.Context, b script.Batch) (script.BatchReply, *callbacks, error) {
	p.setting.Lock()
	defer p.setting.Unlock()
	ps := p.parameters
	ps.mu.Lock()
	if b.IfRevision != nil && *b.IfRevision != ps.revision {
		defer ps.mu.Unlock()
		return script.BatchReply{}, nil, script.Errorf(script.CodeConflict,
			"the parameters are at revision %d, not %d", ps.revision, *b.IfRevision)
	}
	outcomes := ps.check(b)
	reply := script.BatchReply{Revision: ps.revision, Outcomes: outcomes}
	trial := maps.Clone(ps.values)
	ps.mu.Unlock()
	if reply.Rejected() || len(outcomes) == 0 {
		return reply, nil, nil
	}
	for _, o := range outcomes {
		trial[o.Name] = o.Value
	}
	if err := p.askValidator(trial); err != nil {
		rejectRest(outcomes, err.Error())
		return reply, nil, nil
	}
	if setter, ok := p.script.(Setter); ok {
		if err := p.askSetter(ctx, setter, b, outcomes); err != nil {
			return script.BatchReply{}, nil, err
		}
		reply.Outcomes = outcomes
		if reply.Rejected() {
			return reply, nil, nil
		}
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	changes := ps.commit(b.Author, outcomes, p.tells)
	reply.Revision = ps.revision
	if len(changes) == 0 {
		return reply, nil, nil
	}
	return reply, ps.enqueue(changes, 0), nil
}

// askSetter has the wrapped script apply what the check allows, and writes
// what it says into the outcomes. Values that wait for the next run stay here.
func (p *Plugin) askSetter(ctx context.Context, setter Setter, b script.Batch, outcomes []script.Outcome) error {
	values := map[string]script.Value{}
	for _, o := range outcomes {
		if o.Status == script.Applied || o.Status == script.Pending {
			values[o.Name] = o.Value
		}
	}
	if len(values) == 0 {
		return nil
	}
	b.Values = values
	answer, err := setter.SetParameters(ctx, b)
	if err != nil {
		return err
	}
	for _, got := range answer.Outcomes {
		i := slices.IndexFunc(outcomes, func(o script.Outcome) bool { return o.Name == got.Name })
		if i < 0 {
			continue
		}
		old := outcomes[i].Old
		outcomes[i] = got
		if got.Old.IsNull() {
			outcomes[i].Old = old
		}
	}
	if answer.Rejected() {
		rejectRest(outcomes, "nothing was set, because another value was rejected")
	}
	return nil
}

// tells reports whether the script itself tells when a value is in use.
func (p *Plugin) tells(parameter string) bool {
	teller, ok := p.script.(Teller)
	return ok && teller.Tells(parameter)
}

// callbackPanicked reports a callback that did.
func (p *Plugin) callbackPanicked(name string, cause any) {
	p.warn("a callback of %s panicked: %s", name, fmt.Sprint(cause))
}

// setOwn changes parameters on the script's own account.
func (p *Plugin) setOwn(values map[string]any) error {
	p.setting.Lock()
	err := p.commitOwn(values)
	p.setting.Unlock()
	if err != nil {
		return err
	}
	p.parameters.drain(p.callbackPanicked)
	return nil
}

func (p *Plugin) commitOwn(values map[string]any) error {
	ps := p.parameters
	ps.mu.Lock()
	depth := ps.depth()
	trial := maps.Clone(ps.values)
	var changes []script.Change
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v, err := ps.checkOwn(name, values[name])
		if err != nil {
			ps.mu.Unlock()
			return err
		}
		changes = append(changes, script.Change{Name: name, Old: trial[name], New: v, Status: script.Applied, Step: ps.step})
		trial[name] = v
	}
	ps.mu.Unlock()
	if depth > maxDepth {
		return script.Errorf(script.CodeRejected, "callbacks set parameters more than %d deep", maxDepth)
	}
	if err := p.askValidator(trial); err != nil {
		return script.Errorf(script.CodeRejected, "%s", err)
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p.own(changes, depth)
	return nil
}

// checkOwn converts a value that the script gives to a parameter.
func (p *parameters) checkOwn(name string, value any) (script.Value, error) {
	spec, known := p.specs[name]
	if !known {
		return script.Null(), p.unknown(name)
	}
	v, err := ofValue(value)
	if err == nil {
		v, err = spec.Check(v)
	}
	if err != nil {
		return script.Null(), script.Errorf(script.CodeRejected, "%s: %s", name, err)
	}
	return v, nil
}

// own takes over and reports changes that the script made. The caller holds
// the parameters' mu, so that events come in the order of revisions.
func (p *Plugin) own(changes []script.Change, depth int) {
	ps := p.parameters
	for _, c := range changes {
		if c.Status == script.Applied {
			ps.forget(c.Name)
			ps.values[c.Name] = c.New
		}
	}
	ps.revision++
	ps.enqueue(changes, depth)
	p.recorder.emit(script.ParametersChanged{
		Revision: ps.revision, Author: "script:" + p.request.Script, Changes: changes,
	})
}

// SetVariables changes writable variables, all or none.
func (p *Plugin) SetVariables(ctx context.Context, b script.Batch) (script.BatchReply, error) {
	if err := p.live(); err != nil {
		return script.BatchReply{}, err
	}
	return p.batches.once(ctx, "variables", b.ID, func() (script.BatchReply, error) { return p.applyVariables(ctx, b) })
}

func (p *Plugin) applyVariables(ctx context.Context, b script.Batch) (script.BatchReply, error) {
	p.setting.Lock()
	defer p.setting.Unlock()
	step := p.currentStep()
	p.parameters.mu.Lock()
	reply := script.BatchReply{Revision: p.parameters.revision}
	p.parameters.mu.Unlock()
	if b.IfRevision != nil && *b.IfRevision != reply.Revision {
		return script.BatchReply{}, script.Errorf(script.CodeConflict,
			"the parameters are at revision %d, not %d", reply.Revision, *b.IfRevision)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Values)) {
		reply.Outcomes = append(reply.Outcomes, p.variables.checkOne(name, b.Values[name], step))
	}
	if reply.Rejected() {
		rejectRest(reply.Outcomes, "nothing was set, because another value was rejected")
		return reply, nil
	}
	if setter, ok := p.script.(VariableSetter); ok {
		b.Values = map[string]script.Value{}
		for _, o := range reply.Outcomes {
			b.Values[o.Name] = o.Value
		}
		answer, err := setter.SetVariables(ctx, b)
		answer.Revision = reply.Revision
		return answer, err
	}
	for _, o := range reply.Outcomes {
		p.setVariable(o.Name, o.Step, time.Now(), o.Value)
		p.tellVariable(o)
	}
	return reply, nil
}

// tellVariable calls the callbacks of a variable that was set from outside.
func (p *Plugin) tellVariable(o script.Outcome) {
	p.variables.mu.Lock()
	watchers := slices.Clone(p.variables.watchers[o.Name])
	p.variables.mu.Unlock()
	for _, f := range watchers {
		callWatcher(f, script.Change{Name: o.Name, Old: o.Old, New: o.Value}, p.callbackPanicked)
	}
}

// setVariable reports a value of a variable, which it declares where that was
// not done.
func (p *Plugin) setVariable(name string, step int64, at time.Time, value any) {
	v, err := ofValue(value)
	if err != nil {
		p.warnOnce("variable "+name, "variable %s was not reported: %s", name, err)
		return
	}
	one := p.variables.find(name)
	if one == nil {
		spec := script.VariableSpec{Name: name, Type: script.TypeOf(v), ReadOnly: true}
		p.declare(script.Description{Variables: []script.VariableSpec{spec}}, nil)
		one = p.variables.find(name)
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	one.value = v
	sample := script.Sample{Name: name, Step: step, Time: at, Value: v}
	p.recorder.sample(sample, one.spec.Delivery == script.Latest, &one.slot)
}
