package store

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// skippedNumbers is how far event numbers jump when the record of those given
// out is lost, so that none is given twice.
const skippedNumbers = 1 << 40

// ended is what exit.json and launch.json in a run's directory tell of it.
type ended struct {
	script string
	state  script.State
	reason string
	code   *int
	time   time.Time
}

// rebuildRuns makes runs known again that a damaged meta.db had, by what else
// there is of them: their directories and their samples. It returns how many
// there were. What they were started with is not known any more.
func (s *Store) rebuildRuns(ctx context.Context) (int, error) {
	files := s.sampledRuns(ctx)
	entries, err := os.ReadDir(filepath.Join(s.dir, "runs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	tx, err := s.meta.w.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	found := 0
	for _, e := range entries {
		end, ok := readEnded(filepath.Join(s.dir, "runs", e.Name()))
		if !ok {
			continue
		}
		file := files[e.Name()]
		if file == "" {
			file = s.monthFile()
		}
		at := nanos(end.time)
		done, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO run (id, script, state, reason, started, finished, exit_code, samples_file)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, e.Name(), end.script, end.state, end.reason, at, at, end.code, file)
		if err != nil {
			return 0, err
		}
		if n, err := done.RowsAffected(); err == nil {
			found += int(n)
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO counter (name, value) VALUES ('next_event', ?)
		ON CONFLICT (name) DO UPDATE SET value = value + excluded.value`, skippedNumbers)
	if err != nil {
		return 0, err
	}
	return found, tx.Commit()
}

// hasRuns reports whether runs have left anything: then there was a meta.db.
func (s *Store) hasRuns() bool {
	for _, name := range []string{"runs", "samples"} {
		if entries, err := os.ReadDir(filepath.Join(s.dir, name)); err == nil && len(entries) > 0 {
			return true
		}
	}
	return false
}

// sampledRuns tells which samples file holds each run's series.
func (s *Store) sampledRuns(ctx context.Context) map[string]string {
	files := map[string]string{}
	paths, _ := filepath.Glob(filepath.Join(s.dir, "samples", "*.db")) // the pattern is right
	for _, path := range paths {
		if err := addSampledRuns(ctx, path, files); err != nil {
			s.logger.Warn("look for runs", "file", path, "error", err)
		}
	}
	return files
}

func addSampledRuns(ctx context.Context, path string, files map[string]string) error {
	db, err := openReader(path)
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT DISTINCT run FROM series")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var run string
		if err := rows.Scan(&run); err != nil {
			return err
		}
		files[run] = filepath.Base(path)
	}
	return rows.Err()
}

// readEnded reads how a run ended from its directory; false where that is not
// told there: it runs, or its host will find out.
func readEnded(dir string) (ended, bool) {
	var exit struct {
		State    script.State `json:"state"`
		Reason   string       `json:"reason"`
		ExitCode *int         `json:"exit_code"`
		Time     time.Time    `json:"time"`
		Script   string       `json:"script"`
	}
	if !readJSON(filepath.Join(dir, "exit.json"), &exit) || !exit.State.Ended() {
		return ended{}, false
	}
	name := exit.Script
	var launch struct {
		Script string `json:"script"`
	}
	if name == "" && readJSON(filepath.Join(dir, "launch.json"), &launch) {
		name = launch.Script
	}
	if name == "" || strings.ContainsRune(name, 0) {
		return ended{}, false
	}
	return ended{script: name, state: exit.State, reason: exit.Reason, code: exit.ExitCode, time: exit.Time}, true
}

func readJSON(path string, into any) bool {
	data, err := os.ReadFile(path)
	return err == nil && json.Unmarshal(data, into) == nil
}
