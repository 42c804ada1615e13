package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

func TestNewerSchemaIsRefusedUntouched(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir})
	ok(t, err)
	ok(t, s.Append(t.Context(), begun("r1"), sampled("r1", 2, "x", 0, script.Int(1))))
	ok(t, s.Close())
	samples, err := filepath.Glob(filepath.Join(dir, "samples", "*.db"))
	ok(t, err)
	for _, path := range []string{filepath.Join(dir, "meta.db"), samples[0]} {
		db, err := sql.Open("sqlite", dsn(path))
		ok(t, err)
		_, err = db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
		ok(t, err)
		ok(t, db.Close())
		before, err := os.ReadFile(path)
		ok(t, err)
		schema := metaSchema
		if path == samples[0] {
			schema = samplesSchema
		}
		db2, err := openDatabase(t.Context(), path, schema)
		if script.CodeOf(err) != script.CodeConflict || !strings.Contains(err.Error(), "newer mlhost") {
			t.Errorf("%s: %v", path, err)
		}
		if err == nil {
			ok(t, db2.close())
		}
		after, err := os.ReadFile(path)
		ok(t, err)
		if !bytes.Equal(before, after) {
			t.Errorf("%s was changed", path)
		}
	}
	if _, err := OpenReadOnly(dir); script.CodeOf(err) != script.CodeConflict {
		t.Errorf("open read-only: %v", err)
	}
}

func TestOddPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c#d%41&e")
	s := open(t, dir)
	ok(t, s.Append(t.Context(), begun("r1"), sampled("r1", 2, "x", 0, script.Int(1))))
	if !exists(filepath.Join(dir, "meta.db")) {
		t.Error("the database is elsewhere")
	}
	runs, err := s.Runs(t.Context(), RunFilter{})
	ok(t, err)
	if len(runs) != 1 {
		t.Errorf("runs are %v", runs)
	}
}

func TestAfterClose(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: t.TempDir()})
	ok(t, err)
	ok(t, s.Append(t.Context(), begun("r1"), sampled("r1", 2, "x", 0, script.Int(1))))
	ok(t, s.Close())
	ok(t, s.Close())
	ctx := t.Context()
	_, lastErr := s.LastSeq(ctx, "r1")
	_, runErr := s.Run(ctx, "r1")
	_, samplesErr := s.Samples(ctx, "r1", "x", SampleRange{})
	_, mailErr := s.Mail(ctx, "a", 1)
	_, resultsErr := s.Results(ctx, "r1")
	for i, err := range []error{
		s.Append(ctx, begun("r1")),
		s.Append(ctx, script.Event{Script: "a", Body: script.Warned{Text: "x"}}),
		s.Append(ctx, script.Event{Script: "a", Body: script.Heartbeat{}}),
		s.Enqueue(ctx, []script.Message{{ID: "1", Target: "a"}}),
		s.Acknowledge(ctx, "a", "1"),
		lastErr, runErr, samplesErr, mailErr, resultsErr,
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%d: %v", i, err)
		}
	}
	s.EnqueueLater(script.Message{ID: "1", Target: "a"})
}

func TestReadOnlyOfNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	s, err := OpenReadOnly(dir)
	ok(t, err)
	defer func() { ok(t, s.Close()) }()
	ctx := t.Context()
	runs, err := s.Runs(ctx, RunFilter{})
	ok(t, err)
	scripts, err := s.Scripts(ctx)
	ok(t, err)
	mail, err := s.Mail(ctx, "a", 0)
	ok(t, err)
	series, err := s.Series(ctx, "r1")
	ok(t, err)
	if len(runs)+len(scripts)+len(mail)+len(series) != 0 {
		t.Error("there is something")
	}
	for range s.Logs(ctx, "r1", LogFilter{}) {
		t.Error("there is a log line")
	}
	if _, err := s.Run(ctx, "r1"); script.CodeOf(err) != script.CodeNotFound {
		t.Errorf("run: %v", err)
	}
	if err := s.Append(ctx, begun("r1")); err == nil {
		t.Error("something could be appended")
	}
	if exists(dir) {
		t.Error("the directory was made")
	}
}

func TestReadOnlyBesideAWriter(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ok(t, s.Append(t.Context(), begun("r1"), sampled("r1", 2, "x", 0, script.Int(1))))
	ro, err := OpenReadOnly(dir)
	ok(t, err)
	defer func() { ok(t, ro.Close()) }()
	ok(t, s.Append(t.Context(), sampled("r1", 3, "x", 1, script.Int(2))))
	samples, err := ro.Samples(t.Context(), "r1", "x", SampleRange{After: 1})
	ok(t, err)
	if len(samples) != 1 || !samples[0].Value.Equal(script.Int(2)) {
		t.Errorf("samples are %v", samples)
	}
	vars, err := ro.Variables(t.Context(), "r1")
	ok(t, err)
	if len(vars) != 1 {
		t.Errorf("variables are %v", vars)
	}
}

func TestContext(t *testing.T) {
	s := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Append(ctx, begun("r1")); !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v", err)
	}
	if err := s.Enqueue(ctx, []script.Message{{ID: "1", Target: "a"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("enqueue: %v", err)
	}
	// One that waits behind a busy writer can give up, and is not written then.
	release, busy := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- s.do(t.Context(), func(*tx) error { close(busy); <-release; return nil })
	}()
	<-busy
	ctx, cancel = context.WithCancel(t.Context())
	gaveUp := make(chan error, 1)
	go func() {
		gaveUp <- s.Append(ctx, script.Event{Script: "a", Body: script.Warned{Text: "never"}})
	}()
	for queued := false; !queued; {
		s.writer.mu.Lock()
		queued = len(s.writer.queue) > 0
		s.writer.mu.Unlock()
	}
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v", err)
	}
	close(release)
	ok(t, <-done)
	events, err := s.Events(t.Context(), EventRange{})
	ok(t, err)
	if len(events) != 0 {
		t.Errorf("events are %v", events)
	}
}
