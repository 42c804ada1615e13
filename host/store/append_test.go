package store

import (
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

func TestCommittedInOrder(t *testing.T) {
	dir := t.TempDir()
	var mu sync.Mutex
	var ids []uint64
	last := map[string]uint64{}
	committed := func(o *Options) {
		o.Committed = func(events []script.Event) {
			mu.Lock()
			defer mu.Unlock()
			for _, e := range events {
				ids = append(ids, e.ID)
				if e.Seq != 0 && e.Seq <= last[e.Run] {
					t.Errorf("run %s: %d was told after %d", e.Run, e.Seq, last[e.Run])
				}
				last[e.Run] = max(last[e.Run], e.Seq)
			}
		}
	}
	s := open(t, dir, committed)
	const runs, batches = 8, 40
	var wg sync.WaitGroup
	for r := range runs {
		run := "run" + strconv.Itoa(r)
		wg.Go(func() {
			seq := uint64(1)
			for n := range batches {
				if err := s.Append(t.Context(), streamEvents(run, seq, n%5+1)...); err != nil {
					t.Error(err)
				}
				seq += uint64(n%5 + 1)
			}
		})
		wg.Go(func() {
			for n := range batches {
				if err := s.Append(t.Context(), script.Event{Script: run, Body: script.Warned{Text: strconv.Itoa(n)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	ok(t, s.Close())
	for i := 1; i < len(ids); i++ {
		if ids[i] <= ids[i-1] {
			t.Fatalf("id %d was told after %d", ids[i], ids[i-1])
		}
	}
	highest := ids[len(ids)-1]
	ids = nil
	s = open(t, dir, committed)
	ok(t, s.Append(t.Context(), script.Event{Script: "a", Body: script.Heartbeat{}}))
	if len(ids) != 1 || ids[0] <= highest {
		t.Errorf("after %d came %v", highest, ids)
	}
	for r := range runs {
		seq, err := s.LastSeq(t.Context(), "run"+strconv.Itoa(r))
		ok(t, err)
		if seq != batches/5*15 {
			t.Errorf("run %d has come to %d", r, seq)
		}
	}
}

// oddBody is a body that cannot be written as JSON.
type oddBody struct {
	script.Body
	C chan int
}

func badBody() script.Body { return oddBody{Body: script.Warned{}} }

func TestBadEventHarmsNobodyElse(t *testing.T) {
	s := open(t, t.TempDir())
	release, busy := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.do(t.Context(), func(*tx) error { close(busy); <-release; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-busy // what follows shares one transaction
	for i := range 10 {
		wg.Go(func() {
			if err := s.Append(t.Context(), script.Event{Script: "a", Body: script.Warned{Text: strconv.Itoa(i)}}); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if err := s.Append(t.Context(), script.Event{Script: "bad", Body: badBody()}); err == nil {
				t.Error("a bad event was taken")
			}
		})
	}
	for n := 0; n < 20; {
		s.writer.mu.Lock()
		n = len(s.writer.queue)
		s.writer.mu.Unlock()
	}
	close(release)
	wg.Wait()
	events, err := s.Events(t.Context(), EventRange{})
	ok(t, err)
	if len(events) != 10 {
		t.Errorf("%d events are kept", len(events))
	}
	for _, e := range []script.Event{
		{Script: "a"},
		{Script: "a", Run: "../../etc", Body: script.LogLine{Text: "x"}},
		{Script: "a", Body: script.RunStarted{}},
	} {
		if err := s.Append(t.Context(), e); err == nil {
			t.Errorf("%+v was taken", e)
		}
	}
	ok(t, s.Append(t.Context(), script.Event{Script: "a", Run: "r1", Seq: 1, Time: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), Body: script.Warned{}}))
}

func TestPartialFailureIsHealedByAnotherTry(t *testing.T) {
	var told []uint64
	s := open(t, t.TempDir(), func(o *Options) {
		o.Committed = func(events []script.Event) {
			for _, e := range events {
				told = append(told, e.Seq)
			}
		}
	})
	ok(t, s.Append(t.Context(), begun("r1")))
	sample := sampled("r1", 2, "x", 0, script.Int(1))
	bad := script.Event{Script: "trainer", Run: "r1", Seq: 3, Body: badBody()}
	if err := s.Append(t.Context(), sample, bad); err == nil {
		t.Fatal("a bad event was taken")
	}
	if seq, err := s.LastSeq(t.Context(), "r1"); seq != 1 || err != nil {
		t.Errorf("last seq is %d, %v", seq, err)
	}
	ok(t, s.Append(t.Context(), sample, script.Event{Script: "trainer", Run: "r1", Seq: 3, Body: script.Warned{Text: "w"}}))
	samples, err := s.Samples(t.Context(), "r1", "x", SampleRange{})
	ok(t, err)
	if len(samples) != 1 || len(told) != 3 {
		t.Errorf("samples are %v, told was %v", samples, told)
	}
}

func TestEveryKindIsKept(t *testing.T) {
	s := open(t, t.TempDir())
	code := 3
	bodies := []script.Body{
		script.StateChanged{State: script.Failed, Reason: "because", PID: 1, PluginPID: 2, ExitCode: &code},
		script.Described{Description: script.Description{Name: "trainer",
			Parameters: []script.ParameterSpec{
				{Name: "lr", Type: script.TypeFloat, Default: script.Float(9), Max: script.Float(math.Inf(1))},
				{Name: "late", Default: script.Int(1)}, {Name: "used", Default: script.Int(1)},
			},
			Variables: []script.VariableSpec{{Name: "x", MaxRate: math.NaN()}},
		}, Values: map[string]script.Value{"used": script.Int(2)}},
		script.ResultSet{Name: "a", Value: script.Bytes([]byte{0, 255})},
		script.ParametersChanged{Revision: 1, Author: "script:trainer", Changes: []script.Change{{Name: "lr", New: script.Float(1)}}},
		script.ParametersObserved{Name: "lr", Value: script.Float(2), Step: 4, Overwritten: true},
		script.OwnerChanged{Name: "lr", Owner: "route:r"},
		script.CheckpointMade{Path: "/p", SHA256: "ab", Step: 1},
		script.Gap{From: 1, To: 2, Dropped: 2, Reason: "x"},
		script.MessageRouted{ID: "m", Kind: script.Ask, Source: "a", Target: "b", Topic: "t", Took: time.Second, Code: script.CodeDeadline},
		script.RouteFired{Route: "r", Target: "a.b", Value: script.Int(1), Problem: "p"},
		script.Notified{Event: "e", Data: script.Map(map[string]script.Value{"k": script.Null()})},
		script.Warned{Text: strings.Repeat("w", 1<<20)},
	}
	events := []script.Event{begun("r1")}
	for i, b := range bodies {
		events = append(events, script.Event{Script: "trainer", Run: "r1", Seq: uint64(i + 2), Body: b})
	}
	ok(t, s.Append(t.Context(), events...))
	kept, err := s.Events(t.Context(), EventRange{})
	ok(t, err)
	if len(kept) != len(events) {
		t.Fatalf("%d events of %d are kept", len(kept), len(events))
	}
	for i, e := range kept {
		if script.KindOf(e.Body) != script.KindOf(events[i].Body) {
			t.Errorf("event %d is %+v", i, e)
		}
	}
	d, err := s.Description(t.Context(), "trainer")
	ok(t, err)
	if p, _ := d.Parameter("lr"); !p.Max.Equal(script.Float(math.Inf(1))) {
		t.Errorf("the maximum is %v", p.Max)
	}
	run, err := s.Run(t.Context(), "r1")
	ok(t, err)
	want := map[string]script.Value{"lr": script.Float(0.1), "late": script.Int(1), "used": script.Int(2)}
	if d := cmp.Diff(want, run.Parameters, equal); d != "" {
		t.Error(d)
	}
	changes, err := s.Changes(t.Context(), "r1")
	ok(t, err)
	if len(changes) != 2 || changes[1].Status != "overwritten" {
		t.Errorf("changes are %+v", changes)
	}
	values, _, owners, err := s.Kept(t.Context(), "trainer")
	ok(t, err)
	if len(values) != 0 || owners["lr"] != "route:r" {
		t.Errorf("kept are %v and %v", values, owners)
	}
	warned, err := s.RunEvents(t.Context(), "r1", "warning", "gap")
	ok(t, err)
	if len(warned) != 2 {
		t.Errorf("events are %v", warned)
	}
}

func TestWriterSurvivesAFullDatabase(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	limit := func(pages int) {
		ok(t, s.do(ctx, func(tx *tx) error {
			_, err := tx.exec("PRAGMA max_page_count = " + strconv.Itoa(pages))
			return err
		}))
	}
	limit(100)
	text := strings.Repeat("x", 20_000)
	taken := 0
	var failed error
	for failed == nil && taken < 1000 {
		if failed = s.Append(ctx, script.Event{Script: "a", Body: script.Warned{Text: text}}); failed == nil {
			taken++
		}
	}
	if script.CodeOf(failed) != script.CodeIO {
		t.Fatalf("after %d events: %v", taken, failed)
	}
	limit(100_000)
	ok(t, s.Append(ctx, script.Event{Script: "a", Body: script.Warned{Text: text}}))
	events, err := s.Events(ctx, EventRange{})
	ok(t, err)
	if len(events) != taken+1 {
		t.Errorf("%d were taken, %d are kept", taken+1, len(events))
	}
}

func TestOddNames(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	ok(t, s.Append(ctx, begun("r1")))
	names := []string{"", "a\x00b", "a\x00c", "\xff\xfe", "'; DROP TABLE run; --", strings.Repeat("n", 100_000), "ünï", "a\nb"}
	for i, name := range names {
		ok(t, s.Append(ctx, sampled("r1", uint64(2*i+2), name, 0, script.String(name)),
			script.Event{Script: "trainer", Run: "r1", Seq: uint64(2*i + 3), Body: script.ResultSet{Name: name, Value: script.Int(int64(i))}}))
	}
	series, err := s.Series(ctx, "r1")
	ok(t, err)
	results, err := s.Results(ctx, "r1")
	ok(t, err)
	if len(series) != len(names) || len(results) != len(names) {
		t.Fatalf("%d series and %d results of %d", len(series), len(results), len(names))
	}
	for i, name := range names {
		if series[i].Name != name || results[i].Name != name {
			t.Errorf("%q is kept as %q and %q", name, series[i].Name, results[i].Name)
		}
		if _, err := s.Samples(ctx, "r1", name, SampleRange{}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}
