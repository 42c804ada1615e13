package v1

import "time"

// Version answers `version`.
type Version struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// Host tells which host serves.
type Host struct {
	Name      string    `json:"name"`
	PID       int       `json:"pid"`
	Started   time.Time `json:"started"`
	Version   string    `json:"version"`
	Directory string    `json:"directory"` // of its configuration

	Config  ConfigStatus `json:"config"`
	Notices []string     `json:"notices"` // what a person should know of the host itself
	Listen  Listen       `json:"listen"`
}

// Listen tells the TCP addresses that are bound, "" for none.
type Listen struct {
	HTTP      string `json:"http"`      // HTTP and connector commands
	Connector string `json:"connector"` // connector commands
}

// Diagnostics answers `validate`.
type Diagnostics struct {
	Valid       bool         `json:"valid"`
	Diagnostics []Diagnostic `json:"diagnostics"`
}

// Diagnostic is one thing that is wrong, or doubtful, in a configuration.
type Diagnostic struct {
	Severity string `json:"severity"` // error or warning
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
}

// Log is one line that a script printed or logged, or a part of one.
type Log struct {
	Time    time.Time `json:"time"`
	Script  string    `json:"script"`
	Run     string    `json:"run"`
	Stream  string    `json:"stream"` // stdout, stderr or log
	Level   string    `json:"level"`  // debug, info, warn, error; "" for bare output
	Text    string    `json:"text"`
	Partial bool      `json:"partial"` // the next line of the stream continues it
	Seq     uint64    `json:"seq"`
}
