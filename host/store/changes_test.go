package store

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

// set is the event of one set by a person.
func set(run string, revision int, name string, v script.Value) script.Event {
	return script.Event{Script: "trainer", Run: run, Body: script.ParametersChanged{
		Revision: uint64(revision), Author: "user:ann", Batch: fmt.Sprint("b", revision),
		Changes: []script.Change{{Name: name, Old: script.Int(int64(revision - 1)), New: v, Status: script.Applied, Step: int64(revision)}},
	}}
}

// checkSets reports what is missing of n sets of x to their revision.
func checkSets(t *testing.T, s *Store, n int) {
	t.Helper()
	ctx := t.Context()
	changes, err := s.Changes(ctx, "r1")
	ok(t, err)
	if len(changes) != n {
		t.Fatalf("%d changes of %d", len(changes), n)
	}
	for i, c := range changes {
		if c.Revision != uint64(i+1) || !c.New.Equal(script.Int(int64(i+1))) || c.Batch != fmt.Sprint("b", i+1) || c.Author != "user:ann" {
			t.Fatalf("change %d is %+v", i, c)
		}
	}
	newest, err := s.ScriptChanges(ctx, "trainer", 3)
	ok(t, err)
	if d := cmp.Diff(changes[max(0, n-3):], newest, equal); d != "" {
		t.Error(d)
	}
	values, revision, _, err := s.Kept(ctx, "trainer")
	ok(t, err)
	if revision != uint64(n) || !values["x"].Equal(script.Int(int64(n))) {
		t.Errorf("kept are %v, %d", values, revision)
	}
}

func TestChangesBeforeAndAfterTheFold(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx := t.Context()
	ok(t, s.Append(ctx, begun("r1")))
	n := 0
	for range 2*foldAfter + 10 {
		n++
		ok(t, s.Append(ctx, set("r1", n, "x", script.Int(int64(n)))))
		if n%100 == 0 || n%foldAfter < 2 {
			checkSets(t, s, n)
		}
	}
	beside, err := OpenReadOnly(dir)
	ok(t, err)
	checkSets(t, beside, n)
	ok(t, beside.Close())
	ok(t, s.Close())
	s = open(t, dir)
	checkSets(t, s, n)
	ok(t, s.ForgetKept(ctx, "trainer"))
	if values, revision, _, err := s.Kept(ctx, "trainer"); err != nil || len(values) != 0 || revision != uint64(n) {
		t.Errorf("kept are %v, %d, %v", values, revision, err)
	}
}

func TestChangesAreKeptExactly(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	odd := []script.Value{
		script.Float(math.NaN()), script.Float(math.Inf(-1)), script.String("NaN"), script.Bytes([]byte{0, 255}),
		script.Null(), script.Float(1), script.List(script.Float(math.Inf(1))),
	}
	for i, v := range odd {
		ok(t, s.Append(ctx, set("r1", i+1, "x", v),
			script.Event{Script: "trainer", Run: "r1", Body: script.ParametersObserved{Name: "x", Value: v, Overwritten: true}}))
	}
	check := func() {
		t.Helper()
		changes, err := s.Changes(ctx, "r1")
		ok(t, err)
		events, err := s.RunEvents(ctx, "r1", "parameters", "observed")
		ok(t, err)
		for i, v := range odd {
			for _, c := range changes[2*i : 2*i+2] {
				if !c.New.Equal(v) || c.New.Kind() != v.Kind() {
					t.Errorf("%v is kept as %v", v, c.New)
				}
			}
			changed := events[2*i].Body.(script.ParametersChanged).Changes[0].New
			observed := events[2*i+1].Body.(script.ParametersObserved).Value
			if !changed.Equal(v) || !observed.Equal(v) {
				t.Errorf("the events of %v have %v and %v", v, changed, observed)
			}
		}
	}
	check()
	ok(t, s.do(ctx, s.fold))
	check()
}

// TestCallersWriteInTurn lets callers that cannot give up write by themselves,
// beside others that wait for the writer.
func TestCallersWriteInTurn(t *testing.T) {
	s := open(t, t.TempDir())
	var wg sync.WaitGroup
	for i := range 8 {
		ctx := t.Context()
		if i%2 == 0 {
			ctx = context.Background()
		}
		wg.Go(func() {
			for range 50 {
				if err := s.Append(ctx, script.Event{Script: "a", Body: script.Warned{Text: "w"}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	events, err := s.Events(t.Context(), EventRange{})
	ok(t, err)
	if len(events) != 400 {
		t.Errorf("%d events are kept", len(events))
	}
}

// A change that waits for a step is one row, which tells what became of it.
func TestChangesThatWaitedAreSettled(t *testing.T) {
	s := open(t, t.TempDir())
	set := func(name string, status script.OutcomeStatus, step int64, v int64) script.Event {
		return script.Event{Script: "trainer", Run: "r1", Body: script.ParametersChanged{Author: "user:me",
			Changes: []script.Change{{Name: name, New: script.Int(v), Status: status, Step: step}}}}
	}
	seen := func(name string, step, v int64) script.Event {
		return script.Event{Script: "trainer", Run: "r1", Body: script.ParametersObserved{Name: name, Value: script.Int(v), Step: step}}
	}
	events := []script.Event{
		begun("r1"),
		set("lr", script.Pending, 60, 7), set("other", script.Applied, 1, 1), seen("lr", 64, 7), seen("lr", 65, 7),
		set("late", script.Pending, 100, 9), seen("late", 70, 3), set("late", script.NeedsRestart, -1, 9),
		set("again", script.Pending, 5, 1), set("again", script.Applied, 3, 2), seen("again", 6, 2),
	}
	for _, folded := range []bool{false, true} {
		if !folded {
			ok(t, s.Append(t.Context(), events...))
		} else {
			ok(t, s.SetKept(t.Context(), "other", nil, 0, nil))
		}
		changes, err := s.Changes(t.Context(), "r1")
		ok(t, err)
		var got []string
		for _, c := range changes {
			got = append(got, fmt.Sprintf("%s=%s %s@%d", c.Name, c.New, c.Status, c.Step))
		}
		want := []string{"lr=7 applied@64", "other=1 applied@1", "late=9 needs_restart@-1", "again=1 pending@5", "again=2 applied@3"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("folded %v: %s", folded, d)
		}
	}
}
