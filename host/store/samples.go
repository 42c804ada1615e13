package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"github.com/mlhost/mlhost/shared/script"
)

// The id of a sample is its series' id and its index in one number; that of a
// rollup has its level between them.
const (
	seriesShift = 40
	levelShift  = 36
	maxIndex    = factor<<levelShift - 1
)

// seriesKept bounds how many series of a file stay in memory.
const seriesKept = 20_000

// samplesFile is one file of samples and its writer. What is below writer
// belongs to the writer's goroutine.
type samplesFile struct {
	store    *Store
	db       *database
	writer   *writer
	salvaged bool // made of what was left of another file

	series  map[string]map[string]*series // by run and name
	count   int
	dirty   []*series          // with rows to write
	touched map[*stream]uint64 // positions before this transaction
	args    []any
}

// openSamples opens a samples file. The caller holds s.mu.
func (s *Store) openSamples(ctx context.Context, path string) (*samplesFile, error) {
	if s.writer == nil {
		db, err := openReadOnlyDatabase(ctx, path, samplesSchema)
		return &samplesFile{store: s, db: db}, err
	}
	o := opening{path: path, schema: samplesSchema, now: s.now(), live: s.suspect[filepath.Base(path)]}
	db, damage, err := o.open(ctx)
	if err != nil {
		return nil, err
	}
	delete(s.suspect, filepath.Base(path))
	if damage != nil {
		s.noteDamage(*damage)
	}
	f := &samplesFile{store: s, db: db, series: map[string]map[string]*series{}, touched: map[*stream]uint64{}}
	if f.salvaged, err = isSalvaged(ctx, db); err != nil {
		return nil, errors.Join(err, db.close())
	}
	f.writer = newWriter(path, db.w)
	f.writer.begin, f.writer.flush, f.writer.reverted = f.begin, f.flush, f.reverted
	s.wg.Go(f.writer.run)
	return f, nil
}

func (f *samplesFile) close() error {
	var err error
	if f.writer != nil {
		err = f.writer.close()
	}
	if closeErr := f.db.close(); err == nil {
		err = closeErr
	}
	return err
}

// dropSamples closes a samples file that turned out to be damaged. Whoever
// needs it next opens it, which sets it aside.
func (s *Store) dropSamples(name string, f *samplesFile) error {
	s.mu.Lock()
	if s.samples[name] != f {
		s.mu.Unlock()
		return nil // somebody else has
	}
	delete(s.samples, name)
	s.suspect[name] = true
	s.mu.Unlock()
	return f.close()
}

// writeSamples writes the samples of a batch. When nothing of it is for
// meta.db, it tells of the events too.
func (s *Store) writeSamples(ctx context.Context, b *batch) error {
	left := len(b.samples)
	for name, rows := range b.samples {
		f, err := s.samplesFile(ctx, name)
		if err != nil {
			return err
		}
		j := &job{weight: rows, work: func(tx *tx) error { return f.add(tx, b, name) }}
		if left--; left == 0 && b.meta == 0 {
			j.after = func() {
				s.order.Lock()
				defer s.order.Unlock()
				s.number(b)
				s.tell(b)
			}
		}
		if err := f.writer.do(ctx, j); err != nil {
			if isDamaged(err) {
				err = errors.Join(err, s.dropSamples(name, f))
			}
			return err
		}
	}
	return nil
}

func (f *samplesFile) begin() (end func()) {
	clear(f.touched)
	if f.count > seriesKept {
		f.forget()
	}
	return func() {}
}

func (f *samplesFile) forget() {
	clear(f.series)
	f.count = 0
	f.dirty = f.dirty[:0]
}

// reverted drops what is known of the series: the file knows better.
func (f *samplesFile) reverted() {
	f.forget()
	for st, last := range f.touched {
		st.samplesLast = last
	}
	clear(f.touched)
}

// add takes the samples of a batch that belong to this file.
func (f *samplesFile) add(tx *tx, b *batch, name string) error {
	for i := range b.events {
		e, st := &b.events[i], b.streams[i]
		body, ok := e.Body.(script.Samples)
		if !ok || st == nil || st.file != name {
			continue
		}
		if e.Seq > 0 && e.Seq <= st.samplesLast {
			continue
		}
		if err := f.addSamples(tx, e.Run, body.Samples); err != nil {
			return err
		}
		if e.Seq > 0 {
			if _, ok := f.touched[st]; !ok {
				f.touched[st] = st.samplesLast
			}
			st.samplesLast = e.Seq
		}
	}
	return nil
}

func (f *samplesFile) addSamples(tx *tx, run string, samples []script.Sample) error {
	known := f.series[run]
	if known == nil {
		known = map[string]*series{}
		f.series[run] = known
	}
	for i := range samples {
		sm := &samples[i]
		sr, ok := known[sm.Name]
		if !ok {
			var err error
			if sr, err = f.loadSeries(tx, run, sm.Name); err != nil {
				return err
			}
			known[sm.Name] = sr
			f.count++
		}
		if sr.mends {
			known, err := f.mend(tx, sr, sm)
			if err != nil {
				return err
			}
			if known {
				continue
			}
		}
		if len(sr.rows) == 0 && len(sr.rollups) == 0 {
			f.dirty = append(f.dirty, sr)
		}
		if err := sr.add(sm); err != nil {
			return err
		}
	}
	return nil
}

// flush writes the rows of all series, one series after the other, and the
// positions of the streams.
func (f *samplesFile) flush(tx *tx) error {
	f.args = f.args[:0]
	for _, sr := range f.dirty {
		f.args = sr.appendRows(f.args)
	}
	if err := tx.insert(insertSample, f.args); err != nil {
		return err
	}
	clear(f.args)
	f.args = f.args[:0]
	for _, sr := range f.dirty {
		f.args = sr.appendRollups(f.args)
	}
	f.dirty = f.dirty[:0]
	if err := tx.insert(insertRollup, f.args); err != nil {
		return err
	}
	clear(f.args)
	for st := range f.touched {
		st.mu.Lock()
		due := st.metaDue
		st.mu.Unlock()
		if _, err := tx.exec(savePosition, st.run, st.samplesLast, due); err != nil {
			return err
		}
	}
	return nil
}

// row is a sample as it is written.
type row struct {
	id, step, time int64
	value          any
}

// cell returns what is kept of a sample's value: a number as it is, NaN as
// NULL (which is what SQLite makes of it), anything else as its JSON.
func cell(v script.Value) any {
	switch v.Kind() {
	case script.KindFloat:
		f, _ := v.Float()
		if math.IsNaN(f) {
			return nil
		}
		return f
	case script.KindInt:
		i, _ := v.Int()
		return i
	}
	return encodeValue(v)
}

func uncell(x any) (script.Value, error) {
	switch x := x.(type) {
	case nil:
		return script.Float(math.NaN()), nil
	case float64:
		return script.Float(x), nil
	case int64:
		return script.Int(x), nil
	case string:
		return decodeValue(x)
	case []byte:
		return decodeValue(string(x))
	}
	return script.Null(), fmt.Errorf("read sample: unexpected %T", x)
}
