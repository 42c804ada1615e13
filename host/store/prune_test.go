package store

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// One month's runs are pruned by number and by age; what is kept of the others
// is whole, and nothing else is touched.
func TestPrune(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	s := open(t, dir, func(o *Options) { o.Now = func() time.Time { return now } })
	run := func(name, id string, at time.Time, end script.State) {
		t.Helper()
		now = at
		events := []script.Event{
			{Body: script.RunStarted{Plugin: "interpreter"}},
			{Body: script.Samples{Samples: []script.Sample{{Name: "loss", Step: 1, Time: at, Value: script.Float(0.5)}}}},
			{Body: script.LogLine{Stream: "stdout", Text: "hello"}},
			{Body: script.ResultSet{Name: "n", Value: script.Int(1)}},
			{Body: script.Recorded{Texts: map[string]string{script.TextSource: "source of " + name, script.TextDiff: "diff of " + id}}},
			{Body: script.ArtifactWritten{Path: "/w/" + id, Kind: "model", Found: script.FoundOpened}},
			{Body: script.ParametersChanged{Revision: 1, Author: "user:x", Changes: []script.Change{{Name: "lr", Status: script.Applied, New: script.String(id)}}}},
		}
		if end != "" {
			events = append(events, script.Event{Body: script.StateChanged{State: end}})
		}
		for i := range events {
			events[i].Script, events[i].Run, events[i].Seq, events[i].Time = name, id, uint64(i+1), at
		}
		ok(t, s.Append(t.Context(), events...))
	}
	january, february, march := now.AddDate(0, -2, -10), now.AddDate(0, -1, -10), now.AddDate(0, 0, -1)
	run("old", "old1", january, script.Finished)
	run("old", "old2", january, script.Failed)
	run("live", "live1", february, "")
	run("many", "many1", february, script.Finished)
	run("many", "many2", march, script.Finished)
	run("many", "many3", march, script.Finished)
	run("many", "many4", march, script.Finished)
	run("one", "one1", january, script.Finished)
	record, err := s.RunDir("many1")
	ok(t, err)
	ok(t, os.WriteFile(filepath.Join(record, "instance.json"), nil, 0o600)) // a process may belong to it

	now = march.AddDate(0, 0, 1)
	if n, err := s.Prune(t.Context(), Retention{}); n != 0 || err != nil {
		t.Errorf("%d runs, %v", n, err)
	}
	past := time.Now().Add(-2 * blobRest)
	blobs, err := filepath.Glob(filepath.Join(dir, "blobs", "*"))
	ok(t, err)
	for _, path := range blobs {
		ok(t, os.Chtimes(path, past, past))
	}
	now = time.Now()
	n, err := s.Prune(t.Context(), Retention{Runs: 1})
	ok(t, err)
	if n != 1 { // many2: many4 is the last, many3 the one besides, many1 may live
		t.Errorf("%d runs removed", n)
	}
	n, err = s.Prune(t.Context(), Retention{Runs: 1, Age: now.Sub(february.AddDate(0, 0, -1))})
	ok(t, err)
	if n != 1 { // old1; old2 and one1 are the last of their scripts
		t.Errorf("%d runs removed", n)
	}
	if n, err := s.Pruned(t.Context()); n != 2 || err != nil {
		t.Errorf("%d runs removed in all, %v", n, err)
	}
	check := func(s *Store) {
		t.Helper()
		runs, err := s.Runs(t.Context(), RunFilter{})
		ok(t, err)
		left := map[string]bool{}
		for _, r := range runs {
			left[r.ID] = true
		}
		for _, id := range []string{"old1", "old2", "live1", "many1", "many2", "many3", "many4", "one1"} {
			gone := id == "old1" || id == "many2"
			if left[id] == gone {
				t.Errorf("%s: kept is %v", id, left[id])
			}
			samples, err := s.Samples(t.Context(), id, "loss", SampleRange{})
			if !gone && (err != nil || len(samples) != 1) || gone && len(samples) > 0 {
				t.Errorf("%s: samples %v, %v", id, samples, err)
			}
			changes, err := s.Changes(t.Context(), id)
			if err != nil || (len(changes) == 0) != gone {
				t.Errorf("%s: changes %v, %v", id, changes, err)
			}
			dir, err := s.RunDir(id)
			if err != nil || exists(dir) == gone {
				t.Errorf("%s: its directory is there: %v, %v", id, !gone, err)
			}
			if text, err := s.Text(t.Context(), id, script.TextSource); (err != nil) != gone {
				t.Errorf("%s: source %q, %v", id, text, err)
			}
		}
		for name, last := range map[string]string{"old": "old2", "many": "many4"} {
			if values, _, _, err := s.Kept(t.Context(), name); err != nil || !values["lr"].Equal(script.String(last)) {
				t.Errorf("%s: kept %v, %v", name, values, err)
			}
		}
	}
	check(s)
	if blobs, err := filepath.Glob(filepath.Join(dir, "blobs", "*")); err != nil || len(blobs) != 4+6 {
		t.Errorf("%d texts, %v", len(blobs), err) // the sources of 4 scripts, the differences of 6 runs
	}
	ok(t, s.Close())
	s = open(t, dir)
	check(s)
	// A run of the pruned id begins anew: nothing of the old one is in its way.
	ok(t, s.Append(t.Context(), begun("many2"), sampled("many2", 2, "loss", 0, script.Int(1))))
	if samples, err := s.Samples(t.Context(), "many2", "loss", SampleRange{}); err != nil || len(samples) != 1 {
		t.Errorf("samples %v, %v", samples, err)
	}
}

// A file of samples goes with the last run that has some in it.
func TestPruneSampleFiles(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	s := open(t, dir, func(o *Options) { o.Now = func() time.Time { return now } })
	for i := range 130 {
		id := fmt.Sprintf("r%03d", i)
		end := script.Event{Script: "trainer", Run: id, Seq: 3, Time: now, Body: script.StateChanged{State: script.Finished}}
		ok(t, s.Append(t.Context(), begun(id), sampled(id, 2, "x", 0, script.Int(1)), end))
		if i == 127 {
			now = now.AddDate(0, 1, 0)
		}
	}
	if !exists(filepath.Join(dir, "samples", "202601.db")) {
		t.Fatal("there is no file for January")
	}
	n, err := s.Prune(t.Context(), Retention{Runs: 1})
	ok(t, err)
	if n != 128 {
		t.Errorf("%d runs removed", n)
	}
	files, err := filepath.Glob(filepath.Join(dir, "samples", "*"))
	ok(t, err)
	for _, path := range files {
		if filepath.Base(path)[:6] != "202602" {
			t.Errorf("%s is left", path)
		}
	}
	if samples, err := s.Samples(t.Context(), "r129", "x", SampleRange{}); err != nil || len(samples) != 1 {
		t.Errorf("samples %v, %v", samples, err)
	}
}
