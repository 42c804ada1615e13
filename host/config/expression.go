package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlhost/mlhost/shared/script"
)

// routeNames are what a route's expressions see besides scripts, inputs and
// locals.
var routeNames = []string{"from", "to", "history", "previous", "step"}

// routeExpr is `when` or `value`, evaluated again and again.
type routeExpr struct {
	name   string
	expr   hcl.Expression
	refs   []Reference
	direct bool // history goes to functions of numbers only: see samples
}

// routeExpr reads one expression of a route: what it refers to must exist,
// and it must evaluate when everything that it reads is unknown.
func (b *block) routeExpr(r *Route, name string) *routeExpr {
	a := b.content.Attributes[name]
	if a == nil {
		return nil
	}
	e := &routeExpr{name: name, expr: b.compile(a.Expr)}
	if e.expr == nil || !b.checkQuoted(name, a.Expr) {
		return e
	}
	e.direct = historyIsDirect(e.expr)
	broken := map[string]bool{} // names that were reported: the rest is checked as if they were sound
	for _, t := range e.expr.Variables() {
		ref, d := routeVariable(t)
		switch {
		case d != nil:
			b.report(d)
			broken[t.RootName()] = true
		case ref.Script != "":
			e.refs = append(e.refs, ref)
			if !slices.ContainsFunc(r.References, ref.same) {
				r.References = append(r.References, ref)
			}
		default:
			r.uses[t.RootName()] = true
		}
	}
	ctx := unknownContext(b.ctx, nil, r)
	for name := range broken {
		ctx.Variables[name] = cty.DynamicVal
	}
	b.report(e.check(b.scope, ctx, nil)...)
	return e
}

// same compares references but for their places.
func (r Reference) same(o Reference) bool {
	return r.Script == o.Script && r.Kind == o.Kind && r.Name == o.Name
}

// String writes the reference as it stands in HCL.
func (r Reference) String() string {
	s := "script" + step(r.Script) + "." + string(r.Kind)
	if r.Kind != RefState {
		s += step(r.Name)
	}
	return s
}

func step(name string) string {
	if namePattern().MatchString(name) {
		return "." + name
	}
	return fmt.Sprintf("[%q]", name)
}

// compile turns a JSON string into the expression that its template is, so
// that it is not parsed at each evaluation.
func (b *block) compile(expr hcl.Expression) hcl.Expression {
	if !b.json(expr.Range()) {
		return expr
	}
	raw, diags := expr.Value(nil)
	if diags.HasErrors() || raw.IsNull() || raw.Type() != cty.String {
		return expr
	}
	at := expr.Range().Start
	at.Byte++
	at.Column++
	compiled, diags := hclsyntax.ParseTemplate([]byte(raw.AsString()), expr.Range().Filename, at)
	b.report(diags...)
	if diags.HasErrors() {
		return nil
	}
	return compiled
}

// checkQuoted reports an expression that was written as a plain string.
func (b *block) checkQuoted(name string, expr hcl.Expression) bool {
	text := strings.TrimSpace(b.source(expr.Range()))
	if !strings.HasPrefix(text, `"`) {
		return true
	}
	inner := strings.Trim(text, `"`)
	if !looksLikeExpression(inner) {
		return true
	}
	hint := "Write it without quotes: " + inner
	if b.json(expr.Range()) {
		hint = fmt.Sprintf(`In JSON an expression stands in "${…}": "${%s}"`, inner)
	}
	b.report(fault(expr.Range(), "An expression in quotes", "%s would be the text itself. %s.", name, hint))
	return false
}

// routeVariable checks one variable of a route's expression; the Reference is
// empty for all that is not script.….
func routeVariable(t hcl.Traversal) (Reference, *hcl.Diagnostic) {
	root, at := t.RootName(), t.SourceRange()
	switch {
	case root == "script":
		ref, _, d := reference(t, at)
		return ref, d
	case root == "local" || root == "input" || slices.Contains(routeNames, root):
		return Reference{}, nil
	}
	hint := ""
	if m := minusName().FindStringSubmatch(root); m != nil {
		hint = fmt.Sprintf(" A name may contain -, so a difference needs spaces: %s - %s.", m[1], m[2])
	} else if best := didYouMean(root, append([]string{"script", "local", "input"}, routeNames...)); best != "" {
		hint = best
	}
	return Reference{}, fault(at, "Unknown name", "There is no %q here. An expression of a route knows from, to, history, previous, step, script, input and local.%s", root, hint)
}

// unknownContext is what the type check evaluates on: values of the right
// types that nobody knows. Without descriptions all types are open.
func unknownContext(base *hcl.EvalContext, descriptions map[string]script.Description, r *Route) *hcl.EvalContext {
	variables := maps.Clone(base.Variables)
	from := typeForCty(variableType(descriptions, r.From))
	variables["from"], variables["previous"] = cty.UnknownVal(from), cty.UnknownVal(from)
	variables["history"] = cty.DynamicVal
	if from != cty.DynamicPseudoType {
		variables["history"] = cty.UnknownVal(cty.List(from))
	}
	variables["to"] = cty.UnknownVal(typeForCty(parameterType(descriptions, r.To)))
	variables["step"] = cty.UnknownVal(cty.Number)
	variables["script"] = scriptObject(r.References, func(ref Reference) cty.Value {
		switch ref.Kind {
		case RefState:
			return cty.UnknownVal(cty.String)
		case RefVariable:
			return cty.UnknownVal(typeForCty(variableType(descriptions, VariableRef{ref.Script, ref.Name})))
		}
		return cty.UnknownVal(typeForCty(parameterType(descriptions, ParameterRef{ref.Script, ref.Name})))
	})
	return &hcl.EvalContext{Variables: variables, Functions: pureFunctions}
}

// scriptObject builds the object that `script` is, holding the references.
func scriptObject(refs []Reference, value func(Reference) cty.Value) cty.Value {
	type parts struct {
		variables, parameters map[string]cty.Value
		state                 cty.Value
	}
	scripts := map[string]*parts{}
	for _, ref := range refs {
		p := scripts[ref.Script]
		if p == nil {
			p = &parts{variables: map[string]cty.Value{}, parameters: map[string]cty.Value{}, state: cty.NullVal(cty.String)}
			scripts[ref.Script] = p
		}
		switch v := value(ref); ref.Kind {
		case RefState:
			p.state = v
		case RefVariable:
			p.variables[ref.Name] = v
		default:
			p.parameters[ref.Name] = v
		}
	}
	object := map[string]cty.Value{}
	for name, p := range scripts {
		object[name] = cty.ObjectVal(map[string]cty.Value{
			"variable": cty.ObjectVal(p.variables), "parameter": cty.ObjectVal(p.parameters), "state": p.state,
		})
	}
	return cty.ObjectVal(object)
}

// check evaluates the expression on unknown values and judges its type.
// target is what a value has to fit, nil where that is not known.
func (e *routeExpr) check(s *scope, ctx *hcl.EvalContext, target *script.ParameterSpec) hcl.Diagnostics {
	v, diags := s.compute(e.expr, ctx)
	for _, d := range diags {
		if d.Summary == "Call to unknown function" && (strings.Contains(d.Detail, `"env"`) || strings.Contains(d.Detail, `"file"`)) {
			d.Detail = "A route's expressions are pure: env and file are not known there. Read it into a local."
		}
	}
	if diags.HasErrors() {
		return diags
	}
	if e.name == "when" {
		if v.IsKnown() && v.IsNull() || v.Type() != cty.Bool && v.Type() != cty.DynamicPseudoType {
			diags = append(diags, fault(e.expr.Range(), "Wrong type", "when must be true or false, not %s.", withArticle(v.Type().FriendlyName())))
		}
		return diags
	}
	if target != nil {
		if err := fits(v, target); err != nil {
			diags = append(diags, fault(e.expr.Range(), "Wrong value", "The parameter %q %s.", target.Name, err))
		}
	}
	return diags
}

// fits tests a value, perhaps of unknown content, against a parameter.
func fits(v cty.Value, target *script.ParameterSpec) error {
	if v.IsWhollyKnown() {
		decoded, err := decode(target.Type, v)
		if err == nil && !decoded.IsNull() {
			_, err = target.Check(decoded)
		}
		return err
	}
	t := v.Type()
	ok := true
	switch target.Type {
	case script.TypeInt, script.TypeFloat:
		ok = t == cty.Number
	case script.TypeBool:
		ok = t == cty.Bool
	case script.TypeString:
		ok = t.IsPrimitiveType()
	case script.TypeList:
		ok = isListLike(t)
	case script.TypeMap:
		ok = t.IsObjectType() || t.IsMapType()
	}
	if ok || t == cty.DynamicPseudoType {
		return nil
	}
	return fmt.Errorf("wants %s, got %s", withArticle(string(target.Type)), withArticle(t.FriendlyName()))
}
