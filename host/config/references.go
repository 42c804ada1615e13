package config

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// scriptRef is a script named in a list, with its place.
type scriptRef struct {
	name  string
	rng   hcl.Range
	ready bool
}

// stepName returns the name that one step of a traversal goes to: .name or
// ["name"].
func stepName(step hcl.Traverser) (string, bool) {
	switch step := step.(type) {
	case hcl.TraverseAttr:
		return step.Name, true
	case hcl.TraverseIndex:
		if step.Key.IsKnown() && !step.Key.IsNull() && step.Key.Type() == cty.String {
			return step.Key.AsString(), true
		}
	}
	return "", false
}

// reference reads script.NAME.variable.X, script.NAME.parameter.X or
// script.NAME.state at the beginning of a traversal; rest is what follows.
func reference(t hcl.Traversal, at hcl.Range) (ref Reference, rest hcl.Traversal, d *hcl.Diagnostic) {
	bad := func(format string, args ...any) (Reference, hcl.Traversal, *hcl.Diagnostic) {
		return Reference{}, nil, fault(at, "Invalid reference", format, args...)
	}
	if root := t.RootName(); root != "script" {
		return bad("A reference begins with script.NAME, as in script.trainer.variable.loss.%s", didYouMean(root, []string{"script"}))
	}
	if len(t) < 2 {
		return bad("The script's name is missing, as in script.trainer.variable.loss.")
	}
	name, ok := stepName(t[1])
	if !ok {
		return bad("A script is named by script.NAME or script[\"NAME\"].")
	}
	if len(t) < 3 {
		return bad("What of the script is read? Write script.%s.variable.NAME, script.%s.parameter.NAME or script.%s.state.", name, name, name)
	}
	kind, _ := stepName(t[2])
	switch RefKind(kind) {
	case RefState:
		return Reference{Script: name, Kind: RefState, Range: at}, t[3:], nil
	case RefVariable, RefParameter:
	default:
		hint := didYouMean(kind, []string{"variable", "parameter", "state"})
		if short := map[string]string{"var": "variable", "vars": "variable", "variables": "variable", "param": "parameter", "params": "parameter", "parameters": "parameter"}[kind]; short != "" {
			hint = fmt.Sprintf(" Did you mean %q?", short)
		}
		return bad("A script has .variable.NAME, .parameter.NAME and .state, not %q.%s", kind, hint)
	}
	if len(t) < 4 {
		return bad("The name of the %s is missing: script.%s.%s.NAME.", kind, name, kind)
	}
	item, ok := stepName(t[3])
	if !ok {
		return bad("A %s is named by .%s.NAME or .%s[\"NAME\"].", kind, kind, kind)
	}
	return Reference{Script: name, Kind: RefKind(kind), Name: item, Range: at}, t[4:], nil
}

// traversal reads a static reference, which is no expression: it stands
// without quotes in HCL and as a plain string in JSON.
func (b *block) traversal(expr hcl.Expression, example string) (hcl.Traversal, bool) {
	text := b.source(expr.Range())
	if t, diags := hcl.AbsTraversalForExpr(expr); !diags.HasErrors() && !strings.Contains(text, "${") {
		return t, true
	}
	hint := ""
	switch inner := strings.Trim(text, `"`); {
	case b.json(expr.Range()) && strings.Contains(text, "${"):
		hint = fmt.Sprintf(" In JSON it is a plain string, without ${…}: %q.", strings.TrimSuffix(strings.TrimPrefix(inner, "${"), "}"))
	case !b.json(expr.Range()) && strings.HasPrefix(text, `"`):
		hint = fmt.Sprintf(" Write it without quotes: %s.", strings.TrimSuffix(strings.TrimPrefix(inner, "${"), "}"))
	default:
		if d := digitHint(text); d != "" {
			hint = " " + d
		}
	}
	b.report(fault(expr.Range(), "Invalid reference", "A reference to a script is needed here, like %s.%s", example, hint))
	return nil, false
}

// scripts reads a list of script.NAME, or a single one.
func (b *block) scripts(name string) []scriptRef {
	a := b.content.Attributes[name]
	if a == nil {
		return nil
	}
	exprs, diags := hcl.ExprList(a.Expr)
	if diags.HasErrors() {
		exprs = []hcl.Expression{a.Expr}
	}
	var refs []scriptRef
	for _, expr := range exprs {
		t, ok := b.traversal(expr, "script.trainer")
		if !ok {
			continue
		}
		if ref, d := scriptOnly(t, expr.Range(), name == "depends_on"); d != nil {
			b.report(d)
		} else {
			refs = append(refs, ref)
		}
	}
	return refs
}

// scriptOnly reads script.NAME, and script.NAME.ready where that may stand.
func scriptOnly(t hcl.Traversal, at hcl.Range, ready bool) (scriptRef, *hcl.Diagnostic) {
	if t.RootName() == "script" && len(t) >= 2 {
		name, ok := stepName(t[1])
		switch {
		case ok && len(t) == 2:
			return scriptRef{name: name, rng: at}, nil
		case ok && ready && len(t) == 3:
			if step, _ := stepName(t[2]); step == "ready" {
				return scriptRef{name: name, rng: at, ready: true}, nil
			}
			return scriptRef{}, fault(at, "Invalid reference", "depends_on takes script.%s (it has finished well) or script.%s.ready, not %s.", name, name, traversalText(t))
		case ok:
			return scriptRef{}, fault(at, "Invalid reference", "A whole script is needed here: script.%s, not %s.", name, traversalText(t))
		}
	}
	return scriptRef{}, fault(at, "Invalid reference", "A reference to a script is needed here, like script.trainer, not %s.", traversalText(t))
}

func (b *block) dependencies(name string) []Dependency {
	var ds []Dependency
	for _, ref := range b.scripts(name) {
		ds = append(ds, Dependency{Script: ref.name, Ready: ref.ready, Range: ref.rng})
	}
	return ds
}

func names(refs []scriptRef) []string {
	list := make([]string, len(refs))
	for i, r := range refs {
		list[i] = r.name
	}
	return list
}
