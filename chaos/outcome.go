//go:build linux

package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// outcome is what putting a promise to the test has shown.
type outcome struct {
	Name    string   `json:"name"`
	Promise string   `json:"promise"`
	Counts  []count  `json:"counts"`
	Broken  []string `json:"broken"`            // how the promise was broken
	Skipped string   `json:"skipped,omitempty"` // why it could not be put to the test here
	Seconds float64  `json:"seconds"`

	began    time.Time
	progress io.Writer
}

// at tells a person how far the row has come.
func (o *outcome) at(format string, args ...any) {
	fmt.Fprintf(o.progress, "%6.1fs %s: %s\n", time.Since(o.began).Seconds(), o.Name, fmt.Sprintf(format, args...))
}

type count struct {
	What  string  `json:"what"`
	Value float64 `json:"value"`
}

func (o *outcome) count(what string, value float64) { o.Counts = append(o.Counts, count{what, value}) }

// breaks notes that the promise does not hold.
func (o *outcome) breaks(format string, args ...any) {
	o.Broken = append(o.Broken, fmt.Sprintf(format, args...))
}

// zero counts something of which there must be none.
func (o *outcome) zero(what string, n int) {
	o.count(what, float64(n))
	if n != 0 {
		o.breaks("%d %s", n, what)
	}
}

// atMost counts something that has a limit.
func (o *outcome) atMost(what string, value, limit float64) {
	o.count(what, value)
	if value > limit {
		o.breaks("%s: %.3g, at most %.3g", what, value, limit)
	}
}

func (o *outcome) verdict() string {
	switch {
	case len(o.Broken) > 0:
		return "BROKEN"
	case o.Skipped != "":
		return "not tried"
	}
	return "kept"
}

const lineWidth = 120

// printHead prints the head of the table of outcomes.
func printHead(w io.Writer) {
	fmt.Fprintf(w, "%-12s %-9s %7s  %s\n", "ROW", "VERDICT", "SECONDS", "DONE AND FOUND")
}

// print prints the outcome as a row of a table.
func (o *outcome) print(w io.Writer) {
	var parts []string
	for _, c := range o.Counts {
		parts = append(parts, fmt.Sprintf("%s %s", c.What, strconv.FormatFloat(c.Value, 'f', c.places(), 64)))
	}
	if o.Skipped != "" {
		parts = append(parts, o.Skipped)
	}
	first := fmt.Sprintf("%-12s %-9s %7.1f  ", o.Name, o.verdict(), o.Seconds)
	line := first
	for i, part := range parts {
		if i < len(parts)-1 {
			part += " · "
		}
		if len(line) > len(first) && utf8.RuneCountInString(line)+utf8.RuneCountInString(part) > lineWidth {
			fmt.Fprintln(w, strings.TrimRight(line, " "))
			line = strings.Repeat(" ", len(first))
		}
		line += part
	}
	fmt.Fprintln(w, strings.TrimRight(line, " "))
	for _, b := range o.Broken {
		fmt.Fprintf(w, "%*s- %s\n", len(first), "", b)
	}
}

// places is how many digits behind the point say something.
func (c count) places() int {
	switch {
	case c.Value == math.Trunc(c.Value) || c.Value >= 100:
		return 0
	case c.Value >= 10:
		return 1
	}
	return 2
}
