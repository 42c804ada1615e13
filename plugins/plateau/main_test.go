package main

import (
	"math"
	"testing"
)

func TestCounter(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name     string
		losses   []float64
		plateaus int64
		best     float64
	}{
		{"falling", []float64{5, 4, 3, 2, 1}, 0, 1},
		{"flat", []float64{1, 1, 1, 1}, 1, 1},
		{"flat twice as long", []float64{1, 1, 1, 1, 1, 1, 1}, 2, 1},
		{"better in time", []float64{1, 1, 1, 0.5, 1, 1}, 0, 0.5},
		{"less than the threshold better", []float64{1, 0.99999, 0.99998, 0.99997}, 1, 1},
		{"not a number", []float64{1, nan, nan, nan}, 1, 1},
	}
	for _, test := range tests {
		var c counter
		for _, loss := range test.losses {
			c.add(loss, 1e-4, 3)
		}
		if c.plateaus != test.plateaus || c.best != test.best {
			t.Errorf("%s: %d plateaus, best %v; want %d, %v", test.name, c.plateaus, c.best, test.plateaus, test.best)
		}
	}
}

// A NaN that comes first must not stay the best for ever.
func TestCounterAfterNaN(t *testing.T) {
	var c counter
	for _, loss := range []float64{math.NaN(), 2, 1} {
		c.add(loss, 1e-4, 3)
	}
	if c.best != 1 || c.plateaus != 0 {
		t.Errorf("best %v after %d plateaus", c.best, c.plateaus)
	}
}
