package registry

import (
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Script is what is true of one script at one moment. It is a copy: the
// registry does not change it afterwards, and neither may its reader change
// what its slices and maps share.
type Script struct {
	Name      string
	State     script.State
	Reason    string
	Managed   bool   // the host starts it, and may stop it
	Run       string // the present run, or the last one
	PID       int
	PluginPID int
	Restarts  int       // automatic ones that led to this run
	Started   time.Time // zero: it has not run
	Finished  time.Time // zero: it runs
	Uptime    float64   // seconds; of a run that is over, how long it took
	ExitCode  *int
	Step      int64 // -1: it counts none
	Progress  *script.Progress
	Plugin    string
	SHA256    string

	Described   bool               // by the script, and not only by the configuration
	Description script.Description // its parameters as the configuration refines them
	Revision    uint64
	Parameters  []Parameter       // in the order of declaration
	Owners      map[string]string // by parameter, also of those not declared yet
	Variables   []Variable
	Results     []Result
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

// Parameter is a parameter and its value now.
type Parameter struct {
	Spec  script.ParameterSpec
	Value script.Value
	Owner string        // "user:NAME", "route:NAME"; "" for nobody
	Next  *script.Value // what the next run will start with, where that differs
}

// Variable is a variable and its latest value.
type Variable struct {
	Name     string
	Type     script.Type // the declared one, else that of the value
	Value    script.Value
	Step     int64     // -1: none
	Time     time.Time // zero: it has had no value yet
	ReadOnly bool
	Unit     string
	Doc      string
}

// Result is a result of the run.
type Result struct {
	Name  string
	Value script.Value
	Time  time.Time
}
