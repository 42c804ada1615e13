package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/shared/script"
)

func next(t *testing.T, s *client.Stream) v1.Event {
	t.Helper()
	e, err := s.Next()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEvents(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := f.Events(ctx, client.EventFilter{Script: "trainer", Kinds: []string{"samples", "log"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Now()
	f.emit(t,
		script.Event{Time: now, Seq: 4, Script: "trainer", Run: "k3f9a2bqx7", Body: script.Stepped{Step: 8}},
		script.Event{Time: now, Seq: 5, Script: "trainer", Run: "k3f9a2bqx7", Body: script.Samples{Samples: []script.Sample{
			{Name: "loss", Step: -1, Time: now, Value: script.Float(math.NaN())},
		}}},
		script.Event{Time: now, Seq: 6, Script: "trainer", Run: "k3f9a2bqx7", Body: script.LogLine{Stream: "stdout", Text: "line\nwith end"}},
	)
	e := next(t, s)
	var data v1.SamplesData
	if err := json.Unmarshal(e.Data, &data); err != nil {
		t.Fatal(err)
	}
	if e.Kind != "samples" || e.Seq != 5 || data.Samples[0].Step != nil || data.Samples[0].Value.String() != "NaN" || data.Samples[0].Type != script.TypeFloat {
		t.Errorf("got %+v", e)
	}
	e = next(t, s)
	var log v1.LogData
	if err := json.Unmarshal(e.Data, &log); err != nil || log.Text != "line\nwith end" {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestEventsResume(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	all, err := f.store.Events(ctx, store.EventRange{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Events(ctx, client.EventFilter{After: all[0].ID, Kinds: []string{"run", "described", "state", "warning"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, want := range all[1:] {
		if got := next(t, s); got.ID != want.ID || got.Kind != script.KindOf(want.Body) {
			t.Errorf("got %+v, want event %d", got, want.ID)
		}
	}
	f.emit(t, script.Event{Time: time.Now(), Script: "trainer", Run: "k3f9a2bqx7", Body: script.Warned{Text: "hot"}})
	if got := next(t, s); got.Kind != "warning" {
		t.Errorf("got %+v", got)
	}
}

// A viewer that does not read loses events and is told how many; nobody waits
// for it.
func TestSlowViewer(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	s, err := f.Events(ctx, client.EventFilter{Kinds: []string{"warning", v1.KindGap}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const n = 20_000
	text := strings.Repeat("x", 1000)
	for range n {
		f.bus.Publish(script.Event{Script: "trainer", Body: script.Warned{Text: text}})
	}
	f.bus.Publish(script.Event{Script: "trainer", Body: script.Warned{Text: "the last"}})
	var seen, dropped uint64
	for {
		e := next(t, s)
		if e.Kind == v1.KindGap {
			var g v1.GapData
			if err := json.Unmarshal(e.Data, &g); err != nil {
				t.Fatal(err)
			}
			if g.Code != v1.GapSlow || g.Dropped == nil || len(g.Kinds) != 1 {
				t.Fatalf("the gap is %+v", g)
			}
			dropped += *g.Dropped
			continue
		}
		seen++
		var w v1.WarningData
		if err := json.Unmarshal(e.Data, &w); err != nil {
			t.Fatal(err)
		}
		if w.Text == "the last" {
			break
		}
	}
	if dropped == 0 || seen+dropped != n+1 {
		t.Errorf("saw %d and was told of %d lost, of %d", seen, dropped, n+1)
	}
}

// The stream ends when the host does, and the client sees an end.
func TestEventsEnd(t *testing.T) {
	f := newFixture(t)
	s, err := f.Events(t.Context(), client.EventFilter{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f.bus.Close()
	if _, err := s.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want EOF", err)
	}
}

func TestLogs(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	for i, text := range []string{"one", "two", "three"} {
		f.emit(t, script.Event{Time: time.Now(), Seq: uint64(4 + i), Script: "trainer", Run: "k3f9a2bqx7", Body: script.LogLine{Stream: "stdout", Text: text}})
	}
	var got []string
	for l, err := range f.Logs(t.Context(), "trainer", client.LogFilter{Tail: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		if l.Script != "trainer" || l.Run != "k3f9a2bqx7" {
			t.Errorf("got %+v", l)
		}
		got = append(got, l.Text)
	}
	if diff := cmp.Diff([]string{"two", "three"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRuns(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	now := time.Now()
	code := 0
	f.emit(t,
		script.Event{Time: now, Seq: 4, Script: "trainer", Run: "k3f9a2bqx7", Body: script.ResultSet{Name: "accuracy", Value: script.Float(0.97)}},
		script.Event{Time: now, Script: "trainer", Run: "k3f9a2bqx7", Body: script.ParametersChanged{Revision: 2, Author: "route:slow", Changes: []script.Change{
			{Name: "lr", Old: script.Float(0.2), New: script.Float(0.1), Status: script.Applied, Step: 8},
		}}},
		script.Event{Time: now, Seq: 5, Script: "trainer", Run: "k3f9a2bqx7", Body: script.StateChanged{State: script.Finished, ExitCode: &code}},
	)
	check := func(t *testing.T, c *client.Client) {
		runs, err := c.Runs(t.Context(), client.RunFilter{Script: "trainer", Limit: 3})
		if err != nil || len(runs.Runs) != 1 {
			t.Fatalf("runs: %+v, %v", runs, err)
		}
		if r := runs.Runs[0]; r.State != script.Finished || *r.ExitCode != 0 || !r.Results["accuracy"].Equal(script.Float(0.97)) {
			t.Errorf("got %+v", r)
		}
		r, err := c.Run(t.Context(), "k3f", "loss")
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Changes) != 1 || r.Changes[0].Author != "route:slow" || *r.Changes[0].Step != 8 || r.Series[0].Count != 1 || len(r.Samples["loss"]) != 1 {
			t.Errorf("got %+v", r)
		}
		want := []string{"artifacts", "binaries", "changes", "exit_code", "finished", "id", "parameters", "reason", "record", "results", "samples", "script", "series", "started", "state"}
		if diff := cmp.Diff(want, keys(t, r)); diff != "" {
			t.Error(diff)
		}
		if _, err := c.Run(t.Context(), "k3f", "lss"); script.CodeOf(err) != script.CodeNotFound {
			t.Errorf("unknown series: %v", err)
		}
		if _, err := c.Run(t.Context(), "zzz"); script.CodeOf(err) != script.CodeNotFound {
			t.Errorf("unknown run: %v", err)
		}
		vars, err := c.Variables(t.Context(), "trainer")
		if err != nil || len(vars.Variables) != 1 || !vars.Variables[0].Value.Equal(script.Float(0.5)) || vars.Run != "k3f9a2bqx7" {
			t.Errorf("variables: %+v, %v", vars, err)
		}
		results, err := c.Results(t.Context(), "trainer")
		if err != nil || len(results.Results) != 1 {
			t.Errorf("results: %+v, %v", results, err)
		}
		ps, err := c.Parameters(t.Context(), "trainer")
		if err != nil || ps.Revision != 2 || !ps.Parameters[0].Value.Equal(script.Float(0.1)) {
			t.Errorf("parameters: %+v, %v", ps, err)
		}
	}
	t.Run("live", func(t *testing.T) { check(t, f.Client) })
	t.Run("record", func(t *testing.T) {
		record, err := api.OpenRecord(t.Context(), f.dir, api.Options{Host: "lab1"})
		if err != nil {
			t.Fatal(err)
		}
		defer record.Close()
		c := client.NewLocal(record.Handler())
		check(t, c)
		if _, err := c.Act(t.Context(), "trainer", "start"); script.CodeOf(err) != script.CodeHostDown {
			t.Errorf("start without a host: %v", err)
		}
		if _, err := c.Events(t.Context(), client.EventFilter{}); script.CodeOf(err) != script.CodeHostDown {
			t.Errorf("events without a host: %v", err)
		}
	})
}

// The values of sensitive parameters are in no answer.
func TestSensitive(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := f.Events(ctx, client.EventFilter{Kinds: []string{"parameters", "run", "observed"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f.emit(t,
		script.Event{Time: time.Now(), Script: "trainer", Run: "k3f9a2bqx7", Body: script.ParametersChanged{Revision: 2, Author: "user:me", Changes: []script.Change{
			{Name: "token", Old: script.String("secret"), New: script.String("secret2"), Status: script.Applied, Step: 8},
		}}},
		script.Event{Time: time.Now(), Seq: 4, Script: "trainer", Run: "k3f9a2bqx7", Body: script.ParametersObserved{Name: "token", Value: script.String("secret2")}},
	)
	said := []any{next(t, s), next(t, s)}
	runs, err := f.Runs(ctx, client.RunFilter{})
	if err != nil {
		t.Fatal(err)
	}
	run, err := f.Run(ctx, "trainer")
	if err != nil {
		t.Fatal(err)
	}
	for _, answer := range append(said, runs, run) {
		data, err := json.Marshal(answer)
		if err != nil || strings.Contains(string(data), "secret") {
			t.Errorf("told: %s, %v", data, err)
		}
	}
}

func TestNoHost(t *testing.T) {
	c := client.New(t.TempDir() + "/api.sock")
	defer c.Close()
	if _, err := c.Scripts(t.Context()); script.CodeOf(err) != script.CodeHostDown {
		t.Errorf("got %v, want host_not_running", err)
	}
}

func TestDeadline(t *testing.T) {
	l, err := net.Listen("unix", t.TempDir()+"/api.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // it accepts and never answers
	c := client.New(l.Addr().String())
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Scripts(ctx); script.CodeOf(err) != script.CodeDeadline {
		t.Errorf("got %v, want deadline", err)
	}
}
