package registry

import (
	"encoding/json"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Script is what is true of one script at one moment. It is a copy: the
// registry does not change it. As JSON it is an element of `ps --json`.
type Script struct {
	Name      string       `json:"name"`
	State     script.State `json:"state"`
	Reason    string       `json:"reason"`
	Managed   bool         `json:"managed"` // the host started it, and may stop it
	Run       string       `json:"run"`     // the present run, or the last one
	PID       int          `json:"pid"`
	PluginPID int          `json:"plugin_pid"`
	Restarts  int          `json:"restarts"` // automatic ones that led to this run
	Started   *time.Time   `json:"started"`
	Uptime    float64      `json:"uptime"` // seconds; of an ended run, how long it took
	Step      script.Step  `json:"step"`
	Progress  *Progress    `json:"progress"`
	Plugin    string       `json:"plugin"`
	SHA256    string       `json:"sha256"`

	Finished    *time.Time         `json:"-"`
	ExitCode    *int               `json:"-"`
	Described   bool               `json:"-"` // Description was given, not only configured
	Description script.Description `json:"-"` // parameters as the configuration refines them
	Revision    uint64             `json:"-"`
	Parameters  []Parameter        `json:"-"` // in the order of declaration
	Variables   []Variable         `json:"-"`
	Results     []Result           `json:"-"`
}

// Parameter returns the named parameter.
func (s *Script) Parameter(name string) (Parameter, bool) {
	for _, p := range s.Parameters {
		if p.Spec.Name == name {
			return p, true
		}
	}
	return Parameter{}, false
}

// Variable returns the named variable.
func (s *Script) Variable(name string) (Variable, bool) {
	for _, v := range s.Variables {
		if v.Name == name {
			return v, true
		}
	}
	return Variable{}, false
}

// Progress is how far a run is; what is unknown is 0.
type Progress struct {
	Done  float64 `json:"done"`
	Total float64 `json:"total"`
	Rate  float64 `json:"rate"` // per second
	ETA   float64 `json:"eta"`  // seconds
}

// Parameter is a parameter and its value now. As JSON it is an element of
// `get --json`; the value of a sensitive parameter is not shown there.
type Parameter struct {
	Spec  script.ParameterSpec
	Value script.Value
	Owner string        // "user:NAME", "route:NAME"; "" for nobody
	Next  *script.Value // what the next run will start with, where that differs
}

// Hidden stands in JSON for the value of a sensitive parameter.
const Hidden = "(hidden)"

type parameterJSON struct {
	Name       string            `json:"name"`
	Type       script.Type       `json:"type"`
	Value      script.Value      `json:"value"`
	Next       *script.Value     `json:"next,omitempty"`
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

// MarshalJSON writes the shape of `get --json`, defaults spelled out.
func (p Parameter) MarshalJSON() ([]byte, error) {
	s := p.Spec
	j := parameterJSON{
		Name: s.Name, Type: s.Type, Value: p.Value, Next: p.Next, Default: s.Default, Choices: s.Choices,
		Min: s.Min, Max: s.Max, Step: s.Step, Scale: s.Scale, Unit: s.Unit, Doc: s.Doc,
		Mutability: s.Mutability, Owner: p.Owner, Origin: s.Origin, Confidence: s.Confidence,
		Sensitive: s.Sensitive, Deprecated: s.Deprecated,
	}
	if j.Type == "" {
		j.Type = script.TypeAny
	}
	if j.Choices == nil {
		j.Choices = []script.Value{}
	}
	if j.Scale == "" {
		j.Scale = script.Linear
	}
	if j.Mutability == "" {
		j.Mutability = script.Live
	}
	if j.Confidence == "" {
		j.Confidence = script.Sure
	}
	if s.Sensitive {
		hidden := script.String(Hidden)
		j.Value, j.Default = hidden, hidden
		if j.Next != nil {
			j.Next = &hidden
		}
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Parameter) UnmarshalJSON(data []byte) error {
	var j parameterJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*p = Parameter{
		Spec: script.ParameterSpec{
			Name: j.Name, Type: j.Type, Default: j.Default, Choices: j.Choices, Min: j.Min, Max: j.Max,
			Step: j.Step, Scale: j.Scale, Unit: j.Unit, Doc: j.Doc, Mutability: j.Mutability,
			Origin: j.Origin, Confidence: j.Confidence, Sensitive: j.Sensitive, Deprecated: j.Deprecated,
		},
		Value: j.Value, Owner: j.Owner, Next: j.Next,
	}
	return nil
}

// Variable is a variable and its latest value: an element of `vars --json`.
type Variable struct {
	Name     string       `json:"name"`
	Type     script.Type  `json:"type"` // the declared one, else that of the value
	Value    script.Value `json:"value"`
	Step     script.Step  `json:"step"`
	Time     *time.Time   `json:"time"` // null: it has had no value yet
	ReadOnly bool         `json:"read_only"`

	Unit string `json:"unit,omitempty"`
	Doc  string `json:"doc,omitempty"`
}

// Result is a result of the run: an element of `results --json`.
type Result struct {
	Name  string       `json:"name"`
	Value script.Value `json:"value"`
	Time  time.Time    `json:"time"`
}
