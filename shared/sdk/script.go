package sdk

import (
	"context"
	"fmt"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Script is what a plugin does.
type Script interface {
	// Describe tells what the script takes and reports. It is called before
	// Run, more than once, and must always say the same.
	Describe() script.Description
	// Run does the work. It ends when ctx does; returning ctx's error, or
	// Step's, is the way to stop. Another error fails the run.
	Run(ctx context.Context, s *Session) error
}

// Validator checks parameters against each other, beyond what their specs
// say. values holds all parameters. Validate has no side effects; its error
// is the reason of the rejection.
type Validator interface {
	Validate(values map[string]script.Value) error
}

// Checkpointer hands a script's state to its successor: a process with another
// build of the plugin, which goes on with the run. Checkpoint is called while
// Run waits in Step and no message is in hand, and Restore in the successor
// before Run. A process may be asked for its state and go on all the same,
// where the successor turns out not to work.
type Checkpointer interface {
	Checkpoint(ctx context.Context) ([]byte, error)
	Restore(ctx context.Context, data []byte) error
}

// Answerer takes messages. For an ask the value is the reply; for a tell or a
// broadcast it is ignored, and returning acknowledges the message. An error
// that is a *script.Error goes to the sender as it is, any other as one of
// code handler_failed. Several calls may run at the same time.
type Answerer interface {
	Answer(ctx context.Context, message script.Message) (script.Value, error)
}

// Setter applies parameters in another process. It is for wrappers: the batch
// is checked against the specs, and the outcomes are taken as the truth. The
// reply's revision is ignored.
type Setter interface {
	SetParameters(ctx context.Context, batch script.Batch) (script.BatchReply, error)
}

// Releaser is a Setter that can give parameters of Batch.Release back to the
// script. The outcomes name those that were given back, with the status
// released and the value that is in use now; a parameter that nothing was laid
// over may be left out.
type Releaser interface {
	Release(ctx context.Context, batch script.Batch) (script.BatchReply, error)
}

// Teller is a Setter whose script tells by ParametersObserved when a value that
// was pending is in use. Of others that is taken for granted at the next step.
type Teller interface {
	Tells(parameter string) bool
}

// Stander is a Pauser that tells how the script stands: at a step, or stopped
// by a signal.
type Stander interface {
	Standing() string
}

// VariableSetter is Setter for writable variables.
type VariableSetter interface {
	SetVariables(ctx context.Context, batch script.Batch) (script.BatchReply, error)
}

// Pauser pauses by itself. Without it, a script pauses in Session.Step.
type Pauser interface {
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
}

// Stopper wants to know of a stop before Run's context is cancelled.
type Stopper interface {
	Stop(ctx context.Context, grace time.Duration, reason string) error
}

// Exit is an error with which Run ends in another way than plain failure: with
// the exit code of a process that it ran. Code 0 finishes the run.
type Exit struct {
	Code   int
	Reason string
	// Final says that another try will not go better: the script is not started
	// again by its restart policy.
	Final bool
}

// Error returns the reason, or the code where there is none.
func (e *Exit) Error() string {
	if e.Reason != "" {
		return e.Reason
	}
	return fmt.Sprintf("exit code %d", e.Code)
}
