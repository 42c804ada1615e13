package interpreter

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/mlhost/mlhost/shared/script"
)

// deferred is a change that waits for the script to come to a step.
type deferred struct {
	step   int64
	values map[string]script.Value
	batch  script.Batch
}

// defers keeps the values of a batch for the script's step that it names, and
// returns the outcomes. It returns none where the step is there already, or
// where the script keeps them by itself: it does where it counts steps, else
// those count that it prints.
func (r *run) defers(values map[string]script.Value, batch script.Batch) []script.Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.deferred { // what is set later counts
		maps.DeleteFunc(d.values, func(name string, _ script.Value) bool { _, again := values[name]; return again })
	}
	byPrint, now, reason := r.countsByPrint(), r.step.Load(), "takes effect at step %d"
	if byPrint {
		now, reason = r.printedStep.Load(), "takes effect when the script has printed step %d"
	}
	if batch.AtStep == nil || *batch.AtStep <= now || r.holds.Load() && !byPrint {
		return nil
	}
	step := *batch.AtStep
	r.deferred = append(r.deferred, deferred{step: step, values: maps.Clone(values), batch: batch})
	var outcomes []script.Outcome
	for name, v := range values {
		outcomes = append(outcomes, script.Outcome{
			Name: name, Status: script.Pending, Value: v, Step: step, Reason: fmt.Sprintf(reason, step),
		})
	}
	return outcomes
}

// countsByPrint reports whether the script's only steps are those of its lines.
func (r *run) countsByPrint() bool { return r.step.Load() < 0 && r.printedStep.Load() >= 0 }

// reach notes the script's step and hands over the changes that waited for it.
func (r *run) reach(step int64) {
	if first := r.step.Swap(step) < 0; first && r.holds.Load() {
		step = math.MaxInt64 // from now on the script waits by itself, and more exactly
	}
	r.comeTo(step)
}

// comeTo hands over the changes that waited for a step.
func (r *run) comeTo(step int64) {
	r.mu.Lock()
	var due []deferred
	r.deferred = slices.DeleteFunc(r.deferred, func(d deferred) bool {
		if d.step > step {
			return false
		}
		due = append(due, d)
		return true
	})
	r.mu.Unlock()
	if len(due) == 0 {
		return
	}
	if step != math.MaxInt64 {
		r.session.Emit(script.Stepped{Step: step}) // samples alone do not tell the session
	}
	r.readers.Go(func() { // the answer comes on the goroutine that has called
		for _, d := range due {
			r.handDeferred(d)
		}
	})
}

// handDeferred gives a change that waited to the script. Whoever made it has
// its answer; only a refusal is news.
func (r *run) handDeferred(d deferred) {
	if len(d.values) == 0 {
		return
	}
	outcomes, err := r.hand(context.Background(), "set", d.values, d.batch)
	if err != nil {
		r.warn(fmt.Errorf("change of parameters at step %d: %w", d.step, err))
	}
	for _, o := range outcomes {
		if o.Status == script.Applied && r.holds.Load() { // one that does not is believed to apply what it is told
			r.session.Emit(script.ParametersObserved{Name: o.Name, Value: o.Value, Step: max(o.Step, d.step)})
		}
		if o.Status == script.Rejected {
			r.warn(fmt.Errorf("parameter %q was not changed at step %d: %s", o.Name, d.step, o.Reason))
		}
	}
}
