// Package export writes runs in the forms of other programs: whole as JSON, as
// tables in CSV, and as a file store of MLflow. What it reads of runs comes
// from the API, page by page, so that a long series needs little memory.
package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// pageSize is how many samples are read at a time.
const pageSize = 50_000

// Source is where runs are read: a client of the API.
type Source interface {
	Run(ctx context.Context, id string, samples ...string) (v1.RunDetail, error)
	Samples(ctx context.Context, id, name string, after int64, limit int) (v1.Samples, error)
	RunText(ctx context.Context, id, name string) (v1.RunText, error)
}

// Exporter writes runs.
type Exporter struct {
	Source Source
	// Artifacts lets MLflow copy the files that the runs left behind, as far as
	// they are still what they were.
	Artifacts bool
}

// runs reads runs, without samples; each of them once.
func (e *Exporter) runs(ctx context.Context, ids []string) ([]v1.RunDetail, error) {
	var out []v1.RunDetail
	known := map[string]bool{}
	for _, id := range ids {
		run, err := e.Source.Run(ctx, id)
		if err != nil {
			return nil, err
		}
		if !known[run.ID] {
			known[run.ID] = true
			out = append(out, run)
		}
	}
	return out, nil
}

// eachPoint calls visit for the samples of a series, in order.
func (e *Exporter) eachPoint(ctx context.Context, run, name string, visit func(v1.Point) error) error {
	for after := int64(0); ; {
		page, err := e.Source.Samples(ctx, run, name, after, pageSize)
		if err != nil {
			return err
		}
		for _, p := range page.Samples {
			if err := visit(p); err != nil {
				return err
			}
		}
		if len(page.Samples) < pageSize {
			return nil
		}
		after += int64(len(page.Samples))
	}
}

// texts reads the texts that are kept of a run, by name.
func (e *Exporter) texts(ctx context.Context, run *v1.RunDetail) (map[string]string, error) {
	out := map[string]string{}
	kept, _ := run.Record["texts"].Map()
	for name := range kept {
		text, err := e.Source.RunText(ctx, run.ID, name)
		if script.CodeOf(err) == script.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[name] = text.Text
	}
	return out, nil
}

// writeFile writes a file that is there whole, or as it was before.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".export-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
		}
	}()
	err = write(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
