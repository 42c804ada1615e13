package sdk

import (
	"sync"

	"github.com/mlhost/mlhost/shared/script"
)

// variables are the declared variables of a run and their newest values.
type variables struct {
	mu       sync.Mutex
	names    []string
	table    map[string]*variable
	watchers map[string][]func(old, new script.Value)
}

type variable struct {
	mu    sync.Mutex // serializes the variable's samples
	spec  script.VariableSpec
	value script.Value
	slot  slot
}

func newVariables(specs []script.VariableSpec) *variables {
	v := &variables{table: map[string]*variable{}, watchers: map[string][]func(old, new script.Value){}}
	for _, spec := range specs {
		v.declare(spec)
	}
	return v
}

func (v *variables) declare(spec script.VariableSpec) *variable {
	if known, ok := v.table[spec.Name]; ok {
		known.mu.Lock()
		defer known.mu.Unlock()
		known.spec = spec
		return known
	}
	fresh := &variable{spec: spec}
	v.table[spec.Name] = fresh
	v.names = append(v.names, spec.Name)
	return fresh
}

// find returns the named variable, nil where there is none.
func (v *variables) find(name string) *variable {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.table[name]
}

// checkOne tells what setting a variable from outside will do.
func (v *variables) checkOne(name string, value script.Value, step int64) script.Outcome {
	one := v.find(name)
	if one == nil {
		e := script.Errorf(script.CodeNotFound, "there is no variable %q", name)
		if best := script.Suggest(name, v.names); best != "" {
			e = e.WithHint("did you mean %q?", best)
		}
		return script.Outcome{Name: name, Status: script.Rejected, Step: -1, Reason: e.Error()}
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	o := script.Outcome{Name: name, Status: script.Applied, Old: one.value, Value: value, Step: step}
	if one.spec.ReadOnly {
		o.Status, o.Value, o.Step, o.Reason = script.Rejected, one.value, -1, "read-only: only the script itself sets it"
		return o
	}
	converted, err := one.spec.Type.Convert(value)
	if err != nil {
		o.Status, o.Value, o.Step, o.Reason = script.Rejected, one.value, -1, err.Error()
		return o
	}
	o.Value = converted
	return o
}
