package script

import "time"

// Event is a fact about one script, past tense. Its body is one of the types
// in this file. An event is immutable once it was emitted.
type Event struct {
	// ID is the host's number of the event, given when it is emitted; 0 before.
	ID uint64
	// Seq is the event's number in its run's stream, counted by the plugin from
	// 1; 0 for an event that the host itself made.
	Seq    uint64
	Time   time.Time
	Script string
	Run    string // empty for facts about no run
	Body   Body
}

// Body is the content of an Event.
type Body interface{ kind() string }

// KindOf names the kind of a body as it stands in JSON ("samples", "log", …).
func KindOf(b Body) string { return b.kind() }

// Kinds lists the kinds of events.
func Kinds() []string {
	bodies := []Body{
		StateChanged{}, RunStarted{}, BinaryChanged{}, Described{}, Samples{}, Progress{}, Stepped{}, ResultSet{}, LogLine{},
		ParametersChanged{}, ParametersObserved{}, OwnerChanged{}, CheckpointMade{}, Recorded{}, ArtifactWritten{}, Heartbeat{},
		Gap{}, MessageRouted{}, RouteFired{}, Notified{}, Warned{},
	}
	kinds := make([]string, len(bodies))
	for i, b := range bodies {
		kinds[i] = b.kind()
	}
	return kinds
}

// State is what a script is doing.
type State string

// The states of a script.
const (
	Waiting  State = "waiting"  // for a dependency, a place to start, or a person
	Starting State = "starting" // its process is being launched
	Ready    State = "ready"    // described, not yet reporting
	Running  State = "running"
	Paused   State = "paused"
	Stalled  State = "stalled" // no step and no output for as long as the config says
	Stuck    State = "stuck"   // three heartbeats missed
	Stopping State = "stopping"
	Stopped  State = "stopped"  // on request, or not started yet
	Finished State = "finished" // ended well by itself
	Failed   State = "failed"
	Backoff  State = "backoff" // failed, will be started again
	Lost     State = "lost"    // its process vanished without an exit record
)

// Live reports whether a script in this state has a process.
func (s State) Live() bool {
	switch s {
	case Starting, Ready, Running, Paused, Stalled, Stuck, Stopping:
		return true
	}
	return false
}

// Ended reports whether a run in this state is over.
func (s State) Ended() bool {
	switch s {
	case Stopped, Finished, Failed, Backoff, Lost:
		return true
	}
	return false
}

// StateChanged: a script went into another state. ExitCode is set when a run
// ended with one; 128+n stands for signal n.
type StateChanged struct {
	State     State
	Reason    string
	PID       int // of the interpreter where there is one, else of the plugin; 0: none
	PluginPID int
	ExitCode  *int
}

// RunStarted: a run began. Parameters are the values it starts with.
type RunStarted struct {
	Parameters map[string]Value
	Revision   uint64
	Binary     string // sha256 of the plugin's executable
	Plugin     string // what was started: the executable's path, or "interpreter"
	Command    []string
	Attempt    int // 0 for the first start, n for the nth automatic restart
}

// BinaryChanged: the run goes on in another process, with another build of its
// plugin. FromStep is the last step that the one before it has told; -1: it
// counts none.
type BinaryChanged struct {
	SHA256   string
	FromStep int64
}

// Described: the script's description, whole; later ones replace earlier ones.
type Described struct {
	Description Description
	// Values are the current values of parameters that this description adds.
	Values map[string]Value
}

// Sample is one value of a variable. Step is -1 where the script counts none.
type Sample struct {
	Name  string
	Step  int64
	Time  time.Time
	Value Value
}

// Samples: variables took values, in this order.
type Samples struct{ Samples []Sample }

// Progress: how far the run is. Total, Rate (per second) and ETA (seconds)
// are 0 where unknown.
type Progress struct {
	Done  float64
	Total float64
	Rate  float64
	ETA   float64
}

// Stepped: the script's step counter moved.
type Stepped struct{ Step int64 }

// ResultSet: a result got its value.
type ResultSet struct {
	Name  string
	Value Value
}

// LogLine: the script printed or logged a line, or a part of a line longer
// than MaxLogText (Partial: the next event of the stream continues it).
type LogLine struct {
	Stream  string // "stdout", "stderr" or "log"
	Level   string // "debug", "info", "warn", "error"; "" for bare output
	Text    string
	Partial bool
	// End is where the line ends in the file that the script printed it to,
	// for the host, which follows that file; 0 for a line from elsewhere.
	End int64 `json:"-"`
}

// MaxLogText is the most bytes of one LogLine's text.
const MaxLogText = 16 << 10

// ParametersChanged: parameters of a script took, or will take, new values.
// All changes of one event were applied together.
type ParametersChanged struct {
	Revision uint64
	Author   string // "user:NAME", "route:NAME", "script:NAME"
	Batch    string // id of the set that caused it; "" for the script's own
	Changes  []Change
}

// Change is one parameter's part of ParametersChanged.
type Change struct {
	Name   string
	Old    Value
	New    Value
	Status OutcomeStatus // applied, pending or needs_restart
	Step   int64         // -1: unknown
}

// ParametersObserved: values were seen in use after an earlier change, or
// (Overwritten) the script put others in their place.
type ParametersObserved struct {
	Name        string
	Value       Value
	Step        int64
	Overwritten bool
}

// OwnerChanged: a parameter is now moved by Owner ("" for nobody).
type OwnerChanged struct {
	Name  string
	Owner string
}

// CheckpointMade: the script wrote a checkpoint.
type CheckpointMade struct {
	Path   string
	SHA256 string
	Step   int64
}

// Recorded: facts about the run that let it be understood, and done again,
// later. Facts that come later stand beside earlier ones; of the same key the
// later one holds.
type Recorded struct {
	Record map[string]Value
	// Texts are too long for a record: the script's source, a difference. They
	// are kept as files named by their content; the record tells their sums.
	Texts map[string]string `json:"-"`
}

// The texts that a run may have.
const (
	TextSource = "source" // of the script, as the run began
	TextDiff   = "diff"   // between the commit and what lay in the work tree
)

// MaxText is the most bytes of one text of Recorded.
const MaxText = 1 << 20

// ArtifactWritten: the run left a file behind.
type ArtifactWritten struct {
	Path   string // absolute
	Size   int64
	SHA256 string // "" where the file was too large, or the time too short
	Kind   string // "checkpoint", "model", "table", "image", "log", "text", "data" or "file"
	// Found tells how it was noticed: "opened" by the script, or as a change in
	// its "directory", which may be somebody else's.
	Found string
}

// How an artifact was noticed.
const (
	FoundOpened    = "opened"
	FoundDirectory = "directory"
)

// Heartbeat: the process lives. It is neither stored nor numbered.
type Heartbeat struct{}

// Gap: Dropped events of the stream are missing, for the reason given.
type Gap struct {
	From, To uint64
	Dropped  uint64
	Reason   string
	Kinds    []string `json:"-"` // of the events, where the host knows them
}

// MessageRouted: a message was handed over, or was not (Error's code and text).
// Under load one event stands for several alike: Count of them, of which ID
// and Took are the last one's.
type MessageRouted struct {
	Count   uint64 // 0 is taken as 1
	ID      string
	Kind    MessageKind
	Source  string
	Target  string
	Topic   string
	Took    time.Duration
	Code    Code // "" when it went well
	Problem string
}

// RouteFired: a route from a variable set its parameter, or tried to.
type RouteFired struct {
	Route   string
	Target  string // script.parameter
	Value   Value
	Problem string // why nothing was set; "" when it was
}

// Notified: the script told the host of something by itself.
type Notified struct {
	Event string
	Data  Value
}

// Warned: something about the script that a person should know.
type Warned struct{ Text string }

func (StateChanged) kind() string       { return "state" }
func (RunStarted) kind() string         { return "run" }
func (BinaryChanged) kind() string      { return "binary" }
func (Described) kind() string          { return "described" }
func (Samples) kind() string            { return "samples" }
func (Progress) kind() string           { return "progress" }
func (Stepped) kind() string            { return "step" }
func (ResultSet) kind() string          { return "result" }
func (LogLine) kind() string            { return "log" }
func (ParametersChanged) kind() string  { return "parameters" }
func (ParametersObserved) kind() string { return "observed" }
func (OwnerChanged) kind() string       { return "owner" }
func (CheckpointMade) kind() string     { return "checkpoint" }
func (Recorded) kind() string           { return "recorded" }
func (ArtifactWritten) kind() string    { return "artifact" }
func (Heartbeat) kind() string          { return "heartbeat" }
func (Gap) kind() string                { return "gap" }
func (MessageRouted) kind() string      { return "message" }
func (RouteFired) kind() string         { return "route" }
func (Notified) kind() string           { return "notified" }
func (Warned) kind() string             { return "warning" }
