package config

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/mlhost/mlhost/shared/script"
)

// When reports whether the route's condition holds; without a `when` it
// always does. It is false while anything that the route reads, in `when` or
// in `value`, is null. Where the newest sample is NaN, or the answer hangs on
// a NaN, it is true under OnNaNFire and the error ErrNaN under OnNaNSkip. It
// never panics.
func (r *Route) When(s Snapshot) (bool, error) {
	if r.waits(s) {
		return false, nil
	}
	if f, ok := s.From.Float(); ok && math.IsNaN(f) {
		return r.onNaN(fmt.Errorf("route %s: %w", r.Name, ErrNaN))
	}
	if r.when == nil {
		return true, nil
	}
	v, err := r.evaluate(r.when, s)
	if errors.Is(err, ErrNull) {
		return false, nil
	}
	if errors.Is(err, ErrNaN) {
		return r.onNaN(err)
	}
	if err != nil {
		return false, err
	}
	b, err := convert.Convert(v, cty.Bool)
	if err != nil || b.IsNull() {
		return false, fmt.Errorf("route %s: when is not true or false", r.Name)
	}
	return b.True(), nil
}

func (r *Route) onNaN(err error) (bool, error) {
	if r.OnNaN == OnNaNFire {
		return true, nil
	}
	return false, err
}

// Value computes the value for the target: `value`, or the sample itself. The
// error is ErrNull while something that the route reads is null, and ErrNaN
// where the result is NaN. It never panics.
func (r *Route) Value(s Snapshot) (script.Value, error) {
	if r.waits(s) {
		return script.Null(), fmt.Errorf("route %s: %w", r.Name, ErrNull)
	}
	if r.value == nil {
		if f, ok := s.From.Float(); ok && math.IsNaN(f) {
			return script.Null(), fmt.Errorf("route %s: %w", r.Name, ErrNaN)
		}
		return s.From, nil
	}
	v, err := r.evaluate(r.value, s)
	if err != nil {
		return script.Null(), err
	}
	result, err := fromCty(v)
	if err == nil && result.IsNull() {
		err = ErrNull
	}
	if err != nil {
		return script.Null(), fmt.Errorf("route %s: %w", r.Name, err)
	}
	return result, nil
}

// waits reports whether something that the route reads is null.
func (r *Route) waits(s Snapshot) bool {
	switch {
	case s.From.IsNull(),
		r.uses["to"] && s.To.IsNull(),
		r.uses["previous"] && s.Previous.IsNull(),
		r.uses["step"] && s.Step < 0,
		r.uses["history"] && (len(s.History) == 0 || slices.ContainsFunc(s.History, script.Value.IsNull)):
		return true
	}
	for _, ref := range r.References {
		if v, ok := lookup(s, ref); !ok || v.IsNull() {
			return true
		}
	}
	return false
}

func lookup(s Snapshot, ref Reference) (script.Value, bool) {
	if s.Lookup == nil {
		return script.Null(), false
	}
	return s.Lookup(ref)
}

// evaluate computes an expression on a snapshot.
func (r *Route) evaluate(e *routeExpr, s Snapshot) (cty.Value, error) {
	if e.expr == nil {
		return cty.NilVal, fmt.Errorf("route %s: %s is invalid", r.Name, e.name)
	}
	infinite := false
	convert := func(v script.Value) cty.Value {
		f, ok := v.Float()
		infinite = infinite || ok && math.IsInf(f, 0)
		return toCty(v)
	}
	variables := map[string]cty.Value{
		"input": r.scope.ctx.Variables["input"], "local": r.scope.ctx.Variables["local"],
		"from": convert(s.From), "to": convert(s.To), "previous": convert(s.Previous),
		"step": cty.NumberIntVal(s.Step),
	}
	if r.uses["history"] {
		variables["history"] = history(s.History, e.direct)
		infinite = infinite || slices.ContainsFunc(s.History, func(v script.Value) bool { f, ok := v.Float(); return ok && math.IsInf(f, 0) })
	}
	if len(e.refs) > 0 {
		variables["script"] = scriptObject(e.refs, func(ref Reference) cty.Value {
			v, _ := lookup(s, ref)
			return convert(v)
		})
	}
	v, diags := r.scope.compute(e.expr, &hcl.EvalContext{Variables: variables, Functions: pureFunctions})
	if diags.HasErrors() {
		return cty.NilVal, fmt.Errorf("route %s: %w", r.Name, outcome(diags, infinite))
	}
	if !v.IsWhollyKnown() {
		return cty.NilVal, fmt.Errorf("route %s: %w", r.Name, ErrNaN)
	}
	return v, nil
}

// outcome turns the failure of an evaluation into an error: too few samples
// are like a null, and what fails on an infinity (∞ − ∞, 0 · ∞) is NaN.
func outcome(diags hcl.Diagnostics, infinite bool) error {
	for _, d := range diags {
		extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
		if ok && errors.Is(extra.FunctionCallError(), errTooFew) {
			return ErrNull
		}
	}
	if infinite {
		return ErrNaN
	}
	d := diags[0]
	if d.Subject == nil {
		return fmt.Errorf("%s: %s", d.Summary, d.Detail)
	}
	return fmt.Errorf("%s: %s: %s", place(*d.Subject), d.Summary, d.Detail)
}
