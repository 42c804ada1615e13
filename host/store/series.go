package store

import (
	"database/sql"
	"errors"
	"fmt"
	"math"

	"github.com/mlhost/mlhost/shared/script"
)

// factor is how many buckets of one level make one of the next.
const factor = 8

// maxLevel is the highest level of rollups: 8^12 samples are more than fit
// into a series.
const maxLevel = 12

// series is a series that is being written: its length, the buckets that are
// not full yet (the first is of level 1), and rows of the transaction.
type series struct {
	id      int64
	next    int64 // index of the next sample
	open    []bucket
	rows    []row
	rollups []rollup
	mends   bool  // samples that it has may come again
	tail    *tail // where they may be; nil: not looked up yet
}

// rollup is a full bucket and its id.
type rollup struct {
	id int64
	bucket
}

// bucket sums up samples in a row.
type bucket struct {
	samples             int64 // of any kind
	firstStep, lastStep int64
	firstTime, lastTime int64
	finite              int64
	nan, inf, ninf      int64
	low, high, total    float64 // of the finite ones
	first, last         float64 // NaN where the sample is no number
}

// bucketOf sums up one sample.
func bucketOf(step, time int64, value any) bucket {
	b := bucket{samples: 1, firstStep: step, lastStep: step, firstTime: time, lastTime: time}
	f := math.NaN()
	switch v := value.(type) {
	case float64:
		f = v
	case int64:
		f = float64(v)
	}
	b.first, b.last = f, f
	switch {
	case value == nil:
		b.nan = 1
	case math.IsInf(f, 1):
		b.inf = 1
	case math.IsInf(f, -1):
		b.ninf = 1
	case !math.IsNaN(f):
		b.finite, b.low, b.high, b.total = 1, f, f, f
	}
	return b
}

// merge adds what came after b.
func (b *bucket) merge(c *bucket) {
	if b.samples == 0 {
		*b = *c
		return
	}
	b.samples += c.samples
	b.lastStep, b.lastTime, b.last = c.lastStep, c.lastTime, c.last
	b.nan += c.nan
	b.inf += c.inf
	b.ninf += c.ninf
	if c.finite == 0 {
		return
	}
	if b.finite == 0 {
		b.low, b.high = c.low, c.high
	} else {
		b.low, b.high = min(b.low, c.low), max(b.high, c.high)
	}
	b.finite += c.finite
	b.total += c.total
}

// add appends a sample, and the buckets that it fills.
func (sr *series) add(s *script.Sample) error {
	if err := sr.put(s.Step, nanos(s.Time), cell(s.Value)); err != nil {
		return fmt.Errorf("series %s: %w", s.Name, err)
	}
	return nil
}

// put appends a sample as it is written.
func (sr *series) put(step, time int64, value any) error {
	if sr.next >= maxIndex {
		return fmt.Errorf("it has %d samples: no more can be kept", sr.next)
	}
	r := row{id: sr.id<<seriesShift | sr.next, step: step, time: time, value: value}
	sr.rows = append(sr.rows, r)
	sr.next++
	b := bucketOf(r.step, r.time, r.value)
	size := int64(1)
	for level := 1; level <= maxLevel; level++ {
		if len(sr.open) < level {
			sr.open = append(sr.open, bucket{})
		}
		open := &sr.open[level-1]
		open.merge(&b)
		if size *= factor; open.samples < size {
			return nil
		}
		b = *open
		*open = bucket{}
		sr.rollups = append(sr.rollups, rollup{id: rollupID(sr.id, level, sr.next/size-1), bucket: b})
	}
	return nil
}

// appendRows appends the columns of the rows that wait, and takes them away.
func (sr *series) appendRows(args []any) []any {
	for _, r := range sr.rows {
		args = append(args, r.id, r.step, r.time, r.value)
	}
	sr.rows = sr.rows[:0]
	return args
}

// appendRollups does so with the buckets that were filled.
func (sr *series) appendRollups(args []any) []any {
	for i := range sr.rollups {
		args = sr.rollups[i].appendArgs(args)
	}
	sr.rollups = sr.rollups[:0]
	return args
}

func rollupID(series int64, level int, index int64) int64 {
	return series<<seriesShift | int64(level)<<levelShift | index
}

var (
	insertSample = insertion{head: "INSERT OR FAIL INTO sample (id, step, time, value) VALUES ", columns: 4}
	insertRollup = insertion{
		head: `INSERT OR FAIL INTO rollup (id, first_step, last_step, first_time, last_time, finite, nan, inf, ninf,
			low, high, total, first, last) VALUES `,
		columns: 14,
	}
)

func (r *rollup) appendArgs(args []any) []any {
	args = append(args, r.id, r.firstStep, r.lastStep, r.firstTime, r.lastTime, r.finite, r.nan, r.inf, r.ninf)
	if r.finite == 0 {
		args = append(args, nil, nil, nil)
	} else {
		args = append(args, r.low, r.high, r.total)
	}
	return append(args, r.first, r.last) // SQLite keeps NaN as NULL
}

// loadSeries finds a series, or makes it, and reads how far it has come.
func (f *samplesFile) loadSeries(tx *tx, run, name string) (*series, error) {
	sr := &series{}
	err := tx.row("SELECT id FROM series WHERE run = ? AND name = ?", []any{run, name}, &sr.id)
	if errors.Is(err, sql.ErrNoRows) {
		return sr, tx.row("INSERT INTO series (run, name) VALUES (?, ?) RETURNING id", []any{run, name}, &sr.id)
	}
	if err != nil {
		return nil, err
	}
	read := reader{query: tx.query}
	if sr.next, err = read.length(sr.id); err != nil {
		return nil, err
	}
	if sr.mends, err = f.mends(tx, sr.id); err != nil {
		return nil, err
	}
	return sr, sr.reopen(&read)
}

// reopen sums up again what the buckets that are not full hold.
func (sr *series) reopen(read *reader) error {
	below := int64(1) // samples in one child of the level's buckets
	for level := 1; level <= maxLevel && below <= sr.next; level++ {
		size := below * factor
		children, err := read.items(sr.id, level-1, sr.next/size*factor, sr.next/below)
		if err != nil {
			return err
		}
		var b bucket
		for i := range children {
			b.merge(&children[i])
		}
		sr.open = append(sr.open, b)
		below = size
	}
	return nil
}
