package config

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

var (
	digitStep = pattern(`[A-Za-z_][A-Za-z0-9_-]*\.([0-9]+[A-Za-z_-][A-Za-z0-9_-]*)`)
	digitName = pattern(`(?:^|[\s{,])([0-9]+[A-Za-z_][A-Za-z0-9_-]*)`)
	minusName = pattern(`^(from|to|previous|step|history)-(.+)$`)
)

// hintAll adds to HCL's own diagnostics what helps with the mistakes that
// people really make.
func hintAll(diags hcl.Diagnostics, src []byte) hcl.Diagnostics {
	for _, d := range diags {
		hint(d, src)
	}
	return diags
}

func hint(d *hcl.Diagnostic, src []byte) {
	if text := syntaxHint(d, src); text != "" && !strings.Contains(d.Detail, text) {
		d.Detail += " " + text
	}
}

// lineAt returns the line that the diagnostic is about.
func lineAt(d *hcl.Diagnostic, src []byte) string {
	if d.Subject == nil || d.Subject.Start.Byte < 0 || d.Subject.Start.Byte > len(src) {
		return ""
	}
	start := bytes.LastIndexByte(src[:d.Subject.Start.Byte], '\n') + 1
	line, _, _ := bytes.Cut(src[start:], []byte("\n"))
	return string(line)
}

func syntaxHint(d *hcl.Diagnostic, src []byte) string {
	line := lineAt(d, src)
	switch d.Summary {
	case "Invalid escape sequence":
		return `In a quoted string a backslash is written twice: "\\d" is the pattern \d.`
	case "Missing newline after argument", "Argument or block definition required", "Missing key/value separator",
		"Invalid block definition", "Invalid expression", "Invalid argument name", "Invalid attribute name":
		if hint := digitHint(line); hint != "" {
			return hint
		}
	case "Unknown variable":
		return unknownVariableHint(d, line)
	case "Unsupported attribute":
		return unknownAttributeHint(d)
	case "Extraneous JSON object property", "Unsupported argument", "Unsupported block type":
		return elsewhereHint(d)
	}
	return ""
}

// digitHint explains a name that starts with a digit, where text has one.
func digitHint(text string) string {
	if m := digitStep().FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("A name that starts with a digit stands in brackets and quotes: [%q] in place of .%s.", m[1], m[1])
	}
	if m := digitName().FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("A name cannot start with a digit here; in a list of parameters write it in quotes: %q.", m[1])
	}
	return ""
}

// unknownVariableHint tells where names are known, and how to write text.
func unknownVariableHint(d *hcl.Diagnostic, line string) string {
	if d.Expression == nil {
		return ""
	}
	for _, t := range d.Expression.Variables() {
		switch root := t.RootName(); root {
		case "script":
			return "References to scripts stand in from, to, depends_on, when and value only."
		case "var":
			return "Inputs are read as input.NAME, locals as local.NAME."
		case "locals", "inputs":
			return fmt.Sprintf("It is read as %s.NAME.", strings.TrimSuffix(root, "s"))
		case "from", "to", "history", "previous", "step":
			return fmt.Sprintf("%q is known in a route's when and value only.", root)
		case "local", "input":
			continue
		default:
			if best := didYouMean(root, []string{"local", "input"}); best != "" {
				return strings.TrimSpace(best)
			}
			if strings.Contains(line, "${") {
				return "Inputs are read as input.NAME, locals as local.NAME, the environment as env(\"NAME\")."
			}
			return fmt.Sprintf("Text stands in double quotes: %q.", traversalText(t))
		}
	}
	return ""
}

// unknownAttributeHint suggests the input or local that was meant.
func unknownAttributeHint(d *hcl.Diagnostic) string {
	if d.Expression == nil || d.EvalContext == nil {
		return ""
	}
	for _, t := range d.Expression.Variables() {
		object, ok := d.EvalContext.Variables[t.RootName()]
		if !ok || len(t) < 2 || !object.Type().IsObjectType() {
			continue
		}
		name, _ := stepName(t[1])
		known := slices.Sorted(maps.Keys(object.Type().AttributeTypes()))
		if !object.Type().HasAttribute(name) {
			return strings.TrimSpace(didYouMean(name, known) + knownList(t.RootName()+"s", known))
		}
	}
	return ""
}

// elsewhere names the block that an argument belongs to, for those that
// people look for in the wrong place.
var elsewhere = map[string]string{
	"max_attempts": "restart", "policy": "restart", "window": "restart or route", "backoff": "restart", "max_backoff": "restart",
	"min": "parameter", "max": "parameter", "choices": "parameter", "scale": "parameter", "pass": "parameter",
	"value": "parameter or route", "pattern": "variable or parameter", "when": "route", "cooldown": "route",
	"auth": "connector", "default": "collaboration or input", "include": "scripts", "exclude": "scripts",
}

func elsewhereHint(d *hcl.Diagnostic) string {
	_, rest, _ := strings.Cut(d.Detail, `"`)
	name, _, _ := strings.Cut(rest, `"`)
	if d.Summary == "Unsupported block type" && (name == "parameters" || name == "env") {
		return fmt.Sprintf("With an equals sign it is a map: %s = { … }.", name)
	}
	if strings.Contains(d.Detail, "Did you mean") {
		return ""
	}
	if block := elsewhere[name]; block != "" {
		return fmt.Sprintf("It belongs into a %s block.", block)
	}
	return ""
}

// traversalText writes a traversal as it stands in HCL.
func traversalText(t hcl.Traversal) string {
	var b strings.Builder
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			b.WriteString(step.Name)
		case hcl.TraverseAttr:
			b.WriteString("." + step.Name)
		case hcl.TraverseIndex:
			fmt.Fprintf(&b, "[%s]", indexText(step.Key))
		}
	}
	return b.String()
}
