package store

import (
	"context"
	"math"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mlhost/mlhost/internal/left"

	"github.com/mlhost/mlhost/shared/script"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("MLHOST_STORE_TEST_CHILD"); dir != "" {
		writeUntilKilled(dir)
		return
	}
	if dir := os.Getenv("MLHOST_STORE_TEST_FLOOD"); dir != "" {
		flood(dir)
	}
	left.Main(m)
}

// open opens a store that is closed at the end of the test.
func open(t testing.TB, dir string, change ...func(*Options)) *Store {
	t.Helper()
	o := Options{Dir: dir}
	for _, c := range change {
		c(&o)
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return s
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// begun is a run's first event.
func begun(run string) script.Event {
	return script.Event{Script: "trainer", Run: run, Seq: 1, Time: time.Unix(1000, 0), Body: script.RunStarted{
		Parameters: map[string]script.Value{"lr": script.Float(0.1)}, Revision: 1, Plugin: "interpreter", Command: []string{"python3", "train.py"},
	}}
}

// sampled is an event with one sample.
func sampled(run string, seq uint64, name string, step int64, v script.Value) script.Event {
	return script.Event{Script: "trainer", Run: run, Seq: seq, Body: script.Samples{Samples: []script.Sample{
		{Name: name, Step: step, Time: time.Unix(1000+step, 5), Value: v},
	}}}
}

var equal = cmp.Comparer(func(a, b script.Value) bool { return a.Equal(b) })

func TestKeptAcrossReopening(t *testing.T) {
	dir := t.TempDir()
	ctx := t.Context()
	func() {
		s, err := Open(ctx, Options{Dir: dir})
		ok(t, err)
		defer func() { ok(t, s.Close()) }()
		zero := 0
		ok(t, s.Append(ctx,
			begun("r1"),
			script.Event{Script: "trainer", Run: "r1", Seq: 2, Body: script.StateChanged{State: script.Running, PID: 42}},
			sampled("r1", 3, "loss", 0, script.Float(1.5)),
			sampled("r1", 4, "loss", 1, script.Float(math.NaN())),
			sampled("r1", 5, "loss", 2, script.Float(math.Inf(-1))),
			sampled("r1", 6, "loss", 3, script.Int(7)),
			sampled("r1", 7, "note", 3, script.List(script.String("a"), script.Float(math.NaN()))),
			script.Event{Script: "trainer", Run: "r1", Seq: 8, Body: script.LogLine{Stream: "stdout", Text: "hello"}},
			script.Event{Script: "trainer", Run: "r1", Seq: 9, Body: script.ResultSet{Name: "accuracy", Value: script.Float(math.Inf(1))}},
			script.Event{Script: "trainer", Run: "r1", Body: script.ParametersChanged{Revision: 2, Author: "user:ann", Batch: "b1", Changes: []script.Change{
				{Name: "lr", Old: script.Float(0.1), New: script.Float(0.05), Status: script.Applied, Step: 3},
			}}},
			script.Event{Script: "trainer", Run: "r1", Seq: 10, Body: script.StateChanged{State: script.Finished, ExitCode: &zero}},
		))
		seq, err := s.LastSeq(ctx, "r1")
		ok(t, err)
		if seq != 10 {
			t.Errorf("last seq is %d", seq)
		}
	}()
	s := open(t, dir)
	seq, err := s.LastSeq(ctx, "r1")
	ok(t, err)
	if seq != 10 {
		t.Errorf("last seq after reopening is %d", seq)
	}
	samples, err := s.Samples(ctx, "r1", "loss", SampleRange{})
	ok(t, err)
	var values []script.Value
	for _, sm := range samples {
		values = append(values, sm.Value)
	}
	want := []script.Value{script.Float(1.5), script.Float(math.NaN()), script.Float(math.Inf(-1)), script.Int(7)}
	if d := cmp.Diff(want, values, equal); d != "" {
		t.Error(d)
	}
	run, err := s.Run(ctx, "r")
	ok(t, err)
	if run.State != script.Finished || run.ExitCode == nil || *run.ExitCode != 0 || run.Step != 3 || len(run.Command) != 2 {
		t.Errorf("run is %+v", run)
	}
	if d := cmp.Diff(map[string]script.Value{"accuracy": script.Float(math.Inf(1))}, run.Results, equal); d != "" {
		t.Error(d)
	}
	changes, err := s.Changes(ctx, "r1")
	ok(t, err)
	if len(changes) != 1 || changes[0].Author != "user:ann" || changes[0].Status != script.Applied {
		t.Errorf("changes are %+v", changes)
	}
	for l, err := range s.Logs(ctx, "r1", LogFilter{}) {
		ok(t, err)
		if l.Text != "hello" {
			t.Errorf("log line is %+v", l)
		}
	}
	vars, err := s.Variables(ctx, "r1")
	ok(t, err)
	if len(vars) != 2 || vars[1].Type != script.TypeList {
		t.Errorf("variables are %+v", vars)
	}
	values2, revision, _, err := s.Kept(ctx, "trainer")
	ok(t, err)
	if revision != 2 || !values2["lr"].Equal(script.Float(0.05)) {
		t.Errorf("kept %v at %d", values2, revision)
	}
	ro, err := OpenReadOnly(dir)
	ok(t, err)
	defer func() { ok(t, ro.Close()) }()
	scripts, err := ro.Scripts(context.Background())
	ok(t, err)
	if len(scripts) != 1 || scripts[0].State != script.Finished || scripts[0].Last == nil {
		t.Errorf("scripts are %+v", scripts)
	}
}
