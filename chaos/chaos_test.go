//go:build linux

package main

import (
	"testing"
)

// TestRows puts every promise to the test, small.
func TestRows(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute or two")
	}
	l, err := newLab(t.Context(), 0.05)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			o := r.run(t.Context(), l)
			if o.Skipped != "" {
				t.Skip(o.Skipped)
			}
			for _, b := range o.Broken {
				t.Error(b)
			}
			t.Log(o.Counts)
		})
	}
}
