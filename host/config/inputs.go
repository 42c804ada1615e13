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

// inputPrefix leads the environment variables that set inputs.
const inputPrefix = "MLHOST_INPUT_"

// maxLocal bounds a local's value: locals that double each other would fill
// the memory.
const maxLocal = 1 << 20

// input is one input block.
type input struct {
	name  string
	kind  script.Type
	at    hcl.Range
	value cty.Value // NilVal: none yet
}

// loadInputs evaluates the input blocks: --input over --input-file over
// MLHOST_INPUT_NAME over the default.
func (l *loader) loadInputs(blocks hcl.Blocks, options Options) {
	inputs := map[string]*input{}
	for _, b := range blocks {
		in := l.openInput(b)
		if before := inputs[in.name]; before != nil {
			l.duplicate("input", in.name, b.DefRange, before.at)
			continue
		}
		inputs[in.name] = in
		l.fromEnvironment(in)
	}
	for _, file := range options.InputFiles {
		l.fromInputFile(file, inputs)
	}
	for _, name := range slices.Sorted(maps.Keys(options.Inputs)) {
		in := inputs[name]
		if in == nil {
			l.report(fault(hcl.Range{}, "Unknown input", "There is no input %q, which --input sets.%s%s", name,
				didYouMean(name, slices.Collect(maps.Keys(inputs))), knownList("inputs", slices.Sorted(maps.Keys(inputs)))))
			continue
		}
		l.fromText(in, options.Inputs[name], "--input "+name)
	}
	values := map[string]cty.Value{}
	for name, in := range inputs {
		if in.value == cty.NilVal {
			l.report(fault(in.at, "Missing input", "The input %q has no default. Give it by --input %s=VALUE, in an --input-file or as %s%s.", name, name, inputPrefix, envName(name)))
			in.value = cty.UnknownVal(typeForCty(in.kind))
		}
		values[name] = in.value
	}
	l.ctx.Variables["input"] = cty.ObjectVal(values)
}

func envName(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }

func (l *loader) openInput(b *hcl.Block) *input {
	in := &input{name: b.Labels[0], kind: script.TypeAny, at: b.DefRange}
	l.checkName("input", in.name, b.LabelRanges[0])
	body := l.open(b)
	in.kind = body.typeWord("type", script.TypeAny)
	var doc string
	body.text("doc", &doc)
	if a := body.content.Attributes["default"]; a != nil {
		if v, ok := l.evaluate(a.Expr); ok {
			l.setInput(in, v, a.Expr.Range())
		} else {
			in.value = cty.UnknownVal(typeForCty(in.kind))
		}
	}
	return in
}

// typeWord reads a type, as the string "float" or the bare word float.
func (b *block) typeWord(name string, otherwise script.Type) script.Type {
	a := b.content.Attributes[name]
	if a == nil {
		return otherwise
	}
	word := hcl.ExprAsKeyword(a.Expr)
	if word == "" && !b.text(name, &word) {
		return otherwise
	}
	if t := script.Type(word); slices.Contains(script.Types, t) {
		return t
	}
	names := make([]string, len(script.Types))
	for i, t := range script.Types {
		names[i] = string(t)
	}
	alias := map[string]string{"number": "float", "double": "float", "integer": "int", "str": "string", "text": "string", "boolean": "bool", "array": "list", "object": "map", "dict": "map"}
	hint := didYouMean(word, names)
	if best := alias[strings.ToLower(word)]; best != "" {
		hint = fmt.Sprintf(" Did you mean %q?", best)
	}
	b.fault(name, "Unknown type", "%q is not a type. The types are %s.%s", word, strings.Join(names, ", "), hint)
	return otherwise
}

// setInput converts and keeps a value. A null default keeps the input null.
func (l *loader) setInput(in *input, v cty.Value, at hcl.Range) {
	decoded, err := decode(in.kind, v)
	if err != nil {
		l.report(fault(at, "Wrong type", "input %q: %s.", in.name, err))
		in.value = cty.UnknownVal(typeForCty(in.kind))
		return
	}
	in.value = toCty(decoded)
}

func (l *loader) fromEnvironment(in *input) {
	for _, name := range []string{inputPrefix + in.name, inputPrefix + envName(in.name)} {
		if text, ok := l.env(name); ok {
			l.fromText(in, text, name)
			return
		}
	}
}

// fromText sets an input from the command line or the environment.
func (l *loader) fromText(in *input, text, from string) {
	v, err := parseText(in.kind, text)
	if err != nil {
		l.report(fault(in.at, "Wrong type", "input %q: %s; it was set by %s.", in.name, err, from))
		if in.value == cty.NilVal {
			in.value = cty.UnknownVal(typeForCty(in.kind))
		}
		return
	}
	in.value = toCty(v)
}

// parseText reads text as a value of the type: strings as they are, lists and
// maps as HCL or JSON, and anything that is no expression as a string where
// any type will do.
func parseText(t script.Type, text string) (script.Value, error) {
	if t == script.TypeString {
		return script.String(text), nil
	}
	if len(text) > MaxFileSize {
		return script.Null(), fmt.Errorf("it is larger than 1 MiB")
	}
	v, ok := literal(text)
	switch {
	case ok:
	case t == script.TypeAny, t == script.TypeBool, t == script.TypeInt, t == script.TypeFloat:
		v = cty.StringVal(text)
	default:
		return script.Null(), fmt.Errorf("wants %s, got %q", withArticle(string(t)), clip(text))
	}
	return decode(t, v)
}

// literal evaluates text as an expression without variables or functions.
func literal(text string) (cty.Value, bool) {
	tokens, _ := hclsyntax.LexExpression([]byte(text), "", hcl.InitialPos)
	if checkNesting(tokens).HasErrors() {
		return cty.NilVal, false
	}
	expr, diags := hclsyntax.ParseExpression([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		return cty.NilVal, false
	}
	v, diags := (&scope{}).compute(expr, nil)
	return v, !diags.HasErrors() && v.IsWhollyKnown()
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// fromInputFile sets inputs from a file of NAME = VALUE lines.
func (l *loader) fromInputFile(path string, inputs map[string]*input) {
	file, diags := parseFile(path, l.files)
	l.report(diags...)
	if file == nil {
		return
	}
	attributes, diags := file.Body.JustAttributes()
	l.report(diags...)
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		in := inputs[name]
		if in == nil {
			l.report(fault(a.NameRange, "Unknown input", "There is no input %q.%s%s", name,
				didYouMean(name, slices.Collect(maps.Keys(inputs))), knownList("inputs", slices.Sorted(maps.Keys(inputs)))))
			continue
		}
		v, diags := l.compute(a.Expr, &hcl.EvalContext{Functions: pureFunctions})
		l.report(diags...)
		if !diags.HasErrors() {
			l.setInput(in, v, a.Expr.Range())
		}
	}
}

// loadLocals evaluates locals in the order of their references.
func (l *loader) loadLocals(blocks hcl.Blocks) {
	attributes := map[string]*hcl.Attribute{}
	for _, b := range blocks {
		found, diags := b.Body.JustAttributes()
		l.report(diags...)
		for name, a := range found {
			if before := attributes[name]; before != nil {
				l.duplicate("local", name, a.Range, before.Range)
				continue
			}
			attributes[name] = a
		}
	}
	names := slices.Sorted(maps.Keys(attributes))
	values := map[string]cty.Value{}
	edges := map[string][]string{}
	for _, name := range names {
		edges[name] = localReferences(attributes[name].Expr, attributes)
	}
	order, cycles := sortGraph(names, edges)
	for _, cycle := range cycles {
		l.report(fault(attributes[cycle[0]].Range, "Locals depend on each other", "local.%s.", strings.Join(cycle, " → local.")))
	}
	for _, name := range names {
		values[name] = cty.DynamicVal
	}
	for _, name := range order {
		l.ctx.Variables["local"] = cty.ObjectVal(values)
		v, ok := l.evaluate(attributes[name].Expr)
		switch {
		case !ok:
		case sizeOf(v) > maxLocal:
			l.report(fault(attributes[name].Range, "Value too large", "local.%s is larger than 1 MiB.", name))
		default:
			values[name] = v
		}
	}
	l.ctx.Variables["local"] = cty.ObjectVal(values)
}

func localReferences(expr hcl.Expression, known map[string]*hcl.Attribute) []string {
	var names []string
	for _, t := range expr.Variables() {
		if t.RootName() != "local" || len(t) < 2 {
			continue
		}
		if name, ok := stepName(t[1]); ok && known[name] != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// sizeOf estimates a value's memory in bytes.
func sizeOf(v cty.Value) int {
	if !v.IsKnown() || v.IsNull() {
		return 8
	}
	switch t := v.Type(); {
	case t == cty.String:
		return len(v.AsString())
	case t.IsCollectionType() || t.IsTupleType() || t.IsObjectType():
		size := 8
		for it := v.ElementIterator(); it.Next(); {
			key, e := it.Element()
			size += sizeOf(key) + sizeOf(e)
		}
		return size
	}
	return 8
}
