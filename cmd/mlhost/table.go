package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/mlhost/mlhost/shared/script"
)

// table is rows of cells that are written in columns.
type table struct {
	header []string
	rows   [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write writes the table, cells escaped, columns two spaces apart. It writes
// no header where there are no rows.
func (t *table) write(w io.Writer) error {
	if len(t.rows) == 0 {
		return nil
	}
	lines := append([][]string{t.header}, t.rows...)
	widths := make([]int, len(t.header))
	for _, line := range lines {
		for i := range line {
			line[i] = escapeLine(line[i])
			widths[i] = max(widths[i], lipgloss.Width(line[i]))
		}
	}
	for _, line := range lines {
		var b strings.Builder
		for i, cell := range line {
			b.WriteString(cell)
			if i < len(line)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-lipgloss.Width(cell)+2))
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// shortValue renders a value for a table: at most n characters.
func shortValue(v script.Value, n int) string {
	if v.IsNull() {
		return "-"
	}
	return clip(v.String(), n)
}

// clip shortens s to at most n columns of a terminal.
func clip(s string, n int) string {
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

func stepText(step *int64) string {
	if step == nil {
		return "-"
	}
	return strconv.FormatInt(*step, 10)
}

// duration renders seconds as people do: 3.2s, 4m05s, 2h03m, 5d02h.
func duration(seconds float64) string {
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

// count writes a number with its noun: 1 script, 2 scripts.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }
