package v1

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Runs answers `runs`.
type Runs struct {
	Runs []Run `json:"runs"`
	// Removed counts the runs that are not kept any more.
	Removed int64 `json:"removed,omitempty"`
}

// Run is one execution of a script.
type Run struct {
	ID         string                  `json:"id"`
	Script     string                  `json:"script"`
	State      script.State            `json:"state"`
	Started    time.Time               `json:"started"`
	Finished   *time.Time              `json:"finished"`
	ExitCode   *int                    `json:"exit_code"`
	Parameters map[string]script.Value `json:"parameters"` // as they were at the start
	Results    map[string]script.Value `json:"results"`
}

// RunDetail answers `runs show`.
type RunDetail struct {
	Run
	Reason    string                  `json:"reason"`
	Changes   []Change                `json:"changes"`
	Series    []Series                `json:"series"`
	Samples   map[string][]Point      `json:"samples,omitempty"`
	Artifacts []Artifact              `json:"artifacts"`
	Binaries  []Binary                `json:"binaries"`
	Record    map[string]script.Value `json:"record"` // docs/runs.md lists its keys
}

// Artifact is a file that a run left behind. It is the data of kind "artifact"
// too.
type Artifact struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // "" where it was not computed
	Kind   string `json:"kind"`
	Found  string `json:"found"` // "opened" by the script, or as a change in its "directory"
}

// RunText answers a text that is kept of a run.
type RunText struct {
	Run  string `json:"run"`
	Name string `json:"name"`
	Text string `json:"text"`
}

// Change is one change of a parameter during a run.
type Change struct {
	Time     time.Time            `json:"time"`
	Step     *int64               `json:"step"`
	Revision uint64               `json:"revision"`
	Name     string               `json:"name"`
	Old      script.Value         `json:"old"`
	New      script.Value         `json:"new"`
	Author   string               `json:"author"`
	Status   script.OutcomeStatus `json:"status"`
}

// Series sums up the samples of one variable in a run.
type Series struct {
	Name  string       `json:"name"`
	Count int64        `json:"count"`
	Last  script.Value `json:"last"`
}

// Binary is an executable that a run used, and the step from which it did.
type Binary struct {
	SHA256   string `json:"sha256"`
	FromStep int64  `json:"from_step"`
}

// Samples answers a page of one series.
type Samples struct {
	Run     string  `json:"run"`
	Name    string  `json:"name"`
	Samples []Point `json:"samples"`
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
	Run      string   `json:"run"`
	Name     string   `json:"name"`
	RowsRead int      `json:"rows_read"`
	Buckets  []Bucket `json:"buckets"`
}

// Bucket sums up neighbouring samples of a series. Min, Max and Mean are over
// the finite numbers, and "NaN" where there are none.
type Bucket struct {
	FirstStep *int64       `json:"first_step"`
	LastStep  *int64       `json:"last_step"`
	FirstTime time.Time    `json:"first_time"`
	LastTime  time.Time    `json:"last_time"`
	Count     int64        `json:"count"`
	NaN       int64        `json:"nan"`
	Inf       int64        `json:"inf"`
	NegInf    int64        `json:"neg_inf"`
	Min       script.Value `json:"min"`
	Max       script.Value `json:"max"`
	Mean      script.Value `json:"mean"`
	First     script.Value `json:"first"`
	Last      script.Value `json:"last"`
}
