package chart

import (
	"math"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
)

func TestSpark(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		values []float64
		width  int
		want   string
		ascii  string
	}{
		{nil, 8, "", ""},
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8}, 8, "▁▂▃▄▅▆▇█", "_.-=+*#@"},
		{[]float64{1, 1, 1}, 8, "▄▄▄", "==="},
		{[]float64{0, nan, 1, inf}, 8, "▁×█×", "_x@x"},
		{[]float64{nan, nan}, 8, "××", "xx"},
		{[]float64{0, 0, nan, 0, 1, 1}, 3, "▁×█", "_x@"},
		{[]float64{-math.MaxFloat64, math.MaxFloat64}, 8, "▁█", "_@"},
	} {
		if got := (Style{}).Spark(c.values, c.width); got != c.want {
			t.Errorf("%v: got %q, want %q", c.values, got, c.want)
		}
		if got := (Style{ASCII: true}).Spark(c.values, c.width); got != c.ascii {
			t.Errorf("%v: got %q, want %q", c.values, got, c.ascii)
		}
	}
}

func TestSeries(t *testing.T) {
	var s Series
	for i := range 100_000 {
		s.Add(float64(i))
	}
	v := s.Values()
	if len(v) >= seriesSize || len(v) < seriesSize/4 {
		t.Fatalf("%d values are kept", len(v))
	}
	for i := 1; i < len(v); i++ {
		if v[i] <= v[i-1] {
			t.Fatalf("value %d: %v after %v", i, v[i], v[i-1])
		}
	}
}

func TestPlot(t *testing.T) {
	var points []Point
	for i := range 20 {
		points = append(points, At(float64(i)))
	}
	got := strings.Join((Style{ASCII: true}).Plot(points, 25, 5, false), "\n")
	lines := strings.Split(got, "\n")
	if len(lines) != 5 || !strings.HasPrefix(strings.TrimSpace(lines[0]), "19 |") || !strings.HasPrefix(strings.TrimSpace(lines[4]), "0 |*") {
		t.Errorf("got\n%s", got)
	}
	for _, l := range (Style{}).Plot(points, 40, 6, true) {
		if lipgloss.Width(l) != 40 {
			t.Errorf("%q has %d columns", l, lipgloss.Width(l))
		}
	}
	points = append(points, At(math.NaN()), At(math.Inf(-1)), At(3))
	if got := strings.Join((Style{}).Plot(points, 40, 3, false), "\n"); strings.Count(got, "×") == 0 {
		t.Errorf("a NaN is not marked:\n%s", got)
	}
	for _, one := range [][]Point{nil, {At(math.NaN())}, {At(5)}, {At(0)}, {At(math.MaxFloat64), At(-math.MaxFloat64)}} {
		if got := (Style{}).Plot(one, 30, 4, true); len(got) != 4 {
			t.Errorf("%v: got %q", one, got)
		}
	}
}
