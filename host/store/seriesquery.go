package store

import (
	"context"
	"database/sql"
	"math"

	"github.com/mlhost/mlhost/shared/script"
)

// Series sums up the samples of one variable in a run.
type Series struct {
	Name  string
	Count int64
	Last  script.Sample
}

// Series returns the series of a run, in the order in which they began.
func (s *Store) Series(ctx context.Context, run string) ([]Series, error) {
	f, err := s.runSamples(ctx, run)
	if err != nil || f == nil {
		return nil, err
	}
	var out []Series
	err = f.view(ctx, func(r *reader) error {
		ids := []int64{}
		err := r.each("SELECT id, name FROM series WHERE run = ? ORDER BY id", []any{run}, func(rows *sql.Rows) error {
			var id int64
			var sr Series
			err := rows.Scan(&id, &sr.Name)
			ids, out = append(ids, id), append(out, sr)
			return err
		})
		for i := range ids {
			if err != nil {
				break
			}
			err = r.last(ids[i], &out[i])
		}
		return err
	})
	return out, err
}

// last reads the last sample of a series, and its count.
func (r *reader) last(id int64, sr *Series) error {
	return r.each("SELECT id, step, time, value FROM sample WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1",
		[]any{id << seriesShift, id<<seriesShift | maxIndex}, func(rows *sql.Rows) error {
			index, sm, err := scanSample(rows, sr.Name)
			sr.Count, sr.Last = index+1, sm
			return err
		})
}

func scanSample(rows *sql.Rows, name string) (index int64, sm script.Sample, err error) {
	sm.Name = name
	var at int64
	var value any
	if err := rows.Scan(&index, &sm.Step, &at, &value); err != nil {
		return 0, sm, err
	}
	sm.Time = fromNanos(at)
	sm.Value, err = uncell(value)
	return index & maxIndex, sm, err
}

// SampleRange chooses samples of a series by their index, which counts from 0.
type SampleRange struct {
	After int64 // those with an index of at least After: the number of samples that are known already
	Limit int   // at most so many; 0: all
}

// Samples returns samples of a series, the oldest first.
func (s *Store) Samples(ctx context.Context, run, name string, rg SampleRange) ([]script.Sample, error) {
	if rg.Limit <= 0 {
		rg.Limit = math.MaxInt
	}
	rg.After = min(max(rg.After, 0), maxIndex)
	var out []script.Sample
	err := s.readSeries(ctx, run, name, func(id int64, r *reader) error {
		return r.each("SELECT id, step, time, value FROM sample WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?",
			[]any{id<<seriesShift | rg.After, id<<seriesShift | maxIndex, rg.Limit}, func(rows *sql.Rows) error {
				_, sm, err := scanSample(rows, name)
				out = append(out, sm)
				return err
			})
	})
	return out, err
}

// Variable is a variable of a run and its last value.
type Variable struct {
	Name     string
	Type     script.Type // the declared one, else that of the value
	Last     script.Sample
	ReadOnly bool
}

// Variables returns the variables of a run: those that its script described,
// and those that have samples.
func (s *Store) Variables(ctx context.Context, run string) ([]Variable, error) {
	series, err := s.Series(ctx, run)
	if err != nil {
		return nil, err
	}
	described, err := s.describedVariables(ctx, run)
	if err != nil {
		return nil, err
	}
	var out []Variable
	known := map[string]int{}
	for _, spec := range described {
		known[spec.Name] = len(out)
		out = append(out, Variable{Name: spec.Name, Type: spec.Type, ReadOnly: spec.ReadOnly, Last: script.Sample{Name: spec.Name, Step: -1}})
	}
	for _, sr := range series {
		i, ok := known[sr.Name]
		if !ok {
			i = len(out)
			out = append(out, Variable{Name: sr.Name, ReadOnly: true})
		}
		v := &out[i]
		v.Last = sr.Last
		if v.Type == "" || v.Type == script.TypeAny {
			v.Type = script.TypeOf(sr.Last.Value)
		}
	}
	return out, nil
}

func (s *Store) describedVariables(ctx context.Context, run string) ([]script.VariableSpec, error) {
	var specs []script.VariableSpec
	err := s.each(ctx, "read description", `SELECT body FROM description WHERE script = (SELECT script FROM run WHERE id = ?)`,
		[]any{run}, func(rows *sql.Rows) error {
			var text string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			d, err := decodeDescription(text)
			specs = d.Variables
			return err
		})
	return specs, err
}
