package v1

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

// Every code has a status, and an answer carries the error there and back.
func TestProblem(t *testing.T) {
	for _, code := range []script.Code{
		script.CodeInternal, script.CodeUsage, script.CodeConfigInvalid, script.CodeNotFound, script.CodeRejected,
		script.CodeConflict, script.CodeForbidden, script.CodeUnavailable, script.CodeNotConnected, script.CodeHostDown,
		script.CodeHostRunning, script.CodeDeadline, script.CodeMailboxFull, script.CodeNoAnswerer,
		script.CodeHandlerFailed, script.CodeDistributed, script.CodeIO,
	} {
		if _, ok := statuses[code]; !ok {
			t.Errorf("code %s has no status", code)
		}
		want := &script.Error{Code: code, Message: "m", Hint: "h", At: "a:1,2"}
		data, err := json.Marshal(NewProblem(want))
		if err != nil {
			t.Fatal(err)
		}
		var p Problem
		if err := json.Unmarshal(data, &p); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, p.Err()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestPoint(t *testing.T) {
	step := int64(3)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	for want, p := range map[string]Point{
		`[3,"2026-01-02T03:04:05.000000006Z",0.5]`:      {Step: &step, Time: at, Value: script.Float(0.5)},
		`[null,"2026-01-02T03:04:05.000000006Z","NaN"]`: {Time: at, Value: script.Float(math.NaN())},
	} {
		data, err := json.Marshal(p)
		if err != nil || string(data) != want {
			t.Errorf("got %s, %v, want %s", data, err, want)
		}
		var back Point
		if err := json.Unmarshal(data, &back); err != nil || !back.Time.Equal(p.Time) || back.Value.String() != p.Value.String() {
			t.Errorf("read back %+v, %v", back, err)
		}
	}
	var p Point
	if err := json.Unmarshal([]byte(`[1,2]`), &p); err == nil {
		t.Error("two elements make no point")
	}
}

// Every kind of event has data of its own.
func TestFromEvent(t *testing.T) {
	code, told := 3, map[string]bool{}
	for kind, body := range map[string]script.Body{
		"state":      script.StateChanged{State: script.Failed, Reason: "r", ExitCode: &code},
		"run":        script.RunStarted{},
		"described":  script.Described{},
		"samples":    script.Samples{Samples: []script.Sample{{Name: "x", Step: -1, Value: script.Float(math.Inf(1))}}},
		"progress":   script.Progress{Done: 1, Total: math.NaN()},
		"step":       script.Stepped{Step: 1},
		"result":     script.ResultSet{Name: "x"},
		"log":        script.LogLine{Text: "\xff"},
		"parameters": script.ParametersChanged{Changes: []script.Change{{Name: "x", Step: -1}}},
		"observed":   script.ParametersObserved{},
		"owner":      script.OwnerChanged{},
		"checkpoint": script.CheckpointMade{},
		"gap":        script.Gap{Dropped: 3},
		"message":    script.MessageRouted{Took: time.Second},
		"route":      script.RouteFired{},
		"notified":   script.Notified{},
		"warning":    script.Warned{Text: "w"},
		"binary":     script.BinaryChanged{},
		"recorded":   script.Recorded{},
		"artifact":   script.ArtifactWritten{},
	} {
		told[kind] = true
		if want := reflect.TypeOf(EventData()[kind]); reflect.Indirect(reflect.ValueOf(dataOf(script.Event{Body: body}))).Type() != want {
			t.Errorf("%s: the data is no %v, as EventData says", kind, want)
		}
		e, err := FromEvent(script.Event{ID: 1, Body: body})
		if err != nil || e.Kind != kind || string(e.Data) == "{}" {
			t.Errorf("%s: got %s %s, %v", kind, e.Kind, e.Data, err)
		}
	}
	for kind := range EventData() {
		if !told[kind] {
			t.Errorf("%s: no event has it", kind)
		}
	}
}
