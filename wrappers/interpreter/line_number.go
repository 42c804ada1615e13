package interpreter

import (
	"fmt"
	"math"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// number is a JSON number, null, or one of the strings that stand for floats
// that JSON lacks.
type number float64

func (n *number) UnmarshalJSON(data []byte) error {
	var v script.Value
	if err := v.UnmarshalJSON(data); err != nil {
		return err
	}
	if f, ok := floatOf(v).Float(); ok {
		*n = number(f)
		return nil
	}
	if v.IsNull() {
		return nil
	}
	return fmt.Errorf("%s is not a number", data)
}

// floatOf reads the strings that stand for NaN and the infinities as such.
func floatOf(v script.Value) script.Value {
	if s, ok := v.Text(); ok {
		switch s {
		case "NaN":
			return script.Float(math.NaN())
		case "Infinity":
			return script.Float(math.Inf(1))
		case "-Infinity":
			return script.Float(math.Inf(-1))
		}
	}
	return v
}

// stepOf reads a step: an integer, or null for none.
func stepOf(v script.Value) (int64, error) {
	if v.IsNull() {
		return -1, nil
	}
	if i, ok := v.Int(); ok {
		return i, nil
	}
	return 0, fmt.Errorf("step %s is not an integer", v)
}

// timeOf reads seconds since 1970; null is the zero Time.
func timeOf(v script.Value) (time.Time, error) {
	if v.IsNull() {
		return time.Time{}, nil
	}
	f, ok := v.Float()
	if !ok || math.IsNaN(f) || math.Abs(f) > 1e11 {
		return time.Time{}, fmt.Errorf("time %s is not in seconds since 1970", v)
	}
	seconds, fraction := math.Modf(f)
	return time.Unix(int64(seconds), int64(fraction*1e9)), nil
}
