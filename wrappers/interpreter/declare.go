package interpreter

import (
	"fmt"
	"maps"
	"slices"

	"github.com/mlhost/mlhost/shared/script"
)

// declarations are what the script has declared and the host does not know
// yet: a whole burst of lines makes one event.
type declarations struct {
	script.Description
	values map[string]script.Value
}

// declare tells the host what was declared since the last time.
func (r *run) declare() {
	d := r.declarations
	r.declarations = declarations{}
	if d.Doc != "" || len(d.Parameters)+len(d.Variables)+len(d.Topics)+len(d.Capabilities) > 0 {
		r.session.Declare(d.Description, d.values)
		r.tellNews()
	}
	r.tellDifferences()
}

// addParameter takes the script's declaration of a parameter, refined by what
// the configuration says of it.
func (r *run) addParameter(l parameterLine) {
	spec := l.spec
	spec.Origin.File = r.launch.Source
	p := r.configured(spec.Name)
	if l.foreign && (p != nil || r.isDeclared(spec.Name)) {
		return
	}
	r.meet(&spec, p)
	if p != nil {
		spec = refine(spec, p)
	}
	value := spec.Default
	configured, isConfigured := r.values[spec.Name]
	switch {
	case l.value != nil:
		value = *l.value
	case isConfigured:
		value = configured
	}
	if isConfigured && !isPassed(p) {
		if _, err := spec.Check(configured); err != nil {
			e := script.Errorf(script.CodeRejected, "parameter %q: %s", spec.Name, err)
			if p != nil {
				e.At = p.At
			}
			r.fail(e)
			return
		}
	}
	r.mu.Lock()
	r.declared[spec.Name], r.inUse[spec.Name] = spec, value
	r.mu.Unlock()
	d := &r.declarations
	d.Parameters = append(d.Parameters, spec)
	if d.values == nil {
		d.values = map[string]script.Value{}
	}
	d.values[spec.Name] = value
}

func (r *run) isDeclared(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.declared[name]
	return ok
}

// isPassed reports whether an argument carries the value: then the script's own
// parser is the judge of it.
func isPassed(p *script.LaunchParameter) bool {
	return p != nil && p.Argument != nil
}

// refine puts what the configuration says of a parameter over what the script
// declares.
func refine(declared script.ParameterSpec, p *script.LaunchParameter) script.ParameterSpec {
	configured := p.Spec
	if p.Discovered {
		if p.Config == nil {
			return declared
		}
		configured = *p.Config
	}
	replace := func(to *script.Value, by script.Value) {
		if !by.IsNull() {
			*to = by
		}
	}
	replace(&declared.Min, configured.Min)
	replace(&declared.Max, configured.Max)
	replace(&declared.Step, configured.Step)
	if len(configured.Choices) > 0 {
		declared.Choices = configured.Choices
	}
	if configured.Scale != "" {
		declared.Scale = configured.Scale
	}
	if configured.Doc != "" {
		declared.Doc = configured.Doc
	}
	if configured.Unit != "" {
		declared.Unit = configured.Unit
	}
	if configured.Group != "" {
		declared.Group = configured.Group
	}
	if configured.Pattern != "" {
		declared.Pattern = configured.Pattern
	}
	if configured.Mutability != "" && p.Pass == "" && p.Env == "" && p.File == "" {
		declared.Mutability = configured.Mutability
	}
	if declared.Type == script.TypeAny && configured.Type != "" {
		declared.Type = configured.Type
	}
	declared.Sensitive = declared.Sensitive || configured.Sensitive
	return declared
}

// addVariable declares a variable. It may hold any value later, so for others
// it has no type but that of its value.
func (r *run) addVariable(spec script.VariableSpec, source rank) {
	r.claims.claim(spec.Name, source)
	r.mu.Lock()
	r.variables[spec.Name] = spec
	r.mu.Unlock()
	spec.Type = script.TypeAny
	r.declarations.Variables = append(r.declarations.Variables, spec)
}

// addTopics declares that messages of these topics may be pushed to the script.
func (r *run) addTopics(l topicsLine) {
	d := &r.declarations
	for _, name := range l.Answers {
		d.Topics = append(d.Topics, script.TopicSpec{Name: name, Answers: true})
	}
}

// warnUnregistered names the configured values that never got anywhere.
func (r *run) warnUnregistered() {
	r.mu.Lock()
	declared, failed := maps.Clone(r.declared), r.failure != nil
	r.mu.Unlock()
	if failed {
		return // it says why
	}
	for _, p := range r.launch.Parameters {
		replaced := p.Constant != "" && !r.bare.Load() // the shim tells of a literal that is not there
		if !p.Set || p.Pass != "" || p.Env != "" || p.File != "" || p.Argument != nil || replaced {
			continue
		}
		if _, ok := declared[p.Spec.Name]; ok {
			continue
		}
		text := fmt.Sprintf("parameter %q is configured, but the script has not registered it: its value was not used", p.Spec.Name)
		if best := script.Suggest(p.Spec.Name, slices.Sorted(maps.Keys(declared))); best != "" {
			text += fmt.Sprintf("; did you mean %q?", best)
		}
		if p.At != "" {
			text = p.At + ": " + text
		}
		r.session.Emit(script.Warned{Text: text})
	}
}

// describe is what is known of a script before it runs: what its launch says.
func describe(l script.Launch) script.Description {
	d := script.Description{
		Name:         l.Script,
		Capabilities: []string{script.CapabilityDynamic, script.CapabilityLogs, script.CapabilityPause},
	}
	for _, p := range l.Parameters {
		spec := p.Spec
		if spec.Type == "" {
			spec.Type = script.TypeOf(spec.Default)
		}
		if spec.Mutability == "" {
			spec.Mutability = script.Restart
		}
		if spec.Confidence == "" {
			spec.Confidence = script.Sure
		}
		spec.Required = spec.Required && !p.Discovered // args may give it
		d.Parameters = append(d.Parameters, spec)
	}
	for _, v := range l.Variables {
		if v.Pattern != "" {
			d.Variables = append(d.Variables, script.VariableSpec{Name: v.Name, Type: script.TypeAny, ReadOnly: true})
		}
	}
	return d
}
