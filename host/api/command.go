package api

import "github.com/mlhost/mlhost/shared/script"

// Verb names what an operator wants done.
type Verb string

// The verbs.
const (
	Start   Verb = "start"
	Stop    Verb = "stop"
	Pause   Verb = "pause"
	Resume  Verb = "resume"
	Restart Verb = "restart"
	Reload  Verb = "reload"  // let a script run with its program as it is now
	Release Verb = "release" // Parameter is nobody's any more
	Scan    Verb = "scan"    // look for scripts again in the configured folders
	Down    Verb = "down"    // stop everything and end the host
)

// Command is one of the operator's verbs with what it needs.
type Command struct {
	Verb      Verb
	Script    string // its name; "" for scan and down
	Parameter string // release: which
	Author    string // who wants it: user:NAME
	Now       bool   // reload: end a run that cannot be handed over
	// WithConnector has start add the argument by which a script of the original
	// Python API is told to speak with a host.
	WithConnector bool
	Hurry         bool // down: do not wait for scripts to end by themselves
}

// Outcome is what became of a Command.
type Outcome struct {
	State script.State // of the script, when the verb was done
	Run   string       // id of its run; "" where it has had none
	PID   int          // of the script's process; 0: it has none
	// Reloaded says what became of a reload: "unchanged", "handed_over",
	// "restarted" or "at_next_run".
	Reloaded   string
	Checkpoint string   // what the run goes on from that a reload has begun; "": it begins anew
	Scripts    []string // scan: every script that is known now
}
