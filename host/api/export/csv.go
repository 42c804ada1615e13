package export

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// CSVSamples writes the samples of runs as one table, a row for each.
func (e *Exporter) CSVSamples(ctx context.Context, w io.Writer, ids []string) error {
	runs, err := e.runs(ctx, ids)
	if err != nil {
		return err
	}
	return e.csvSamples(ctx, w, runs)
}

// CSV writes runs as tables into a folder: runs, parameters, changes, results,
// artifacts and samples, a row for each.
func (e *Exporter) CSV(ctx context.Context, dir string, ids []string) error {
	runs, err := e.runs(ctx, ids)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	for _, t := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"runs.csv", func(w io.Writer) error { return csvRuns(w, runs) }},
		{"parameters.csv", func(w io.Writer) error {
			return csvValues(w, runs, func(r *v1.RunDetail) map[string]script.Value { return r.Parameters })
		}},
		{"results.csv", func(w io.Writer) error {
			return csvValues(w, runs, func(r *v1.RunDetail) map[string]script.Value { return r.Results })
		}},
		{"changes.csv", func(w io.Writer) error { return csvChanges(w, runs) }},
		{"artifacts.csv", func(w io.Writer) error { return csvArtifacts(w, runs) }},
		{"samples.csv", func(w io.Writer) error { return e.csvSamples(ctx, w, runs) }},
	} {
		if err := writeFile(filepath.Join(dir, t.name), t.write); err != nil {
			return err
		}
	}
	return nil
}

// rows writes a header, then what fill adds.
func rows(w io.Writer, header []string, fill func(add func(cells ...string) error) error) error {
	out := csv.NewWriter(w)
	if err := out.Write(header); err != nil {
		return err
	}
	if err := fill(func(cells ...string) error { return out.Write(cells) }); err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

func csvRuns(w io.Writer, runs []v1.RunDetail) error {
	header := []string{"run", "script", "state", "reason", "started", "finished", "seconds", "exit_code", "git_commit", "source_sha256"}
	return rows(w, header, func(add func(...string) error) error {
		for i := range runs {
			r := &runs[i]
			finished, seconds, exit := "", "", ""
			if r.Finished != nil {
				finished = stamp(*r.Finished)
				seconds = strconv.FormatFloat(r.Finished.Sub(r.Started).Seconds(), 'f', -1, 64)
			}
			if r.ExitCode != nil {
				exit = strconv.Itoa(*r.ExitCode)
			}
			err := add(r.ID, r.Script, string(r.State), r.Reason, stamp(r.Started), finished, seconds, exit,
				fact(r, "git", "commit"), fact(r, "source", "sha256"))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func csvValues(w io.Writer, runs []v1.RunDetail, of func(*v1.RunDetail) map[string]script.Value) error {
	return rows(w, []string{"run", "script", "name", "type", "value"}, func(add func(...string) error) error {
		for i := range runs {
			values := of(&runs[i])
			for _, name := range slices.Sorted(maps.Keys(values)) {
				v := values[name]
				if err := add(runs[i].ID, runs[i].Script, name, string(script.TypeOf(v)), plain(v)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func csvChanges(w io.Writer, runs []v1.RunDetail) error {
	header := []string{"run", "script", "time", "step", "revision", "name", "old", "new", "author", "status"}
	return rows(w, header, func(add func(...string) error) error {
		for i := range runs {
			for _, c := range runs[i].Changes {
				err := add(runs[i].ID, runs[i].Script, stamp(c.Time), step(c.Step), strconv.FormatUint(c.Revision, 10), c.Name,
					plain(c.Old), plain(c.New), c.Author, string(c.Status))
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func csvArtifacts(w io.Writer, runs []v1.RunDetail) error {
	return rows(w, []string{"run", "script", "path", "size", "sha256", "kind", "found"}, func(add func(...string) error) error {
		for i := range runs {
			for _, f := range runs[i].Artifacts {
				if err := add(runs[i].ID, runs[i].Script, f.Path, strconv.FormatInt(f.Size, 10), f.SHA256, f.Kind, f.Found); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (e *Exporter) csvSamples(ctx context.Context, w io.Writer, runs []v1.RunDetail) error {
	return rows(w, []string{"run", "script", "series", "step", "time", "value"}, func(add func(...string) error) error {
		for i := range runs {
			r := &runs[i]
			for _, series := range r.Series {
				err := e.eachPoint(ctx, r.ID, series.Name, func(p v1.Point) error {
					return add(r.ID, r.Script, series.Name, step(p.Step), stamp(p.Time), plain(p.Value))
				})
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func step(s *int64) string {
	if s == nil {
		return ""
	}
	return strconv.FormatInt(*s, 10)
}

// plain is a value in a cell: strings bare, lists and maps as JSON, nothing for
// null.
func plain(v script.Value) string {
	if v.IsNull() {
		return ""
	}
	return v.String()
}

// fact reads a record by a path of keys.
func fact(r *v1.RunDetail, path ...string) string {
	v := r.Record[path[0]]
	for _, key := range path[1:] {
		table, _ := v.Map()
		v = table[key]
	}
	return plain(v)
}
