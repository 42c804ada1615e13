package chart

import (
	"math"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
)

// Point is a stretch of a series: what it went through from First to Last.
type Point struct {
	Min, Max, First, Last float64
	Odd                   bool // it has a NaN or an infinity
}

// At is the point of one value.
func At(v float64) Point {
	return Point{Min: v, Max: v, First: v, Last: v, Odd: math.IsNaN(v) || math.IsInf(v, 0)}
}

// known reports whether p has a finite number.
func (p Point) known() bool {
	return !math.IsNaN(p.Min) && !math.IsInf(p.Min, 0) && !math.IsInf(p.Max, 0)
}

// Plot draws points in so many lines of so many columns, with the values of
// the highest and the lowest line at the left. A stretch with something that is
// no finite number is marked in the lowest line. With log the axis is
// logarithmic, where all numbers are above 0.
func (s Style) Plot(points []Point, width, height int, log bool) []string {
	if height < 1 || width < 12 {
		return nil
	}
	lo, hi := span(points)
	if log = log && lo > 0; log {
		points, lo, hi = logged(points), math.Log10(lo), math.Log10(hi)
	}
	if lo == hi { // a line in the middle
		lo, hi = lo-math.Max(1e-9, math.Abs(lo)/2), hi+math.Max(1e-9, math.Abs(hi)/2)
	}
	labels := axis(lo, hi, height, log)
	left := 0
	for _, l := range labels {
		left = max(left, lipgloss.Width(l))
	}
	columns := max(1, width-left-2)
	grid := s.grid(columns, height)
	draw(grid, points, lo, hi)
	bar := "│"
	if s.ASCII {
		bar = "|"
	}
	out := make([]string, height)
	for i, row := range grid.rows() {
		out[i] = strings.Repeat(" ", left-lipgloss.Width(labels[i])) + labels[i] + " " + bar + row
	}
	return out
}

func span(points []Point) (lo, hi float64) {
	var all []float64
	for _, p := range points {
		if p.known() {
			all = append(all, p.Min, p.Max)
		}
	}
	return bounds(all)
}

func logged(points []Point) []Point {
	out := make([]Point, len(points))
	for i, p := range points {
		out[i] = Point{math.Log10(p.Min), math.Log10(p.Max), math.Log10(p.First), math.Log10(p.Last), p.Odd}
	}
	return out
}

// axis labels the lines: the first, the last and, where there is room, the
// middle.
func axis(lo, hi float64, height int, log bool) []string {
	label := func(v float64) string {
		if log {
			v = math.Pow(10, v)
		}
		return text.Number(v)
	}
	out := make([]string, height)
	out[height-1] = label(lo)
	if height > 4 {
		out[height/2] = label(hi - (hi-lo)*float64(height/2)/float64(height-1))
	}
	out[0] = label(hi)
	return out
}

// draw puts the points beside each other, joined.
func draw(g *grid, points []Point, lo, hi float64) {
	level := func(v float64) int {
		v = math.Min(math.Max(v, lo), hi)
		return int((hi-v)/(hi-lo)*float64(g.height-1) + 0.5)
	}
	n := len(points)
	last, before := 0, -1 // where the line was left
	for i, p := range points {
		x := i
		if n > g.width {
			x = i * g.width / n
		} else if n > 1 {
			x = i * (g.width - 1) / (n - 1)
		}
		if p.Odd {
			g.mark(x)
		}
		if !p.known() {
			before = -1
			continue
		}
		if before >= 0 {
			g.line(before, last, x, level(p.First))
		}
		g.line(x, level(p.Max), x, level(p.Min))
		before, last = x, level(p.Last)
	}
}

// grid is a picture of dots.
type grid struct {
	width, height int // in dots
	wide, high    int // dots of one character
	dots          []bool
	odd           []bool // by column of characters
}

func (s Style) grid(columns, lines int) *grid {
	g := &grid{wide: 2, high: 4}
	if s.ASCII {
		g.wide, g.high = 1, 1
	}
	g.width, g.height = columns*g.wide, lines*g.high
	g.dots, g.odd = make([]bool, g.width*g.height), make([]bool, columns)
	return g
}

func (g *grid) mark(x int) { g.odd[x/g.wide] = true }

// line sets the dots from one place to another.
func (g *grid) line(x0, y0, x1, y1 int) {
	steps := max(abs(x1-x0), abs(y1-y0), 1)
	for i := range steps + 1 {
		x, y := x0+(x1-x0)*i/steps, y0+(y1-y0)*i/steps
		g.dots[y*g.width+x] = true
	}
}

func abs(n int) int { return max(n, -n) }

// brailleDot is the bit of a dot in a braille character, by line and column.
var brailleDot = [4][2]rune{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

// rows renders the picture.
func (g *grid) rows() []string {
	out := make([]string, 0, g.height/g.high)
	for top := 0; top < g.height; top += g.high {
		var b strings.Builder
		for left := 0; left < g.width; left += g.wide {
			b.WriteRune(g.cell(top, left))
		}
		out = append(out, b.String())
	}
	return out
}

func (g *grid) cell(top, left int) rune {
	if top+g.high == g.height && g.odd[left/g.wide] {
		if g.wide == 1 {
			return 'x'
		}
		return '×'
	}
	bits := rune(0)
	for y := range g.high {
		for x := range g.wide {
			if g.dots[(top+y)*g.width+left+x] {
				bits |= brailleDot[y][x]
			}
		}
	}
	switch {
	case bits == 0:
		return ' '
	case g.wide == 1:
		return '*'
	}
	return 0x2800 + bits
}
