package v1

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Event is one fact of the event stream. Data depends on Kind: one of the
// types named …Data.
type Event struct {
	ID     uint64          `json:"id" doc:"the host-wide number; a stream is resumed behind it" example:"4711"`
	Time   time.Time       `json:"time" doc:"when, RFC 3339 with nanoseconds"`
	Script string          `json:"script" doc:"empty: about the host"`
	Run    string          `json:"run" doc:"empty: about no run"`
	Seq    uint64          `json:"seq" doc:"number in the run's own stream; 0: the host made it" example:"42"`
	Kind   string          `json:"kind" doc:"state, run, binary, described, samples, log, progress, step, result, parameters, observed, owner, checkpoint, recorded, artifact, message, route, notified, warning, heartbeat or gap" example:"state"`
	Data   json.RawMessage `json:"data" doc:"by the kind: see docs/http.md"`
}

// KindGap is the kind of an event that says how many are missing before the
// next one, because this viewer was too slow or asked too late.
const KindGap = "gap"

// StateData is the data of kind "state".
type StateData struct {
	State     script.State `json:"state"`
	Reason    string       `json:"reason"`
	PID       *int         `json:"pid"`
	PluginPID *int         `json:"plugin_pid"`
	ExitCode  *int         `json:"exit_code"`
}

// RunData is the data of kind "run".
type RunData struct {
	Parameters map[string]script.Value `json:"parameters" doc:"values by name, as they are at the start"`
	Revision   uint64                  `json:"revision" doc:"number of the script's parameter set: one more at each change" example:"7"`
	SHA256     string                  `json:"sha256" doc:"sum of the file, in hexadecimal"`
	Plugin     string                  `json:"plugin" doc:"path of the plugin's executable"`
	Command    []string                `json:"command" doc:"what was started, with its arguments"`
	Attempt    int                     `json:"attempt" doc:"0: not a restart"`
}

// DescribedData is the data of kind "described": names only, the rest is to
// be read.
type DescribedData struct {
	Parameters []string `json:"parameters"`
	Variables  []string `json:"variables"`
	Results    []string `json:"results"`
	Topics     []string `json:"topics"`
}

// SamplesData is the data of kind "samples".
type SamplesData struct {
	Samples []Sample `json:"samples"`
}

// Sample is one value of a variable.
type Sample struct {
	Name  string       `json:"name" doc:"its name"`
	Type  script.Type  `json:"type" doc:"bool, int, float, string, list, map or any" example:"float"`
	Value script.Value `json:"value" doc:"the value; NaN and infinities are the strings NaN, Infinity, -Infinity"`
	Step  *int64       `json:"step" doc:"the step at which it was; null: the script counts none" example:"1200"`
	Time  time.Time    `json:"time" doc:"when, RFC 3339 with nanoseconds"`
}

// BinaryData is the data of kind "binary".
type BinaryData struct {
	SHA256   string `json:"sha256"`
	FromStep int64  `json:"from_step"`
}

// StepData is the data of kind "step".
type StepData struct {
	Step int64 `json:"step"`
}

// ResultData is the data of kind "result".
type ResultData struct {
	Name  string       `json:"name"`
	Value script.Value `json:"value"`
}

// LogData is the data of kind "log".
type LogData struct {
	Stream  string `json:"stream"`
	Level   string `json:"level"`
	Text    string `json:"text"`
	Partial bool   `json:"partial"`
}

// ParametersData is the data of kind "parameters".
type ParametersData struct {
	Revision uint64            `json:"revision"`
	Author   string            `json:"author"`
	Changes  []ParameterChange `json:"changes"`
}

// ParameterChange is one change of ParametersData.
type ParameterChange struct {
	Name   string               `json:"name" doc:"its name"`
	Old    script.Value         `json:"old" doc:"the value before"`
	New    script.Value         `json:"new" doc:"the value after"`
	Status script.OutcomeStatus `json:"status" doc:"applied, pending (taken at a boundary), needs_restart (kept for the next run), rejected or overwritten" example:"applied"`
	Step   *int64               `json:"step" doc:"the step at which it was; null: the script counts none" example:"1200"`
}

// ObservedData is the data of kind "observed".
type ObservedData struct {
	Name        string       `json:"name"`
	Value       script.Value `json:"value"`
	Step        *int64       `json:"step"`
	Overwritten bool         `json:"overwritten"`
}

// OwnerData is the data of kind "owner".
type OwnerData struct {
	Name  string `json:"name"`
	Owner string `json:"owner"`
}

// CheckpointData is the data of kind "checkpoint".
type CheckpointData struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Step   *int64 `json:"step"`
}

// RecordedData is the data of kind "recorded": keys only, the rest is to be
// read.
type RecordedData struct {
	Keys []string `json:"keys"`
}

// GapData is the data of kind "gap". A gap that has a run is one in the run's
// own stream; any other is one in what this viewer has been told.
type GapData struct {
	Dropped *uint64  `json:"dropped"` // how many events are missing; null: not counted
	Code    string   `json:"code"`    // one of Gap…; "" for a gap in a run's stream
	Reason  string   `json:"reason"`
	From    uint64   `json:"from"`  // id of the first one that may be missing; 0: not known
	To      uint64   `json:"to"`    // id of the last one
	Kinds   []string `json:"kinds"` // of what is missing
	// Since is when the event before them happened, null where that is not
	// known; Until is when it was found out.
	Since *time.Time `json:"since"`
	Until time.Time  `json:"until"`
}

// The codes of gaps in what a viewer has been told.
const (
	GapSlow    = "slow"    // it reads too slowly
	GapPast    = "past"    // it came back late: what is not kept as events is missing
	GapUnknown = "unknown" // it asked for what is behind an event that the host has never had
)

// MessageData is the data of kind "message".
type MessageData struct {
	Count   uint64             `json:"count"` // how many alike it stands for; id and took are the last one's
	ID      string             `json:"id"`
	Kind    script.MessageKind `json:"kind"`
	Source  string             `json:"source"`
	Target  string             `json:"target"`
	Topic   string             `json:"topic"`
	Took    float64            `json:"took"` // seconds
	Code    script.Code        `json:"code"`
	Problem string             `json:"problem"`
}

// RouteData is the data of kind "route".
type RouteData struct {
	Route   string       `json:"route"`
	Target  string       `json:"target"`
	Value   script.Value `json:"value"`
	Problem string       `json:"problem"`
}

// NotifiedData is the data of kind "notified".
type NotifiedData struct {
	Event string       `json:"event"`
	Data  script.Value `json:"data"`
}

// WarningData is the data of kind "warning".
type WarningData struct {
	Text string `json:"text"`
}

// FromEvent returns the JSON form of an event.
func FromEvent(e script.Event) (Event, error) {
	data, err := json.Marshal(dataOf(e))
	if err != nil {
		return Event{}, fmt.Errorf("write event %d: %w", e.ID, err)
	}
	return Event{
		ID: e.ID, Time: e.Time, Script: e.Script, Run: e.Run, Seq: e.Seq,
		Kind: script.KindOf(e.Body), Data: data,
	}, nil
}

func dataOf(e script.Event) any {
	switch b := e.Body.(type) {
	case script.StateChanged:
		return StateData{State: b.State, Reason: b.Reason, PID: PID(b.PID), PluginPID: PID(b.PluginPID), ExitCode: b.ExitCode}
	case script.RunStarted:
		return RunData{Parameters: b.Parameters, Revision: b.Revision, SHA256: b.Binary, Plugin: b.Plugin, Command: b.Command, Attempt: b.Attempt}
	case script.BinaryChanged:
		return BinaryData{SHA256: b.SHA256, FromStep: max(b.FromStep, 0)}
	case script.Described:
		return describedData(b.Description)
	case script.Samples:
		return samplesData(b.Samples)
	case script.Progress:
		return FromProgress(b)
	case script.Stepped:
		return StepData{Step: b.Step}
	case script.ResultSet:
		return ResultData{Name: b.Name, Value: b.Value}
	case script.LogLine:
		return LogData{Stream: b.Stream, Level: b.Level, Text: b.Text, Partial: b.Partial}
	case script.ParametersChanged:
		return parametersData(b)
	case script.ParametersObserved:
		return ObservedData{Name: b.Name, Value: b.Value, Step: Step(b.Step), Overwritten: b.Overwritten}
	case script.OwnerChanged:
		return OwnerData{Name: b.Name, Owner: b.Owner}
	case script.CheckpointMade:
		return CheckpointData{Path: b.Path, SHA256: b.SHA256, Step: Step(b.Step)}
	case script.Recorded:
		return RecordedData{Keys: slices.Sorted(maps.Keys(b.Record))}
	case script.ArtifactWritten:
		return Artifact{Path: b.Path, Size: b.Size, SHA256: b.SHA256, Kind: b.Kind, Found: b.Found}
	case script.Gap:
		return gapData(e, b)
	case script.MessageRouted:
		return MessageData{
			Count: max(b.Count, 1), ID: b.ID, Kind: b.Kind, Source: b.Source, Target: b.Target, Topic: b.Topic,
			Took: b.Took.Seconds(), Code: b.Code, Problem: b.Problem,
		}
	case script.RouteFired:
		return RouteData{Route: b.Route, Target: b.Target, Value: b.Value, Problem: b.Problem}
	case script.Notified:
		return NotifiedData{Event: b.Event, Data: b.Data}
	case script.Warned:
		return WarningData{Text: b.Text}
	}
	return struct{}{}
}

func gapData(e script.Event, b script.Gap) GapData {
	data := GapData{Dropped: &b.Dropped, Reason: b.Reason, Kinds: b.Kinds, Until: e.Time}
	if data.Kinds == nil {
		data.Kinds = []string{}
	}
	if e.Run == "" { // of the bus
		data.Code, data.From, data.To = GapSlow, b.From, b.To
	}
	return data
}

func describedData(d script.Description) DescribedData {
	data := DescribedData{Parameters: []string{}, Variables: []string{}, Results: []string{}, Topics: []string{}}
	for _, p := range d.Parameters {
		data.Parameters = append(data.Parameters, p.Name)
	}
	for _, v := range d.Variables {
		data.Variables = append(data.Variables, v.Name)
	}
	for _, r := range d.Results {
		data.Results = append(data.Results, r.Name)
	}
	for _, t := range d.Topics {
		data.Topics = append(data.Topics, t.Name)
	}
	return data
}

func samplesData(samples []script.Sample) SamplesData {
	data := SamplesData{Samples: make([]Sample, 0, len(samples))}
	for _, s := range samples {
		data.Samples = append(data.Samples, Sample{
			Name: s.Name, Type: script.TypeOf(s.Value), Value: s.Value, Step: Step(s.Step), Time: s.Time,
		})
	}
	return data
}

func parametersData(b script.ParametersChanged) ParametersData {
	data := ParametersData{Revision: b.Revision, Author: b.Author, Changes: make([]ParameterChange, 0, len(b.Changes))}
	for _, c := range b.Changes {
		data.Changes = append(data.Changes, ParameterChange{
			Name: c.Name, Old: c.Old, New: c.New, Status: c.Status, Step: Step(c.Step),
		})
	}
	return data
}
