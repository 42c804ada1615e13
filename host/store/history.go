package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Change is one change of a parameter. Status is that of the outcome, or
// "overwritten" when the script put another value in its place.
type Change struct {
	Time     time.Time
	Script   string
	Run      string
	Step     int64 // -1: unknown
	Revision uint64
	Name     string
	Old, New script.Value
	Author   string
	Status   script.OutcomeStatus
	Batch    string
}

// Changes returns the changes of parameters during a run, the oldest first.
func (s *Store) Changes(ctx context.Context, run string) ([]Change, error) {
	return s.changes(ctx, "run", run, "WHERE run = ? ORDER BY event, position", run)
}

// ScriptChanges returns the newest changes of a script's parameters, also
// those between its runs, the oldest of them first.
func (s *Store) ScriptChanges(ctx context.Context, name string, limit int) ([]Change, error) {
	out, err := s.changes(ctx, "script", name, `WHERE (event, position) IN (SELECT event, position FROM parameter_change WHERE script = ?
		ORDER BY event DESC, position DESC LIMIT ?) ORDER BY event, position`, name, limit)
	return out[max(0, len(out)-limit):], err
}

// changes returns the folded changes that where chooses, and all those behind
// them of events whose column has the value.
func (s *Store) changes(ctx context.Context, column, value, where string, args ...any) ([]Change, error) {
	var out []Change
	err := s.view(ctx, "read parameter changes", func(r *reader) error {
		err := r.each(`SELECT time, script, run, step, revision, name, old, new, author, status, batch
			FROM parameter_change `+where, args, func(rows *sql.Rows) error {
			c, err := scanChange(rows)
			out = append(out, c)
			return err
		})
		if err != nil {
			return err
		}
		return r.unfolded(column, value, func(e *script.Event) { out = append(out, changesOf(e)...) })
	})
	return settled(out), err
}

// settled gives each change that waited for its step what became of it: the
// step at which it was applied, or that it is for the next run.
func settled(changes []Change) []Change {
	waiting := map[[2]string]int{} // script and name: the index of the last change, if that waits
	out := changes[:0]
	for _, c := range changes {
		key := [2]string{c.Script, c.Name}
		at, waits := waiting[key]
		became := waits && out[at].Run == c.Run && out[at].New.Same(c.New)
		switch {
		case c.Status == observed && !became: // the value before it is still in use
			continue
		case c.Status == observed:
			out[at].Status, out[at].Step = script.Applied, c.Step
		case c.Status == script.NeedsRestart && became:
			out[at].Status, out[at].Step = c.Status, c.Step
		default:
			out = append(out, c)
		}
		delete(waiting, key)
		if c.Status == script.Pending {
			waiting[key] = len(out) - 1
		}
	}
	return out
}

func scanChange(rows *sql.Rows) (Change, error) {
	var c Change
	var at int64
	var from, to string
	err := rows.Scan(&at, &c.Script, &c.Run, &c.Step, &c.Revision, &c.Name, &from, &to, &c.Author, &c.Status, &c.Batch)
	if err != nil {
		return c, err
	}
	c.Time = fromNanos(at)
	if c.Old, err = decodeValue(from); err != nil {
		return c, err
	}
	c.New, err = decodeValue(to)
	return c, err
}

// unfoldedOf is the query of unfolded.
func unfoldedOf(column string) string { return selectUnfolded + " AND " + column + " = ? ORDER BY id" }

// unfolded calls f for each event that is not folded yet and whose column has
// the value, the oldest first.
func (r *reader) unfolded(column, value string, f func(*script.Event)) error {
	return r.each(unfoldedOf(column), []any{value}, func(rows *sql.Rows) error {
		e, err := scanEvent(rows)
		if err == nil {
			f(&e)
		}
		return err
	})
}

// prepare keeps queries of meta.db prepared, which are made often.
func (s *Store) prepare(ctx context.Context, queries ...string) {
	if s.meta == nil || s.isClosed() {
		return
	}
	for _, q := range queries {
		s.meta.prepared(ctx, q)
	}
}

// view lets read see meta.db at one moment. A store without files has nothing
// to see.
func (s *Store) view(ctx context.Context, doing string, read func(*reader) error) error {
	if s.isClosed() {
		return ErrClosed
	}
	if s.meta == nil {
		return nil
	}
	return view(ctx, s.meta, doing, read)
}

// each runs a query on meta.db and calls scan for every row. A store without
// files has none.
func (s *Store) each(ctx context.Context, doing, query string, args []any, scan func(*sql.Rows) error) error {
	if s.isClosed() {
		return ErrClosed
	}
	if s.meta == nil {
		return nil
	}
	return explain(doing, s.meta.path, s.meta.reader(ctx, s.meta.r).each(query, args, scan))
}

// Result is a result of a run.
type Result struct {
	Name  string
	Value script.Value
	Time  time.Time
}

// Results returns the results of a run, in the order in which they were set.
func (s *Store) Results(ctx context.Context, run string) ([]Result, error) {
	var out []Result
	err := s.view(ctx, "read results", func(r *reader) (err error) {
		out, err = r.results(run)
		return err
	})
	return out, err
}

func (r *reader) results(run string) ([]Result, error) {
	var out []Result
	err := r.each("SELECT name, value, time FROM result WHERE run = ? ORDER BY event, name", []any{run}, func(rows *sql.Rows) error {
		var res Result
		var value string
		var at int64
		err := rows.Scan(&res.Name, &value, &at)
		if err != nil {
			return err
		}
		res.Time = fromNanos(at)
		res.Value, err = decodeValue(value)
		out = append(out, res)
		return err
	})
	return out, err
}

// EventRange chooses events that are kept in meta.db. The zero EventRange takes
// all, the oldest first.
type EventRange struct {
	After   uint64 // IDs behind this one
	To      uint64 // IDs up to this one; 0: all
	Scripts []string
	Kinds   []string
	Newest  bool // the newest first
	Limit   int  // 0: all
}

// Events returns what was kept in meta.db. Samples and log lines are not among
// it; of a description only names and types are.
func (s *Store) Events(ctx context.Context, r EventRange) ([]script.Event, error) {
	where, args := "WHERE id > ?", []any{r.After}
	if r.To > 0 {
		where += " AND id <= ?"
		args = append(args, r.To)
	}
	for _, in := range []struct {
		column string
		values []string
	}{{"script", r.Scripts}, {"kind", r.Kinds}} {
		if len(in.values) == 0 {
			continue
		}
		where += " AND " + in.column + " IN (?" + strings.Repeat(", ?", len(in.values)-1) + ")"
		for _, v := range in.values {
			args = append(args, v)
		}
	}
	where += " ORDER BY id"
	if r.Newest {
		where += " DESC"
	}
	if r.Limit > 0 {
		where += " LIMIT ?"
		args = append(args, r.Limit)
	}
	return s.events(ctx, where, args...)
}

// EventTime returns when the event of an ID happened, or the last one before
// it that is kept; the zero time where there is none.
func (s *Store) EventTime(ctx context.Context, id uint64) (time.Time, error) {
	var at time.Time
	err := s.each(ctx, "read events", "SELECT time FROM event WHERE id <= ? ORDER BY id DESC LIMIT 1", []any{id}, func(rows *sql.Rows) error {
		var n int64
		err := rows.Scan(&n)
		at = fromNanos(n)
		return err
	})
	return at, err
}

// NewestEvent returns the ID of the newest event, one of those that are not
// kept included.
func (s *Store) NewestEvent() uint64 {
	s.order.Lock()
	defer s.order.Unlock()
	return s.nextID - 1
}

// RunEvents returns all events of the given kinds of a run (of all kinds
// where none is given), the oldest first.
func (s *Store) RunEvents(ctx context.Context, run string, kinds ...string) ([]script.Event, error) {
	args := []any{run}
	where := "WHERE run = ? "
	if len(kinds) > 0 {
		where += "AND kind IN (?" + strings.Repeat(", ?", len(kinds)-1) + ") "
		for _, k := range kinds {
			args = append(args, k)
		}
	}
	return s.events(ctx, where+"ORDER BY id", args...)
}

func (s *Store) events(ctx context.Context, where string, args ...any) ([]script.Event, error) {
	var out []script.Event
	err := s.each(ctx, "read events", "SELECT id, time, script, run, seq, kind, body FROM event "+where, args, func(rows *sql.Rows) error {
		e, err := scanEvent(rows)
		out = append(out, e)
		return err
	})
	return out, err
}

func scanEvent(rows *sql.Rows) (script.Event, error) {
	var e script.Event
	var at int64
	var kind, body string
	err := rows.Scan(&e.ID, &at, &e.Script, &e.Run, &e.Seq, &kind, &body)
	if err != nil {
		return e, err
	}
	e.Time = fromNanos(at)
	e.Body, err = decodeBody(kind, body)
	return e, err
}
