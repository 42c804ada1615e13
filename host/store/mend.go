package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/mlhost/mlhost/shared/script"
)

// A samples file that was made of what was left of another one has two tables
// more. Of the runs in it no position is known: their plugins hand in again
// all that they still hold. Of that, what a series has already is passed over;
// where the series lacks something, it is taken up again from there.
const (
	createSalvagedSeries = "CREATE TABLE IF NOT EXISTS salvaged_series (series INTEGER PRIMARY KEY)"
	createSalvagedRun    = "CREATE TABLE IF NOT EXISTS salvaged_run (run TEXT PRIMARY KEY, last_seq INTEGER NOT NULL) WITHOUT ROWID"
)

// isSalvaged reports whether a samples file was made of what was left of
// another one.
func isSalvaged(ctx context.Context, db *database) (bool, error) {
	n := 0
	err := db.r.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'salvaged_run'").Scan(&n)
	return n > 0, explain("read samples", db.path, err)
}

// seenBefore returns up to which event samples of a run were known before its
// samples file was damaged.
func (f *samplesFile) seenBefore(ctx context.Context, run string) (last uint64, err error) {
	if !f.salvaged {
		return 0, nil
	}
	err = f.db.row(ctx, "SELECT last_seq FROM salvaged_run WHERE run = ?", []any{run}, &last)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return last, explain("read stream position", f.db.path, err)
}

// tail is the end of a series in which samples that come again may be.
type tail struct {
	at   []mark
	next int // of those that may come
}

// mark is what a sample is known by.
type mark struct{ id, step, time int64 }

// mends reports whether samples of a series may come again.
func (f *samplesFile) mends(tx *tx, series int64) (bool, error) {
	if !f.salvaged {
		return false, nil
	}
	n := 0
	err := tx.row("SELECT count(*) FROM salvaged_series WHERE series = ?", []any{series}, &n)
	return n > 0, err
}

// mend reports whether a salvaged series has a sample already. A plugin hands
// in all that it holds, without a gap: with the first sample that is not
// where it should be, the rest of the series comes again too.
func (f *samplesFile) mend(tx *tx, sr *series, s *script.Sample) (known bool, err error) {
	if sr.tail == nil {
		if sr.tail, err = loadTail(tx, sr.id, s); err != nil {
			return false, err
		}
	}
	t, at := sr.tail, nanos(s.Time)
	if t.next < len(t.at) && t.at[t.next].time == at && t.at[t.next].step == s.Step {
		t.next++
		return true, nil
	}
	sr.mends, sr.tail = false, nil
	if _, err := tx.exec("DELETE FROM salvaged_series WHERE series = ?", sr.id); err != nil {
		return false, err
	}
	if t.next == len(t.at) {
		return false, nil
	}
	return false, sr.cut(tx, t.at[t.next].id&maxIndex)
}

// loadTail reads a series from a sample on: from that one, where it is there,
// else from behind the last one that is not later than it.
func loadTail(tx *tx, id int64, s *script.Sample) (*tail, error) {
	low, high, at := id<<seriesShift, id<<seriesShift|maxIndex, nanos(s.Time)
	var first sql.NullInt64
	err := tx.row("SELECT min(id) FROM sample WHERE id BETWEEN ? AND ? AND time = ? AND step = ?", []any{low, high, at, s.Step}, &first)
	if err == nil && !first.Valid { // the step counts too: clocks are set back
		err = tx.row("SELECT max(id) + 1 FROM sample WHERE id BETWEEN ? AND ? AND (time <= ? OR step >= 0 AND step <= ?)",
			[]any{low, high, at, s.Step}, &first)
	}
	if err != nil {
		return nil, err
	}
	if first.Valid {
		low = first.Int64
	}
	t := &tail{}
	r := &reader{query: tx.query}
	err = r.each("SELECT id, step, time FROM sample WHERE id BETWEEN ? AND ? ORDER BY id", []any{low, high}, func(rows *sql.Rows) error {
		var m mark
		err := rows.Scan(&m.id, &m.step, &m.time)
		t.at = append(t.at, m)
		return err
	})
	return t, err
}

// cut forgets the samples of a series from an index on.
func (sr *series) cut(tx *tx, index int64) error {
	_, err := tx.exec("DELETE FROM sample WHERE id BETWEEN ? AND ?", sr.id<<seriesShift|index, sr.id<<seriesShift|maxIndex)
	size := int64(1)
	for level := 1; level <= maxLevel && err == nil; level++ {
		size *= factor
		_, err = tx.exec("DELETE FROM rollup WHERE id BETWEEN ? AND ?", rollupID(sr.id, level, index/size), rollupID(sr.id, level, 1<<levelShift-1))
	}
	if err != nil {
		return err
	}
	sr.next, sr.open = index, nil
	return sr.reopen(&reader{query: tx.query})
}

// rewindStreams lets the plugins of a meta.db that was damaged hand in again
// what they hold: of what there is already, nothing is kept twice.
func rewindStreams(ctx context.Context, db *database) error {
	_, err := db.w.ExecContext(ctx, "DELETE FROM stream_seq")
	if err != nil && strings.Contains(err.Error(), "no such table") {
		return nil
	}
	return explain("rebuild database", db.path, err)
}
