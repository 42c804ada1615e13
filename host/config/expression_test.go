package config

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

// routeWith loads a route with the given lines.
func routeWith(t *testing.T, lines string) *Route {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, "a.hcl", `
input "factor" {
  default = 0.5
}
locals {
  limit = 3
}
script "trainer" {
  source = "t.py"
}
script "other" {
  source = "o.py"
}
route "r" {
  from = script.trainer.variable.loss
  to   = script.trainer.parameter.lr
`+lines+"\n}\n")
	c, diags := Load("a.hcl", Options{Env: func(string) (string, bool) { return "", false }})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return c.Routes[0]
}

func floats(xs ...float64) []script.Value {
	vs := make([]script.Value, len(xs))
	for i, x := range xs {
		vs[i] = script.Float(x)
	}
	return vs
}

// snapshot is one whose newest sample is the last of the history.
func snapshot(history ...float64) Snapshot {
	vs := floats(history...)
	s := Snapshot{To: script.Float(0.1), History: vs, Step: 7, From: vs[len(vs)-1]}
	if len(vs) > 1 {
		s.Previous = vs[len(vs)-2]
	}
	s.Lookup = func(r Reference) (script.Value, bool) {
		switch r.String() {
		case "script.other.variable.rate":
			return script.Float(2), true
		case `script.other.parameter["model.lr"]`:
			return script.Int(4), true
		case "script.other.state":
			return script.String("running"), true
		case "script.other.variable.nan":
			return script.Float(math.NaN()), true
		}
		return script.Null(), false
	}
	return s
}

var (
	nan = math.NaN()
	inf = math.Inf(1)
)

func TestWhen(t *testing.T) {
	tests := []struct {
		when string
		on   Snapshot
		want bool
		err  error
	}{
		{"from > 1", snapshot(2), true, nil},
		{"from > 1", snapshot(1), false, nil},
		{"from > previous", snapshot(1), false, nil}, // previous is null: it waits
		{"from > previous", snapshot(1, 2), true, nil},
		{"from > 1 && step >= 7", snapshot(2), true, nil},
		{"plateau(history, 3)", snapshot(5, 4, 3), false, nil},
		{"plateau(history, 3)", snapshot(3, 4, 4, 3), true, nil},
		{"plateau(history, 3)", snapshot(3, 4, 4, 2.9), false, nil},
		{"plateau(history, 3)", snapshot(3, nan, 4, 4, 3), true, nil},
		{"plateau(history, 3)", snapshot(3, nan, nan, 3), false, nil},
		{"mean(history) == 2", snapshot(1, 2, 3), true, nil},
		{"mean(history) == 2", snapshot(1, nan, 3), true, nil},
		{"median(history) == 2.5", snapshot(1, 2, 3, 40), true, nil},
		{"min(history) == 1 && max(history) == 3", snapshot(1, 2, 3), true, nil},
		{"min(from, previous, 5) == 2", snapshot(2, 3), true, nil},
		{"slope(history) == 2", snapshot(1, 3, 5), true, nil},
		{"slope(history) > -1", snapshot(1), false, nil}, // too few samples
		{"slope(history) < 0", snapshot(nan, 2, 1), true, nil},
		{"all([for x in history : x > 0])", snapshot(1, 2), true, nil},
		{"all([for x in history : x > 1])", snapshot(1, 2), false, nil},
		{"any([for x in history : x > 1])", snapshot(1, 2), true, nil},
		{"all([for x in history : x > 0])", snapshot(1, nan, 2), false, ErrNaN},
		{"any([for x in history : x > 1])", snapshot(nan, 2), true, nil},
		{"mean(history) < history[2]", snapshot(1, 2, 3), true, nil},
		{"mean(history) == sum(history[*]) / length(history)", snapshot(1, 2, 3), true, nil},
		{"max(history...) == max(history)", snapshot(1, 2, 3), true, nil},
		{"mean((history)) == mean([for history in [1, 2, 3] : history])", snapshot(1, 2, 3), true, nil},
		{"plateau(reverse(history), 1)", snapshot(3, 2, 1), true, nil},
		{"min(history, from) == 1 && slope(history) < 0", snapshot(3, 2, 1), true, nil},
		{"length(history) > local.limit", snapshot(1, 2, 3, 4), true, nil},
		{"script.other.state == \"running\"", snapshot(1), true, nil},
		{"script.other.variable.rate * 2 == script.other.parameter[\"model.lr\"]", snapshot(1), true, nil},
		{"script.other.variable.gone > 1 || true", snapshot(1), false, nil}, // null: it waits
		{"script.other.variable.nan > 1", snapshot(1), false, ErrNaN},
		{"previous < from", snapshot(nan, 1), false, ErrNaN},
		{"from != from", snapshot(nan), false, ErrNaN},
		{"true", snapshot(nan), false, ErrNaN},
		{"from > 1", snapshot(inf), true, nil},
		{"from - from == 0", snapshot(inf), false, ErrNaN},
		{"from * 0 == 0", snapshot(inf), false, ErrNaN},
		{"mean(history) > 0", snapshot(inf, -inf), false, ErrNaN},
		{"max(history) > 1000", snapshot(1, inf), true, nil},
		{"floor(from) > 1", snapshot(inf), true, nil},
		{"from % 2 == 1", snapshot(inf), false, ErrNaN},
		{"pow(from, 2) > 1", snapshot(inf), true, nil},
	}
	for _, test := range tests {
		t.Run(test.when, func(t *testing.T) {
			r := routeWith(t, "when = "+test.when)
			got, err := r.When(test.on)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("on %v: %v, %v; want %v, %v", test.on.History, got, err, test.want, test.err)
			}
		})
	}
}

func TestWhenFails(t *testing.T) {
	for when, want := range map[string]string{
		"history[5] > 0":           "Invalid index",
		"plateau(history, from)":   "whole number",
		"from == \"a\" || from":    "bool",
		"tonumber(\"x${from}\")>0": "cannot convert",
	} {
		r := routeWith(t, "when = "+when)
		_, err := r.When(snapshot(1))
		if when == "plateau(history, from)" {
			_, err = r.When(snapshot(1.5))
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", when, err, want)
		}
	}
}

func TestValue(t *testing.T) {
	tests := []struct {
		value string
		on    Snapshot
		want  script.Value
		err   error
	}{
		{"value = to * 0.5", snapshot(1), script.Float(0.05), nil},
		{"value = to * input.factor", snapshot(1), script.Float(0.05), nil},
		{"", snapshot(1), script.Float(1), nil},
		{"", snapshot(nan), script.Null(), ErrNaN},
		{"value = from + 1", snapshot(1), script.Int(2), nil},
		{"value = from + 1", snapshot(nan), script.Null(), ErrNaN},
		{"value = to * 0.5", snapshot(nan), script.Float(0.05), nil},
		{"value = from", snapshot(inf), script.Float(inf), nil},
		{"value = from - from", snapshot(inf), script.Null(), ErrNaN},
		{"value = \"step ${step}\"", snapshot(1), script.String("step 7"), nil},
		{"value = [from, to]", snapshot(1), script.List(script.Int(1), script.Float(0.1)), nil},
		{"value = {a = from}", snapshot(1), script.Map(map[string]script.Value{"a": script.Int(1)}), nil},
		{"value = null", snapshot(1), script.Null(), ErrNull},
		{"value = previous", snapshot(1), script.Null(), ErrNull},
		{"value = script.other.variable.gone", snapshot(1), script.Null(), ErrNull},
		{"value = slope(history)", snapshot(1), script.Null(), ErrNull},
		{"value = from > 1 ? 2 : 3", snapshot(1), script.Int(3), nil},
		{"value = max(to / 2, 0.01)", snapshot(1), script.Float(0.05), nil},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			got, err := routeWith(t, test.value).Value(test.on)
			if !errors.Is(err, test.err) || !got.Equal(test.want) {
				t.Errorf("%v, %v; want %v, %v", got, err, test.want, test.err)
			}
		})
	}
}

// TestFireOnNaN: on_nan = "fire" makes a NaN a condition that is true.
func TestFireOnNaN(t *testing.T) {
	r := routeWith(t, "when = from > 1 || script.other.variable.nan > 2\non_nan = \"fire\"\nvalue = to * 0.5")
	for _, s := range []Snapshot{snapshot(nan), snapshot(1), snapshot(1, nan)} {
		if got, err := r.When(s); !got || err != nil {
			t.Errorf("on %v: %v, %v", s.From, got, err)
		}
		if v, err := r.Value(s); err != nil || !v.Equal(script.Float(0.05)) {
			t.Errorf("on %v: %v, %v", s.From, v, err)
		}
	}
}

// TestNullWaits: what `value` reads holds back `when` too.
func TestNullWaits(t *testing.T) {
	r := routeWith(t, "when = from > 0\nvalue = script.other.variable.gone")
	if got, err := r.When(snapshot(1)); got || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	s := snapshot(1)
	s.From = script.Null()
	if got, err := routeWith(t, "").When(s); got || err != nil {
		t.Errorf("null sample: %v, %v", got, err)
	}
	s = snapshot(1)
	s.Step = -1
	if got, err := routeWith(t, "when = step < 5").When(s); got || err != nil {
		t.Errorf("no step: %v, %v", got, err)
	}
}

// TestStrangeSnapshots: nothing that a script can report makes a route panic.
func TestStrangeSnapshots(t *testing.T) {
	deep := script.Int(1)
	for range 300 {
		deep = script.List(deep)
	}
	values := []script.Value{
		script.Null(), script.Bool(true), script.Int(math.MinInt64), script.Float(nan), script.Float(inf), script.Float(-inf),
		script.String("\xff\x00"), script.Bytes([]byte{0xff}), script.List(), script.List(script.Null(), script.Float(nan)), deep,
		script.Map(map[string]script.Value{"a": script.Float(nan), "": script.Null()}),
	}
	for _, when := range []string{
		"from > 1", "plateau(history, 2)", "mean(history) > slope(history)", "all(history)", "length(from) > 1", "from == to",
		"from[0] > 1", "from.a > 1", "\"${from}\" == \"x\"", "[for x in from : x] == history", "upper(from) == \"X\"",
		"contains(history, from)", "max(from, to) > min(history...)", "jsonencode(from) == \"1\"", "floor(from) % to == 0", "pow(from, to) > log(from, to)",
		"format(\"%d\", from) == \"1\"", "range(from) == 1", "coalesce(from, to) == 1", "sort(history) == distinct(history)", "parseint(from, 10) == 1",
	} {
		r := routeWith(t, "when = "+when+"\nvalue = {a = [from, history]}")
		for _, a := range values {
			for _, b := range values {
				s := Snapshot{From: a, To: b, Previous: b, History: []script.Value{b, a, b, a}, Step: 1}
				_, _ = r.When(s)
				_, _ = r.Value(s)
			}
		}
	}
}
