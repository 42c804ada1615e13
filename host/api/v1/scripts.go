package v1

import (
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Scripts answers `ps`.
type Scripts struct {
	Host    string   `json:"host"`
	Scripts []Script `json:"scripts"`
}

// Script is what is known of one script now, or was known last.
type Script struct {
	Name      string       `json:"name"`
	State     script.State `json:"state"`
	Reason    string       `json:"reason"`
	Managed   bool         `json:"managed"`
	Run       string       `json:"run"`
	PID       *int         `json:"pid"` // the interpreter's where there is one
	PluginPID *int         `json:"plugin_pid"`
	Restarts  int          `json:"restarts"`
	Started   *time.Time   `json:"started"`
	Uptime    *float64     `json:"uptime"` // seconds; null while nothing runs
	Step      *int64       `json:"step"`
	Progress  *Progress    `json:"progress"`
	Plugin    string       `json:"plugin"`
	SHA256    string       `json:"sha256"`
}

// Progress tells how far a run is.
type Progress struct {
	Done  float64  `json:"done"`
	Total *float64 `json:"total"`
	Rate  *float64 `json:"rate"` // per second
	ETA   *float64 `json:"eta"`  // seconds
}

// Parameters answers `get`.
type Parameters struct {
	Script     string      `json:"script"`
	Revision   uint64      `json:"revision"`
	Parameters []Parameter `json:"parameters"`
}

// Parameter is one parameter: its declaration, its value, who moves it. The
// value of a sensitive one is not told.
type Parameter struct {
	Name       string            `json:"name"`
	Type       script.Type       `json:"type"`
	Value      script.Value      `json:"value"`
	Next       *script.Value     `json:"next,omitempty"` // what the next run starts with, where that differs
	Default    script.Value      `json:"default"`
	Choices    []script.Value    `json:"choices"`
	Min        script.Value      `json:"min"`
	Max        script.Value      `json:"max"`
	Step       script.Value      `json:"step"`
	Scale      script.Scale      `json:"scale"`
	Unit       string            `json:"unit"`
	Doc        string            `json:"doc"`
	Mutability script.Mutability `json:"mutability"`
	Owner      string            `json:"owner"`
	Origin     script.Origin     `json:"origin"`
	Confidence script.Confidence `json:"confidence"`
	Sensitive  bool              `json:"sensitive,omitempty"`
	Deprecated string            `json:"deprecated,omitempty"`
}

// Set asks to change parameters or variables of a script: all of them, or
// none. Values are typed already; Texts are what a person wrote, read by the
// type of the parameter that they are for.
type Set struct {
	Values     map[string]script.Value `json:"values,omitempty"`
	Texts      map[string]string       `json:"texts,omitempty"`
	Take       bool                    `json:"take,omitempty"` // take parameters over from a route
	AtStep     *int64                  `json:"at_step,omitempty"`
	IfRevision *uint64                 `json:"if_revision,omitempty"`
	ID         string                  `json:"id,omitempty"` // the same id is applied once
}

// Outcomes answers `set`. When one is rejected, nothing was changed.
type Outcomes struct {
	Script   string    `json:"script"`
	Revision uint64    `json:"revision"`
	Outcomes []Outcome `json:"outcomes"`
}

// Outcome is what became of one value.
type Outcome struct {
	Name   string               `json:"name"`
	Status script.OutcomeStatus `json:"status"`
	Old    script.Value         `json:"old"`
	Value  script.Value         `json:"value"`
	Step   *int64               `json:"step"`
	Reason string               `json:"reason"`
}

// Variables answers `vars`.
type Variables struct {
	Script    string     `json:"script"`
	Run       string     `json:"run"`
	Variables []Variable `json:"variables"`
}

// Variable is one variable's current value.
type Variable struct {
	Name     string       `json:"name"`
	Type     script.Type  `json:"type"`
	Value    script.Value `json:"value"`
	Step     *int64       `json:"step"`
	Time     *time.Time   `json:"time"`
	ReadOnly bool         `json:"read_only"`
}

// Results answers `results`.
type Results struct {
	Script  string   `json:"script"`
	Run     string   `json:"run"`
	Results []Result `json:"results"`
}

// Result is one named final value.
type Result struct {
	Name  string       `json:"name"`
	Value script.Value `json:"value"`
	Time  time.Time    `json:"time"`
}

// Acted answers the verbs that act on a script: start, stop, pause, resume,
// restart and release.
type Acted struct {
	Script string       `json:"script"`
	State  script.State `json:"state"`
	Run    string       `json:"run"`
	PID    *int         `json:"pid"`
	// Reloaded says what became of a reload: "unchanged", "handed_over",
	// "restarted" or "at_next_run"; it is there after a reload only.
	Reloaded string `json:"reloaded,omitempty"`
	// Checkpoint is the file or folder that a run goes on from which a reload has
	// begun, where the script takes one.
	Checkpoint string `json:"checkpoint,omitempty"`
}

// Scanned answers `scan`.
type Scanned struct {
	Scripts []string `json:"scripts"`
}
