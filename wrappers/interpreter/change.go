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

// takeChanges reports changes of parameters that the script tells of. One that
// follows on the script's answer to a set waits until the session has taken
// that over: else the older value would be the last that it hears of.
func (r *run) takeChanges(changes []script.Change) {
	r.mu.Lock()
	inTurn, start := r.uncommitted || r.reporting, false
	if inTurn {
		r.changes = append(r.changes, changes)
		start, r.reporting = !r.reporting, true
	}
	r.mu.Unlock()
	switch {
	case start:
		r.readers.Go(r.reportInTurn)
	case !inTurn:
		r.reportChanges(changes)
	}
}

// reportInTurn reports the changes that wait.
func (r *run) reportInTurn() {
	for {
		r.mu.Lock()
		wait := r.uncommitted
		r.uncommitted = false
		var next []script.Change
		switch {
		case wait:
		case len(r.changes) == 0:
			r.reporting = false
			r.mu.Unlock()
			return
		default:
			next, r.changes = r.changes[0], r.changes[1:]
		}
		r.mu.Unlock()
		if wait {
			// The session makes one change of parameters after the other, so this
			// one, which it must refuse, comes behind those under way.
			_ = r.session.SetParameters(map[string]any{"": nil})
			continue
		}
		r.reportChanges(next)
	}
}

// reportChanges tells the session. Where the script only applied what the host
// had set before, it has come to the boundary that the change waited for:
// telling the step is enough.
func (r *run) reportChanges(changes []script.Change) {
	var own []script.Change
	reached := int64(-1)
	r.mu.Lock()
	for _, c := range changes {
		v, waits := r.pending[c.Name]
		delete(r.pending, c.Name)
		if waits && v.Same(c.New) {
			reached = max(reached, c.Step, r.step.Load(), 0)
		} else {
			own = append(own, c)
		}
	}
	r.mu.Unlock()
	if reached >= 0 {
		r.session.Emit(script.Stepped{Step: reached})
	}
	if len(own) > 0 {
		r.session.Emit(script.ParametersChanged{Author: "script:" + r.session.Script(), Changes: own})
	}
}
