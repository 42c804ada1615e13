package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Retention says which runs are kept. A run that has not ended, and the last
// one of each script, are kept whatever it says; so are set values and mail.
type Retention struct {
	Runs int           // so many ended ones of each script, besides the last; 0: all
	Age  time.Duration // those that ended no longer ago; 0: all
}

const (
	pruneStep     = 50        // runs per transaction
	sampleStep    = 20_000    // samples per transaction
	looseEvents   = 100_000   // kept of the events that belong to no run
	blobRest      = time.Hour // a text that was written since may be about to be named
	prunedCounter = "pruned_runs"
)

// Prune removes the runs that are not to be kept, with their events, samples,
// logs and texts, and returns how many. What it has not come to when ctx ends
// is removed the next time.
func (s *Store) Prune(ctx context.Context, r Retention) (runs int, err error) {
	if err := s.do(ctx, s.fold); err != nil { // what changes have left is in its tables then, not in events
		return 0, err
	}
	for {
		old, err := s.beyond(ctx, r)
		if err == nil && len(old) > 0 {
			err = s.removeRuns(ctx, old)
		}
		if err != nil {
			return runs, err
		}
		if runs += len(old); len(old) < pruneStep {
			break
		}
	}
	err = s.do(ctx, func(tx *tx) error {
		_, err := tx.exec("DELETE FROM event WHERE run = '' AND id <= "+foldedID+" AND id <= (SELECT max(id) FROM event) - ?", looseEvents)
		return err
	})
	return runs, errors.Join(err, s.dropEmptySamples(ctx))
}

// foldedID is the id of the last event that nobody needs for what followed from it.
const foldedID = "(SELECT coalesce(max(value), 0) FROM counter WHERE name = '" + foldedEvents + "')"

// Pruned returns how many runs Prune has removed since the store was made.
func (s *Store) Pruned(ctx context.Context) (n int64, err error) {
	err = s.each(ctx, "read counters", "SELECT value FROM counter WHERE name = ?", []any{prunedCounter},
		func(rows *sql.Rows) error { return rows.Scan(&n) })
	return n, err
}

// oldRun is a run that is not to be kept.
type oldRun struct{ id, samples string }

// beyond lists runs that are not to be kept, up to pruneStep. One whose
// directory has the record of a process is none: it may be alive.
func (s *Store) beyond(ctx context.Context, r Retention) ([]oldRun, error) {
	if r.Runs <= 0 && r.Age <= 0 {
		return nil, nil
	}
	var out []oldRun
	err := s.each(ctx, "find old runs", `SELECT id, samples_file FROM (
			SELECT id, samples_file, finished, row_number() OVER (PARTITION BY script ORDER BY n DESC) AS newer FROM run
			WHERE finished IS NOT NULL AND id NOT IN (SELECT run FROM script) AND n NOT IN (SELECT max(n) FROM run GROUP BY script))
		WHERE (? > 0 AND newer > ?) OR (? > 0 AND finished < ?) ORDER BY finished`,
		[]any{r.Runs, r.Runs, int64(r.Age), nanos(s.now().Add(-r.Age))}, func(rows *sql.Rows) error {
			var one oldRun
			err := rows.Scan(&one.id, &one.samples)
			dir, dirErr := s.RunDir(one.id)
			if len(out) < pruneStep && dirErr == nil && !exists(filepath.Join(dir, "instance.json")) {
				out = append(out, one)
			}
			return err
		})
	return out, err
}

// removeRuns removes runs: their samples first, and what names them last, so
// that one that was removed in part is found again.
func (s *Store) removeRuns(ctx context.Context, old []oldRun) error {
	ids := make([]string, len(old))
	for i, one := range old {
		ids[i] = one.id
		f, err := s.existingSamples(ctx, one.samples)
		if err == nil && f != nil {
			err = f.remove(ctx, one.id)
		}
		if err != nil {
			return err
		}
		dir, err := s.RunDir(one.id)
		if err == nil {
			err = os.RemoveAll(dir)
		}
		if err != nil {
			return explain("remove run", dir, err)
		}
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	var blobs []string
	err = s.do(ctx, func(tx *tx) error {
		blobs = blobs[:0]
		rows, err := tx.query("SELECT DISTINCT sha256 FROM run_text WHERE run IN (SELECT value FROM json_each(?))", string(list))
		if err != nil {
			return err
		}
		if blobs, err = allTexts(rows); err != nil {
			return err
		}
		for _, from := range []string{
			"event WHERE id <= " + foldedID + " AND run", "parameter_change WHERE run", "result WHERE run", "run_record WHERE run",
			"run_text WHERE run", "artifact WHERE run", "stream_seq WHERE run", "run WHERE id",
		} {
			if _, err := tx.exec("DELETE FROM "+from+" IN (SELECT value FROM json_each(?))", string(list)); err != nil {
				return err
			}
		}
		_, err = tx.exec(`INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value`,
			prunedCounter, len(ids))
		return err
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	for _, id := range ids {
		delete(s.streams, id)
	}
	s.mu.Unlock()
	return s.removeBlobs(ctx, blobs)
}

func allTexts(rows *sql.Rows) (out []string, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, rows.Err()
}

// removeBlobs removes those of the texts that no run names any more.
func (s *Store) removeBlobs(ctx context.Context, sums []string) error {
	for _, sum := range sums {
		named := false
		err := s.each(ctx, "find text", "SELECT 1 FROM run_text WHERE sha256 = ? LIMIT 1", []any{sum}, func(*sql.Rows) error {
			named = true
			return nil
		})
		if err != nil {
			return err
		}
		info, statErr := os.Stat(s.blobPath(sum))
		if named || statErr != nil || s.now().Sub(info.ModTime()) < blobRest {
			continue
		}
		if err := os.Remove(s.blobPath(sum)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return explain("remove text", s.blobPath(sum), err)
		}
	}
	return nil
}

// remove deletes a run's samples, some at a time: others write in between.
func (f *samplesFile) remove(ctx context.Context, run string) error {
	var ids []int64
	err := f.view(ctx, func(r *reader) error {
		return r.each("SELECT id FROM series WHERE run = ?", []any{run}, func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		})
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		for {
			left := int64(0)
			err := f.writer.do(ctx, &job{weight: sampleStep, work: func(tx *tx) error {
				result, err := tx.exec("DELETE FROM sample WHERE id IN (SELECT id FROM sample WHERE id BETWEEN ? AND ? LIMIT ?)",
					id<<seriesShift, id<<seriesShift|(1<<seriesShift-1), sampleStep)
				if err == nil {
					left, err = result.RowsAffected()
				}
				return err
			}})
			if err != nil {
				return err
			}
			if left < sampleStep {
				break
			}
		}
	}
	return f.writer.do(ctx, &job{work: func(tx *tx) error {
		for _, id := range ids {
			if _, err := tx.exec("DELETE FROM rollup WHERE id BETWEEN ? AND ?", id<<seriesShift, id<<seriesShift|(1<<seriesShift-1)); err != nil {
				return err
			}
		}
		f.count -= len(f.series[run])
		delete(f.series, run)
		if _, err := tx.exec("DELETE FROM series WHERE run = ?", run); err != nil {
			return err
		}
		_, err := tx.exec("DELETE FROM stream_seq WHERE run = ?", run)
		return err
	}})
}

// dropEmptySamples removes the files of past months that no run has samples in.
func (s *Store) dropEmptySamples(ctx context.Context) error {
	files, err := filepath.Glob(filepath.Join(s.dir, "samples", "*.db"))
	if err != nil {
		return err
	}
	used := map[string]bool{s.monthFile(): true}
	err = s.each(ctx, "list sample files", "SELECT DISTINCT samples_file FROM run", nil, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		used[name] = true
		return err
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	streams := slices.Collect(maps.Values(s.streams))
	s.mu.Unlock()
	for _, st := range streams { // a run whose start is just being written
		st.mu.Lock()
		used[st.file] = true
		st.mu.Unlock()
	}
	for _, path := range files {
		name := filepath.Base(path)
		if used[name] || !isMonth(strings.TrimSuffix(name, ".db")) {
			continue
		}
		s.mu.Lock()
		f := s.samples[name]
		s.mu.Unlock()
		if f != nil {
			if err := s.dropSamples(name, f); err != nil {
				return err
			}
		}
		for _, end := range []string{"-wal", "-shm", ""} {
			if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove samples: %w", err)
			}
		}
	}
	return nil
}

// isMonth reports whether a file is named as those of samples are.
func isMonth(name string) bool {
	_, err := time.Parse("200601", name)
	return err == nil
}
