package config

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/mlhost/mlhost/shared/script"
)

// ErrNaN: the value hangs on a NaN. Inside expressions a NaN is an unknown
// number: cty has no NaN and panics on one, but its unknowns spread through
// arithmetic and comparisons just as a NaN does.
var ErrNaN = errors.New("it hangs on a value that is not a number (NaN)")

// ErrNull: something that the route reads is null, or not there yet.
var ErrNull = errors.New("something that the route reads is null")

// toCty converts a value for use in an expression.
func toCty(v script.Value) cty.Value {
	switch v.Kind() {
	case script.KindBool:
		b, _ := v.Bool()
		return cty.BoolVal(b)
	case script.KindInt:
		i, _ := v.Int()
		return cty.NumberIntVal(i)
	case script.KindFloat:
		f, _ := v.Float()
		if math.IsNaN(f) {
			return cty.UnknownVal(cty.Number)
		}
		return cty.NumberFloatVal(f)
	case script.KindString:
		s, _ := v.Text()
		return cty.StringVal(s)
	case script.KindBytes:
		b, _ := v.Bytes()
		return cty.StringVal(string(b))
	case script.KindList:
		list, _ := v.List()
		return ctyList(list)
	case script.KindMap:
		table, _ := v.Map()
		attrs := make(map[string]cty.Value, len(table))
		for name, e := range table {
			attrs[name] = toCty(e)
		}
		return cty.ObjectVal(attrs)
	}
	return cty.NullVal(cty.DynamicPseudoType)
}

// ctyList makes a list where all elements have one primitive type, else a
// tuple: to compare the types of nested values would take long.
func ctyList(list []script.Value) cty.Value {
	if len(list) == 0 {
		return cty.EmptyTupleVal
	}
	elements := make([]cty.Value, len(list))
	uniform := true
	for i, e := range list {
		elements[i] = toCty(e)
		uniform = uniform && elements[i].Type().IsPrimitiveType() && elements[i].Type() == elements[0].Type()
	}
	if uniform {
		return cty.ListVal(elements)
	}
	return cty.TupleVal(elements)
}

// fromCty converts an expression's result. Whole numbers become ints.
func fromCty(v cty.Value) (script.Value, error) {
	v, _ = v.Unmark()
	if !v.IsKnown() {
		return script.Null(), ErrNaN
	}
	if v.IsNull() {
		return script.Null(), nil
	}
	switch t := v.Type(); {
	case t == cty.Bool:
		return script.Bool(v.True()), nil
	case t == cty.String:
		return script.String(v.AsString()), nil
	case t == cty.Number:
		return fromNumber(v.AsBigFloat())
	case t.IsListType() || t.IsTupleType() || t.IsSetType():
		list := make([]script.Value, 0, v.LengthInt())
		for _, e := range v.AsValueSlice() {
			c, err := fromCty(e)
			if err != nil {
				return script.Null(), err
			}
			list = append(list, c)
		}
		return script.List(list...), nil
	case t.IsObjectType() || t.IsMapType():
		table := make(map[string]script.Value, v.LengthInt())
		for name, e := range v.AsValueMap() {
			c, err := fromCty(e)
			if err != nil {
				return script.Null(), err
			}
			table[name] = c
		}
		return script.Map(table), nil
	default:
		return script.Null(), fmt.Errorf("a value of type %s has no counterpart in a script", t.FriendlyName())
	}
}

func fromNumber(f *big.Float) (script.Value, error) {
	if f.IsInt() {
		if i, accuracy := f.Int64(); accuracy == big.Exact {
			return script.Int(i), nil
		}
	}
	n, err := float64Of(f)
	return script.Float(n), err
}

// float64Of is the nearest 64-bit float; a finite number beyond its range is
// an error, not an infinity.
func float64Of(f *big.Float) (float64, error) {
	n, _ := f.Float64()
	if math.IsInf(n, 0) && !f.IsInf() {
		return 0, fmt.Errorf("%s is beyond the range of a 64-bit float", f.Text('g', 10))
	}
	return n, nil
}

// decode converts an expression's result to a declared type, the way HCL
// converts: "10" may stand for 10, and 10 for "10". Integers are exact.
func decode(t script.Type, v cty.Value) (script.Value, error) {
	v, _ = v.Unmark()
	if !v.IsKnown() {
		return script.Null(), ErrNaN
	}
	if v.IsNull() {
		return script.Null(), nil
	}
	switch t {
	case script.TypeInt, script.TypeFloat:
		if n, err := convert.Convert(v, cty.Number); err == nil && v.Type() != cty.Bool {
			return decodeNumber(t, n.AsBigFloat())
		}
	case script.TypeString:
		if s, err := convert.Convert(v, cty.String); err == nil {
			return script.String(s.AsString()), nil
		}
	case script.TypeBool:
		if b, err := convert.Convert(v, cty.Bool); err == nil {
			return script.Bool(b.True()), nil
		}
	case script.TypeAny, "":
		if n := v; n.Type() == cty.Number && n.AsBigFloat().IsInt() {
			return decodeWhole(n.AsBigFloat())
		}
	}
	got, err := fromCty(v)
	if err != nil {
		return script.Null(), err
	}
	return t.Convert(got)
}

func decodeNumber(t script.Type, f *big.Float) (script.Value, error) {
	if t == script.TypeFloat {
		n, err := float64Of(f)
		if err != nil {
			return script.Null(), err
		}
		return script.Float(n), nil
	}
	if !f.IsInt() {
		return script.Null(), fmt.Errorf("wants a whole number, got %s", f.Text('g', 10))
	}
	i, accuracy := f.Int64()
	if accuracy != big.Exact {
		return script.Null(), fmt.Errorf("%s does not fit into 64 signed bits", f.Text('g', 25))
	}
	return script.Int(i), nil
}

// decodeWhole keeps whole numbers of 64 bits exact; larger ones are floats.
func decodeWhole(f *big.Float) (script.Value, error) {
	if i, accuracy := f.Int64(); accuracy == big.Exact {
		return script.Int(i), nil
	}
	n, err := float64Of(f)
	if err != nil {
		return script.Null(), err
	}
	return script.Float(n), nil
}

// typeForCty is the type that expressions see of a declared type.
func typeForCty(t script.Type) cty.Type {
	switch t {
	case script.TypeBool:
		return cty.Bool
	case script.TypeInt, script.TypeFloat:
		return cty.Number
	case script.TypeString:
		return cty.String
	}
	return cty.DynamicPseudoType
}

// indexText writes an index key as it stands in HCL.
func indexText(key cty.Value) string {
	switch {
	case !key.IsKnown() || key.IsNull():
		return "?"
	case key.Type() == cty.String:
		return strconv.Quote(key.AsString())
	case key.Type() == cty.Number:
		return key.AsBigFloat().Text('f', -1)
	}
	return "?"
}
