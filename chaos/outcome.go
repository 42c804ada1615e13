//go:build linux

package main

import (
	"fmt"
	"io"
	"strings"
	"time"
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

func (o *outcome) print(w io.Writer) {
	verdict := "kept"
	switch {
	case len(o.Broken) > 0:
		verdict = "BROKEN"
	case o.Skipped != "":
		verdict = "not tried: " + o.Skipped
	}
	fmt.Fprintf(w, "\n%s: %s\n  %s\n", o.Name, o.Promise, verdict)
	var parts []string
	for _, c := range o.Counts {
		parts = append(parts, fmt.Sprintf("%s %.6g", c.What, c.Value))
	}
	if len(parts) > 0 {
		fmt.Fprintf(w, "  %s\n", strings.Join(parts, " · "))
	}
	for _, b := range o.Broken {
		fmt.Fprintf(w, "  - %s\n", b)
	}
}
