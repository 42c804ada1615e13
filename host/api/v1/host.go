package v1

import "time"

// Version answers `version`.
type Version struct {
	Version string `json:"version" doc:"the version of mlhost"`
	Commit  string `json:"commit" doc:"the commit that it was built from"`
	Go      string `json:"go" doc:"the version of Go that it was built with"`
}

// Host tells which host serves.
type Host struct {
	Name      string    `json:"name" doc:"the host's name" example:"lab1"`
	PID       int       `json:"pid" doc:"id of the host's process" example:"4700"`
	Started   time.Time `json:"started" doc:"when this process began to serve"`
	Version   string    `json:"version" doc:"the version of mlhost"`
	Directory string    `json:"directory" doc:"of its configuration" example:"/home/ann/lab"`

	Config  ConfigStatus `json:"config" doc:"what is not carried out of the configuration"`
	Notices []string     `json:"notices" doc:"what a person should know of the host itself"`
	Listen  Listen       `json:"listen" doc:"the TCP addresses that are bound"`
}

// Listen tells the TCP addresses that are bound, "" for none.
type Listen struct {
	HTTP      string `json:"http" doc:"HTTP and connector commands; empty: none" example:"127.0.0.1:10117"`
	Connector string `json:"connector" doc:"connector commands; empty: none" example:"127.0.0.1:10118"`
}

// Diagnostics answers `validate`.
type Diagnostics struct {
	Valid       bool         `json:"valid" doc:"false: there is an error"`
	Diagnostics []Diagnostic `json:"diagnostics" doc:"all that was found"`
}

// Diagnostic is one thing that is wrong, or doubtful, in a configuration.
type Diagnostic struct {
	Severity string `json:"severity" doc:"error or warning" example:"error"`
	Summary  string `json:"summary" doc:"in a few words"`
	Detail   string `json:"detail" doc:"in whole sentences, with a hint"`
	File     string `json:"file" doc:"the file"`
	Line     int    `json:"line" doc:"counted from 1"`
	Column   int    `json:"column" doc:"counted from 1"`
}

// Log is one line that a script printed or logged, or a part of one.
type Log struct {
	Time    time.Time `json:"time" doc:"when, RFC 3339 with nanoseconds"`
	Script  string    `json:"script" doc:"the script's name" example:"trainer"`
	Run     string    `json:"run" doc:"the id of the run" example:"k3f9a2bqx7"`
	Stream  string    `json:"stream" doc:"stdout, stderr or log (the script's logger)" example:"stdout"`
	Level   string    `json:"level" doc:"debug, info, warn or error; empty for bare output" example:"info"`
	Text    string    `json:"text" doc:"the text without its line end"`
	Partial bool      `json:"partial" doc:"the next line of the stream goes on with it" example:"false"`
	Seq     uint64    `json:"seq" doc:"number in the run's own stream; 0: the host made it" example:"42"`
}
