package sdk

import (
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// The methods in this file are for wrappers: scripts whose work happens in
// another process.

// Declare adds parameters, variables, results and topics to the description,
// or puts new specs in the place of those of the same name. values are the
// values in use of the parameters that it declares; the others keep what they
// have, or take their default.
func (s *Session) Declare(d script.Description, values map[string]script.Value) {
	s.p.declare(d, values)
}

// Retract takes parameters back that the script turned out not to have: a
// Described event tells the whole description without them.
func (s *Session) Retract(names ...string) { s.p.retract(names) }

// Emit reports an event. Samples, steps and changes of parameters are also
// taken over into the session's state, as if its own methods had been called;
// a parameter change is numbered and attributed to the script here.
func (s *Session) Emit(body script.Body) { s.p.emit(body) }

// SetSample reports a value of a variable with a time of its own.
func (s *Session) SetSample(sample script.Sample) {
	at := sample.Time
	if at.IsZero() {
		at = time.Now()
	}
	s.p.setVariable(sample.Name, sample.Step, at, sample.Value)
}

// SetPID tells the process in which the script really runs, and reports the
// run as running in it.
func (s *Session) SetPID(pid int) { s.p.setPID(pid) }

// Description returns the description as it is now.
func (s *Session) Description() script.Description { return s.p.describe() }

// CurrentStep returns the step that the session is at.
func (s *Session) CurrentStep() int64 { return s.p.currentStep() }
