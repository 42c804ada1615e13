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
	Data   json.RawMessage `json:"data" doc:"by the kind: see Events of the HTTP reference"`
}

// KindGap is the kind of an event that says how many are missing before the
// next one, because this viewer was too slow or asked too late.
const KindGap = "gap"

// EventData lists the kinds of events, each with a value of what its data is.
// The data of a heartbeat is an empty object.
func EventData() map[string]any {
	return map[string]any{
		"state": StateData{}, "run": RunData{}, "binary": BinaryData{}, "described": DescribedData{}, "samples": SamplesData{}, "log": LogData{},
		"progress": Progress{}, "step": StepData{}, "result": ResultData{}, "parameters": ParametersData{}, "observed": ObservedData{}, "owner": OwnerData{},
		"checkpoint": CheckpointData{}, "recorded": RecordedData{}, "artifact": Artifact{}, "message": MessageData{}, "route": RouteData{},
		"notified": NotifiedData{}, "warning": WarningData{}, KindGap: GapData{},
	}
}

// StateData is the data of kind "state".
type StateData struct {
	State     script.State `json:"state" doc:"the script's state" example:"running"`
	Reason    string       `json:"reason" doc:"why it is in it; empty where there is nothing to say"`
	PID       *int         `json:"pid" doc:"the script's process; null: it has none" example:"4711"`
	PluginPID *int         `json:"plugin_pid" doc:"the process that serves it: the plugin or the wrapper; null: it has none" example:"4710"`
	ExitCode  *int         `json:"exit_code" doc:"with which its process ended; 128 and the signal where one ended it; null: it has not" example:"0"`
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
	Parameters []string `json:"parameters" doc:"names of what can be set"`
	Variables  []string `json:"variables" doc:"names of what it reports"`
	Results    []string `json:"results" doc:"names of the results that it has announced"`
	Topics     []string `json:"topics" doc:"names of what it can be asked and told"`
}

// SamplesData is the data of kind "samples".
type SamplesData struct {
	Samples []Sample `json:"samples" doc:"values of variables, in their order"`
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
	SHA256   string `json:"sha256" doc:"sum of the program that runs from now on, in hexadecimal"`
	FromStep int64  `json:"from_step" doc:"the last step that the one before it has told; 0 where it counts none" example:"1200"`
}

// StepData is the data of kind "step".
type StepData struct {
	Step int64 `json:"step" doc:"the step that it has reached, from 0" example:"1200"`
}

// ResultData is the data of kind "result".
type ResultData struct {
	Name  string       `json:"name" doc:"its name" example:"accuracy"`
	Value script.Value `json:"value" doc:"its value; NaN and infinities are the strings NaN, Infinity, -Infinity"`
}

// LogData is the data of kind "log".
type LogData struct {
	Stream  string `json:"stream" doc:"stdout, stderr, or log for what a logger wrote" example:"stdout"`
	Level   string `json:"level" doc:"of a logger: debug, info, warn or error; empty for printed lines" example:"info"`
	Text    string `json:"text" doc:"the line without its end, at most 16 KiB of it"`
	Partial bool   `json:"partial" doc:"the line goes on in the next event"`
}

// ParametersData is the data of kind "parameters".
type ParametersData struct {
	Revision uint64            `json:"revision" doc:"number of the script's parameter set after the changes" example:"7"`
	Author   string            `json:"author" doc:"user:NAME, route:NAME or script:NAME" example:"user:ann"`
	Changes  []ParameterChange `json:"changes" doc:"what was changed together"`
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
	Name        string       `json:"name" doc:"of the parameter" example:"lr"`
	Value       script.Value `json:"value" doc:"the one that the script was seen to use"`
	Step        *int64       `json:"step" doc:"the step at which it was; null: the script counts none" example:"1200"`
	Overwritten bool         `json:"overwritten" doc:"the script has put this value in the place of the one that was set"`
}

// OwnerData is the data of kind "owner".
type OwnerData struct {
	Name  string `json:"name" doc:"of the parameter" example:"lr"`
	Owner string `json:"owner" doc:"who moves it now: user:NAME or route:NAME; empty: nobody" example:"route:calm down"`
}

// CheckpointData is the data of kind "checkpoint".
type CheckpointData struct {
	Path   string `json:"path" doc:"of the file that holds it"`
	SHA256 string `json:"sha256" doc:"sum of the file, in hexadecimal"`
	Step   *int64 `json:"step" doc:"the step at which it was made; null: the script counts none" example:"1200"`
}

// RecordedData is the data of kind "recorded": keys only, the rest is to be
// read.
type RecordedData struct {
	Keys []string `json:"keys" doc:"what of the run's record is new"`
}

// GapData is the data of kind "gap". A gap that has a run is one in the run's
// own stream; any other is one in what this viewer has been told.
type GapData struct {
	Dropped *uint64    `json:"dropped" doc:"how many events are missing; null: nobody has counted" example:"12"`
	Code    string     `json:"code" doc:"slow: the reader is too slow; past: it came back late; unknown: it asked for what is behind an event that the host has never had; empty: the run itself has lost events" example:"slow"`
	Reason  string     `json:"reason" doc:"the same in words"`
	From    uint64     `json:"from" doc:"id of the first one that may be missing; 0: not known" example:"4711"`
	To      uint64     `json:"to" doc:"id of the last one" example:"4722"`
	Kinds   []string   `json:"kinds" doc:"of what is missing; empty: not known"`
	Since   *time.Time `json:"since" doc:"when the event before them happened; null: not known"`
	Until   time.Time  `json:"until" doc:"when it was found out"`
}

// The codes of gaps in what a viewer has been told.
const (
	GapSlow    = "slow"    // it reads too slowly
	GapPast    = "past"    // it came back late: what is not kept as events is missing
	GapUnknown = "unknown" // it asked for what is behind an event that the host has never had
)

// MessageData is the data of kind "message".
type MessageData struct {
	Count   uint64             `json:"count" doc:"how many alike it stands for; id and took are the last one's" example:"1"`
	ID      string             `json:"id" doc:"of the message"`
	Kind    script.MessageKind `json:"kind" doc:"ask, tell or broadcast" example:"ask"`
	Source  string             `json:"source" doc:"who sent it: a script, or user:NAME" example:"user:ann"`
	Target  string             `json:"target" doc:"for which script; empty for a broadcast" example:"trainer"`
	Topic   string             `json:"topic" doc:"what it is about" example:"evaluate"`
	Took    float64            `json:"took" doc:"until it was answered, in seconds" example:"0.012"`
	Code    script.Code        `json:"code" doc:"of the error; empty: it was delivered" example:"deadline"`
	Problem string             `json:"problem" doc:"the error in words; empty: it was delivered"`
}

// RouteData is the data of kind "route".
type RouteData struct {
	Route   string       `json:"route" doc:"name of the route" example:"calm down"`
	Target  string       `json:"target" doc:"what it moves, as SCRIPT.PARAMETER" example:"trainer.lr"`
	Value   script.Value `json:"value" doc:"what it has set"`
	Problem string       `json:"problem" doc:"why nothing was set; empty: it was"`
}

// NotifiedData is the data of kind "notified".
type NotifiedData struct {
	Event string       `json:"event" doc:"the script's own word for it" example:"saved"`
	Data  script.Value `json:"data" doc:"what it says of it"`
}

// WarningData is the data of kind "warning".
type WarningData struct {
	Text string `json:"text" doc:"a sentence for people"`
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
