package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlhost/mlhost/shared/script"
)

// refinement is what a parameter block says beyond the value. Numbers and
// choices stay expressions until the type is known.
type refinement struct {
	kind       script.Type
	min, max   hcl.Expression
	step       hcl.Expression
	choices    hcl.Expression
	scale      script.Scale
	pattern    string
	unit, doc  string
	group      string
	mutability script.Mutability
	sensitive  *bool
}

// parameters reads the parameters attribute and the parameter blocks; a block
// without a value refines the attribute's.
func (b *block) parameters(blocks hcl.Blocks, plugin bool) []*Parameter {
	var ps []*Parameter
	byName := map[string]*Parameter{}
	for _, p := range b.parameterMap() {
		if before := byName[p.Name]; before != nil {
			b.duplicate("parameter", p.Name, p.NameRange, before.NameRange)
			continue
		}
		byName[p.Name] = p
		ps = append(ps, p)
	}
	blockAt := map[string]hcl.Range{}
	for _, nested := range blocks {
		p := b.parameterBlock(nested, plugin)
		if at, ok := blockAt[p.Name]; ok {
			b.duplicate("parameter", p.Name, nested.DefRange, at)
			continue
		}
		blockAt[p.Name] = nested.DefRange
		before := byName[p.Name]
		switch {
		case before == nil:
			byName[p.Name] = p
			ps = append(ps, p)
		case p.value != nil:
			b.report(fault(p.value.Range(), "Duplicate value", "The parameter %q already has a value in parameters, at %s.", p.Name, place(before.Range)))
		default:
			p.value, p.Range, p.NameRange = before.value, before.Range, before.NameRange
			*before = *p
		}
	}
	for _, p := range ps {
		_, _, diags := p.resolve(script.ParameterSpec{Name: p.Name, Type: script.TypeAny})
		b.report(diags...)
	}
	return ps
}

// parameterMap reads parameters = { … }, keeping each value's expression; a
// map that is computed as a whole is evaluated.
func (b *block) parameterMap() []*Parameter {
	a := b.content.Attributes["parameters"]
	if a == nil {
		return nil
	}
	pairs, diags := hcl.ExprMap(a.Expr)
	if diags.HasErrors() {
		return b.computedMap(a.Expr)
	}
	var ps []*Parameter
	for _, pair := range pairs {
		key, ok := b.evaluate(pair.Key)
		if !ok {
			continue
		}
		if !key.IsKnown() || key.IsNull() || key.Type() != cty.String || key.AsString() == "" {
			b.report(fault(pair.Key.Range(), "Invalid name", "A parameter's name is a string that is not empty.%s", numberKeyHint(key)))
			continue
		}
		if key.AsString() == "//" && b.json(pair.Key.Range()) {
			continue // a comment
		}
		ps = append(ps, &Parameter{
			Name: key.AsString(), Range: pair.Value.Range(), NameRange: pair.Key.Range(), value: pair.Value, scope: b.scope,
		})
	}
	return ps
}

func numberKeyHint(key cty.Value) string {
	if key.IsKnown() && !key.IsNull() && key.Type() == cty.Number {
		return fmt.Sprintf(" Write it in quotes: %q.", key.AsBigFloat().Text('f', -1))
	}
	return ""
}

func (b *block) computedMap(expr hcl.Expression) []*Parameter {
	v, ok := b.evaluate(expr)
	if !ok || v.IsNull() {
		return nil
	}
	if t := v.Type(); !v.IsKnown() || !t.IsObjectType() && !t.IsMapType() {
		b.report(fault(expr.Range(), "Wrong type", "parameters must be a map, { NAME = VALUE }, not %s.%s", withArticle(v.Type().FriendlyName()), b.templateHint(expr)))
		return nil
	}
	var ps []*Parameter
	for it := v.ElementIterator(); it.Next(); {
		key, e := it.Element()
		ps = append(ps, &Parameter{
			Name: key.AsString(), Range: expr.Range(), NameRange: expr.Range(),
			value: hcl.StaticExpr(e, expr.Range()), scope: b.scope,
		})
	}
	return ps
}

func (b *block) parameterBlock(nested *hcl.Block, plugin bool) *Parameter {
	p := &Parameter{Name: nested.Labels[0], Range: nested.DefRange, NameRange: nested.LabelRanges[0], scope: b.scope}
	if p.Name == "" {
		b.report(fault(p.NameRange, "Invalid name", "A parameter needs a name."))
	}
	body := b.open(nested)
	if a := body.content.Attributes["value"]; a != nil {
		p.value, p.Range = a.Expr, a.Expr.Range()
	}
	p.refine = body.refinement()
	body.text("pass", &p.Pass)
	body.text("env", &p.Env)
	body.path("file", &p.File)
	var ways []string
	for _, way := range []string{"pass", "env", "file"} {
		if !body.has(way) {
			continue
		}
		ways = append(ways, way)
		if plugin {
			b.report(fault(body.nameRange(way), "Not for a plugin", "A plugin gets its parameters over its own connection."))
		}
	}
	if len(ways) > 1 {
		b.report(fault(body.nameRange(ways[1]), "More than one way in", "A value goes in by one of pass, env and file; here are %s.", strings.Join(ways, " and ")))
	}
	if body.has("pass") && strings.TrimSpace(p.Pass) == "" {
		body.fault("pass", "Invalid option", "pass names a command line option, as in pass = \"--lr\".")
	}
	if body.has("env") && (p.Env == "" || strings.ContainsAny(p.Env, "=\x00")) {
		body.fault("env", "Invalid variable name", "env names an environment variable, as in env = \"LR\".")
	}
	return p
}

func (b *block) refinement() refinement {
	r := refinement{kind: b.typeWord("type", "")}
	expr := func(name string) hcl.Expression {
		if a := b.content.Attributes[name]; a != nil {
			return a.Expr
		}
		return nil
	}
	r.min, r.max, r.step, r.choices = expr("min"), expr("max"), expr("step"), expr("choices")
	var scale, mutability string
	b.choice("scale", &scale, "linear", "log")
	b.choice("mutability", &mutability, "live", "boundary", "restart", "fixed")
	r.scale, r.mutability = script.Scale(scale), script.Mutability(mutability)
	if b.text("pattern", &r.pattern) {
		if _, err := regexp.Compile(`^(?:` + r.pattern + `)$`); err != nil {
			b.fault("pattern", "Invalid pattern", "%s.", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
			r.pattern = ""
		}
	}
	b.text("unit", &r.unit)
	b.text("doc", &r.doc)
	b.text("group", &r.group)
	if b.has("sensitive") {
		var sensitive bool
		b.boolean("sensitive", &sensitive)
		r.sensitive = &sensitive
	}
	b.checkBounds(r)
	return r
}

// checkBounds reports bounds that contradict each other, whatever the
// parameter's type is. What is no number is reported by Parameter.resolve.
func (b *block) checkBounds(r refinement) {
	least, hasMin := b.quietNumber("min")
	most, hasMax := b.quietNumber("max")
	if hasMin && hasMax && least.GreaterThan(most).True() {
		b.fault("max", "Out of range", "max is below min.")
	}
	if r.scale == script.Log && hasMin && !least.GreaterThan(cty.Zero).True() {
		b.fault("min", "Out of range", "With scale = \"log\", min must be more than 0.")
	}
	if step, ok := b.quietNumber("step"); ok && !step.GreaterThan(cty.Zero).True() {
		b.fault("step", "Out of range", "step must be more than 0.")
	}
}

func (b *block) quietNumber(name string) (cty.Value, bool) {
	a := b.content.Attributes[name]
	if a == nil {
		return cty.NilVal, false
	}
	v, diags := b.compute(a.Expr, b.ctx)
	if diags.HasErrors() || !v.IsKnown() || v.IsNull() || v.Type() != cty.Number {
		return cty.NilVal, false
	}
	return v, true
}
