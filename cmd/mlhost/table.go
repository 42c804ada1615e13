package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
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
func clip(s string, n int) string { return text.Clip(s, n) }

func stepText(step *int64) string {
	if step == nil {
		return "-"
	}
	return strconv.FormatInt(*step, 10)
}

// duration renders seconds as people do: 3.2s, 4m05s, 2h03m, 5d02h.
func duration(seconds float64) string { return text.Duration(seconds) }

// count writes a number with its noun: 1 script, 2 scripts.
func count(n int, noun string) string { return text.Count(n, noun) }

func clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }
