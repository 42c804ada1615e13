package script

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// pythonText spells v as a literal of Python.
func pythonText(v Value) string {
	switch v.Kind() {
	case KindNull:
		return "None"
	case KindBool:
		if on, _ := v.Bool(); on {
			return "True"
		}
		return "False"
	case KindString:
		text, _ := v.Text()
		return pythonString(text)
	case KindList:
		list, _ := v.List()
		return "[" + joinValues(list, pythonText) + "]"
	case KindMap:
		return "{" + joinMap(v, func(key string, e Value) string { return pythonString(key) + ": " + pythonText(e) }) + "}"
	}
	return v.String()
}

func pythonString(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// yamlText spells v for a reader of YAML that takes a text for what it looks
// like.
func yamlText(v Value) string {
	if f, ok := v.Float(); ok && v.Kind() == KindFloat {
		return yamlFloat(f)
	}
	if list, ok := v.List(); ok {
		return "[" + joinValues(list, yamlElement) + "]"
	}
	if v.Kind() == KindMap {
		return "{" + joinMap(v, func(key string, e Value) string { return String(key).json() + ": " + yamlElement(e) }) + "}"
	}
	return v.String()
}

func yamlElement(v Value) string {
	if v.Kind() == KindString {
		return v.json()
	}
	return yamlText(v)
}

// yamlFloat has a point before the exponent, without which YAML 1.1 reads a
// text.
func yamlFloat(f float64) string {
	s := formatFloat(f)
	if before, after, ok := strings.Cut(s, "e"); ok && !strings.Contains(before, ".") {
		return before + ".0e" + after
	}
	return s
}

var (
	hydraWord  = pattern(`^[A-Za-z_][A-Za-z0-9_./@-]*$`)
	hydraKeys  = pattern(`^[A-Za-z_][A-Za-z0-9_]*$`)
	hydraNames = []string{"null", "true", "false", "nan", "inf", "none", "yes", "no", "on", "off"}
)

// hydraText spells v in the grammar of hydra's overrides.
func hydraText(v Value) (string, error) {
	switch v.Kind() {
	case KindString:
		text, _ := v.Text()
		if strings.Contains(text, "${") {
			return "", errors.New("a text with ${ would be computed by the script")
		}
		if hydraWord().MatchString(text) && !slices.Contains(hydraNames, strings.ToLower(text)) {
			return text, nil
		}
		return hydraString(text), nil
	case KindFloat:
		f, _ := v.Float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return "", fmt.Errorf("%s cannot be passed", v)
		}
		return yamlFloat(f), nil
	case KindList:
		list, _ := v.List()
		parts := make([]string, len(list))
		for i, e := range list {
			var err error
			if parts[i], err = hydraText(e); err != nil {
				return "", err
			}
		}
		return "[" + strings.Join(parts, ",") + "]", nil
	case KindMap:
		table, _ := v.Map()
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(table)) {
			if !hydraKeys().MatchString(key) {
				return "", fmt.Errorf("the key %q cannot stand in an override", key)
			}
			text, err := hydraText(table[key])
			if err != nil {
				return "", err
			}
			parts = append(parts, key+":"+text)
		}
		return "{" + strings.Join(parts, ",") + "}", nil
	case KindBytes:
		return "", errors.New("bytes cannot be passed")
	}
	return v.String(), nil
}

// hydraString quotes a text: the quote is escaped, and so are the backslashes
// before one.
func hydraString(text string) string {
	var b strings.Builder
	b.WriteByte('\'')
	slashes := 0
	for i := range len(text) {
		switch c := text[i]; c {
		case '\\':
			slashes++
			b.WriteByte(c)
			continue
		case '\'':
			b.WriteString(strings.Repeat(`\`, slashes+1))
		}
		slashes = 0
		b.WriteByte(text[i])
	}
	b.WriteString(strings.Repeat(`\`, slashes))
	b.WriteByte('\'')
	return b.String()
}

func (v Value) json() string {
	var b bytes.Buffer
	v.appendJSON(&b)
	return b.String()
}

func joinValues(list []Value, spell func(Value) string) string {
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = spell(e)
	}
	return strings.Join(parts, ", ")
}

func joinMap(v Value, spell func(key string, e Value) string) string {
	table, _ := v.Map()
	parts := make([]string, 0, len(table))
	for _, key := range slices.Sorted(maps.Keys(table)) {
		parts = append(parts, spell(key, table[key]))
	}
	return strings.Join(parts, ", ")
}
