package script

import "time"

// MessageKind tells what a message wants.
type MessageKind string

// The kinds of messages.
const (
	Ask          MessageKind = "ask"           // wants a reply before the deadline
	Tell         MessageKind = "tell"          // goes into the target's mailbox
	Broadcast    MessageKind = "broadcast"     // goes to every script that lives
	SetParameter MessageKind = "parameter.set" // changes parameters; Batch is set
	SetVariable  MessageKind = "variable.set"  // changes writable variables; Batch is set
)

// Message is a request to an address.
type Message struct {
	ID     string
	Kind   MessageKind
	Source string // script name, or "user:NAME"
	Target string // address; "" is the host itself, or everybody for a broadcast
	Topic  string
	Data   Value
	Time   time.Time
	// Deadline is when the sender stops caring; zero for a tell.
	Deadline time.Time
	Batch    *Batch
}

// Batch is a set of values that are changed together or not at all.
type Batch struct {
	ID         string // of the request: the same id is applied once
	Values     map[string]Value
	IfRevision *uint64 // apply only on this revision
	Author     string
	Take       bool // take the parameters over from a route
	// AtStep, where not nil, defers the change to that step of the script.
	AtStep *int64
	// Release names parameters that are given back to the script, which then
	// have the values that it would have given them. Such a batch has no Values.
	Release []string
}

// OutcomeStatus is what became of one value of a Batch.
type OutcomeStatus string

// The statuses.
const (
	Applied      OutcomeStatus = "applied"
	Pending      OutcomeStatus = "pending" // applied at a later boundary
	NeedsRestart OutcomeStatus = "needs_restart"
	Rejected     OutcomeStatus = "rejected"
	Released     OutcomeStatus = "released" // given back: the value is the script's own again
)

// Outcome is what really happened with one value of a Batch.
type Outcome struct {
	Name   string
	Status OutcomeStatus
	Old    Value
	Value  Value // the value really used
	Step   int64 // -1: unknown
	Reason string
}

// BatchReply answers a Batch. When one outcome is Rejected, nothing changed.
type BatchReply struct {
	Revision uint64
	Outcomes []Outcome
}

// Rejected reports whether any outcome of the reply is a rejection.
func (r BatchReply) Rejected() bool {
	for _, o := range r.Outcomes {
		if o.Status == Rejected {
			return true
		}
	}
	return false
}

// Reply answers a Message.
type Reply struct {
	ID         string
	Value      Value
	Recipients []string    // of a broadcast
	Batch      *BatchReply // of a set
}
