package v1

import (
	"math"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Step returns the JSON form of a step: nil for -1, which means unknown.
func Step(step int64) *int64 {
	if step < 0 {
		return nil
	}
	return &step
}

// PID returns the JSON form of a process id: nil for none.
func PID(pid int) *int {
	if pid <= 0 {
		return nil
	}
	return &pid
}

// Time returns the JSON form of a time: nil for the zero time.
func Time(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// FromProgress returns the JSON form of p. A script may report NaN here; what
// is no finite number is unknown.
func FromProgress(p script.Progress) *Progress {
	return &Progress{Done: finite(p.Done), Total: known(p.Total), Rate: known(p.Rate), ETA: known(p.ETA)}
}

func finite(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

func known(f float64) *float64 {
	if f == 0 || finite(f) != f {
		return nil
	}
	return &f
}

// Hidden stands for the value of a sensitive parameter.
const Hidden = "(hidden)"

// FromBatchReply returns the JSON form of what became of a set. The values of
// sensitive parameters are not told.
func FromBatchReply(name string, r script.BatchReply, sensitive func(parameter string) bool) Outcomes {
	out := Outcomes{Script: name, Revision: r.Revision, Outcomes: make([]Outcome, 0, len(r.Outcomes))}
	for _, o := range r.Outcomes {
		c := Outcome{Name: o.Name, Status: o.Status, Old: o.Old, Value: o.Value, Step: Step(o.Step), Reason: o.Reason}
		if sensitive(o.Name) {
			c.Old, c.Value = script.String(Hidden), script.String(Hidden)
		}
		out.Outcomes = append(out.Outcomes, c)
	}
	return out
}
