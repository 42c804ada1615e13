package wire

import (
	"time"
)

// HelloEnv names the variable with the number of a descriptor, the writing end
// of a pipe, that a host may give to a plugin. The plugin writes its handshake
// there, and in a second line its Hello as JSON, and closes it. That saves the
// host the questions that come first, and keeps the handshake out of the log
// that the plugin's standard output is.
const HelloEnv = "MLHOST_HELLO"

// MaxHello bounds what a plugin says there, in bytes.
const MaxHello = 64 << 10

// Hello is what a process tells of itself unasked: what Identify would answer
// before the run.
type Hello struct {
	Nonce        string    `json:"nonce"`
	PID          int       `json:"pid"`
	Started      time.Time `json:"started"`
	API          int       `json:"api"`
	Capabilities []string  `json:"capabilities,omitempty"`
	// Description is a digest of what Describe would answer: a host that has the
	// answer of another process of the same program with the same digest need
	// not ask.
	Description string `json:"description,omitempty"`
}

// Identity is what Identify would have answered.
func (h Hello) Identity(sha256 string) Identity {
	return Identity{Nonce: h.Nonce, PID: h.PID, Started: h.Started, SHA256: sha256, API: h.API, Capabilities: h.Capabilities}
}

// Capabilities of a process, besides those of its description.
const (
	// CapabilityPulse: the plugin has a pulse at the socket of its calls.
	CapabilityPulse = "pulse"
	// CapabilityPlain: Validate checks values against the description and does
	// nothing else.
	CapabilityPlain = "plain"
)

// A pulse tells that a process lives. Whoever connects gets the number of the
// run's newest event once a second, in PulseSize bytes, the highest first. As
// long as somebody is connected the plugin sends few heartbeats with its
// events. It is felt at the socket of the calls by who sends PulseKnock first;
// plugins of older hosts have a socket of its own, PulseFile, beside that.
const (
	PulseKnock = 0
	PulseFile  = "pulse"
	PulseSize  = 8
)
