package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlhost/mlhost/shared/script"
)

// Resolve decodes the configured parameter values against a description. It
// returns the values that the configuration gives (no defaults), the
// description's specs refined by parameter blocks, and what does not fit.
//
// A name that the description lacks is an error, unless the script declares
// parameters while it runs (capability "dynamic"): its value is returned too,
// to be held until the script registers the name, with a spec that takes
// any type.
func (s *Script) Resolve(d script.Description) (map[string]script.Value, []script.ParameterSpec, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	values := map[string]script.Value{}
	specs := slices.Clone(d.Parameters)
	for _, p := range s.Parameters {
		i := slices.IndexFunc(specs, func(spec script.ParameterSpec) bool { return spec.Name == p.Name })
		if i < 0 && !d.Has(script.CapabilityDynamic) {
			diags = append(diags, unknownParameter(s, p, specs))
			continue
		}
		if i < 0 {
			specs = append(specs, script.ParameterSpec{Name: p.Name, Type: script.TypeAny, Origin: p.origin()})
			i = len(specs) - 1
		}
		value, spec, found := p.resolve(specs[i])
		specs[i] = spec
		diags = append(diags, found...)
		if !value.IsNull() {
			values[p.Name] = value
		}
	}
	for _, spec := range specs {
		if _, ok := values[spec.Name]; !ok && spec.Required && spec.Default.IsNull() && !d.Has(script.CapabilityDynamic) {
			diags = append(diags, fault(s.Range, "Missing parameter", "The script %q needs the parameter %q (%s). Set it in parameters = { … }.", s.Name, spec.Name, spec.Type))
		}
	}
	return values, specs, diags
}

func unknownParameter(s *Script, p *Parameter, specs []script.ParameterSpec) *hcl.Diagnostic {
	names := make([]string, len(specs))
	for i, spec := range specs {
		names[i] = spec.Name
	}
	return fault(p.NameRange, "Unknown parameter", "The script %q has no parameter %q.%s%s", s.Name, p.Name, didYouMean(p.Name, names), knownList("parameters", names))
}

func (p *Parameter) origin() script.Origin {
	return script.Origin{File: p.NameRange.Filename, Line: p.NameRange.Start.Line, Style: "config"}
}

// Refine returns the spec as the configuration narrows it.
func (p *Parameter) Refine(spec script.ParameterSpec) (script.ParameterSpec, hcl.Diagnostics) {
	_, spec, diags := p.resolve(spec)
	return spec, diags
}

// resolve refines the spec and decodes the value by it; null: there is none.
func (p *Parameter) resolve(spec script.ParameterSpec) (script.Value, script.ParameterSpec, hcl.Diagnostics) {
	spec, diags := p.refineSpec(spec)
	if p.value == nil {
		return script.Null(), spec, diags
	}
	v, found := p.scope.compute(p.value, p.scope.ctx)
	diags = append(diags, hintAll(found, nil)...)
	if found.HasErrors() {
		return script.Null(), spec, diags
	}
	if !v.IsWhollyKnown() {
		return script.Null(), spec, diags // its cause was reported: an input without a value
	}
	value, err := p.scope.decodeAt(spec.Type, v, p.value.Range())
	if err == nil && !value.IsNull() {
		value, err = spec.Check(value)
	}
	if err != nil && spec.Confidence != script.Sure && spec.Confidence != "" {
		if loose, relaxed, ok := p.loosen(spec, v); ok {
			d := warning(p.value.Range(), "Unexpected value", "The parameter %q: %s%s The value is used all the same, as reading the script may have told too little.", p.Name, sentence(err.Error()), declaredAt(spec))
			return loose, relaxed, append(diags, d)
		}
	}
	if err != nil {
		d := fault(p.value.Range(), "Wrong value", "The parameter %q: %s%s%s", p.Name, sentence(err.Error()), declaredAt(spec), p.scope.templateHint(p.value))
		return script.Null(), spec, append(diags, d)
	}
	if spec.Deprecated != "" {
		diags = append(diags, warning(p.NameRange, "Deprecated parameter", "The parameter %q is deprecated: %s.", p.Name, strings.TrimSuffix(spec.Deprecated, ".")))
	}
	return value, spec, diags
}

// sentence ends a text with a full stop, unless it ends with a mark of its own.
func sentence(text string) string {
	if strings.HasSuffix(text, "?") || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

// loosen decodes a value that does not fit what reading the script guessed,
// unless the guess leaves no doubt: a constant of another kind.
func (p *Parameter) loosen(spec script.ParameterSpec, v cty.Value) (script.Value, script.ParameterSpec, bool) {
	value, err := p.scope.decodeAt(script.TypeAny, v, p.value.Range())
	if err != nil || value.IsNull() {
		return value, spec, false
	}
	number := func(t script.Type) bool { return t == script.TypeInt || t == script.TypeFloat }
	t := script.TypeOf(value)
	if spec.Origin.Style == "constants" && t != spec.Type && (!number(t) || !number(spec.Type)) {
		return value, spec, false
	}
	spec.Type, spec.Choices, spec.Pattern = t, nil, ""
	spec.Min, spec.Max, spec.Step = script.Null(), script.Null(), script.Null()
	return value, spec, true
}

var floatLiteral = pattern(`^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// decodeAt decodes by the type; where any type will do, a literal that is
// written as a float, 1.0, is one, though HCL knows numbers only.
func (s *scope) decodeAt(t script.Type, v cty.Value, at hcl.Range) (script.Value, error) {
	if (t == script.TypeAny || t == "") && v.IsKnown() && !v.IsNull() && v.Type() == cty.Number {
		if text := s.source(at); floatLiteral().MatchString(text) && strings.ContainsAny(text, ".eE") {
			t = script.TypeFloat
		}
	}
	return decode(t, v)
}

// refineSpec lays the parameter block over the spec. What a script declares
// itself can be narrowed only; what discovery guessed can be replaced.
func (p *Parameter) refineSpec(spec script.ParameterSpec) (script.ParameterSpec, hcl.Diagnostics) {
	r := p.refine
	var diags hcl.Diagnostics
	declared := spec.Confidence == script.Sure || spec.Confidence == ""
	if r.kind != "" && r.kind != spec.Type {
		if declared && spec.Type != script.TypeAny && spec.Type != "" {
			diags = append(diags, fault(p.NameRange, "Wrong type", "The script declares the parameter %q as %s; the configuration cannot make it %s.", p.Name, withArticle(string(spec.Type)), withArticle(string(r.kind))))
		} else {
			spec.Type = r.kind
		}
	}
	bound := func(name string, expr hcl.Expression, t script.Type, own script.Value, outside func(x, own float64) bool) script.Value {
		if expr == nil {
			return own
		}
		v, d := p.constant(name, expr, t)
		if d != nil {
			diags = append(diags, d)
			return own
		}
		x, _ := v.Float()
		limit, has := own.Float()
		if declared && has && outside(x, limit) {
			diags = append(diags, fault(expr.Range(), "Out of range", "%s of the parameter %q is outside the script's own limit, %s.", name, p.Name, own))
			return own
		}
		return v
	}
	number := spec.Type
	if number != script.TypeInt && number != script.TypeFloat {
		number = script.TypeAny
	}
	spec.Min = bound("min", r.min, number, spec.Min, func(x, own float64) bool { return x < own })
	spec.Max = bound("max", r.max, number, spec.Max, func(x, own float64) bool { return x > own })
	spec.Step = bound("step", r.step, number, spec.Step, func(float64, float64) bool { return false })
	if r.choices != nil {
		choices, found := p.choices(spec)
		diags = append(diags, found...)
		if !found.HasErrors() {
			spec.Choices = choices
		}
	}
	r.overlay(&spec)
	if spec.Type == "" {
		spec.Type = script.TypeAny
	}
	return spec, diags
}

// overlay replaces what has no type.
func (r *refinement) overlay(spec *script.ParameterSpec) {
	set := func(into *string, s string) {
		if s != "" {
			*into = s
		}
	}
	set(&spec.Pattern, r.pattern)
	set(&spec.Unit, r.unit)
	set(&spec.Doc, r.doc)
	set(&spec.Group, r.group)
	if r.scale != "" {
		spec.Scale = r.scale
	}
	if r.mutability != "" {
		spec.Mutability = r.mutability
	}
	if r.sensitive != nil {
		spec.Sensitive = *r.sensitive
	}
}

// constant evaluates one of the block's numbers.
func (p *Parameter) constant(name string, expr hcl.Expression, t script.Type) (script.Value, *hcl.Diagnostic) {
	v, diags := p.scope.compute(expr, p.scope.ctx)
	if diags.HasErrors() {
		return script.Null(), diags[0]
	}
	value, err := p.scope.decodeAt(t, v, expr.Range())
	if _, ok := value.Float(); err == nil && !ok {
		err = fmt.Errorf("wants a number, got %s", withArticle(v.Type().FriendlyName()))
	}
	if err != nil {
		return script.Null(), fault(expr.Range(), "Wrong type", "%s of the parameter %q: %s.", name, p.Name, err)
	}
	return value, nil
}

func (p *Parameter) choices(spec script.ParameterSpec) ([]script.Value, hcl.Diagnostics) {
	expr := p.refine.choices
	v, diags := p.scope.compute(expr, p.scope.ctx)
	if diags.HasErrors() || v.IsNull() || !v.IsWhollyKnown() || !isListLike(v.Type()) || v.LengthInt() == 0 {
		return nil, append(diags, fault(expr.Range(), "Wrong type", "choices must be a list of values that is not empty."))
	}
	var choices []script.Value
	for _, e := range v.AsValueSlice() {
		c, err := decode(spec.Type, e)
		switch {
		case err != nil:
		case c.IsNull():
			err = errors.New("null is none")
		default:
			c, err = spec.Check(c)
		}
		if err != nil {
			return nil, hcl.Diagnostics{fault(expr.Range(), "Wrong value", "A choice of the parameter %q: %s.", p.Name, err)}
		}
		choices = append(choices, c)
	}
	return choices, nil
}
