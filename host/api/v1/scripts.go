package v1

import (
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Scripts answers `ps`.
type Scripts struct {
	Host    string   `json:"host" doc:"the host's name" example:"lab1"`
	Scripts []Script `json:"scripts" doc:"every script, by name"`
}

// Script is what is known of one script now, or was known last.
type Script struct {
	Name      string       `json:"name" doc:"as in the configuration" example:"trainer"`
	State     script.State `json:"state" doc:"waiting, starting, ready, running, paused, stalled, stuck, stopping, stopped, finished, failed, backoff or lost" example:"running"`
	Reason    string       `json:"reason" doc:"why, in a sentence; empty: nothing to say" example:"exit code 1"`
	Managed   bool         `json:"managed" doc:"false: it was started by hand and registered itself"`
	Run       string       `json:"run" doc:"the id of its last run; empty: it has not run" example:"k3f9a2bqx7"`
	PID       *int         `json:"pid" doc:"id of the script's process, the interpreter's where there is one; null: nothing runs" example:"4711"`
	PluginPID *int         `json:"plugin_pid" doc:"id of the plugin's process; null: nothing runs" example:"4710"`
	Restarts  int          `json:"restarts" doc:"how often the run was started again because one had failed" example:"0"`
	Started   *time.Time   `json:"started" doc:"when its last run began; null: it has not run"`
	Uptime    *float64     `json:"uptime" doc:"how long it runs, in seconds; null: nothing runs" example:"61.5"`
	Step      *int64       `json:"step" doc:"the step at which it was; null: the script counts none" example:"1200"`
	Progress  *Progress    `json:"progress" doc:"how far the run is; null: not told"`
	Plugin    string       `json:"plugin" doc:"path of the plugin's executable, or the wrapper's name"`
	SHA256    string       `json:"sha256" doc:"sum of the plugin's executable, in hexadecimal"`
}

// Progress tells how far a run is.
type Progress struct {
	Done  float64  `json:"done" doc:"how much is done, in the script's own unit" example:"120"`
	Total *float64 `json:"total" doc:"how much there is to do, in the same unit; null: not known" example:"1000"`
	Rate  *float64 `json:"rate" doc:"per second; null: not known" example:"2.5"`
	ETA   *float64 `json:"eta" doc:"how long it still takes, in seconds; null: not known" example:"352"`
}

// Parameters answers `get`.
type Parameters struct {
	Script     string      `json:"script" doc:"the script's name" example:"trainer"`
	Revision   uint64      `json:"revision" doc:"number of the script's parameter set: one more at each change" example:"7"`
	Parameters []Parameter `json:"parameters" doc:"the parameters"`
}

// Parameter is one parameter: its declaration, its value, who moves it. The
// value of a sensitive one is not told.
type Parameter struct {
	Name       string            `json:"name" doc:"the parameter's name" example:"learning_rate"`
	Type       script.Type       `json:"type" doc:"bool, int, float, string, list, map or any" example:"float"`
	Value      script.Value      `json:"value" doc:"in use now; null where it is sensitive"`
	Next       *script.Value     `json:"next,omitempty" doc:"what the next run starts with, where that differs"`
	Default    script.Value      `json:"default" doc:"what holds when nobody sets it"`
	Choices    []script.Value    `json:"choices" doc:"the values that it takes; none: any of its type"`
	Min        script.Value      `json:"min" doc:"the least value; null: no bound"`
	Max        script.Value      `json:"max" doc:"the greatest value; null: no bound"`
	Step       script.Value      `json:"step" doc:"values are min plus a multiple of it; null: any"`
	Scale      script.Scale      `json:"scale" doc:"linear or log" example:"log"`
	Unit       string            `json:"unit" doc:"of the value" example:"s"`
	Doc        string            `json:"doc" doc:"what the script says of it"`
	Mutability script.Mutability `json:"mutability" doc:"live, boundary (at the next step or epoch), restart (for the next run) or fixed" example:"live"`
	Owner      string            `json:"owner" doc:"who moves it: user:NAME, route:NAME, script:NAME; empty: nobody" example:"route:reduce-on-plateau"`
	Origin     script.Origin     `json:"origin" doc:"where it was found: file, line and style"`
	Confidence script.Confidence `json:"confidence" doc:"sure, likely or guess" example:"sure"`
	Sensitive  bool              `json:"sensitive,omitempty" doc:"true: its value is not told"`
	Deprecated string            `json:"deprecated,omitempty" doc:"why it should not be used any more"`
}

// Set asks to change parameters or variables of a script: all of them, or
// none. Values are typed already; Texts are what a person wrote, read by the
// type of the parameter that they are for.
type Set struct {
	Values     map[string]script.Value `json:"values,omitempty" doc:"values by name, typed"`
	Texts      map[string]string       `json:"texts,omitempty" doc:"values by name, as a person wrote them: read by the parameter's type"`
	Take       bool                    `json:"take,omitempty" doc:"take parameters over from the route that moves them"`
	AtStep     *int64                  `json:"at_step,omitempty" doc:"apply it when the script has reached this step" minimum:"0" example:"1000"`
	IfRevision *uint64                 `json:"if_revision,omitempty" doc:"reject it when the parameters have another revision" example:"7"`
	ID         string                  `json:"id,omitempty" doc:"the same id is applied once"`
}

// Outcomes answers `set`. When one is rejected, nothing was changed.
type Outcomes struct {
	Script   string    `json:"script" doc:"the script's name" example:"trainer"`
	Revision uint64    `json:"revision" doc:"number of the script's parameter set: one more at each change" example:"7"`
	Outcomes []Outcome `json:"outcomes" doc:"one for each value"`
}

// Outcome is what became of one value.
type Outcome struct {
	Name   string               `json:"name" doc:"the parameter or variable" example:"learning_rate"`
	Status script.OutcomeStatus `json:"status" doc:"applied, pending (taken at a boundary), needs_restart (kept for the next run), rejected or overwritten" example:"applied"`
	Old    script.Value         `json:"old" doc:"the value before"`
	Value  script.Value         `json:"value" doc:"really in use now, or from the boundary on"`
	Step   *int64               `json:"step" doc:"the step at which it was; null: the script counts none" example:"1200"`
	Reason string               `json:"reason" doc:"why it is not applied; empty: it is"`
}

// Variables answers `vars`.
type Variables struct {
	Script    string     `json:"script" doc:"the script's name" example:"trainer"`
	Run       string     `json:"run" doc:"the run that they are of; empty: the script has not run" example:"k3f9a2bqx7"`
	Variables []Variable `json:"variables" doc:"by name"`
}

// Variable is one variable's current value.
type Variable struct {
	Name     string       `json:"name" doc:"the variable's name" example:"loss"`
	Type     script.Type  `json:"type" doc:"bool, int, float, string, list, map or any" example:"float"`
	Value    script.Value `json:"value" doc:"the value; NaN and infinities are the strings NaN, Infinity, -Infinity"`
	Step     *int64       `json:"step" doc:"the step at which it was; null: the script counts none" example:"1200"`
	Time     *time.Time   `json:"time" doc:"when it was reported; null: never"`
	ReadOnly bool         `json:"read_only" doc:"true: the script alone sets it"`
}

// Results answers `results`.
type Results struct {
	Script  string   `json:"script" doc:"the script's name" example:"trainer"`
	Run     string   `json:"run" doc:"the id of the run" example:"k3f9a2bqx7"`
	Results []Result `json:"results" doc:"named final values"`
}

// Result is one named final value.
type Result struct {
	Name  string       `json:"name" doc:"the result's name" example:"accuracy"`
	Value script.Value `json:"value" doc:"the value; NaN and infinities are the strings NaN, Infinity, -Infinity"`
	Time  time.Time    `json:"time" doc:"when, RFC 3339 with nanoseconds"`
}

// Acted answers the verbs that act on a script: start, stop, pause, resume,
// restart and release.
type Acted struct {
	Script string       `json:"script" doc:"the script's name" example:"trainer"`
	State  script.State `json:"state" doc:"waiting, starting, ready, running, paused, stalled, stuck, stopping, stopped, finished, failed, backoff or lost" example:"running"`
	Run    string       `json:"run" doc:"the id of the run" example:"k3f9a2bqx7"`
	PID    *int         `json:"pid" doc:"id of the script's process, the interpreter's where there is one; null: nothing runs" example:"4711"`
	// Reloaded says what became of a reload: "unchanged", "handed_over",
	// "restarted" or "at_next_run"; it is there after a reload only.
	Reloaded string `json:"reloaded,omitempty" doc:"what became of a reload: unchanged, handed_over, restarted or at_next_run; after a reload only" example:"handed_over"`
	// Checkpoint is the file or folder that a run goes on from which a reload has
	// begun, where the script takes one.
	Checkpoint string `json:"checkpoint,omitempty" doc:"the file or folder that a run goes on from which a reload has begun"`
}

// Scanned answers `scan`.
type Scanned struct {
	Scripts []string `json:"scripts" doc:"names of the scripts that are known"`
}
