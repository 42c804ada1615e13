package store

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

func TestSessions(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	if _, isOpen, err := s.OpenSession(ctx); isOpen || err != nil {
		t.Errorf("at first: %v %v", isOpen, err)
	}
	first, err := s.BeginSession(ctx)
	ok(t, err)
	if id, isOpen, err := s.OpenSession(ctx); id != first || !isOpen || err != nil {
		t.Errorf("open is %q %v %v", id, isOpen, err)
	}
	ok(t, s.SetKept(ctx, "a", map[string]script.Value{"x": script.Int(1), "y": script.Null()}, 7, map[string]string{"x": "route:r", "z": "user:ann"}))
	ok(t, s.SetKept(ctx, "a", map[string]script.Value{"x": script.Int(2)}, 3, nil))
	values, revision, owners, err := s.Kept(ctx, "a")
	ok(t, err)
	if len(values) != 2 || !values["x"].Equal(script.Int(2)) || revision != 7 || len(owners) != 2 || owners["x"] != "route:r" {
		t.Errorf("kept are %v, %d, %v", values, revision, owners)
	}
	ok(t, s.ForgetKept(ctx, "a"))
	if values, revision, owners, err := s.Kept(ctx, "a"); err != nil || len(values)+len(owners) != 0 || revision != 7 {
		t.Errorf("kept are %v, %d, %v, %v", values, revision, owners, err)
	}
	ok(t, s.SetKept(ctx, "a", map[string]script.Value{"x": script.Int(1)}, 8, nil))
	ok(t, s.EndSession(ctx))
	if _, isOpen, err := s.OpenSession(ctx); isOpen || err != nil {
		t.Errorf("after the end: %v %v", isOpen, err)
	}
	second, err := s.BeginSession(ctx)
	ok(t, err)
	if second == first {
		t.Error("the second session has the id of the first")
	}
	if values, _, _, err := s.Kept(ctx, "a"); err != nil || len(values) != 0 {
		t.Errorf("the second session has kept %v, %v", values, err)
	}
}

func TestRuns(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	one := 1
	for _, run := range []string{"abc1", "abd2", "xyz"} {
		ok(t, s.Append(ctx, begun(run)))
	}
	ok(t, s.Append(ctx, script.Event{Script: "trainer", Run: "abc1", Seq: 2, Body: script.StateChanged{State: script.Failed, Reason: "boom", ExitCode: &one}}))
	ok(t, s.Append(ctx, script.Event{Script: "other", Run: "zzz", Body: script.StateChanged{State: script.Starting}}))
	ok(t, s.Append(ctx, script.Event{Script: "idle", Body: script.StateChanged{State: script.Waiting, Reason: "for trainer"}}))
	runs, err := s.Runs(ctx, RunFilter{Script: "trainer"})
	ok(t, err)
	if len(runs) != 3 || runs[0].ID != "xyz" || runs[2].State != script.Failed || *runs[2].ExitCode != 1 || runs[2].Finished.IsZero() {
		t.Errorf("runs are %+v", runs)
	}
	if runs, err := s.Runs(ctx, RunFilter{State: script.Starting, Limit: 1}); err != nil || len(runs) != 1 || runs[0].ID != "zzz" {
		t.Errorf("starting are %+v, %v", runs, err)
	}
	for prefix, want := range map[string]string{"abc": "abc1", "x": "xyz", "xyz": "xyz"} {
		if run, err := s.Run(ctx, prefix); err != nil || run.ID != want {
			t.Errorf("%s: %+v, %v", prefix, run, err)
		}
	}
	for _, prefix := range []string{"ab", "none", "%", ""} {
		if _, err := s.Run(ctx, prefix); err == nil {
			t.Errorf("%q is a run", prefix)
		}
	}
	last, err := s.LastRun(ctx, "trainer")
	ok(t, err)
	if last.ID != "xyz" {
		t.Errorf("the last run is %s", last.ID)
	}
	if _, err := s.LastRun(ctx, "nobody"); script.CodeOf(err) != script.CodeNotFound {
		t.Errorf("last run of nobody: %v", err)
	}
	if _, err := s.Description(ctx, "trainer"); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("description: %v", err)
	}
	scripts, err := s.Scripts(ctx)
	ok(t, err)
	if len(scripts) != 3 || scripts[0].Name != "idle" || scripts[0].Last != nil || scripts[1].Last.ID != "zzz" || scripts[2].Last.ID != "abc1" {
		t.Errorf("scripts are %+v", scripts)
	}
	// Changes between runs belong to the script.
	ok(t, s.Append(ctx, script.Event{Script: "idle", Body: script.ParametersChanged{Revision: 1, Author: "user:ann", Changes: []script.Change{
		{Name: "x", New: script.Int(1), Status: script.NeedsRestart, Step: -1},
	}}}))
	changes, err := s.ScriptChanges(ctx, "idle", 10)
	ok(t, err)
	if len(changes) != 1 || changes[0].Name != "x" {
		t.Errorf("changes are %+v", changes)
	}
}
