package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Run is what is kept of one execution of a script.
type Run struct {
	ID         string
	Script     string
	State      script.State
	Reason     string
	Started    time.Time
	Finished   time.Time // zero: it has not ended
	ExitCode   *int
	Attempt    int // 0 for a first start, n for the nth automatic restart
	Plugin     string
	SHA256     string
	Command    []string
	Parameters map[string]script.Value // as they were at the start, or when they were declared later
	Revision   uint64                  // at the start
	Results    map[string]script.Value
	Step       int64 // the last one known; -1: it counts none

	samplesFile string
}

// RunFilter chooses runs. The zero RunFilter takes all.
type RunFilter struct {
	Script string
	State  script.State
	Limit  int    // at most so many, the newest; 0: all
	Search string // a text in the id, script, reason, parameters or results, whatever its case
	Before string // the id of a run that began later
}

const selectRun = `SELECT id, script, state, reason, started, finished, exit_code, attempt, plugin, sha256, command,
	parameters, revision, step, samples_file FROM run `

// Runs returns runs, the newest first.
func (s *Store) Runs(ctx context.Context, f RunFilter) ([]Run, error) {
	if f.Limit <= 0 {
		f.Limit = math.MaxInt32
	}
	where, args := `WHERE (? = '' OR script = ?) AND (? = '' OR state = ?)`, []any{f.Script, f.Script, f.State, f.State}
	if f.Search != "" {
		where += ` AND (instr(lower(id || char(10) || script || char(10) || reason || char(10) || parameters), ?) > 0
			OR EXISTS (SELECT 1 FROM result r WHERE r.run = run.id AND instr(lower(r.name || char(10) || r.value), ?) > 0))`
		text := strings.ToLower(f.Search)
		args = append(args, text, text)
	}
	if f.Before != "" {
		where += " AND n < (SELECT n FROM run WHERE id = ?)"
		args = append(args, f.Before)
	}
	return s.queryRuns(ctx, selectRun+where+" ORDER BY n DESC LIMIT ?", append(args, f.Limit)...)
}

// Run returns the run whose id is, or begins with, idPrefix; it must be the
// only one.
func (s *Store) Run(ctx context.Context, idPrefix string) (Run, error) {
	if idPrefix == "" {
		return Run{}, script.Errorf(script.CodeUsage, "a run's id is missing")
	}
	runs, err := s.queryRuns(ctx, selectRun+`WHERE id >= ? AND id < ? ORDER BY id LIMIT 2`, idPrefix, idPrefix+"\U0010ffff")
	switch {
	case err != nil:
		return Run{}, err
	case len(runs) == 0:
		return Run{}, script.Errorf(script.CodeNotFound, "there is no run %q", idPrefix).WithHint("mlhost runs lists the runs")
	case len(runs) == 2 && runs[0].ID != idPrefix:
		return Run{}, script.Errorf(script.CodeNotFound, "several runs begin with %q", idPrefix).WithHint("%s and %s do", runs[0].ID, runs[1].ID)
	}
	return runs[0], nil
}

// LastRun returns a script's newest run.
func (s *Store) LastRun(ctx context.Context, name string) (Run, error) {
	runs, err := s.Runs(ctx, RunFilter{Script: name, Limit: 1})
	if err != nil {
		return Run{}, err
	}
	if len(runs) == 0 {
		return Run{}, script.Errorf(script.CodeNotFound, "%s has no run yet", name)
	}
	return runs[0], nil
}

func (s *Store) queryRuns(ctx context.Context, query string, args ...any) ([]Run, error) {
	var runs []Run
	err := s.view(ctx, "read runs", func(r *reader) error {
		err := r.each(query, args, func(rows *sql.Rows) error {
			run, err := scanRun(rows)
			runs = append(runs, run)
			return err
		})
		if err != nil {
			return err
		}
		for i := range runs {
			results, err := r.results(runs[i].ID)
			if err != nil {
				return err
			}
			runs[i].Results = make(map[string]script.Value, len(results))
			for _, res := range results {
				runs[i].Results[res.Name] = res.Value
			}
		}
		return nil
	})
	return runs, err
}

func scanRun(rows *sql.Rows) (Run, error) {
	var r Run
	var started int64
	var finished, exit sql.NullInt64
	var command, parameters string
	err := rows.Scan(&r.ID, &r.Script, &r.State, &r.Reason, &started, &finished, &exit, &r.Attempt, &r.Plugin, &r.SHA256,
		&command, &parameters, &r.Revision, &r.Step, &r.samplesFile)
	if err != nil {
		return r, err
	}
	r.Started = fromNanos(started)
	if finished.Valid {
		r.Finished = fromNanos(finished.Int64)
	}
	if exit.Valid {
		code := int(exit.Int64)
		r.ExitCode = &code
	}
	if err := json.Unmarshal([]byte(command), &r.Command); err != nil {
		return r, err
	}
	r.Parameters, err = decodeValues(parameters)
	return r, err
}

// runSamples returns the file of a run's samples, nil where it has none.
func (s *Store) runSamples(ctx context.Context, run string) (*samplesFile, error) {
	if s.isClosed() {
		return nil, ErrClosed
	}
	if s.meta == nil {
		return nil, nil
	}
	var file string
	err := s.meta.r.QueryRowContext(ctx, "SELECT samples_file FROM run WHERE id = ?", run).Scan(&file)
	if errors.Is(err, sql.ErrNoRows) {
		file = s.streamFile(run) // its first samples came before its start
		err = nil
	}
	if err != nil {
		return nil, explain("read run", s.meta.path, err)
	}
	return s.existingSamples(ctx, file)
}

func (s *Store) streamFile(run string) string {
	s.mu.Lock()
	st := s.streams[run]
	s.mu.Unlock()
	if st == nil {
		return ""
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.file
}
