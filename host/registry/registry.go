// Package registry holds what is true now: every script that the host knows,
// its state, parameters, variables and results. It changes by events alone
// (Apply), after the store has kept them, and is asked before anything is
// changed (CheckBatch, CheckVariables).
package registry

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Registry is safe for concurrent use.
type Registry struct {
	now func() time.Time

	mu      sync.RWMutex
	scripts map[string]*entry
}

// New returns an empty registry.
func New() *Registry {
	return &Registry{now: time.Now, scripts: map[string]*entry{}}
}

// Info is what the configuration, or a registration by connector, says of a
// script before it has run.
type Info struct {
	Managed bool
	Plugin  string // the executable's path, or "interpreter"
	SHA256  string
	// Description, where not nil, is what discovery or an earlier start found.
	Description *script.Description
	// Specs refine described parameters of the same name: what is set in
	// them stands above the description. Parameters that nothing describes
	// yet are known by their spec alone.
	Specs []script.ParameterSpec
	// Values are the configured values.
	Values map[string]script.Value
}

// Define makes a script known, or gives a known one its new configuration.
// What a live run has reported stays.
func (r *Registry) Define(name string, info Info) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entry(name)
	e.define(info)
}

// Remove forgets a script.
func (r *Registry) Remove(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.scripts, name)
}

// Apply takes in events that are kept. A run, a state or a description of a
// script that is not known makes it known, as an unmanaged one; other facts of
// such a script come too late.
func (r *Registry) Apply(events ...script.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range events {
		name := events[i].Script
		if _, known := r.scripts[name]; name != "" && (known || introduces(events[i].Body)) {
			r.entry(name).apply(&events[i])
		}
	}
}

func introduces(b script.Body) bool {
	switch b.(type) {
	case script.RunStarted, script.StateChanged, script.Described:
		return true
	}
	return false
}

// Restore puts in what the store knew of a script when the host went down:
// the state, the last run's variables and results, kept parameters and owners.
// Configuration (Define) may come before or after it.
func (r *Registry) Restore(s Script) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entry(s.Name).restore(s)
}

// Snapshot returns every script, by name.
func (r *Registry) Snapshot() []Script {
	r.mu.RLock()
	defer r.mu.RUnlock()
	now := r.now()
	out := make([]Script, 0, len(r.scripts))
	for _, name := range slices.Sorted(maps.Keys(r.scripts)) {
		out = append(out, r.scripts[name].snapshot(now))
	}
	return out
}

// Script returns the named script.
func (r *Registry) Script(name string) (Script, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e, ok := r.scripts[name]
	if !ok {
		return Script{}, false
	}
	return e.snapshot(r.now()), true
}

// State returns a script's state.
func (r *Registry) State(name string) (script.State, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e, ok := r.scripts[name]
	if !ok {
		return "", false
	}
	return e.state, true
}

// VariableValue returns the latest value of a variable and its step, without
// copying the script.
func (r *Registry) VariableValue(name, variable string) (script.Value, int64, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if e, ok := r.scripts[name]; ok {
		if v, ok := e.variables[variable]; ok && !v.time.IsZero() {
			return v.value, v.step, true
		}
	}
	return script.Null(), -1, false
}

// ParameterValue returns the value of a parameter in use.
func (r *Registry) ParameterValue(name, parameter string) (script.Value, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if e, ok := r.scripts[name]; ok {
		if p, ok := e.parameters[parameter]; ok {
			return p.value, true
		}
	}
	return script.Null(), false
}

// Parameter returns a parameter as it is now, without copying the script.
func (r *Registry) Parameter(name, parameter string) (Parameter, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if e, ok := r.scripts[name]; ok {
		if p, ok := e.parameters[parameter]; ok {
			return e.parameter(p), true
		}
	}
	return Parameter{}, false
}

// Revision returns the revision of a script's parameters.
func (r *Registry) Revision(name string) uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if e, ok := r.scripts[name]; ok {
		return e.revision
	}
	return 0
}

// Names returns the names of all scripts, sorted.
func (r *Registry) Names() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Sorted(maps.Keys(r.scripts))
}

// Unknown is the error for a script that is not known, with the name that was
// most likely meant.
func (r *Registry) Unknown(name string) *script.Error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.unknown(name)
}

func (r *Registry) unknown(name string) *script.Error {
	err := script.Errorf(script.CodeNotFound, "there is no script %q", name)
	if best := script.Suggest(name, slices.Sorted(maps.Keys(r.scripts))); best != "" {
		return err.WithHint("did you mean %q?", best)
	}
	return err.WithHint("`mlhost ps` lists the scripts")
}

func (r *Registry) entry(name string) *entry {
	e, ok := r.scripts[name]
	if !ok {
		e = newEntry(name)
		r.scripts[name] = e
	}
	return e
}
