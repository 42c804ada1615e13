package connector

import (
	"context"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// shown is what a script has said of itself. It turns what the script says
// next into the facts that are new in it.
type shown struct {
	name        string
	description script.Description
	described   bool
	revision    uint64
	parameters  map[string]script.Value
	variables   map[string]script.Value
	results     map[string]script.Value
}

func newShown(name string) shown {
	return shown{
		name: name, parameters: map[string]script.Value{}, variables: map[string]script.Value{}, results: map[string]script.Value{},
	}
}

func sorted(values map[string]script.Value) []string { return slices.Sorted(maps.Keys(values)) }

// info takes in a whole description, in the shapes of get_info.
func (s *shown) info(fields map[string]script.Value) []script.Body {
	var facts []script.Body
	d, values := describedBy(s.name, fields)
	if !s.described || !reflect.DeepEqual(d, s.description) {
		first := map[string]script.Value{}
		for name, v := range values {
			if _, known := s.parameters[name]; !known {
				first[name], s.parameters[name] = v, v
			}
		}
		s.description, s.described = d, true
		facts = append(facts, script.Described{Description: d, Values: first})
	}
	variables, _ := fields["variables"].Map()
	current := map[string]script.Value{}
	for name, entry := range variables {
		if v, ok := entry.Map(); ok && !v["value"].Same(s.variables[name]) {
			current[name] = v["value"]
		}
	}
	facts = append(facts, s.change(values)...)
	facts = append(facts, s.sample(current)...)
	results, _ := fields["results"].Map()
	return append(facts, s.result(results)...)
}

// change takes in values of parameters that the script has now.
func (s *shown) change(values map[string]script.Value) []script.Body {
	fact := script.ParametersChanged{Author: "script:" + s.name}
	for _, name := range sorted(values) {
		if old, known := s.parameters[name]; known && !old.Same(values[name]) {
			fact.Changes = append(fact.Changes, script.Change{Name: name, Old: old, New: values[name], Status: script.Applied, Step: -1})
			s.parameters[name] = values[name]
		}
	}
	if len(fact.Changes) == 0 {
		return nil
	}
	s.revision++
	fact.Revision = s.revision
	return []script.Body{fact}
}

// sample takes in values of variables.
func (s *shown) sample(values map[string]script.Value) []script.Body {
	now := time.Now()
	var fact script.Samples
	for _, name := range sorted(values) {
		s.variables[name] = values[name]
		fact.Samples = append(fact.Samples, script.Sample{Name: name, Step: -1, Time: now, Value: values[name]})
	}
	if len(fact.Samples) == 0 {
		return nil
	}
	return []script.Body{fact}
}

// result takes in results.
func (s *shown) result(values map[string]script.Value) []script.Body {
	var facts []script.Body
	for _, name := range sorted(values) {
		if old, known := s.results[name]; !known || !old.Same(values[name]) {
			s.results[name] = values[name]
			facts = append(facts, script.ResultSet{Name: name, Value: values[name]})
		}
	}
	return facts
}

// samples takes in what a script reports: [name, step or null, unix seconds, value].
func (s *shown) samples(list []script.Value) []script.Body {
	var fact script.Samples
	var facts []script.Body
	for _, one := range list {
		parts, _ := one.List()
		var name string
		if len(parts) == 4 {
			name, _ = parts[0].Text()
		}
		if name == "" {
			continue
		}
		sample := script.Sample{Name: name, Step: -1, Time: time.Now(), Value: number(parts[3])}
		if step, ok := parts[1].Int(); ok {
			sample.Step = step
		}
		if at, ok := parts[2].Float(); ok && at > 0 && at < 1e11 {
			sample.Time = time.Unix(0, int64(at*1e9))
		}
		s.variables[name] = sample.Value
		fact.Samples = append(fact.Samples, sample)
	}
	if strange := len(list) - len(fact.Samples); strange > 0 {
		facts = append(facts, script.Gap{Dropped: uint64(strange), Reason: "the script reported samples that are no [name, step, time, value]"})
	}
	if len(fact.Samples) > 0 {
		facts = append(facts, fact)
	}
	return facts
}

// number reads the floats that JSON lacks.
func number(v script.Value) script.Value {
	switch said, _ := v.Text(); said {
	case "NaN":
		return script.Float(math.NaN())
	case "Infinity":
		return script.Float(math.Inf(1))
	case "-Infinity":
		return script.Float(math.Inf(-1))
	}
	return v
}

// describedBy makes a description of what get_info says: name, description,
// parameters {name: {value, default, valid_values}}, variables {name: {value,
// read_only}}, and, where it says them, types {name: type} of parameters and
// topics [names].
func describedBy(name string, fields map[string]script.Value) (script.Description, map[string]script.Value) {
	d := script.Description{Name: name, Doc: text(fields, "description")}
	values := map[string]script.Value{}
	parameters, _ := fields["parameters"].Map()
	types, _ := fields["types"].Map()
	for _, p := range sorted(parameters) {
		entry, ok := parameters[p].Map()
		if !ok {
			continue
		}
		spec := script.ParameterSpec{
			Name: p, Default: entry["default"], Mutability: script.Live, Confidence: script.Sure,
			Origin: script.Origin{Style: "register_parameter"},
		}
		limit(&spec, entry["valid_values"])
		spec.Type = typeOf(text(types, p), append([]script.Value{entry["value"], spec.Default}, spec.Choices...))
		d.Parameters = append(d.Parameters, spec)
		values[p] = entry["value"]
	}
	variables, _ := fields["variables"].Map()
	for _, v := range sorted(variables) {
		entry, _ := variables[v].Map()
		readOnly, _ := entry["read_only"].Bool()
		d.Variables = append(d.Variables, script.VariableSpec{Name: v, ReadOnly: readOnly})
	}
	topics, _ := fields["topics"].List()
	for _, t := range topics {
		if topic, ok := t.Text(); ok {
			d.Topics = append(d.Topics, script.TopicSpec{Name: topic, Answers: true})
		}
	}
	return d, values
}

// limit reads valid_values: a list of choices, or {min, max, step}.
func limit(spec *script.ParameterSpec, valid script.Value) {
	if choices, ok := valid.List(); ok {
		spec.Choices = choices
	}
	if limits, ok := valid.Map(); ok {
		spec.Min, spec.Max, spec.Step = limits["min"], limits["max"], limits["step"]
	}
}

// typeOf is the named type, else the one that all the values have: ints and
// floats make a float.
func typeOf(named string, values []script.Value) script.Type {
	switch t := script.Type(named); t {
	case script.TypeBool, script.TypeInt, script.TypeFloat, script.TypeString, script.TypeList, script.TypeMap:
		return t
	}
	found := script.TypeAny
	for _, v := range values {
		t := script.TypeOf(v)
		switch {
		case v.IsNull() || t == found:
		case found == script.TypeAny:
			found = t
		case (t == script.TypeInt || t == script.TypeFloat) && (found == script.TypeInt || found == script.TypeFloat):
			found = script.TypeFloat
		default:
			return script.TypeAny
		}
	}
	return found
}

// emit records facts about the script.
func (s *Session) emit(ctx context.Context, facts []script.Body) error {
	if len(facts) == 0 {
		return nil
	}
	return s.server.Emit(ctx, s, facts...)
}

// refresh asks the script how it is and records what is new. Nothing is set
// meanwhile: the answer would be older than that.
func (s *Session) refresh(ctx context.Context) error {
	s.setting.Lock()
	defer s.setting.Unlock()
	info, err := s.request(ctx, map[string]script.Value{"command": script.String("get_info")})
	if err != nil {
		return err
	}
	s.knowing.Lock()
	defer s.knowing.Unlock()
	return s.emit(ctx, s.shown.info(info))
}

// report takes in what the script tells by itself.
func (s *Session) report(ctx context.Context, fields map[string]script.Value) error {
	s.knowing.Lock()
	defer s.knowing.Unlock()
	return s.emit(ctx, s.shown.report(fields))
}

// report takes in what is new since the last one.
func (s *shown) report(fields map[string]script.Value) []script.Body {
	var facts []script.Body
	if info, ok := fields["info"].Map(); ok {
		facts = append(facts, s.info(info)...)
	}
	if values, ok := fields["parameters"].Map(); ok {
		facts = append(facts, s.change(values)...)
	}
	if list, ok := fields["samples"].List(); ok {
		facts = append(facts, s.samples(list)...)
	}
	if values, ok := fields["results"].Map(); ok {
		facts = append(facts, s.result(values)...)
	}
	lines, _ := fields["logs"].List()
	for _, line := range lines {
		if l, ok := line.Map(); ok {
			facts = append(facts, logLine(l))
		}
	}
	if n, ok := fields["dropped"].Int(); ok && n > 0 {
		facts = append(facts, script.Gap{Dropped: uint64(n), Reason: "samples and lines came faster than the script's connection took them"})
	}
	return facts
}

func logLine(fields map[string]script.Value) script.Body {
	said := text(fields, "text")
	if len(said) > script.MaxLogText {
		said = said[:script.MaxLogText]
	}
	return script.LogLine{Stream: "log", Level: text(fields, "level"), Text: said}
}
