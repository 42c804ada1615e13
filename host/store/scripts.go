package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Script is what was last known of a script: what a host restores, and what
// is shown when none runs.
type Script struct {
	Name      string
	State     script.State
	Reason    string
	Updated   time.Time // when the state changed
	PID       int
	PluginPID int
	Last      *Run // its newest run; nil: it has none

	Described   bool
	Description script.Description
	// Revision, Values and Owners are those of Kept.
	Revision uint64
	Values   map[string]script.Value
	Owners   map[string]string
}

// Scripts returns every script that the store knows, by name.
func (s *Store) Scripts(ctx context.Context) ([]Script, error) {
	var out []Script
	lastRun := map[string]string{}
	err := s.each(ctx, "read scripts", "SELECT name, run, state, reason, pid, plugin_pid, updated FROM script ORDER BY name", nil,
		func(rows *sql.Rows) error {
			var sc Script
			var at int64
			var run string
			err := rows.Scan(&sc.Name, &run, &sc.State, &sc.Reason, &sc.PID, &sc.PluginPID, &at)
			sc.Updated = fromNanos(at)
			lastRun[sc.Name] = run
			out = append(out, sc)
			return err
		})
	for i := range out {
		if err != nil {
			break
		}
		err = s.complete(ctx, &out[i], lastRun[out[i].Name])
	}
	return out, err
}

func (s *Store) complete(ctx context.Context, sc *Script, run string) error {
	if run != "" {
		r, err := s.Run(ctx, run)
		if err != nil && script.CodeOf(err) != script.CodeNotFound {
			return err
		}
		if err == nil {
			sc.Last = &r
		}
	}
	d, err := s.Description(ctx, sc.Name)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil {
		sc.Described, sc.Description = true, d
	}
	sc.Values, sc.Revision, sc.Owners, err = s.Kept(ctx, sc.Name)
	return err
}

// Description returns what a script last described itself as. The error is
// sql.ErrNoRows where it never has.
func (s *Store) Description(ctx context.Context, name string) (script.Description, error) {
	var d script.Description
	found := false
	err := s.each(ctx, "read description", "SELECT body FROM description WHERE script = ?", []any{name}, func(rows *sql.Rows) error {
		var text string
		err := rows.Scan(&text)
		if err != nil {
			return err
		}
		found = true
		d, err = decodeDescription(text)
		return err
	})
	if err == nil && !found {
		err = sql.ErrNoRows
	}
	return d, err
}
