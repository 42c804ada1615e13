package printed

import (
	"math"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// place is where the script is, as far as its lines tell.
type place struct {
	outer, inner count   // the epoch, and the step within it or over all
	first        float64 // epoch
	base         float64 // steps of earlier epochs, where each counts its own
	finished     float64 // the last step of the epoch before, if lines stand between
	known        bool    // a step was told
	step         int64

	began     time.Time // when the progress was told first
	beganDone float64
}

// move takes a line's counts in and returns the progress that they tell.
func (p *place) move(s scan, now time.Time) *script.Progress {
	if len(s.counts) == 0 {
		return nil
	}
	p.take(s.counts)
	done, total := p.progress()
	if total <= 0 {
		return nil
	}
	made := &script.Progress{Done: done, Total: total, ETA: s.eta}
	p.estimate(made, now)
	return made
}

// bar is move for a progress bar, which tells its own rate.
func (p *place) bar(b bar, counts []count, now time.Time) *script.Progress {
	p.take(append(counts, count{done: b.done, total: b.total}))
	if p.outer.total > 0 {
		made := &script.Progress{}
		made.Done, made.Total = p.progress()
		p.estimate(made, now)
		return made
	}
	return &script.Progress{Done: b.done, Total: b.total, Rate: b.rate, ETA: b.eta}
}

// take moves to where the counts are. A new epoch begins at its step 0, and a
// count over all steps, which goes on in every epoch, stands for itself.
func (p *place) take(counts []count) {
	var outer, inner *count
	for i := range counts {
		if c := &counts[i]; coarse.has(c.name) {
			outer = c
		} else if inner == nil || inner.total == 0 {
			inner = c
		}
	}
	if outer != nil {
		if !p.known || p.outer.name == "" {
			p.first = math.Min(math.Floor(outer.done), 1)
		}
		if outer.done > p.outer.done && inner == nil {
			p.finished = math.Max(p.finished, p.inner.done)
			p.inner.done = 0
		} else if outer.done > p.outer.done && inner.total == 0 && inner.done < math.Max(p.inner.done, p.finished) {
			p.base += math.Max(p.inner.done, p.finished)
			p.finished = 0
		}
		if outer.total == 0 && outer.name == p.outer.name {
			outer.total = p.outer.total
		}
		p.outer = *outer
	}
	if inner != nil {
		p.inner = *inner
	}
	p.known = true
	p.step = p.steps(inner != nil)
}

// steps returns the step over all.
func (p *place) steps(hasInner bool) int64 {
	switch {
	case p.outer.name != "" && p.inner.total > 0:
		return whole((math.Floor(p.outer.done)-p.first)*p.inner.total + p.inner.done)
	case hasInner:
		return whole(p.base + p.inner.done)
	}
	return whole(p.outer.done)
}

func whole(f float64) int64 {
	if !(f >= 0 && f < 1<<53) {
		return 0
	}
	return int64(f)
}

// progress returns how far the whole is: in epochs where there are some.
func (p *place) progress() (done, total float64) {
	if p.outer.total == 0 {
		if p.outer.name != "" && p.inner.name == "" {
			return 0, 0 // a part of an epoch of which nobody knows how many there are
		}
		return p.inner.done, p.inner.total
	}
	done = p.outer.done - p.first
	if p.inner.total > 0 && p.inner.done <= p.inner.total {
		done += p.inner.done / p.inner.total
	}
	return math.Min(math.Max(done, 0), p.outer.total), p.outer.total
}

// estimate tells rate and remaining time by what was done since the first line.
func (p *place) estimate(made *script.Progress, now time.Time) {
	if p.began.IsZero() || made.Done < p.beganDone {
		p.began, p.beganDone = now, made.Done
		return
	}
	if passed := now.Sub(p.began).Seconds(); passed > 0 && made.Done > p.beganDone {
		made.Rate = (made.Done - p.beganDone) / passed
		if made.ETA == 0 {
			made.ETA = (made.Total - made.Done) / made.Rate
		}
	}
}
