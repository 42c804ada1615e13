package registry

import (
	"maps"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// apply takes in one event. Facts of a run that is no longer the present one
// come too late and change nothing.
func (e *entry) apply(ev *script.Event) {
	if start, ok := ev.Body.(script.RunStarted); ok {
		e.startRun(ev, start)
		return
	}
	if state, ok := ev.Body.(script.StateChanged); ok {
		e.changeState(ev, state)
		return
	}
	if ev.Run != "" && ev.Run != e.run {
		return
	}
	switch b := ev.Body.(type) {
	case script.Samples:
		e.sample(b.Samples)
	case script.Stepped:
		e.step = b.Step
	case script.Progress:
		e.progress = &b
	case script.BinaryChanged:
		e.sha256 = b.SHA256
	case script.Described:
		e.description, e.described = b.Description, true
		e.describe(b.Values)
	case script.ResultSet:
		if _, ok := e.results[b.Name]; !ok {
			e.resOrder = append(e.resOrder, b.Name)
		}
		e.results[b.Name] = Result{Name: b.Name, Value: b.Value, Time: ev.Time}
	case script.ParametersChanged:
		e.changeParameters(b)
	case script.ParametersObserved:
		if p, ok := e.parameters[b.Name]; ok {
			p.value = b.Value
			if p.next != nil && p.next.Same(b.Value) {
				p.next = nil
			}
		}
	case script.OwnerChanged:
		e.owners[b.Name] = b.Owner
	}
}

func (e *entry) startRun(ev *script.Event, b script.RunStarted) {
	e.run, e.started, e.finished, e.exitCode = ev.Run, ev.Time, time.Time{}, nil
	e.restarts, e.revision = b.Attempt, b.Revision
	e.step, e.progress = -1, nil
	if b.Plugin != "" {
		e.plugin = b.Plugin
	}
	if b.Binary != "" {
		e.sha256 = b.Binary
	}
	for _, p := range e.parameters {
		p.next, p.set = nil, false
		p.value = p.spec.Default
	}
	e.configured = b.Parameters
	for name, v := range b.Parameters {
		if p, ok := e.parameters[name]; ok {
			p.value = v
		}
	}
	for _, v := range e.variables {
		v.value, v.step, v.time = script.Null(), -1, time.Time{}
	}
	e.describeVariables()
	clear(e.results)
	e.resOrder = e.resOrder[:0]
}

// changeState takes a state of another run only when the present one is over:
// a new run's first states may come before its RunStarted.
func (e *entry) changeState(ev *script.Event, b script.StateChanged) {
	if ev.Run != "" && ev.Run != e.run {
		if e.state.Live() || b.State.Ended() {
			return
		}
		e.run, e.finished, e.exitCode = ev.Run, time.Time{}, nil
		e.started = ev.Time
	}
	e.state, e.reason = b.State, b.Reason
	e.pid, e.pluginPID = b.PID, b.PluginPID
	switch {
	case b.State.Live():
		e.finished, e.exitCode = time.Time{}, nil
	case b.State.Ended():
		e.pid, e.pluginPID = 0, 0
		if e.finished.IsZero() && !e.started.IsZero() {
			e.finished = ev.Time
		}
		if b.ExitCode != nil {
			e.exitCode = b.ExitCode
		}
		for _, p := range e.parameters {
			if p.next != nil { // what the next run starts with, now that there is no other
				p.value, p.next = *p.next, nil
			}
		}
	}
}

// sample is the path of every measured value: no allocation but for a name
// that is new.
func (e *entry) sample(samples []script.Sample) {
	for i := range samples {
		s := &samples[i]
		v, ok := e.variables[s.Name]
		if !ok {
			v = e.variable(s.Name)
		}
		v.value, v.step, v.time = s.Value, s.Step, s.Time
		if s.Step > e.step {
			e.step = s.Step
		}
	}
}

// changeParameters takes only what is newer than what is known. Changes that
// wait for a step, or for the next run, leave the value in use; the latter do
// not count the revision while a run lasts.
func (e *entry) changeParameters(b script.ParametersChanged) {
	live := e.state.Live()
	newer := b.Revision > e.revision
	if newer {
		e.revision = b.Revision
	}
	for _, c := range b.Changes {
		p, ok := e.parameters[c.Name]
		if !ok {
			continue
		}
		if live && (c.Status == script.NeedsRestart || newer && e.waits(c)) {
			v := c.New
			p.next = &v
			continue
		}
		if newer {
			p.value, p.next, p.set = c.New, nil, live
		}
	}
}

// waits reports whether a change is to come into use later: at a step that the
// script has not come to, or, where none is told, at its next one. That it has
// is told then.
func (e *entry) waits(c script.Change) bool {
	return c.Status == script.Pending && (c.Step < 0 || c.Step > e.step)
}

func (e *entry) restore(s Script) {
	e.state, e.reason, e.run = s.State, s.Reason, s.Run
	e.pid, e.pluginPID, e.restarts = s.PID, s.PluginPID, s.Restarts
	e.step, e.progress, e.revision, e.exitCode = s.Step, s.Progress, s.Revision, s.ExitCode
	if s.Plugin != "" && e.plugin == "" {
		e.plugin = s.Plugin
	}
	if s.SHA256 != "" && e.sha256 == "" {
		e.sha256 = s.SHA256
	}
	e.started, e.finished = s.Started, s.Finished
	if s.Described && !e.described {
		e.description, e.described = s.Description, true
		e.describe(nil)
	}
	for _, p := range s.Parameters {
		if known, ok := e.parameters[p.Spec.Name]; ok {
			known.value, known.next = p.Value, p.Next
		}
	}
	maps.Copy(e.owners, s.Owners)
	for _, v := range s.Variables {
		into := e.variable(v.Name)
		into.value, into.step, into.time = v.Value, v.Step, v.Time
	}
	for _, r := range s.Results {
		if _, ok := e.results[r.Name]; !ok {
			e.resOrder = append(e.resOrder, r.Name)
		}
		e.results[r.Name] = r
	}
}
