package interpreter

import (
	"github.com/mlhost/mlhost/shared/script"
)

// remember notes which values the script is going to apply later. It is called
// before the script's next line is looked at; that the session knows of the
// outcomes takes longer.
func (r *run) remember(outcomes []script.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range outcomes {
		delete(r.pending, o.Name)
		if o.Status == script.Pending {
			r.pending[o.Name] = o.Value
		}
	}
	r.uncommitted = true
}

// inTurn reports what the script tells of its parameters. What follows on its
// answer to a set waits until the session has taken that over: else the older
// value would be the last that the session hears of.
func (r *run) inTurn(report func()) {
	r.mu.Lock()
	inTurn, start := r.uncommitted || r.reporting, false
	if inTurn {
		r.reports = append(r.reports, report)
		start, r.reporting = !r.reporting, true
	}
	r.mu.Unlock()
	switch {
	case start:
		r.readers.Go(r.reportInTurn)
	case !inTurn:
		report()
	}
}

// reportInTurn makes the reports that wait.
func (r *run) reportInTurn() {
	for {
		r.mu.Lock()
		wait := r.uncommitted
		r.uncommitted = false
		var next func()
		switch {
		case wait:
		case len(r.reports) == 0:
			r.reporting = false
			r.mu.Unlock()
			return
		default:
			next, r.reports = r.reports[0], r.reports[1:]
		}
		r.mu.Unlock()
		if wait {
			// The session makes one change of parameters after the other, so this
			// one, which it must refuse, comes behind those under way.
			_ = r.session.SetParameters(map[string]any{"": nil})
			continue
		}
		next()
	}
}

// reportChanges tells the session. Where the script only applied what the host
// had set before, it has come to the boundary that the change waited for:
// telling the step is enough, unless the script is one that says it itself.
func (r *run) reportChanges(changes []script.Change) {
	var own []script.Change
	var observed []script.ParametersObserved
	reached := int64(-1)
	r.mu.Lock()
	for _, c := range changes {
		v, waits := r.pending[c.Name]
		delete(r.pending, c.Name)
		switch {
		case !waits || !v.Same(c.New):
			own = append(own, c)
		case r.holds.Load():
			observed = append(observed, script.ParametersObserved{Name: c.Name, Value: c.New, Step: c.Step})
		default:
			reached = max(reached, c.Step, r.step.Load(), 0)
		}
	}
	r.mu.Unlock()
	if reached >= 0 {
		r.session.Emit(script.Stepped{Step: reached})
	}
	for _, o := range observed {
		r.session.Emit(o)
	}
	if len(own) > 0 {
		r.session.Emit(script.ParametersChanged{Author: "script:" + r.session.Script(), Changes: own})
	}
}
