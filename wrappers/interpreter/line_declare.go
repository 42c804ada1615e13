package interpreter

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/mlhost/mlhost/shared/script"
)

// decodeParameter reads the declaration of a parameter.
func decodeParameter(line []byte) (any, error) {
	var l struct {
		Name, Unit, Doc, Style, Group, Pattern, Source string
		Type                                           script.Type
		Default                                        script.Value
		Value                                          json.RawMessage
		Choices                                        []script.Value
		Min, Max, Step                                 script.Value
		Scale                                          script.Scale
		Mutability                                     script.Mutability
		Line                                           int
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, err
	}
	spec := script.ParameterSpec{
		Name: l.Name, Type: l.Type, Default: l.Default, Doc: l.Doc, Unit: l.Unit, Group: l.Group,
		Min: l.Min, Max: l.Max, Step: l.Step, Scale: l.Scale, Choices: l.Choices, Pattern: l.Pattern,
		Mutability: l.Mutability, Origin: script.Origin{Line: l.Line, Style: l.Style}, Confidence: script.Sure,
	}
	if err := completeParameter(&spec); err != nil {
		return nil, err
	}
	p := parameterLine{spec: spec, foreign: l.Source != ""}
	if len(l.Value) > 0 {
		v, err := script.ParseJSON(l.Value)
		if err != nil {
			return nil, err
		}
		v = fitType(spec.Type, v)
		p.value = &v
	}
	return p, nil
}

// completeParameter fills in what a declaration may leave out, and refuses
// what makes no sense.
func completeParameter(spec *script.ParameterSpec) error {
	if spec.Name == "" {
		return errors.New("a parameter needs a name")
	}
	if spec.Type == "" {
		spec.Type = script.TypeOf(spec.Default)
	}
	if !slices.Contains(script.Types, spec.Type) {
		return fmt.Errorf("parameter %q: there is no type %q", spec.Name, spec.Type)
	}
	for _, bound := range []*script.Value{&spec.Min, &spec.Max, &spec.Step} {
		if _, ok := bound.Float(); !ok && !bound.IsNull() {
			return fmt.Errorf("parameter %q: %s is no number for a range", spec.Name, bound)
		}
		*bound = fitType(spec.Type, *bound)
	}
	switch spec.Scale {
	case "", script.Linear, script.Log:
	default:
		return fmt.Errorf("parameter %q: there is no scale %q", spec.Name, spec.Scale)
	}
	switch spec.Mutability {
	case "":
		spec.Mutability = script.Live
	case script.Live, script.Boundary, script.Restart, script.Fixed:
	default:
		return fmt.Errorf("parameter %q: there is no mutability %q", spec.Name, spec.Mutability)
	}
	if spec.Origin.Style == "" {
		spec.Origin.Style = "lines"
	}
	spec.Default = fitType(spec.Type, spec.Default)
	for i, c := range spec.Choices {
		spec.Choices[i] = fitType(spec.Type, c)
	}
	return nil
}

// fitType gives v the form of the type where it has one (1 becomes 1.0), and
// leaves it alone otherwise.
func fitType(t script.Type, v script.Value) script.Value {
	if t == script.TypeFloat {
		v = floatOf(v)
	}
	if converted, err := t.Convert(v); err == nil {
		return converted
	}
	return v
}

// decodeVariable reads the declaration of a variable. Its type is that of its
// value.
func decodeVariable(line []byte) (any, error) {
	var l struct {
		Name, Unit, Doc, Source string
		Value                   script.Value
		ReadOnly                bool `json:"read_only"`
		Delivery                script.Delivery
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, err
	}
	switch {
	case l.Name == "":
		return nil, errors.New("a variable needs a name")
	case l.Delivery != "" && l.Delivery != script.Every && l.Delivery != script.Latest:
		return nil, fmt.Errorf("variable %q: there is no delivery %q", l.Name, l.Delivery)
	}
	source, ok := ranks[l.Source]
	if !ok {
		source = fromLibrary
	}
	return variableLine{source: source, spec: script.VariableSpec{
		Name: l.Name, Type: script.TypeOf(floatOf(l.Value)), Unit: l.Unit, Doc: l.Doc, ReadOnly: l.ReadOnly, Delivery: l.Delivery,
	}}, nil
}
