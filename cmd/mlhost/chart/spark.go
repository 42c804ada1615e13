// Package chart draws series of numbers with the characters of a terminal.
package chart

import (
	"math"
	"strings"
)

// Style chooses the characters.
type Style struct {
	ASCII bool // nothing beyond ASCII, for terminals that do not speak UTF-8
}

var (
	blocks = []rune("▁▂▃▄▅▆▇█")
	ascii  = []rune("_.-=+*#@")
)

// Spark draws values in one line of at most width characters, the lowest as
// the lowest. What is no finite number is marked by "×" ("x" in ASCII).
func (s Style) Spark(values []float64, width int) string {
	if len(values) == 0 || width <= 0 {
		return ""
	}
	cells := shrink(values, width)
	lo, hi := bounds(cells)
	marks, odd := blocks, '×'
	if s.ASCII {
		marks, odd = ascii, 'x'
	}
	var b strings.Builder
	for _, v := range cells {
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			b.WriteRune(odd)
		case hi == lo:
			b.WriteRune(marks[len(marks)/2-1])
		default:
			v = math.Min(math.Max(v, lo), hi)
			b.WriteRune(marks[int((v-lo)/(hi-lo)*float64(len(marks)-1)+0.5)])
		}
	}
	return b.String()
}

// shrink makes at most width means of values. A part that has something that
// is no finite number is NaN, so that it is seen.
func shrink(values []float64, width int) []float64 {
	if len(values) <= width {
		return values
	}
	out := make([]float64, width)
	for i := range out {
		part := values[i*len(values)/width : (i+1)*len(values)/width]
		sum := 0.0
		for _, v := range part {
			if math.IsInf(v, 0) {
				v = math.NaN()
			}
			sum += v / float64(len(part)) // no sum of large numbers overflows
		}
		out[i] = sum
	}
	return out
}

// bounds are the least and the greatest finite value; both 0 where there is
// none.
func bounds(values []float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
	}
	if lo > hi {
		return 0, 0
	}
	// The distance of the greatest floats is no float.
	return math.Max(lo, -math.MaxFloat64/4), math.Min(hi, math.MaxFloat64/4)
}

// Series keeps the shape of a series of any length in bounded memory: when it
// is full, neighbours are merged.
type Series struct {
	values []float64
	per    int // samples that make one value
	sum    float64
	n      int
}

// NewSeries returns a series that begins with values, each of which stands for
// per samples.
func NewSeries(values []float64, per int) *Series {
	return &Series{values: values[:min(len(values), seriesSize-1)], per: max(1, per)}
}

// seriesSize is how many values a Series keeps at most.
const seriesSize = 512

// Add appends a sample.
func (s *Series) Add(v float64) {
	if s.per == 0 {
		s.per = 1
	}
	s.sum += v / float64(s.per)
	if s.n++; s.n < s.per {
		return
	}
	s.values = append(s.values, s.sum)
	s.sum, s.n = 0, 0
	if len(s.values) < seriesSize {
		return
	}
	for i := range seriesSize / 2 {
		s.values[i] = s.values[2*i]/2 + s.values[2*i+1]/2
	}
	s.values = s.values[:seriesSize/2]
	s.per *= 2
}

// Values returns the shape, the newest value last.
func (s *Series) Values() []float64 { return s.values }
