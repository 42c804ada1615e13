package script

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"
)

// MaxTextLength bounds a parameter's string, in bytes.
const MaxTextLength = 1 << 20

// Check converts v to the parameter's type and tests it against the range,
// step, choices, pattern and lengths. It returns the value to use. The error
// is a reason without the parameter's name ("above the maximum 1.0").
func (p *ParameterSpec) Check(v Value) (Value, error) {
	v, err := p.Type.Convert(v)
	if err != nil {
		return Null(), err
	}
	if len(p.Choices) > 0 {
		for _, c := range p.Choices {
			if c.Same(v) {
				return v, nil
			}
		}
		return Null(), fmt.Errorf("not one of %s%s", describeChoices(p.Choices), p.closeChoice(v))
	}
	if _, ok := v.Float(); ok {
		return v, p.checkNumber(v)
	}
	if s, ok := v.Text(); ok {
		return v, p.checkText(s)
	}
	return v, nil
}

func (p *ParameterSpec) closeChoice(v Value) string {
	s, ok := v.Text()
	if !ok {
		return ""
	}
	names := make([]string, 0, len(p.Choices))
	for _, c := range p.Choices {
		names = append(names, c.String())
	}
	if best := Suggest(s, names); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return ""
}

func describeChoices(choices []Value) string {
	const most = 12
	parts := make([]string, 0, most)
	for i, c := range choices {
		if i == most {
			parts = append(parts, fmt.Sprintf("… (%d in all)", len(choices)))
			break
		}
		parts = append(parts, clip(c.String(), 40))
	}
	return strings.Join(parts, ", ")
}

func (p *ParameterSpec) checkNumber(v Value) error {
	if !p.Min.IsNull() {
		if c := compareNumbers(v, p.Min); c < 0 || (c == 0 && p.ExclusiveMin) {
			return fmt.Errorf("%s is below the minimum %s%s", v, p.Min, exclusive(p.ExclusiveMin))
		}
	}
	if !p.Max.IsNull() {
		c := compareNumbers(v, p.Max)
		if c > 0 || (c == 0 && p.ExclusiveMax) {
			return fmt.Errorf("%s is above the maximum %s%s", v, p.Max, exclusive(p.ExclusiveMax))
		}
		if c == 0 {
			return nil // a maximum is valid even off step
		}
	}
	return p.checkStep(v)
}

func exclusive(is bool) string {
	if is {
		return ", which is excluded"
	}
	return ""
}

// compareNumbers orders two numeric values. Those that have an exact integer
// are compared as such, since a float has but 53 bits.
func compareNumbers(a, b Value) int {
	x, xok := a.Int()
	y, yok := b.Int()
	if xok && yok {
		return cmp.Compare(x, y)
	}
	f, _ := a.Float()
	g, _ := b.Float()
	switch {
	case xok && math.Abs(g) >= 1<<63: // rounding x could make them equal
		return cmp.Compare(0, g)
	case yok && math.Abs(f) >= 1<<63:
		return cmp.Compare(f, 0)
	}
	return cmp.Compare(f, g)
}

// checkStep allows for the rounding of decimal steps: a float is on step when
// it is within a millionth of a step of a multiple.
func (p *ParameterSpec) checkStep(v Value) error {
	step, ok := p.Step.Float()
	if !ok || step <= 0 {
		return nil
	}
	base := Int(0)
	if !p.Min.IsNull() {
		base = p.Min
	}
	if v.Kind() == KindInt && base.Kind() == KindInt && p.Step.Kind() == KindInt {
		distance := v.num - base.num // the bits of two ints: right even where an int64 would overflow
		if int64(v.num) < int64(base.num) {
			distance = base.num - v.num
		}
		if distance%p.Step.num != 0 {
			return fmt.Errorf("%s is off step: %s plus a multiple of %s is needed", v, base, p.Step)
		}
		return nil
	}
	x, _ := v.Float()
	b, _ := base.Float()
	n := (x - b) / step
	if math.Abs(n-math.Round(n)) > 1e-6*math.Max(1, math.Abs(n)*1e-6) {
		return fmt.Errorf("%s is off step: %s plus a multiple of %s is needed", v, base, p.Step)
	}
	return nil
}

func (p *ParameterSpec) checkText(s string) error {
	switch n := int64(len(s)); {
	case n > MaxTextLength:
		return fmt.Errorf("%d bytes are more than the %d that a string may have", n, MaxTextLength)
	case p.MaxLength > 0 && n > p.MaxLength:
		return fmt.Errorf("%d bytes are more than the maximum length %d", n, p.MaxLength)
	case n < p.MinLength:
		return fmt.Errorf("%d bytes are fewer than the minimum length %d", n, p.MinLength)
	}
	if p.Pattern == "" {
		return nil
	}
	re, err := regexp.Compile(`^(?:` + p.Pattern + `)$`)
	if err != nil {
		return fmt.Errorf("the parameter's own pattern is invalid: %w", err)
	}
	if !re.MatchString(s) {
		return fmt.Errorf("%q does not match the pattern %s", clip(s, 40), p.Pattern)
	}
	return nil
}

// Convert makes v a value of type t, or tells why it is none. An integer
// becomes a float where one is wanted, and a float without a fraction an
// integer. NaN and infinities are refused: they are for variables. The value
// is bounded in size and depth.
func (t Type) Convert(v Value) (Value, error) {
	if err := checkSize(v, 0); err != nil {
		return Null(), err
	}
	switch t {
	case TypeAny, "":
		return v, nil
	case TypeInt:
		if i, ok := v.Int(); ok {
			return Int(i), nil
		}
	case TypeFloat:
		if f, ok := v.Float(); ok {
			return Float(f), nil
		}
	default:
		if TypeOf(v) == t && v.Kind() != KindBytes {
			return v, nil
		}
	}
	if s, _ := v.Text(); (t == TypeInt || t == TypeFloat) && (s == "NaN" || strings.TrimPrefix(s, "-") == "Infinity") {
		return Null(), fmt.Errorf("%s is not a finite number", s) // as JSON writes them
	}
	return Null(), fmt.Errorf("wants %s, got %s", withArticle(string(t)), describeValue(v))
}

func checkSize(v Value, depth int) error {
	if depth > 64 {
		return fmt.Errorf("nested deeper than 64")
	}
	switch v.Kind() {
	case KindFloat:
		if f, _ := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%s is not a finite number", v)
		}
	case KindString, KindBytes:
		return checkString(v.text, v.Kind() == KindString)
	case KindList:
		for _, e := range v.list {
			if err := checkSize(e, depth+1); err != nil {
				return err
			}
		}
	case KindMap:
		for key, e := range v.table {
			if err := checkString(key, true); err != nil {
				return err
			}
			if err := checkSize(e, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkString(s string, text bool) error {
	if len(s) > MaxTextLength {
		return fmt.Errorf("%d bytes are more than the %d that a string may have", len(s), MaxTextLength)
	}
	if text && !utf8.ValidString(s) {
		return fmt.Errorf("%q is not valid UTF-8", clip(s, 40))
	}
	return nil
}

func withArticle(noun string) string {
	if noun != "" && strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

func describeValue(v Value) string {
	switch v.Kind() {
	case KindNull:
		return "null"
	case KindString:
		return fmt.Sprintf("the string %q", clip(v.text, 40))
	case KindList, KindMap, KindBytes:
		return withArticle(v.Kind().String())
	}
	return withArticle(v.Kind().String()) + " (" + v.String() + ")"
}
