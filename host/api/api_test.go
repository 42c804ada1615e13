package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mlhost/mlhost/internal/left"

	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/bus"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/internal/testkit"
	"github.com/mlhost/mlhost/shared/script"
)

func TestMain(m *testing.M) { left.Main(m) }

// fixture is an API on a socket, above real parts and fake doors.
type fixture struct {
	*client.Client
	api      *api.API
	dir      string
	socket   string
	registry *registry.Registry
	store    *store.Store
	bus      *bus.Bus
	log      *testkit.Log
	send     func(ctx context.Context, m script.Message) (script.Reply, error)
	do       func(ctx context.Context, c api.Command) (api.Outcome, error)
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return newFixtureOf(t, bus.New())
}

func newFixtureOf(t *testing.T, events *bus.Bus) *fixture {
	t.Helper()
	f := &fixture{dir: t.TempDir(), registry: registry.New(), bus: events, log: &testkit.Log{}}
	var err error
	f.store, err = store.Open(t.Context(), store.Options{Dir: f.dir, Committed: func(events []script.Event) {
		f.registry.Apply(events...)
		f.bus.Publish(events...)
	}})
	if err != nil {
		t.Fatal(err)
	}
	f.api = api.New(api.Options{
		Host: "lab1", Token: token, URL: func() string { return "http://127.0.0.1:1/" }, Version: "1.2.3", Registry: f.registry, Store: f.store, Bus: f.bus,
		Logger: slog.New(slog.NewTextHandler(f.log, nil)),
		Send:   func(ctx context.Context, m script.Message) (script.Reply, error) { return f.send(ctx, m) },
		Do:     func(ctx context.Context, c api.Command) (api.Outcome, error) { return f.do(ctx, c) },
	})
	f.socket = filepath.Join(f.dir, "api.sock")
	l, err := net.Listen("unix", f.socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- f.api.Serve(ctx, l) }()
	f.Client = client.New(f.socket)
	t.Cleanup(func() {
		f.Close()
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		f.bus.Close()
		if err := f.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

var trainer = script.Description{
	Name: "trainer",
	Parameters: []script.ParameterSpec{
		{Name: "lr", Type: script.TypeFloat, Default: script.Float(0.1), Min: script.Float(0)},
		{Name: "name", Type: script.TypeString, Default: script.String("a")},
		{Name: "steps", Type: script.TypeInt, Default: script.Int(10)},
		{Name: "token", Type: script.TypeString, Default: script.String("secret"), Sensitive: true},
	},
	Variables: []script.VariableSpec{{Name: "loss", Type: script.TypeFloat, ReadOnly: true}},
}

// train lets a run of the script trainer have begun.
func (f *fixture) train(t *testing.T) {
	t.Helper()
	f.registry.Define("trainer", registry.Info{Managed: true, Plugin: "bin/trainer"})
	start := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	f.emit(t,
		script.Event{Time: start, Script: "trainer", Run: "k3f9a2bqx7", Body: script.RunStarted{Parameters: map[string]script.Value{"lr": script.Float(0.2)}, Revision: 1}},
		script.Event{Time: start, Seq: 1, Script: "trainer", Run: "k3f9a2bqx7", Body: script.Described{Description: trainer}},
		script.Event{Time: start, Seq: 2, Script: "trainer", Run: "k3f9a2bqx7", Body: script.StateChanged{State: script.Running, PID: 42, PluginPID: 41}},
		script.Event{Time: start, Seq: 3, Script: "trainer", Run: "k3f9a2bqx7", Body: script.Samples{Samples: []script.Sample{
			{Name: "loss", Step: 7, Time: start, Value: script.Float(0.5)},
		}}},
	)
}

// http returns a client for requests that package client has no method for.
func (f *fixture) http(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", f.socket)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (f *fixture) emit(t *testing.T, events ...script.Event) {
	t.Helper()
	if err := f.store.Append(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
}

func keys(t *testing.T, v any) []string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func TestScripts(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	out, err := f.Scripts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if out.Host != "lab1" || len(out.Scripts) != 1 {
		t.Fatalf("got %+v", out)
	}
	s := out.Scripts[0]
	if s.State != script.Running || *s.PID != 42 || *s.PluginPID != 41 || *s.Step != 7 || s.Run != "k3f9a2bqx7" || s.Progress != nil {
		t.Errorf("got %+v", s)
	}
	want := []string{"managed", "name", "pid", "plugin", "plugin_pid", "progress", "reason", "restarts", "run", "sha256", "started", "state", "step", "uptime"}
	if diff := cmp.Diff(want, keys(t, s)); diff != "" {
		t.Error(diff)
	}
}

func TestParameters(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	out, err := f.Parameters(t.Context(), "trainer")
	if err != nil {
		t.Fatal(err)
	}
	if out.Revision != 1 || len(out.Parameters) != 4 || !out.Parameters[0].Value.Equal(script.Float(0.2)) {
		t.Errorf("got %+v", out)
	}
	want := []string{"choices", "confidence", "default", "doc", "max", "min", "mutability", "name", "origin", "owner", "scale", "step", "type", "unit", "value"}
	if diff := cmp.Diff(want, keys(t, out.Parameters[0])); diff != "" {
		t.Error(diff)
	}
	if v := out.Parameters[3].Value.String(); v == "secret" {
		t.Errorf("the value of a sensitive parameter is told")
	}
}

func TestUnknownScript(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	_, err := f.Parameters(t.Context(), "trianer")
	e := script.AsError(err)
	if e == nil || e.Code != script.CodeNotFound || !strings.Contains(e.Hint, "trainer") {
		t.Errorf("got %v, want not_found with a suggestion", err)
	}
}

func TestSet(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	var got script.Message
	f.send = func(_ context.Context, m script.Message) (script.Reply, error) {
		got = m
		return script.Reply{Batch: &script.BatchReply{Revision: 2, Outcomes: []script.Outcome{
			{Name: "lr", Status: script.Applied, Old: script.Float(0.2), Value: script.Float(0.01), Step: 8},
		}}}, nil
	}
	out, err := f.Set(t.Context(), "trainer", v1.Set{
		Texts: map[string]string{"lr": "0.01", "name": "true", "steps": "3"}, Take: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]script.Value{"lr": script.Float(0.01), "name": script.String("true"), "steps": script.Int(3)}
	for name, v := range want {
		if !got.Batch.Values[name].Equal(v) {
			t.Errorf("%s was sent as %v, want %v", name, got.Batch.Values[name], v)
		}
	}
	if !strings.HasPrefix(got.Source, "user:") || got.Batch.Author != got.Source || !got.Batch.Take || got.Batch.ID == "" {
		t.Errorf("sent %+v, %+v", got, got.Batch)
	}
	if out.Revision != 2 || out.Outcomes[0].Status != script.Applied || *out.Outcomes[0].Step != 8 {
		t.Errorf("got %+v", out)
	}
}

func TestSetRefused(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	f.send = func(_ context.Context, m script.Message) (script.Reply, error) {
		outcomes, err := f.registry.CheckBatch(m.Target, *m.Batch)
		return script.Reply{Batch: &script.BatchReply{Revision: 1, Outcomes: outcomes}}, err
	}
	for name, set := range map[string]v1.Set{
		"NaN":          {Texts: map[string]string{"lr": "nan"}},
		"1e400":        {Texts: map[string]string{"lr": "1e400"}},
		"2^63":         {Texts: map[string]string{"steps": "9223372036854775808"}},
		"wrong type":   {Texts: map[string]string{"steps": "many"}},
		"out of range": {Texts: map[string]string{"lr": "-1"}},
		"fraction":     {Texts: map[string]string{"steps": "1.5"}},
		"NaN value":    {Values: map[string]script.Value{"lr": script.Float(nan())}},
	} {
		_, err := f.Set(t.Context(), "trainer", set)
		rejected, ok := errors.AsType[*client.RejectedError](err)
		if !ok || script.CodeOf(err) != script.CodeRejected || rejected.Outcomes.Outcomes[0].Reason == "" {
			t.Errorf("%s: got %v, want a rejection with outcomes", name, err)
		}
	}
	_, err := f.Set(t.Context(), "trainer", v1.Set{Texts: map[string]string{"rl": "1"}})
	if e := script.AsError(err); e.Code != script.CodeNotFound {
		t.Errorf("unknown parameter: got %v", err)
	}
	_, err = f.Set(t.Context(), "trainer", v1.Set{Texts: map[string]string{"name": strings.Repeat("x", 10<<20)}})
	if e := script.AsError(err); e.Code != script.CodeRejected || !strings.Contains(e.Message, "1 MiB") {
		t.Errorf("10 MB string: got %v", err)
	}
	if _, err = f.Set(t.Context(), "trainer", v1.Set{}); script.CodeOf(err) != script.CodeUsage {
		t.Errorf("nothing to set: got %v", err)
	}
}

func nan() float64 { zero := 0.0; return zero / zero }

// The host refuses what is too large also from others than our client.
func TestBodyTooLarge(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", f.socket)
	}}
	defer transport.CloseIdleConnections()
	body := `{"values":{"name":"` + strings.Repeat("x", 1<<20) + `"}}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "http://mlhost/api/v1/scripts/trainer/parameters", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, _ := io.ReadAll(response.Body)
	var p v1.Problem
	if err := json.Unmarshal(data, &p); err != nil || response.StatusCode != http.StatusRequestEntityTooLarge || p.Code != script.CodeRejected {
		t.Errorf("got %s: %s", response.Status, data)
	}
}

func TestMessages(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	f.send = func(_ context.Context, m script.Message) (script.Reply, error) {
		switch m.Kind {
		case script.Ask:
			if m.Deadline.Sub(m.Time) != 2*time.Second {
				t.Errorf("the deadline is %v after the time", m.Deadline.Sub(m.Time))
			}
			return script.Reply{Value: m.Data}, nil
		case script.Tell:
			return script.Reply{}, f.store.Enqueue(t.Context(), []script.Message{m})
		}
		return script.Reply{Recipients: []string{"a", "b"}}, nil
	}
	reply, err := f.Ask(t.Context(), "trainer", v1.Ask{Topic: "echo", Data: script.Float(1), Timeout: 2})
	if err != nil || !reply.Reply.Equal(script.Float(1)) {
		t.Errorf("ask: %v, %v", reply, err)
	}
	told, err := f.Tell(t.Context(), "trainer", v1.Tell{Topic: "note", Data: script.String("x")})
	if err != nil || told.ID == "" {
		t.Errorf("tell: %v, %v", told, err)
	}
	box, err := f.Mailbox(t.Context(), "trainer")
	if err != nil || len(box.Messages) != 1 || box.Messages[0].ID != told.ID || box.Messages[0].Topic != "note" {
		t.Errorf("mailbox: %+v, %v", box, err)
	}
	cast, err := f.Broadcast(t.Context(), v1.Tell{Topic: "t"})
	if err != nil || cmp.Diff([]string{"a", "b"}, cast.Recipients) != "" || cast.ID == "" {
		t.Errorf("broadcast: %+v, %v", cast, err)
	}
}

func TestActs(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	var got api.Command
	f.do = func(_ context.Context, c api.Command) (api.Outcome, error) {
		got = c
		return api.Outcome{State: script.Paused, Run: "r", PID: 3}, nil
	}
	out, err := f.Act(t.Context(), "trainer", "pause")
	if err != nil || out.State != script.Paused || *out.PID != 3 || got.Verb != api.Pause || got.Author == "" {
		t.Errorf("got %+v, %v; command %+v", out, err, got)
	}
	if err := f.Release(t.Context(), "trainer", "model.lr"); err != nil || got.Verb != api.Release || got.Parameter != "model.lr" {
		t.Errorf("release: %v; command %+v", err, got)
	}
	f.do = func(context.Context, api.Command) (api.Outcome, error) {
		return api.Outcome{}, script.Errorf(script.CodeUnavailable, "it does not run").WithHint("start it")
	}
	_, err = f.Act(t.Context(), "trainer", "resume")
	if diff := cmp.Diff(&script.Error{Code: script.CodeUnavailable, Message: "it does not run", Hint: "start it"}, script.AsError(err)); diff != "" {
		t.Error(diff)
	}
}
