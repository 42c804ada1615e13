package connector

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/shared/script"
)

// newTestConnector makes a connector over a registry that knows a running
// trainer with a parameter, a variable, a result and an answered topic, and an
// evaluator that does not run. Messages that it sends are recorded.
func newTestConnector(t *testing.T) (*Connector, *[]script.Message, *[]string) {
	t.Helper()
	r := registry.New()
	for _, name := range []string{"trainer", "evaluator"} {
		r.Define(name, registry.Info{Managed: true})
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	event := func(b script.Body) script.Event {
		return script.Event{Time: at, Script: "trainer", Run: "r1", Body: b}
	}
	r.Apply(
		event(script.RunStarted{}),
		event(script.StateChanged{State: script.Running, PID: 42}),
		event(script.Described{Description: script.Description{
			Doc: "trains",
			Parameters: []script.ParameterSpec{{
				Name: "lr", Type: script.TypeFloat, Default: script.Float(0.1),
				Choices: []script.Value{script.Float(0.1), script.Float(0.01)},
			}},
			Variables: []script.VariableSpec{{Name: "loss", ReadOnly: true}},
			Topics:    []script.TopicSpec{{Name: "checkpoint", Answers: true}},
		}}),
		event(script.Samples{Samples: []script.Sample{{Name: "loss", Step: 1, Time: at, Value: script.Float(2)}}}),
		event(script.ResultSet{Name: "accuracy", Value: script.Float(0.9)}),
	)
	var sent []script.Message
	var verbs []string
	c := New(Options{
		ID: "lab", Directory: "/configs", Registry: r,
		Send: func(_ context.Context, m script.Message) (script.Reply, error) {
			sent = append(sent, m)
			reply := script.Reply{ID: m.ID, Value: script.String("done")}
			if m.Batch != nil {
				reply.Batch = &script.BatchReply{}
				for name, v := range m.Batch.Values {
					reply.Batch.Outcomes = append(reply.Batch.Outcomes, script.Outcome{Name: name, Value: v})
				}
			}
			if m.Kind == script.Broadcast {
				reply.Recipients = []string{"evaluator"}
			}
			return reply, nil
		},
		Collect: func(_ context.Context, name string) ([]script.Message, error) {
			return []script.Message{{ID: "m1", Source: "evaluator", Data: script.Int(1), Time: at}}, nil
		},
		Verb: func(_ context.Context, verb, name, author string) error {
			verbs = append(verbs, verb+" "+name+" by "+author)
			return nil
		},
		Execute: func(_ context.Context, name, author string, connected bool) error {
			verbs = append(verbs, fmt.Sprintf("start %s by %s %v", name, author, connected))
			return nil
		},
		Notify: func(_ context.Context, name, event string, _ script.Value) error {
			verbs = append(verbs, "notify "+name+" "+event)
			return nil
		},
		NewID: func() string { return "id1" },
		Now:   func() time.Time { return at },
	})
	return c, &sent, &verbs
}

func TestCommandsAreAnswered(t *testing.T) {
	tests := []struct{ name, source, command, want string }{
		{
			"status", "user:me", `{"command":"status"}`,
			`{"children":0,"connector_id":"lab","depth":0,"directory":"/configs","registered_scripts":1,` +
				`"running_scripts":1,"scripts":2,"status":"active"}`,
		},
		{"list", "user:me", `{"command":"list_scripts"}`, `{"scripts":["evaluator","trainer"]}`},
		{
			"scripts info", "user:me", `{"command":"get_scripts_info"}`,
			`{"available_scripts":["evaluator","trainer"],"children":0,"registered_scripts":{"trainer":` +
				`{"description":"trains","name":"trainer","parameters":{"lr":{"default":0.1,"valid_values":[0.1,0.01],"value":0.1}},` +
				`"results":{"accuracy":0.9},"running":true,"state":"running","variables":{"loss":{"read_only":true,"value":2.0}}}},` +
				`"running_scripts":["trainer"]}`,
		},
		{
			"control", "user:me",
			`{"command":"control","script":"trainer","control_command":{"command":"set_parameter","parameter":"lr","value":0.01}}`,
			`{"parameter":"lr","status":"success","value":0.01}`,
		},
		{
			"get variable", "user:me", `{"command":"get_variable","script":"trainer.py","variable":"loss"}`,
			`{"status":"success","value":2.0,"variable":"loss"}`,
		},
		{
			"execute", "user:me", `{"command":"execute","script":"evaluator.py","with_connector":true}`,
			`{"pid":null,"script":"evaluator","status":"executed","with_connector":true}`,
		},
		{
			"a request to one who answers waits for the reply", "evaluator",
			`{"command":"collaborate","target":"trainer","data":{"type":"checkpoint"}}`,
			`{"id":"id1","reply":"done","status":"collaboration_requested"}`,
		},
		{
			"a request to one who does not is left", "trainer", `{"command":"collaborate","target":"evaluator","data":{}}`,
			`{"id":"id1","status":"collaboration_requested"}`,
		},
		{
			"broadcast", "trainer", `{"command":"broadcast","data":{"type":"update"}}`,
			`{"id":"id1","recipients":["evaluator"],"status":"broadcast_sent"}`,
		},
		{
			"mail", "trainer", `{"command":"get_collaborations"}`,
			`{"requests":[{"data":1,"id":"m1","source":"evaluator","timestamp":"2026-01-02T03:04:05Z"}]}`,
		},
		{
			"unknown script", "user:me", `{"command":"stop","script":"trainr"}`,
			`{"code":"not_found","error":"there is no script \"trainr\"","hint":"did you mean \"trainer\"?"}`,
		},
		{
			"unknown command", "user:me", `{"command":"statu"}`,
			`{"code":"not_found","error":"there is no command \"statu\"","hint":"did you mean \"status\"?"}`,
		},
		{
			"no object", "user:me", `[1]`,
			`{"code":"usage","error":"a command is a JSON object","hint":"for example {\"command\": \"status\"}"}`,
		},
		{
			"unknown parameter", "user:me", `{"command":"get_parameter","script":"trainer","parameter":"l"}`,
			`{"code":"not_found","error":"script \"trainer\" has no parameter \"l\"","hint":"did you mean \"lr\"?"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _, _ := newTestConnector(t)
			command, err := script.ParseJSON([]byte(tt.command))
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Handle(t.Context(), tt.source, command).MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARangeIsToldAsItsValues(t *testing.T) {
	ints := script.ParameterSpec{Type: script.TypeInt, Min: script.Int(1), Max: script.Int(7), Step: script.Int(3)}
	long := script.ParameterSpec{Type: script.TypeInt, Min: script.Int(0), Max: script.Int(1000), Step: script.Int(1)}
	floats := script.ParameterSpec{Type: script.TypeFloat, Min: script.Float(0), Max: script.Float(1)}
	if got := validValues(ints).String(); got != "[1,4,7]" {
		t.Errorf("1 to 7 by 3: %s", got)
	}
	for _, spec := range []script.ParameterSpec{long, floats} {
		if got := validValues(spec); !got.IsNull() {
			t.Errorf("%s to %s: %s", spec.Min, spec.Max, got)
		}
	}
}

func TestRequestsCarryTheirSourceAndTopic(t *testing.T) {
	c, sent, verbs := newTestConnector(t)
	for _, text := range []string{
		`{"command":"collaborate","source":"forged","target":"evaluator","data":{"type":"sync"}}`,
		`{"command":"broadcast","data":5}`,
		`{"command":"notification","event":"epoch","data":{}}`,
		`{"command":"stop","script":"evaluator"}`,
		`{"command":"set_parameter","script":"trainer","parameter":"lr","value":0.01}`,
	} {
		command, err := script.ParseJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if answer, _ := c.Handle(t.Context(), "trainer", command).Map(); answer["error"].Kind() != script.KindNull {
			t.Fatalf("%s: %v", text, answer)
		}
	}
	for i, want := range []struct{ source, topic string }{{"trainer", "sync"}, {"trainer", "data"}} {
		if m := (*sent)[i]; m.Source != want.source || m.Topic != want.topic {
			t.Errorf("message %d comes from %q on %q, want %q on %q", i, m.Source, m.Topic, want.source, want.topic)
		}
	}
	if author := (*sent)[2].Batch.Author; author != "script:trainer" {
		t.Errorf("the set's author is %q", author)
	}
	if diff := cmp.Diff([]string{"notify trainer epoch", "stop evaluator by trainer"}, *verbs); diff != "" {
		t.Error(diff)
	}
}
