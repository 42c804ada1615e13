package wire

import (
	"context"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Server is a plugin as the host sees it. Methods may be called at the same
// time. Errors travel as script.Error.
type Server interface {
	// Identify tells which process this is and what it does now.
	Identify(ctx context.Context) (Identity, error)
	// Describe is pure and repeatable.
	Describe(ctx context.Context) (script.Description, error)
	// Validate checks values against each other, without side effects.
	Validate(ctx context.Context, values map[string]script.Value) ([]Diagnostic, error)
	// Start begins the run. An error of code unavailable means that another
	// try may go well; any other means that it will not.
	Start(ctx context.Context, request StartRequest) error
	// SetParameters changes all or nothing.
	SetParameters(ctx context.Context, batch script.Batch) (script.BatchReply, error)
	// SetVariables changes writable variables, all or nothing.
	SetVariables(ctx context.Context, batch script.Batch) (script.BatchReply, error)
	// Pause answers when the script has paused.
	Pause(ctx context.Context) error
	// Resume answers when the script goes on.
	Resume(ctx context.Context) error
	// Checkpoint makes the script write down its state.
	Checkpoint(ctx context.Context) (Checkpoint, error)
	// Restore hands over a state before Start.
	Restore(ctx context.Context, checkpoint Checkpoint) error
	// Stop asks the script to end and answers when the run is over, or the
	// grace has passed.
	Stop(ctx context.Context, grace time.Duration, reason string) error
	// Events sends everything behind afterSeq, and then what comes, until ctx
	// ends, send fails, or the plugin has nothing more to say. A later call
	// replaces the one before it.
	Events(ctx context.Context, afterSeq uint64, send func([]script.Event) error) error
	// Link carries messages both ways until either side ends it. A later call
	// replaces the one before it.
	Link(ctx context.Context, link Link) error
}

// Identity tells which process a plugin is and what it does now.
type Identity struct {
	Nonce        string // random, made once per process
	PID          int
	Started      time.Time
	SHA256       string // of the executable
	API          int
	Capabilities []string
	Run          string // "" before Start
	State        script.State
	LastSeq      uint64
	ScriptPID    int // of the interpreter, where the plugin is a wrapper
}

// StartRequest begins a run.
type StartRequest struct {
	Run        string
	Script     string // the name that the configuration gives
	Parameters map[string]script.Value
	Revision   uint64
	FirstSeq   uint64 // number of the run's next event; 0 is taken as 1
	RunDir     string // "": no files are written
	Checkpoint *Checkpoint
	// ProcessDir is where this process writes exit.json and spool.jsonl; "": in
	// RunDir. A successor process of the same run has one of its own.
	ProcessDir string
	Paused     bool // the run waits at its first step, until it is resumed
}

// OwnDir is where the process writes what is its own; "": nowhere.
func (r StartRequest) OwnDir() string {
	if r.ProcessDir != "" {
		return r.ProcessDir
	}
	return r.RunDir
}

// Checkpoint is a script's state (Data), or the file that holds it (Path).
type Checkpoint struct {
	Schema  string
	Version int64
	Data    []byte
	Path    string
	SHA256  string
	Step    int64 // that the script's count of steps has reached
	Waiting []Waiting
}

// Waiting is a change of a parameter that waits for a step. Its set was
// answered and its revision counted; ParametersObserved tells that it is in use.
type Waiting struct {
	Name   string
	Value  script.Value
	Step   int64 // -1: the next one
	Author string
}

// Severities of a Diagnostic.
const (
	SeverityError   = "error"
	SeverityWarning = "warning"
)

// Diagnostic is one finding of Validate.
type Diagnostic struct {
	Severity string
	Summary  string
	Detail   string
	Path     []string // the parameter's name first
}

// Frame is one message on a Link. Epoch counts the processes of a run; the
// host chooses it, the plugin repeats it.
type Frame struct {
	Epoch uint64
	Body  FrameBody
}

// FrameBody is one of Call, Deliver, Reply, Cancel and Peers.
type FrameBody interface{ frame() }

// Call is a message that the script sends; the host answers with a Reply. To
// is "" for the host itself, and for a broadcast. A broadcast without an ID is
// not answered, and those of one script are dealt with in their order; a Call of
// kind Flush is answered when those before it are dealt with.
type Call struct {
	ID      string
	Kind    script.MessageKind // Ask, Tell or Broadcast
	To      string
	Topic   string
	Data    script.Value
	Timeout time.Duration // 0: as long as the host waits

	packed string // the data as they came, "" where Data holds it
}

// Payload is the call's data, also where they came packed (see Client.Relay).
func (c Call) Payload() script.Value { return payload(c.packed, c.Data) }

// Flush is the kind of a Call that goes to nobody.
const Flush script.MessageKind = "flush"

// Deliver is a message for the script; the plugin answers with a Reply, which
// acknowledges a tell. A broadcast without a timeout is answered only when it
// failed: nobody waits for it.
type Deliver struct {
	ID      string
	Kind    script.MessageKind
	Source  string
	Topic   string
	Data    script.Value
	Time    time.Time
	Timeout time.Duration // 0: none

	shared *encoded // nil: it is encoded for one receiver
	packed string   // the data as they came, "" where Data holds them
}

// Carrying returns a message with the data of a call, packed as they came.
func (d Deliver) Carrying(c Call) Deliver {
	d.Data, d.packed = c.Data, c.packed
	return d
}

// Shared returns a message for many receivers, which share its encoding. It is
// not to be changed afterwards.
func (d Deliver) Shared() Deliver {
	d.shared = new(encoded)
	return d
}

// Reply answers a Call or a Deliver.
type Reply struct {
	ID         string
	Value      script.Value
	Recipients []string // of a broadcast
	Err        *script.Error

	packed string // the value as it came, "" where Value holds it
}

// Payload is the value of the answer, also where it came packed.
func (r Reply) Payload() script.Value { return payload(r.packed, r.Value) }

// Cancel says that the answer to a Call or Deliver is no longer wanted.
type Cancel struct{ ID string }

// Peers names the scripts that messages can go to.
type Peers struct{ Names []string }

func (Call) frame()    {}
func (Deliver) frame() {}
func (Reply) frame()   {}
func (Cancel) frame()  {}
func (Peers) frame()   {}

// Link is one end of the message stream. Send may be called at the same time
// from several goroutines, Recv from one. Recv returns io.EOF at the end.
type Link interface {
	Send(Frame) error
	Recv() (Frame, error)
}

// Poster is a Link that takes frames which nobody waits for.
type Poster interface {
	// Post sends a frame together with those after it. It waits while many
	// frames are there that the other end has not read.
	Post(ctx context.Context, f Frame) error
}
