package script

import "slices"

// Type is a parameter's or variable's declared type.
type Type string

// The types. TypeAny is the type of a parameter whose default is None.
const (
	TypeAny    Type = "any"
	TypeBool   Type = "bool"
	TypeInt    Type = "int"
	TypeFloat  Type = "float"
	TypeString Type = "string"
	TypeList   Type = "list"
	TypeMap    Type = "map"
)

// Types lists every type, in the order of the documentation.
var Types = []Type{TypeBool, TypeInt, TypeFloat, TypeString, TypeList, TypeMap, TypeAny}

// TypeOf returns the type that a value has by itself.
func TypeOf(v Value) Type {
	switch v.Kind() {
	case KindBool:
		return TypeBool
	case KindInt:
		return TypeInt
	case KindFloat:
		return TypeFloat
	case KindString, KindBytes:
		return TypeString
	case KindList:
		return TypeList
	case KindMap:
		return TypeMap
	}
	return TypeAny
}

// Mutability tells when a change of a parameter takes effect.
type Mutability string

// The mutabilities.
const (
	Live     Mutability = "live"     // at once
	Boundary Mutability = "boundary" // at the script's next step or epoch
	Restart  Mutability = "restart"  // in the next run
	Fixed    Mutability = "fixed"    // never while a run lasts: a set is rejected
)

// Scale tells how a range is spread on a slider.
type Scale string

// The scales.
const (
	Linear Scale = "linear"
	Log    Scale = "log"
)

// Confidence tells how sure discovery is of a parameter.
type Confidence string

// The confidences. What a script or a plugin itself declares is Sure.
const (
	Sure   Confidence = "sure"
	Likely Confidence = "likely"
	Guess  Confidence = "guess"
)

// Delivery tells which samples of a variable must arrive.
type Delivery string

// The deliveries.
const (
	Every  Delivery = "every"  // each sample; the default
	Latest Delivery = "latest" // under pressure only the newest, losses counted
)

// Origin is the place that declares a parameter.
type Origin struct {
	File  string `json:"file" doc:"the file; empty: the script itself says so"`
	Line  int    `json:"line" doc:"counted from 1; 0: not known"`
	Style string `json:"style" doc:"how it is declared: plugin, config, register_parameter, mlhost.param, argparse and so on"`
}

// ParameterSpec declares one parameter. Min and Max are null where there is
// no bound. Step counts from Min (from 0 without one); 0 means continuous; a
// maximum is valid even where it is off step.
type ParameterSpec struct {
	Name         string
	Type         Type
	Default      Value
	Doc          string
	Unit         string
	Group        string
	Required     bool
	Sensitive    bool
	Min, Max     Value
	ExclusiveMin bool
	ExclusiveMax bool
	Step         Value // null: continuous
	Scale        Scale // "": linear
	Choices      []Value
	Pattern      string // an RE2 expression that the whole string matches
	MinLength    int64
	MaxLength    int64 // 0: no limit but MaxTextLength
	Mutability   Mutability
	Deprecated   string
	Origin       Origin
	Confidence   Confidence
}

// VariableSpec declares one variable.
type VariableSpec struct {
	Name     string
	Type     Type
	Unit     string
	Doc      string
	ReadOnly bool
	Delivery Delivery
	MaxRate  float64 // samples per second; 0: no limit
}

// ResultSpec declares one result.
type ResultSpec struct {
	Name string
	Type Type
	Unit string
	Doc  string
}

// TopicSpec declares a topic of messages that a script answers or receives.
type TopicSpec struct {
	Name    string
	Doc     string
	Answers bool // an ask gets a reply; otherwise messages are only received
}

// StateSchema names the form of a script's checkpoints.
type StateSchema struct {
	Name           string
	Version        int64
	CanRestoreFrom []int64
}

// Capabilities that a plugin may declare in its Description.
const (
	CapabilityAnswer     = "answer"     // takes messages pushed to it: of the declared topics; of all where it declares none and is not dynamic
	CapabilityCheckpoint = "checkpoint" // Checkpoint and Restore work
	CapabilityPause      = "pause"      // Pause and Resume work
	CapabilityLogs       = "logs"       // reports its script's output as log events itself; the host need not read the output files
	CapabilityDynamic    = "dynamic"    // declares parameters, variables and topics while it runs
)

// Description is what a plugin says of its script. It may grow while a run
// lasts, by Described events.
type Description struct {
	Name         string
	Doc          string
	Parameters   []ParameterSpec
	Variables    []VariableSpec
	Results      []ResultSpec
	Topics       []TopicSpec
	Capabilities []string
	State        *StateSchema
	MayOverlap   bool // two processes of it may run at the same time
}

// Parameter returns the spec of the named parameter.
func (d Description) Parameter(name string) (ParameterSpec, bool) {
	for _, p := range d.Parameters {
		if p.Name == name {
			return p, true
		}
	}
	return ParameterSpec{}, false
}

// Has reports whether the description lists the capability.
func (d Description) Has(capability string) bool {
	return slices.Contains(d.Capabilities, capability)
}
