package script

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Kind tells which form a Value has.
type Kind uint8

// The kinds of a Value. KindNull is the zero Value's kind.
const (
	KindNull Kind = iota
	KindBool
	KindInt
	KindFloat
	KindString
	KindBytes
	KindList
	KindMap
)

// String returns the kind's name as it stands in JSON and configuration.
func (k Kind) String() string {
	return [...]string{"null", "bool", "int", "float", "string", "bytes", "list", "map"}[k]
}

// Value is one immutable datum that crosses between script and host: null,
// bool, 64-bit int, 64-bit float (NaN and infinities included), string,
// bytes, list or map. The zero Value is null. Values may be shared between
// goroutines; what a constructor was given must not be changed afterwards.
type Value struct {
	kind  Kind
	num   uint64 // bool, int and float, by their bits
	text  string // string and bytes
	list  []Value
	table map[string]Value
}

// Null returns the null value.
func Null() Value { return Value{} }

// Bool returns a bool value.
func Bool(b bool) Value {
	v := Value{kind: KindBool}
	if b {
		v.num = 1
	}
	return v
}

// Int returns an int value.
func Int(i int64) Value { return Value{kind: KindInt, num: uint64(i)} }

// Float returns a float value; NaN and infinities are values like any other.
func Float(f float64) Value { return Value{kind: KindFloat, num: math.Float64bits(f)} }

// String returns a string value.
func String(s string) Value { return Value{kind: KindString, text: s} }

// Bytes returns a bytes value holding a copy of b.
func Bytes(b []byte) Value { return Value{kind: KindBytes, text: string(b)} }

// List returns a list value; it keeps the slice.
func List(vs ...Value) Value { return Value{kind: KindList, list: vs} }

// Map returns a map value; it keeps the map.
func Map(m map[string]Value) Value { return Value{kind: KindMap, table: m} }

// Kind returns v's kind.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.kind == KindNull }

// Bool returns v's bool and whether v is one.
func (v Value) Bool() (b, ok bool) { return v.num == 1, v.kind == KindBool }

// Int returns v's integer and whether v is an int, or a float with an exact
// 64-bit integer value.
func (v Value) Int() (int64, bool) {
	switch v.kind {
	case KindInt:
		return int64(v.num), true
	case KindFloat:
		f := math.Float64frombits(v.num)
		if f == math.Trunc(f) && f >= -(1<<63) && f < 1<<63 {
			return int64(f), true
		}
	}
	return 0, false
}

// Float returns v's number as a float and whether v is an int or a float.
func (v Value) Float() (float64, bool) {
	switch v.kind {
	case KindInt:
		return float64(int64(v.num)), true
	case KindFloat:
		return math.Float64frombits(v.num), true
	}
	return 0, false
}

// Text returns v's string and whether v is one.
func (v Value) Text() (string, bool) { return v.text, v.kind == KindString }

// Bytes returns a copy of v's bytes and whether v is of kind bytes.
func (v Value) Bytes() ([]byte, bool) { return []byte(v.text), v.kind == KindBytes }

// List returns v's elements, not to be changed, and whether v is a list.
func (v Value) List() ([]Value, bool) { return v.list, v.kind == KindList }

// Map returns v's table, not to be changed, and whether v is a map.
func (v Value) Map() (map[string]Value, bool) { return v.table, v.kind == KindMap }

// Equal reports whether v and w are the same datum. NaN equals NaN, and 1 (an
// int) does not equal 1.0 (a float).
func (v Value) Equal(w Value) bool {
	if v.kind != w.kind {
		return false
	}
	switch v.kind {
	case KindNull:
		return true
	case KindFloat:
		a, b := math.Float64frombits(v.num), math.Float64frombits(w.num)
		return a == b || (a != a && b != b) //nolint:gocritic // NaN is the value unlike itself
	case KindBool, KindInt:
		return v.num == w.num
	case KindString, KindBytes:
		return v.text == w.text
	case KindList:
		return slices.EqualFunc(v.list, w.list, Value.Equal)
	}
	return maps.EqualFunc(v.table, w.table, Value.Equal)
}

// Same reports whether v and w are equal, a number counting the same whether
// it is an int or a float, also inside of lists and maps.
func (v Value) Same(w Value) bool {
	if v.Equal(w) {
		return true
	}
	switch {
	case v.isNumber() && w.isNumber():
		return compareNumbers(v, w) == 0
	case v.kind == KindList && w.kind == KindList:
		return slices.EqualFunc(v.list, w.list, Value.Same)
	case v.kind == KindMap && w.kind == KindMap:
		return maps.EqualFunc(v.table, w.table, Value.Same)
	}
	return false
}

func (v Value) isNumber() bool { return v.kind == KindInt || v.kind == KindFloat }

// String renders v for people: strings bare, floats in shortest form, lists
// and maps as JSON.
func (v Value) String() string {
	switch v.kind {
	case KindNull:
		return "null"
	case KindBool:
		return strconv.FormatBool(v.num == 1)
	case KindInt:
		return strconv.FormatInt(int64(v.num), 10)
	case KindFloat:
		return formatFloat(math.Float64frombits(v.num))
	case KindString:
		return v.text
	case KindBytes:
		return fmt.Sprintf("%d bytes", len(v.text))
	}
	var b bytes.Buffer
	v.appendJSON(&b)
	return b.String()
}

// formatFloat writes f so that it reads back as the same float, and as a
// float: with a point, an exponent, or a name.
func formatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if abs := math.Abs(f); abs >= 1e-4 && abs < 1e15 {
		s = strconv.FormatFloat(f, 'f', -1, 64)
	}
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// Of makes a Value of a Go value: nil, bool, integers, floats, string, []byte,
// json.Number, Value, and slices, arrays and string-keyed maps of those, or
// pointers to them. Nesting is bounded, so that a value that contains itself
// is an error.
func Of(x any) (Value, error) { return of(x, 0) }

func of(x any, depth int) (Value, error) {
	switch x := x.(type) {
	case nil:
		return Null(), nil
	case Value:
		return x, nil
	case bool:
		return Bool(x), nil
	case int:
		return Int(int64(x)), nil
	case int64:
		return Int(x), nil
	case float64:
		return Float(x), nil
	case string:
		return String(x), nil
	case []byte:
		return Bytes(x), nil
	case json.Number:
		return parseNumber(x.String())
	}
	if depth > maxDepth {
		return Null(), fmt.Errorf("convert value: nested deeper than %d", maxDepth)
	}
	return ofReflect(x, depth+1)
}
