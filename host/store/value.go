package store

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Values are kept as their JSON, so that any SQLite tool shows them, with two
// additions that keep what JSON would lose: a float that is no finite number
// stands bare (NaN, Infinity, -Infinity), and a value that contains such a
// float or bytes is tagged: an exclamation mark, then JSON in which
// {"$float": "NaN"} and {"$bytes": base64} stand for them, and a key that
// begins with a dollar sign has one more.

// encodeValue returns the text that is kept for v.
func encodeValue(v script.Value) string {
	switch v.Kind() {
	case script.KindNull, script.KindBool, script.KindInt, script.KindFloat:
		return v.String()
	}
	if depth(v, 0) > maxDepth {
		return string(mustJSON(script.String(v.String()))) // could not be read back
	}
	if exotic(v) {
		return "!" + string(mustJSON(tagged(v)))
	}
	return string(mustJSON(v))
}

// maxDepth is the nesting up to which values are kept as such; those of more
// are kept as the text of their JSON.
const maxDepth = 400

// depth returns the nesting of v, or some number over maxDepth.
func depth(v script.Value, outer int) int {
	if outer > maxDepth {
		return outer
	}
	deepest := outer
	list, _ := v.List()
	for _, e := range list {
		deepest = max(deepest, depth(e, outer+1))
	}
	table, _ := v.Map()
	for _, e := range table {
		deepest = max(deepest, depth(e, outer+1))
	}
	return deepest
}

// decodeValue reads what encodeValue returned.
func decodeValue(s string) (script.Value, error) {
	if f, ok := nonFinite(s); ok {
		return script.Float(f), nil
	}
	if rest, ok := strings.CutPrefix(s, "!"); ok {
		v, err := script.ParseJSON([]byte(rest))
		if err != nil {
			return script.Null(), err
		}
		return untagged(v)
	}
	return script.ParseJSON([]byte(s))
}

func nonFinite(s string) (float64, bool) {
	switch s {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	return 0, false
}

// exotic reports whether plain JSON would lose something of v.
func exotic(v script.Value) bool {
	switch v.Kind() {
	case script.KindFloat:
		f, _ := v.Float()
		return math.IsNaN(f) || math.IsInf(f, 0)
	case script.KindBytes:
		return true
	case script.KindList:
		list, _ := v.List()
		return slices.ContainsFunc(list, exotic)
	case script.KindMap:
		table, _ := v.Map()
		for _, e := range table {
			if exotic(e) {
				return true
			}
		}
	}
	return false
}

func tagged(v script.Value) script.Value {
	switch v.Kind() {
	case script.KindFloat:
		if exotic(v) {
			return script.Map(map[string]script.Value{"$float": script.String(v.String())})
		}
	case script.KindBytes:
		b, _ := v.Bytes()
		return script.Map(map[string]script.Value{"$bytes": script.String(base64.StdEncoding.EncodeToString(b))})
	case script.KindList:
		list, _ := v.List()
		out := make([]script.Value, len(list))
		for i, e := range list {
			out[i] = tagged(e)
		}
		return script.List(out...)
	case script.KindMap:
		table, _ := v.Map()
		out := make(map[string]script.Value, len(table))
		for k, e := range table {
			if strings.HasPrefix(k, "$") {
				k = "$" + k
			}
			out[k] = tagged(e)
		}
		return script.Map(out)
	}
	return v
}

func untagged(v script.Value) (script.Value, error) {
	if list, ok := v.List(); ok {
		out := make([]script.Value, len(list))
		for i, e := range list {
			var err error
			if out[i], err = untagged(e); err != nil {
				return script.Null(), err
			}
		}
		return script.List(out...), nil
	}
	table, ok := v.Map()
	if !ok {
		return v, nil
	}
	if len(table) == 1 {
		if text, ok := table["$float"].Text(); ok {
			if f, ok := nonFinite(text); ok {
				return script.Float(f), nil
			}
			return script.Null(), fmt.Errorf("%q is no float's name", text)
		}
		if text, ok := table["$bytes"].Text(); ok {
			b, err := base64.StdEncoding.DecodeString(text)
			return script.Bytes(b), err
		}
	}
	out := make(map[string]script.Value, len(table))
	for k, e := range table {
		u, err := untagged(e)
		if err != nil {
			return script.Null(), err
		}
		out[strings.TrimPrefix(k, "$")] = u
	}
	return script.Map(out), nil
}

// encodeValues keeps a table of values as one JSON object.
func encodeValues(values map[string]script.Value) string {
	return encodeValue(script.Map(values))
}

func decodeValues(s string) (map[string]script.Value, error) {
	v, err := decodeValue(s)
	if err != nil {
		return nil, err
	}
	table, ok := v.Map()
	if !ok {
		return nil, fmt.Errorf("read values: got %s", script.TypeOf(v))
	}
	return table, nil
}

// mustJSON writes what has no reason to fail: values and plain structs.
func mustJSON(x any) []byte {
	b, err := json.Marshal(x)
	if err != nil {
		panic(fmt.Sprintf("store: %v cannot be written as JSON: %v", x, err))
	}
	return b
}

// The years whose nanoseconds fit into 64 bits.
const minYear, maxYear = 1678, 2261

// nanos is a time as it is kept; one out of range becomes the nearest that
// is in it.
func nanos(t time.Time) int64 {
	switch {
	case t.Year() < minYear:
		return math.MinInt64
	case t.Year() > maxYear:
		return math.MaxInt64
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == math.MinInt64 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
