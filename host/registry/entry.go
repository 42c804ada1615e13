package registry

import (
	"maps"
	"slices"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// entry is one script's truth; the Registry's mutex guards it.
type entry struct {
	name      string
	managed   bool
	state     script.State
	reason    string
	run       string
	pid       int
	pluginPID int
	restarts  int
	started   time.Time
	finished  time.Time
	exitCode  *int
	step      int64
	progress  *script.Progress
	plugin    string
	sha256    string

	described   bool
	description script.Description // as described; refined when it is read
	refinements map[string]script.ParameterSpec
	configured  map[string]script.Value

	revision   uint64
	parameters map[string]*parameter
	order      []string // of parameters
	variables  map[string]*variable
	varOrder   []string
	owners     map[string]string // by parameter, also of those not declared yet
	results    map[string]Result
	resOrder   []string
}

type parameter struct {
	spec  script.ParameterSpec
	value script.Value
	next  *script.Value
	// set: a set has changed it in the present run. What a description says of
	// its value may then be older than that: the host records a set when it is
	// answered, before what the script told earlier has come in.
	set bool
}

type variable struct {
	spec     script.VariableSpec
	declared bool
	value    script.Value
	step     int64
	time     time.Time
}

func newEntry(name string) *entry {
	return &entry{
		name: name, state: script.Stopped, step: -1,
		parameters: map[string]*parameter{}, owners: map[string]string{}, variables: map[string]*variable{}, results: map[string]Result{},
	}
}

func (e *entry) define(info Info) {
	e.managed, e.plugin = info.Managed, info.Plugin
	if info.SHA256 != "" {
		e.sha256 = info.SHA256
	}
	e.refinements = map[string]script.ParameterSpec{}
	for _, s := range info.Specs {
		e.refinements[s.Name] = s
	}
	e.configured = info.Values
	if info.Description != nil && (!e.described || !e.state.Live()) {
		e.description, e.described = *info.Description, true
	}
	e.describe(nil)
	if e.state.Live() {
		return
	}
	for name, v := range info.Values {
		if p, ok := e.parameters[name]; ok {
			p.value = v
		}
	}
}

// describe brings parameters and variables in line with the description and
// the configuration. New parameters take their value from values, else from
// the configuration, else their default.
func (e *entry) describe(values map[string]script.Value) {
	specs := slices.Clone(e.description.Parameters)
	known := map[string]bool{}
	for i := range specs {
		known[specs[i].Name] = true
		if refined, ok := e.refinements[specs[i].Name]; ok {
			specs[i] = refine(specs[i], refined)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.refinements)) {
		if !known[name] {
			specs = append(specs, e.refinements[name])
			known[name] = true
		}
	}
	e.order = e.order[:0]
	for _, spec := range specs {
		e.order = append(e.order, spec.Name)
		p, ok := e.parameters[spec.Name]
		if !ok {
			p = &parameter{value: e.firstValue(spec)}
			e.parameters[spec.Name] = p
		}
		p.spec = spec
		if v, ok := values[spec.Name]; ok && !p.set {
			p.value = v
		}
	}
	for name := range e.parameters {
		if !known[name] {
			delete(e.parameters, name)
		}
	}
	e.describeVariables()
}

func (e *entry) firstValue(spec script.ParameterSpec) script.Value {
	if v, ok := e.configured[spec.Name]; ok {
		return v
	}
	return spec.Default
}

func (e *entry) describeVariables() {
	declared := map[string]bool{}
	for _, spec := range e.description.Variables {
		declared[spec.Name] = true
		v := e.variable(spec.Name)
		v.spec, v.declared = spec, true
	}
	e.varOrder = slices.DeleteFunc(e.varOrder, func(name string) bool {
		v := e.variables[name]
		if declared[name] || !v.time.IsZero() {
			return false
		}
		delete(e.variables, name)
		return true
	})
}

// variable returns the named variable; one that nobody declared can be read
// only.
func (e *entry) variable(name string) *variable {
	v, ok := e.variables[name]
	if !ok {
		v = &variable{spec: script.VariableSpec{Name: name, ReadOnly: true}, step: -1}
		e.variables[name] = v
		e.varOrder = append(e.varOrder, name)
	}
	return v
}

// refine lays what the configuration says over what was described.
func refine(s, over script.ParameterSpec) script.ParameterSpec {
	overText(&s.Doc, over.Doc)
	overText(&s.Unit, over.Unit)
	overText(&s.Group, over.Group)
	overText(&s.Pattern, over.Pattern)
	overText(&s.Deprecated, over.Deprecated)
	overText(&s.Scale, over.Scale)
	overText(&s.Mutability, over.Mutability)
	if over.Type != "" && over.Type != script.TypeAny {
		s.Type = over.Type
	}
	if !over.Min.IsNull() {
		s.Min, s.ExclusiveMin = over.Min, over.ExclusiveMin
	}
	if !over.Max.IsNull() {
		s.Max, s.ExclusiveMax = over.Max, over.ExclusiveMax
	}
	if !over.Step.IsNull() {
		s.Step = over.Step
	}
	if len(over.Choices) > 0 {
		s.Choices = over.Choices
	}
	if over.MinLength > 0 {
		s.MinLength = over.MinLength
	}
	if over.MaxLength > 0 {
		s.MaxLength = over.MaxLength
	}
	s.Sensitive = s.Sensitive || over.Sensitive
	return s
}

func overText[T ~string](to *T, from T) {
	if from != "" {
		*to = from
	}
}

func (e *entry) snapshot(now time.Time) Script {
	s := Script{
		Name: e.name, State: e.state, Reason: e.reason, Managed: e.managed, Run: e.run, PID: e.pid,
		PluginPID: e.pluginPID, Restarts: e.restarts, Step: e.step, Progress: e.progress,
		Plugin: e.plugin, SHA256: e.sha256, ExitCode: e.exitCode, Described: e.described,
		Description: e.description, Revision: e.revision, Owners: maps.Clone(e.owners),
		Parameters: make([]Parameter, 0, len(e.order)), Variables: make([]Variable, 0, len(e.varOrder)),
		Results: make([]Result, 0, len(e.resOrder)),
	}
	s.Started, s.Finished = e.started, e.finished
	if !e.started.IsZero() {
		end := now
		if !e.finished.IsZero() {
			end = e.finished
		}
		s.Uptime = max(0, end.Sub(e.started).Seconds())
	}
	s.Description.Parameters = make([]script.ParameterSpec, 0, len(e.order))
	for _, name := range e.order {
		p := e.parameters[name]
		s.Parameters = append(s.Parameters, e.parameter(p))
		s.Description.Parameters = append(s.Description.Parameters, p.spec)
	}
	for _, name := range e.varOrder {
		s.Variables = append(s.Variables, e.variables[name].snapshot())
	}
	for _, name := range e.resOrder {
		s.Results = append(s.Results, e.results[name])
	}
	return s
}

func (e *entry) parameter(p *parameter) Parameter {
	return Parameter{Spec: p.spec, Value: p.value, Owner: e.owners[p.spec.Name], Next: p.next}
}

func (v *variable) snapshot() Variable {
	t := v.spec.Type
	if t == "" || t == script.TypeAny {
		t = script.TypeOf(v.value)
	}
	return Variable{
		Name: v.spec.Name, Type: t, Value: v.value, Step: v.step, Time: v.time,
		ReadOnly: v.spec.ReadOnly, Unit: v.spec.Unit, Doc: v.spec.Doc,
	}
}
