package export

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// allMetrics writes the series that are numbers, the results that are, and the
// parameters that changed, over the steps of their changes.
func (m *mlflowWriter) allMetrics(ctx context.Context) error {
	for _, s := range m.run.Series {
		if err := m.series(ctx, s.Name); err != nil {
			return err
		}
	}
	for _, name := range sorted(m.run.Results) {
		v, ok := number(m.run.Results[name])
		if !ok {
			continue
		}
		at := m.run.Started
		if m.run.Finished != nil {
			at = *m.run.Finished
		}
		if !m.metrics.free(name) {
			name = "result." + name
		}
		if err := m.metric(name, func(add func(time.Time, float64, int64) error) error { return add(at, v, 0) }); err != nil {
			return err
		}
	}
	return m.changed()
}

// series writes a series. Samples without a step are numbered; those that are
// no numbers are left out.
func (m *mlflowWriter) series(ctx context.Context, name string) error {
	written := false
	index := int64(0)
	err := m.metric(name, func(add func(time.Time, float64, int64) error) error {
		return m.e.eachPoint(ctx, m.run.ID, name, func(p v1.Point) error {
			at := index
			index++
			if p.Step != nil {
				at = *p.Step
			}
			v, ok := number(p.Value)
			if !ok {
				return nil
			}
			written = true
			return add(p.Time, v, at)
		})
	})
	if err == nil && !written {
		m.leftOut = append(m.leftOut, clipRunes(name, 100))
	}
	return err
}

// metric writes one metric, unless fill adds nothing to it: MLflow cannot read
// an empty one.
func (m *mlflowWriter) metric(name string, fill func(add func(at time.Time, v float64, step int64) error) error) error {
	temporary, err := os.CreateTemp(m.dir, ".metric-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	defer temporary.Close()
	out := bufio.NewWriter(temporary)
	any := false
	err = fill(func(at time.Time, v float64, step int64) error {
		any = true
		_, err := fmt.Fprintf(out, "%d %s %d\n", at.UnixMilli(), pythonFloat(v), step)
		return err
	})
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = temporary.Close()
	}
	if err != nil || !any {
		return err
	}
	path := filepath.Join(m.dir, "metrics", filepath.FromSlash(m.metrics.file(name)))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Chmod(temporary.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

// changed writes the course of each parameter that took another value: MLflow
// has one value of a parameter only.
func (m *mlflowWriter) changed() error {
	courses := map[string][]v1.Change{}
	for _, c := range m.run.Changes {
		if c.Status != script.NeedsRestart {
			courses[c.Name] = append(courses[c.Name], c)
		}
	}
	for _, name := range sorted(courses) {
		err := m.metric("parameter."+name, func(add func(time.Time, float64, int64) error) error {
			if v, ok := number(m.run.Parameters[name]); ok {
				if err := add(m.run.Started, v, 0); err != nil {
					return err
				}
			}
			for i, c := range courses[name] {
				v, ok := number(c.New)
				if !ok {
					continue
				}
				at := int64(i + 1)
				if c.Step != nil {
					at = *c.Step
				}
				if err := add(c.Time, v, at); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// number is a value as a float: numbers, and true and false.
func number(v script.Value) (float64, bool) {
	if b, ok := v.Bool(); ok {
		if b {
			return 1, true
		}
		return 0, true
	}
	if i, ok := v.Int(); ok {
		return float64(i), true
	}
	if f, ok := v.Float(); ok {
		return f, true
	}
	if s, ok := v.Text(); ok { // as JSON tells floats that it does not have
		switch s {
		case "NaN":
			return math.NaN(), true
		case "Infinity":
			return math.Inf(1), true
		case "-Infinity":
			return math.Inf(-1), true
		}
	}
	return 0, false
}

// pythonFloat writes a float as Python reads it.
func pythonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func clipRunes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
