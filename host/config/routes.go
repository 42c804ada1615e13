package config

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Bounds and defaults of `window`.
const (
	defaultWindow = 100
	maxWindow     = 100_000
)

// parameterOnly are settings of routes to a parameter.
var parameterOnly = []string{"window", "when", "value", "cooldown", "every", "min_change", "on_nan"}

func (l *loader) loadRoutes(blocks hcl.Blocks) {
	seen := map[string]hcl.Range{}
	for _, b := range blocks {
		name := b.Labels[0]
		l.checkLabel("route", name, b.LabelRanges[0])
		if before, ok := seen[name]; ok {
			l.duplicate("route", name, b.DefRange, before)
			continue
		}
		seen[name] = b.DefRange
		body := l.open(b)
		if body.has("topic") {
			l.config.TopicRoutes = append(l.config.TopicRoutes, body.topicRoute(name))
		} else if r := body.route(name); r != nil {
			l.config.Routes = append(l.config.Routes, r)
		}
	}
}

// topicRoute reads a route for messages of a topic.
func (b *block) topicRoute(name string) *TopicRoute {
	r := &TopicRoute{Name: name, Range: b.at, Enabled: true}
	if b.text("topic", &r.Topic) && r.Topic == "" {
		b.fault("topic", "Invalid topic", "A topic has a name.")
	}
	for _, other := range parameterOnly {
		if b.has(other) {
			b.report(fault(b.nameRange(other), "Not for a topic", "%s is for routes from a variable to a parameter; this one has a topic.", other))
		}
	}
	b.boolean("enabled", &r.Enabled)
	from, to := b.needScripts("from"), b.needScripts("to")
	r.From, r.To, r.refs = names(from), names(to), append(from, to...)
	return r
}

// needScripts reads a list of scripts that must be there.
func (b *block) needScripts(name string) []scriptRef {
	if !b.has(name) {
		b.report(fault(b.at, "Missing "+name, "It names scripts: %s = [script.trainer].", name))
		return nil
	}
	before := len(b.diags)
	refs := b.scripts(name)
	if len(refs) == 0 && len(b.diags) == before {
		b.fault(name, "Empty list", "%s names at least one script.", name)
	}
	return refs
}

// route reads a route from a variable to a parameter; nil where its ends are
// not clear.
func (b *block) route(name string) *Route {
	r := &Route{
		Name: name, Range: b.at, Window: defaultWindow, OnNaN: OnNaNSkip, Enabled: true,
		scope: b.scope, uses: map[string]bool{},
	}
	b.whole("window", &r.Window, 1, maxWindow)
	b.duration("cooldown", &r.Cooldown, 0)
	b.duration("every", &r.Every, time.Nanosecond)
	b.choice("on_nan", &r.OnNaN, OnNaNSkip, OnNaNFire)
	b.boolean("enabled", &r.Enabled)
	if v, ok := b.value("min_change", cty.Number, "a number"); ok {
		r.MinChange, _ = v.AsBigFloat().Float64()
		if v.LessThan(cty.Zero).True() {
			b.fault("min_change", "Out of range", "min_change must be at least 0.")
		}
	}
	from, fromOK := b.end("from", RefVariable, "script.trainer.variable.loss")
	to, toOK := b.end("to", RefParameter, "script.trainer.parameter.learning_rate")
	r.From, r.ranges.from = VariableRef{from.Script, from.Name}, from.Range
	r.To, r.ranges.to = ParameterRef{to.Script, to.Name}, to.Range
	r.Conditional = b.has("when")
	r.when = b.routeExpr(r, "when")
	r.value = b.routeExpr(r, "value")
	if r.value == nil {
		r.uses["from"] = true // the value is from itself
	}
	if !fromOK || !toOK {
		return nil
	}
	return r
}

// end reads from or to of a route.
func (b *block) end(name string, want RefKind, example string) (Reference, bool) {
	a := b.content.Attributes[name]
	if a == nil {
		b.report(fault(b.at, "Missing "+name, "A route has from = script.NAME.variable.NAME and to = script.NAME.parameter.NAME, or a topic with from and to as lists of scripts."))
		return Reference{}, false
	}
	if _, diags := hcl.ExprList(a.Expr); !diags.HasErrors() {
		b.fault(name, "Invalid reference", "A list of scripts is for routes with a topic; here a single %s is needed, like %s.", want, example)
		return Reference{}, false
	}
	t, ok := b.traversal(a.Expr, example)
	if !ok {
		return Reference{}, false
	}
	ref, rest, d := reference(t, a.Expr.Range())
	switch {
	case d != nil:
	case ref.Kind != want:
		d = fault(a.Expr.Range(), "Invalid reference", "%s must be a script's %s, like %s.", name, want, example)
	case len(rest) > 0:
		d = fault(a.Expr.Range(), "Invalid reference", "What follows the %s's name is too much. A name with a dot stands in brackets: .%s[%q].", want, want, ref.Name+traversalText(rest))
	}
	b.report(nonNil(d)...)
	return ref, d == nil
}

func nonNil(d *hcl.Diagnostic) hcl.Diagnostics {
	if d == nil {
		return nil
	}
	return hcl.Diagnostics{d}
}

func (l *loader) loadAllows(blocks hcl.Blocks) {
	seen := map[string]hcl.Range{}
	for _, b := range blocks {
		name := b.Labels[0]
		l.checkLabel("allow", name, b.LabelRanges[0])
		if before, ok := seen[name]; ok {
			l.duplicate("allow", name, b.DefRange, before)
			continue
		}
		seen[name] = b.DefRange
		body := l.open(b)
		a := &Allow{Name: name, Range: b.DefRange}
		from, to := body.needScripts("from"), body.needScripts("to")
		a.From, a.To, a.refs = names(from), names(to), append(from, to...)
		body.texts("topics", &a.Topics)
		if body.has("topics") && a.Topics != nil && len(a.Topics) == 0 {
			body.fault("topics", "Empty list", "topics names at least one topic; without it, all topics are allowed.")
		}
		l.config.Allows = append(l.config.Allows, a)
	}
}
