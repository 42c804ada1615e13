package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mlhost/mlhost/internal/proc"
)

// Report is what a run of the benchmark writes.
type Report struct {
	Machine proc.Machine `json:"machine"`
	Rows    []Result     `json:"rows"`
}

// Result is one row of the promises as measured.
type Result struct {
	Name    string `json:"name"`
	What    string `json:"what"`
	Against string `json:"against"`
	Cells   []Cell `json:"cells"`
	Error   string `json:"error,omitempty"`
}

// Cell is one comparison. Ratio is Ours ÷ ByHand; without work by hand the
// limit is one of Ours itself.
type Cell struct {
	Case   string  `json:"case"`
	Unit   string  `json:"unit"`
	Ours   float64 `json:"ours"`
	ByHand float64 `json:"by_hand,omitempty"`
	Ratio  float64 `json:"ratio,omitempty"`
	Limit  float64 `json:"limit"`
	AtMost bool    `json:"at_most"` // the limit is an upper one
	Kept   bool    `json:"kept"`
	Note   string  `json:"note,omitempty"`
}

// compare makes the cell of a measurement that has its work by hand.
func compare(name, unit string, ours, byHand, limit float64, atMost bool) Cell {
	c := Cell{Case: name, Unit: unit, Ours: ours, ByHand: byHand, Limit: limit, AtMost: atMost, Ratio: ours / byHand}
	c.Kept = (c.Ratio <= limit) == atMost || c.Ratio == limit
	return c
}

// against makes the cell of a measurement with a limit of its own.
func against(name, unit string, ours, limit float64, atMost bool) Cell {
	c := Cell{Case: name, Unit: unit, Ours: ours, Limit: limit, AtMost: atMost}
	c.Kept = (ours <= limit) == atMost || ours == limit
	return c
}

func (r Result) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n  beside: %s\n", r.What, r.Against)
	for _, c := range r.Cells {
		sign, verdict := "≥", "kept"
		if c.AtMost {
			sign = "≤"
		}
		if !c.Kept {
			verdict = "MISSED"
		}
		line := fmt.Sprintf("  %-22s %12s", c.Case, amount(c.Ours, c.Unit))
		if c.ByHand > 0 {
			line += fmt.Sprintf("   by hand %12s   %5.2f ×  (%s %.2f ×)", amount(c.ByHand, c.Unit), c.Ratio, sign, c.Limit)
		} else {
			line += fmt.Sprintf("   (%s %s)", sign, amount(c.Limit, c.Unit))
		}
		if c.Note != "" {
			verdict += "; " + c.Note
		}
		fmt.Fprintf(w, "%s  %s\n", line, verdict)
	}
	if r.Error != "" {
		fmt.Fprintf(w, "  not measured: %s\n", r.Error)
	}
}

func amount(x float64, unit string) string {
	switch {
	case x >= 1000:
		return fmt.Sprintf("%.0f %s", x, unit)
	case x >= 10:
		return fmt.Sprintf("%.1f %s", x, unit)
	}
	return fmt.Sprintf("%.2f %s", x, unit)
}

// err is an error when a row could not be measured; a missed limit is a
// finding, not a failure of the benchmark.
func (r Report) err() error {
	var names []string
	for _, row := range r.Rows {
		if row.Error != "" {
			names = append(names, row.Name)
		}
	}
	if len(names) > 0 {
		return fmt.Errorf("not measured: %s", strings.Join(names, ", "))
	}
	return nil
}

// median sorts xs and returns its middle.
func median(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	slices.Sort(xs)
	return xs[len(xs)/2]
}
