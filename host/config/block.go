package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// block reads the attributes of one HCL block. What is wrong is reported and
// leaves the target as it was; an attribute that is null counts as not given.
type block struct {
	*loader
	content *hcl.BodyContent
	at      hcl.Range // of the header
}

// open decodes a block's body by what the schema has for it.
func (l *loader) open(b *hcl.Block) *block {
	s := blockNamed[b.Type].body()
	content, diags := b.Body.Content(s)
	for _, d := range diags {
		suggestWider(d, s)
	}
	l.report(diags...)
	return &block{loader: l, content: content, at: b.DefRange}
}

// suggestWider adds a did-you-mean where HCL, which is stricter about what is
// close, had none.
func suggestWider(d *hcl.Diagnostic, s *hcl.BodySchema) {
	unknown := d.Summary == "Unsupported argument" || d.Summary == "Unsupported block type" || d.Summary == "Extraneous JSON object property"
	if !unknown || strings.Contains(d.Detail, "Did you mean") {
		return
	}
	if _, rest, ok := strings.Cut(d.Detail, `"`); ok {
		name, _, _ := strings.Cut(rest, `"`)
		var names []string
		for _, a := range s.Attributes {
			names = append(names, a.Name)
		}
		for _, b := range s.Blocks {
			names = append(names, b.Type)
		}
		d.Detail += didYouMean(name, names)
	}
}

// has reports whether the attribute stands in the block.
func (b *block) has(name string) bool { return b.content.Attributes[name] != nil }

// rangeOf is the place of the attribute, or of the block without one.
func (b *block) rangeOf(name string) hcl.Range {
	if a := b.content.Attributes[name]; a != nil {
		return a.Expr.Range()
	}
	return b.at
}

// nameRange is the place of the attribute's name.
func (b *block) nameRange(name string) hcl.Range {
	if a := b.content.Attributes[name]; a != nil {
		return a.NameRange
	}
	return b.at
}

// fault reports an error at an attribute's value.
func (b *block) fault(name, summary, format string, args ...any) {
	b.report(fault(b.rangeOf(name), summary, format, args...))
}

// value evaluates the attribute and converts it to the type; false where it
// is absent, null or wrong.
func (b *block) value(name string, want cty.Type, noun string) (cty.Value, bool) {
	a := b.content.Attributes[name]
	if a == nil {
		return cty.NilVal, false
	}
	v, ok := b.evaluate(a.Expr)
	if !ok || v.IsNull() {
		return cty.NilVal, false
	}
	c, err := convert.Convert(v, want)
	if !v.IsWhollyKnown() {
		return cty.NilVal, false // the cause was reported: a syntax error, an input without a value
	}
	if err != nil {
		b.fault(name, "Wrong type", "%s must be %s, not %s.%s", name, noun, withArticle(v.Type().FriendlyName()), b.templateHint(a.Expr))
		return cty.NilVal, false
	}
	return c, true
}

// evaluate computes an expression, behind a recover: cty panics where a
// number is none (0 * infinity).
func (s *scope) compute(expr hcl.Expression, ctx *hcl.EvalContext) (v cty.Value, diags hcl.Diagnostics) {
	defer func() {
		if r := recover(); r != nil {
			v = cty.DynamicVal
			diags = hcl.Diagnostics{fault(expr.Range(), "Cannot evaluate", "The expression has no value: %v.", r)}
		}
	}()
	v, diags = expr.Value(ctx)
	v, _ = v.UnmarkDeep()
	return v, diags
}

func (l *loader) evaluate(expr hcl.Expression) (cty.Value, bool) {
	v, diags := l.compute(expr, l.ctx)
	l.report(diags...)
	return v, !diags.HasErrors()
}

// templateHint tells JSON writers that expressions stand in "${…}".
func (s *scope) templateHint(expr hcl.Expression) string {
	if !s.json(expr.Range()) {
		return ""
	}
	text := strings.Trim(s.source(expr.Range()), `"`)
	if looksLikeExpression(text) {
		return fmt.Sprintf(` In JSON an expression stands in "${…}": "${%s}".`, text)
	}
	return ""
}

var expressionLike = pattern(`^\s*(?:\(?\s*(?:from|to|previous|step|history|local|input|script)\b\s*(?:[.\[<>=!*/+?-]|$)|!?[a-z]+\(.*\))`)

func looksLikeExpression(text string) bool {
	return !strings.Contains(text, "${") && expressionLike().MatchString(text)
}

func (b *block) text(name string, into *string) bool {
	v, ok := b.value(name, cty.String, "a string")
	if ok {
		*into = v.AsString()
	}
	return ok
}

func (b *block) boolean(name string, into *bool) {
	if v, ok := b.value(name, cty.Bool, "true or false"); ok {
		*into = v.True()
	}
}

// whole reads an integer in least … most.
func (b *block) whole(name string, into *int, least, most int64) {
	v, ok := b.value(name, cty.Number, "a whole number")
	if !ok {
		return
	}
	i, accuracy := v.AsBigFloat().Int64()
	if accuracy != 0 || i < least || i > most {
		b.fault(name, "Out of range", "%s must be a whole number from %d to %d.", name, least, most)
		return
	}
	*into = int(i)
}

// choice reads one of the given words.
func (b *block) choice(name string, into *string, choices ...string) {
	var s string
	if !b.text(name, &s) {
		return
	}
	if !slices.Contains(choices, s) {
		b.fault(name, "Unknown choice", "%s is %s, not %q.%s", name, orList(choices), s, didYouMean(s, choices))
		return
	}
	*into = s
}

// duration reads a duration written as a string, "90s", at least least.
func (b *block) duration(name string, into *time.Duration, least time.Duration) {
	a := b.content.Attributes[name]
	if a == nil {
		return
	}
	v, ok := b.evaluate(a.Expr)
	if !ok || !v.IsKnown() || v.IsNull() {
		return
	}
	if v.Type() != cty.String {
		b.fault(name, "Wrong type", "%s is a duration, written as a string: %q.", name, b.asSeconds(v))
		return
	}
	d, err := time.ParseDuration(strings.TrimSpace(v.AsString()))
	switch {
	case err != nil:
		b.fault(name, "Not a duration", "%q is not a duration. Write a number with its unit, ms, s, m or h: \"500ms\", \"10s\", \"5m\", \"1h30m\".%s", v.AsString(), durationHint(v.AsString()))
	case d < 0:
		b.fault(name, "Out of range", "%s must not be negative.", name)
	case d < least && least == time.Nanosecond:
		b.fault(name, "Out of range", "%s must be more than 0.", name)
	case d < least:
		b.fault(name, "Out of range", "%s must be at least %s.", name, least)
	default:
		*into = d
	}
}

func (b *block) asSeconds(v cty.Value) string {
	if v.Type() == cty.Number {
		return v.AsBigFloat().Text('f', -1) + "s"
	}
	return "10s"
}

var looseDuration = pattern(`^\s*([0-9.]+)\s*(ms|milli|s|sec|second|m|min|minute|h|hr|hour|d|day)[a-z]*\s*$`)

func durationHint(s string) string {
	m := looseDuration().FindStringSubmatch(strings.ToLower(s))
	if m == nil {
		return ""
	}
	unit := m[2][:1]
	switch {
	case m[2] == "ms" || m[2] == "milli":
		unit = "ms"
	case unit == "d":
		return " There are no days: \"24h\"."
	}
	return fmt.Sprintf(" Did you mean %q?", m[1]+unit)
}

// texts reads a list of strings.
func (b *block) texts(name string, into *[]string) {
	v, ok := b.value(name, cty.List(cty.String), "a list of strings")
	if !ok {
		return
	}
	list := make([]string, 0, v.LengthInt())
	for i, e := range v.AsValueSlice() {
		if e.IsNull() {
			b.fault(name, "Wrong type", "Element %d of %s is null.", i, name)
			return
		}
		list = append(list, e.AsString())
	}
	*into = list
}

// table reads a map of strings.
func (b *block) table(name string, into *map[string]string) {
	v, ok := b.value(name, cty.Map(cty.String), "a map of strings")
	if !ok {
		return
	}
	table := make(map[string]string, v.LengthInt())
	for key, e := range v.AsValueMap() {
		if e.IsNull() || key == "//" && b.json(b.rangeOf(name)) {
			continue // as if it did not stand there; in JSON // is a comment
		}
		table[key] = e.AsString()
	}
	*into = table
}

func orList(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
}

func withArticle(noun string) string {
	if noun == "" || noun == "dynamic" {
		return "this"
	}
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}
