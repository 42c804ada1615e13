package main

import "math"

// settings tell a detector what a plateau is.
type settings struct {
	patience  int     // so many losses in a row that are no better make a plateau
	cooldown  int     // losses behind a plateau that do not count
	threshold float64 // by how much a loss must be less than the best to be better
	factor    float64 // of the rate at a plateau
	minimum   float64 // of the rate
}

// detector finds plateaus in a sequence of losses, and lowers a rate at each.
type detector struct {
	settings
	rate     float64
	heard    bool // there was a loss that is a number
	best     float64
	bad      int // losses since the last better one
	resting  int // losses that do not count yet
	plateaus int
}

// add takes the next loss and reports whether it completes a plateau. A NaN
// or an infinity is no better than anything, and is never the best.
func (d *detector) add(loss float64) bool {
	if d.better(loss) {
		d.heard, d.best, d.bad = true, loss, 0
		return false
	}
	if d.resting > 0 {
		d.resting--
		return false
	}
	d.bad++
	if d.bad < d.patience {
		return false
	}
	d.bad, d.resting = 0, d.cooldown
	d.plateaus++
	d.rate = min(d.rate, max(d.rate*d.factor, d.minimum))
	return true
}

func (d *detector) better(loss float64) bool {
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return false
	}
	return !d.heard || loss < d.best-d.threshold
}
