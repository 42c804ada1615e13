package text

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/mlhost/mlhost/shared/script"
)

// Clip shortens s to at most n columns of a terminal.
func Clip(s string, n int) string {
	if lipgloss.Width(s) <= n {
		return s
	}
	width := 0
	for i, r := range s {
		if width += lipgloss.Width(string(r)); width > n-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// Pad fills s up to n columns.
func Pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-lipgloss.Width(s))) }

// Value renders a value in at most n columns, "-" for none, with nothing in
// it that a terminal would obey.
func Value(v script.Value, n int) string {
	if v.IsNull() {
		return "-"
	}
	if f, ok := v.Float(); ok && v.Kind() == script.KindFloat {
		if s := v.String(); len(s) > 9 {
			return Clip(strings.Replace(strconv.FormatFloat(f, 'g', 6, 64), "e-0", "e-", 1), n)
		}
	}
	return Clip(Cell(v.String()), n)
}

// Number renders a number in about six characters.
func Number(f float64) string {
	return strings.Replace(strings.Replace(strconv.FormatFloat(f, 'g', 4, 64), "e-0", "e-", 1), "e+0", "e", 1)
}

// Duration renders seconds as people do: 3.2s, 4m05s, 2h03m, 5d02h.
func Duration(seconds float64) string {
	switch s := int64(math.Max(0, seconds)); {
	case seconds < 10:
		return strconv.FormatFloat(math.Max(0, seconds), 'f', 1, 64) + "s"
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh%02dm", s/3600, s%3600/60)
	default:
		return fmt.Sprintf("%dd%02dh", s/86400, s%86400/3600)
	}
}

// Count writes a number with its noun: 1 script, 2 scripts.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
