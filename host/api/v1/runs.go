package v1

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Runs answers `runs`.
type Runs struct {
	Runs []Run `json:"runs" doc:"the newest first"`
	// Removed counts the runs that are not kept any more.
	Removed int64 `json:"removed,omitempty" doc:"how many runs are not kept any more"`
}

// Run is one execution of a script.
type Run struct {
	ID         string                  `json:"id" doc:"the id of the run" example:"k3f9a2bqx7"`
	Script     string                  `json:"script" doc:"the script's name" example:"trainer"`
	State      script.State            `json:"state" doc:"waiting, starting, ready, running, paused, stalled, stuck, stopping, stopped, finished, failed, backoff or lost" example:"running"`
	Started    time.Time               `json:"started" doc:"when it began"`
	Finished   *time.Time              `json:"finished" doc:"when it ended; null: it has not"`
	ExitCode   *int                    `json:"exit_code" doc:"the process's exit code; null: it has none (yet), or was ended by a signal" example:"0"`
	Parameters map[string]script.Value `json:"parameters" doc:"values by name, as they were at the start"`
	Results    map[string]script.Value `json:"results" doc:"named final values"`
}

// RunDetail answers `runs show`.
type RunDetail struct {
	Run
	Reason    string                  `json:"reason" doc:"why, in a sentence; empty: nothing to say" example:"exit code 1"`
	Changes   []Change                `json:"changes" doc:"changes of parameters during the run, by time"`
	Series    []Series                `json:"series" doc:"what was sampled"`
	Samples   map[string][]Point      `json:"samples,omitempty" doc:"of the series that were asked for: [step, time, value] each"`
	Artifacts []Artifact              `json:"artifacts" doc:"files that it left behind"`
	Binaries  []Binary                `json:"binaries" doc:"the executables that it used"`
	Record    map[string]script.Value `json:"record" doc:"facts that let it be understood later: git, interpreter, packages, machine and so on; see docs/runs.md"`
}

// Artifact is a file that a run left behind. It is the data of kind "artifact"
// too.
type Artifact struct {
	Path   string `json:"path" doc:"of the file" example:"/home/ann/lab/model.pt"`
	Size   int64  `json:"size" doc:"in bytes" example:"1048576"`
	SHA256 string `json:"sha256" doc:"in hexadecimal; empty where it was not computed"`
	Kind   string `json:"kind" doc:"by its name: model, checkpoint, table, image, log, text, data or file" example:"model"`
	Found  string `json:"found" doc:"opened: by the script; directory: as a change in its directory" example:"opened"`
}

// RunText answers a text that is kept of a run.
type RunText struct {
	Run  string `json:"run" doc:"the id of the run" example:"k3f9a2bqx7"`
	Name string `json:"name" doc:"which text: the source, a difference and so on"`
	Text string `json:"text" doc:"the text itself"`
}

// Change is one change of a parameter during a run.
type Change struct {
	Time     time.Time            `json:"time" doc:"when, RFC 3339 with nanoseconds"`
	Step     *int64               `json:"step" doc:"the step at which it was; null: the script counts none" example:"1200"`
	Revision uint64               `json:"revision" doc:"number of the script's parameter set: one more at each change" example:"7"`
	Name     string               `json:"name" doc:"the parameter" example:"learning_rate"`
	Old      script.Value         `json:"old" doc:"the value before"`
	New      script.Value         `json:"new" doc:"the value after"`
	Author   string               `json:"author" doc:"who: user:NAME, route:NAME, script:NAME or config" example:"user:ann"`
	Status   script.OutcomeStatus `json:"status" doc:"applied, pending (taken at a boundary), needs_restart (kept for the next run), rejected or overwritten" example:"applied"`
}

// Series sums up the samples of one variable in a run.
type Series struct {
	Name  string       `json:"name" doc:"the variable" example:"loss"`
	Count int64        `json:"count" doc:"how many samples" example:"1200"`
	Last  script.Value `json:"last" doc:"the last value"`
}

// Binary is an executable that a run used, and the step from which it did.
type Binary struct {
	SHA256   string `json:"sha256" doc:"sum of the file, in hexadecimal"`
	FromStep int64  `json:"from_step" doc:"the first step that it did; -1: the script counts none" example:"-1"`
}

// Samples answers a page of one series.
type Samples struct {
	Run     string  `json:"run" doc:"the id of the run" example:"k3f9a2bqx7"`
	Name    string  `json:"name" doc:"the variable" example:"loss"`
	Samples []Point `json:"samples" doc:"[step, time, value] each, in order"`
}

// Point is one sample. It is written as the array [step, time, value], the
// step being null where the script counts none.
type Point struct {
	Step  *int64
	Time  time.Time
	Value script.Value
}

// MarshalJSON writes p as an array of three.
func (p Point) MarshalJSON() ([]byte, error) {
	return json.Marshal([3]any{p.Step, p.Time, p.Value})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Point) UnmarshalJSON(data []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	if len(parts) != 3 {
		return errors.New("read sample: wants [step, time, value]")
	}
	return errors.Join(json.Unmarshal(parts[0], &p.Step), json.Unmarshal(parts[1], &p.Time), json.Unmarshal(parts[2], &p.Value))
}

// Chart answers a series drawn with a limited number of points.
type Chart struct {
	Run      string   `json:"run" doc:"the id of the run" example:"k3f9a2bqx7"`
	Name     string   `json:"name" doc:"the variable" example:"loss"`
	RowsRead int      `json:"rows_read" doc:"how many rows the store read for it" example:"2000"`
	Buckets  []Bucket `json:"buckets" doc:"neighbouring samples, summed up"`
}

// Bucket sums up neighbouring samples of a series. Min, Max and Mean are over
// the finite numbers, and "NaN" where there are none.
type Bucket struct {
	FirstStep *int64       `json:"first_step" doc:"step of its first sample; null: none is counted" example:"0"`
	LastStep  *int64       `json:"last_step" doc:"step of its last sample; null: none is counted" example:"9"`
	FirstTime time.Time    `json:"first_time" doc:"time of its first sample"`
	LastTime  time.Time    `json:"last_time" doc:"time of its last sample"`
	Count     int64        `json:"count" doc:"how many samples" example:"10"`
	NaN       int64        `json:"nan" doc:"how many of them are NaN" example:"0"`
	Inf       int64        `json:"inf" doc:"how many of them are infinite" example:"0"`
	NegInf    int64        `json:"neg_inf" doc:"how many of them are minus infinity" example:"0"`
	Min       script.Value `json:"min" doc:"the least finite number; NaN: there is none"`
	Max       script.Value `json:"max" doc:"the greatest finite number; NaN: there is none"`
	Mean      script.Value `json:"mean" doc:"the mean of the finite numbers; NaN: there is none"`
	First     script.Value `json:"first" doc:"its first value"`
	Last      script.Value `json:"last" doc:"its last value"`
}
