package config

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// errTooFew: there are too few samples yet. A route that gets it waits, as if
// it had read null.
var errTooFew = errors.New("the list has too few numbers")

// The functions over lists of numbers compute on float64, outside cty, which
// panics on NaN. A NaN in a list is left out, as if the sample had not been
// taken; where that leaves too few numbers the result is NaN (an unknown
// number, see ErrNaN).
var (
	meanFunc   = numbersFunc(mean, "Returns the mean of the numbers, or of lists of them.")
	medianFunc = numbersFunc(median, "Returns the median of the numbers, or of lists of them.")
	sumFunc    = numbersFunc(sum, "Returns the sum of the numbers, or of lists of them.")
	minFunc    = numbersFunc(least, "Returns the least of the numbers, or of lists of them.")
	maxFunc    = numbersFunc(greatest, "Returns the greatest of the numbers, or of lists of them.")
	slopeFunc  = numbersFunc(slope, "Returns the slope of the line through the list's numbers by least squares, per sample.")
	allFunc    = boolsFunc(true, "Returns true if every element of a list of bools is true.")
	anyFunc    = boolsFunc(false, "Returns true if an element of a list of bools is true.")
)

// plateauFunc is plateau(xs, n).
var plateauFunc = function.New(&function.Spec{
	Description: "Returns true if there are more than n values, and the least of the last n is not below the least before them.",
	Params: []function.Parameter{
		{Name: "xs", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true},
		{Name: "n", Type: cty.Number, AllowUnknown: true},
	},
	Type: function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if !args[1].IsKnown() {
			return cty.UnknownVal(cty.Bool), nil
		}
		n, accuracy := args[1].AsBigFloat().Int64()
		if accuracy != 0 || n < 1 {
			return cty.NilVal, function.NewArgErrorf(1, "n must be a whole number, at least 1")
		}
		if !args[0].IsKnown() {
			return cty.UnknownVal(cty.Bool), nil
		}
		xs, _, err := numbers(args[:1])
		if err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		return cty.BoolVal(plateau(xs, n)), nil
	},
})

// numbersFunc makes a function of numbers, given one by one or as lists.
func numbersFunc(compute func([]float64) float64, doc string) function.Function {
	return function.New(&function.Spec{
		Description: doc,
		VarParam:    &function.Parameter{Name: "xs", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true},
		Type:        function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if len(args) == 0 {
				return cty.NilVal, errors.New("a list of numbers is needed")
			}
			for i, a := range args {
				if t := a.Type(); !a.IsKnown() && t != cty.DynamicPseudoType && t != cty.Number && !isListLike(t) {
					return cty.NilVal, function.NewArgErrorf(i, "a list of numbers is needed, not %s", t.FriendlyName())
				}
				if !a.IsKnown() && (len(args) == 1 || a.Type() != cty.Number) {
					return cty.UnknownVal(cty.Number), nil
				}
			}
			xs, leftOut, err := numbers(args)
			if err != nil {
				return cty.NilVal, err
			}
			switch r := compute(xs); {
			case !math.IsNaN(r):
				return cty.NumberFloatVal(r), nil
			case leftOut || slices.ContainsFunc(xs, isInf):
				return cty.UnknownVal(cty.Number), nil
			}
			return cty.NilVal, errTooFew
		},
	})
}

// boolsFunc is all (of = true) or any (of = false): false settles all, true
// settles any; an element that hangs on a NaN leaves the rest to decide.
func boolsFunc(of bool, doc string) function.Function {
	return function.New(&function.Spec{
		Description: doc,
		Params:      []function.Parameter{{Name: "xs", Type: cty.DynamicPseudoType, AllowDynamicType: true}},
		Type:        function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !isListLike(args[0].Type()) {
				return cty.NilVal, function.NewArgErrorf(0, "a list of bools is needed, not %s", args[0].Type().FriendlyName())
			}
			result := cty.BoolVal(of)
			for _, e := range args[0].AsValueSlice() {
				switch {
				case e.Type() != cty.Bool && e.Type() != cty.DynamicPseudoType:
					return cty.NilVal, function.NewArgErrorf(0, "a list of bools is needed; it has an element of type %s", e.Type().FriendlyName())
				case !e.IsKnown():
					result = cty.UnknownVal(cty.Bool)
				case e.IsNull():
					return cty.NilVal, function.NewArgErrorf(0, "it has a null element")
				case e.True() != of:
					return e, nil
				}
			}
			return result, nil
		},
	})
}

func isListLike(t cty.Type) bool { return t.IsListType() || t.IsTupleType() || t.IsSetType() }

func isInf(x float64) bool { return math.IsInf(x, 0) }

// numbers flattens numbers and lists of numbers; leftOut tells that there was
// a NaN among them.
func numbers(args []cty.Value) (xs []float64, leftOut bool, err error) {
	for _, a := range args {
		if a.Type() == samplesType {
			for _, x := range *a.EncapsulatedValue().(*[]float64) {
				if math.IsNaN(x) {
					leftOut = true
				} else {
					xs = append(xs, x)
				}
			}
			continue
		}
		elements := []cty.Value{a}
		if isListLike(a.Type()) {
			if a.IsNull() {
				return nil, false, errors.New("the list is null")
			}
			elements = a.AsValueSlice()
		}
		for _, e := range elements {
			switch {
			case !e.IsKnown() && (e.Type() == cty.Number || e.Type() == cty.DynamicPseudoType):
				leftOut = true
			case e.Type() != cty.Number:
				return nil, false, fmt.Errorf("a list of numbers is needed; it has an element of type %s", e.Type().FriendlyName())
			case e.IsNull():
				return nil, false, errors.New("a list of numbers is needed; it has a null element")
			default:
				f, _ := e.AsBigFloat().Float64()
				xs = append(xs, f)
			}
		}
	}
	return xs, leftOut, nil
}

func sum(xs []float64) float64 {
	total := 0.0
	for _, x := range xs {
		total += x
	}
	return total
}

func mean(xs []float64) float64 { return sum(xs) / float64(len(xs)) }

func median(xs []float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(xs))
	mid := len(s) / 2
	if len(s)%2 == 1 {
		return s[mid]
	}
	return s[mid-1]/2 + s[mid]/2 // halves first: the sum could overflow
}

func least(xs []float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	return slices.Min(xs)
}

func greatest(xs []float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	return slices.Max(xs)
}

// slope is the least squares slope per sample; NaN with fewer than two.
func slope(xs []float64) float64 {
	n := float64(len(xs))
	if n < 2 {
		return math.NaN()
	}
	middle, average := (n-1)/2, mean(xs)
	above, below := 0.0, 0.0
	for i, x := range xs {
		d := float64(i) - middle
		above += d * (x - average)
		below += d * d
	}
	return above / below
}

// plateau reports whether there are more than n values and the least of the
// last n is not below the least before them.
func plateau(xs []float64, n int64) bool {
	if int64(len(xs)) <= n {
		return false
	}
	cut := len(xs) - int(n)
	return least(xs[cut:]) >= least(xs[:cut])
}
