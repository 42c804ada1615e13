package store

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// chartRows is how many rows a chart may read for each of its points.
const chartRows = 5

// Bucket sums up neighbouring samples of a series. Min, Max and Mean are over
// the finite numbers, and NaN where there are none; First and Last are NaN
// where that sample is no number.
type Bucket struct {
	FirstStep, LastStep int64 // -1: the script counts no steps
	FirstTime, LastTime time.Time
	Count               int64 // samples of any kind
	NaN, Inf, NegInf    int64
	Min, Max, Mean      float64
	First, Last         float64
}

// Chart sums a series up in at most points buckets (1,000 where points is not
// positive). It also returns how many rows it has read: no more than about
// five for each point, however long the series is.
func (s *Store) Chart(ctx context.Context, run, name string, points int) ([]Bucket, int, error) {
	return s.ChartOf(ctx, run, name, points, ChartRange{})
}

// ChartRange chooses a part of a series: between two steps, or two times, both
// included. They are taken to grow, as they do but for a little.
type ChartRange struct {
	FromStep, ToStep *int64 // nil: open
	Since, Until     time.Time
}

// ChartOf sums up a part of a series.
func (s *Store) ChartOf(ctx context.Context, run, name string, points int, part ChartRange) ([]Bucket, int, error) {
	if points <= 0 {
		points = 1000
	}
	var out []Bucket
	var rows int
	err := s.readSeries(ctx, run, name, func(id int64, read *reader) error {
		total, err := read.length(id)
		if err != nil {
			return err
		}
		from, to, err := read.part(id, total, part)
		if err != nil {
			return err
		}
		out, err = read.chart(id, from, to, int64(points))
		rows = read.rows
		return err
	})
	return out, rows, err
}

// part returns which samples of a series belong to a part of it.
func (r *reader) part(id, total int64, part ChartRange) (from, to int64, err error) {
	to = total
	for _, bound := range []struct {
		set   bool
		end   *int64
		older func(step, at int64) bool // than what is wanted; at the upper end: or wanted
	}{
		{part.FromStep != nil, &from, func(step, _ int64) bool { return step < *part.FromStep }},
		{!part.Since.IsZero(), &from, func(_, at int64) bool { return at < nanos(part.Since) }},
		{part.ToStep != nil, &to, func(step, _ int64) bool { return step <= *part.ToStep }},
		{!part.Until.IsZero(), &to, func(_, at int64) bool { return at <= nanos(part.Until) }},
	} {
		if !bound.set {
			continue
		}
		n, err := r.search(id, total, bound.older)
		if err != nil {
			return 0, 0, err
		}
		if bound.end == &from {
			from = max(from, n)
		} else {
			to = min(to, n)
		}
	}
	return min(from, to), to, nil
}

// search returns the index of the first sample that is not older.
func (r *reader) search(id, total int64, older func(step, at int64) bool) (int64, error) {
	low, high := int64(0), total
	for low < high {
		middle := (low + high) / 2
		is := false
		err := r.each("SELECT step, time FROM sample WHERE id = ?", []any{id<<seriesShift | middle}, func(rows *sql.Rows) error {
			var step, at int64
			err := rows.Scan(&step, &at)
			is = older(step, at)
			return err
		})
		if err != nil {
			return 0, err
		}
		if is {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// chart sums up the samples [from, to) of a series at the finest level that is
// coarse enough, and what is beside its full buckets at the finer ones.
func (r *reader) chart(id, from, to, points int64) ([]Bucket, error) {
	level, size, total := 0, int64(1), to-from
	ends := int64(1) // of the part that need finer levels
	if from > 0 {
		ends = 2
	}
	for total/size+int64(level*factor)*ends > points*chartRows && level < maxLevel {
		level++
		size *= factor
	}
	sums := make([]bucket, min(points, total))
	c := charted{reader: r, id: id, begin: from, total: total, sums: sums}
	if err := c.add(level, size, from, to); err != nil {
		return nil, err
	}
	out := make([]Bucket, 0, len(sums))
	for i := range sums {
		if sums[i].samples > 0 {
			out = append(out, sums[i].export())
		}
	}
	return out, nil
}

// charted is a chart that is being made.
type charted struct {
	*reader
	id, begin, total int64
	sums             []bucket
}

// add sums up the samples [from, to) at a level whose buckets have the given
// size, in order.
func (c *charted) add(level int, size, from, to int64) error {
	if from >= to {
		return nil
	}
	first, last := (from+size-1)/size, to/size
	if first > last {
		return c.add(level-1, size/factor, from, to)
	}
	if level > 0 {
		if err := c.add(level-1, size/factor, from, first*size); err != nil {
			return err
		}
	}
	items, err := c.items(c.id, level, first, last)
	if err != nil {
		return err
	}
	at := first * size
	for i := range items {
		c.sums[(at-c.begin)*int64(len(c.sums))/c.total].merge(&items[i])
		at += size
	}
	if level > 0 {
		return c.add(level-1, size/factor, last*size, to)
	}
	return nil
}

func (b *bucket) export() Bucket {
	out := Bucket{
		FirstStep: b.firstStep, LastStep: b.lastStep, FirstTime: fromNanos(b.firstTime), LastTime: fromNanos(b.lastTime),
		Count: b.samples, NaN: b.nan, Inf: b.inf, NegInf: b.ninf, First: b.first, Last: b.last,
		Min: math.NaN(), Max: math.NaN(), Mean: math.NaN(),
	}
	if b.finite > 0 {
		out.Min, out.Max, out.Mean = b.low, b.high, b.total/float64(b.finite)
	}
	return out
}

// reader reads series, in whatever transaction its query works, and counts rows.
type reader struct {
	query func(query string, args ...any) (*sql.Rows, error)
	rows  int
}

// each runs a query and calls scan for every row.
func (r *reader) each(query string, args []any, scan func(*sql.Rows) error) (err error) {
	rows, err := r.query(query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		r.rows++
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// length returns the number of samples of a series.
func (r *reader) length(id int64) (int64, error) {
	var n int64
	err := r.each("SELECT id FROM sample WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1",
		[]any{id << seriesShift, id<<seriesShift | maxIndex},
		func(rows *sql.Rows) error {
			if err := rows.Scan(&n); err != nil {
				return err
			}
			n = n&maxIndex + 1
			return nil
		})
	return n, err
}

// items returns the buckets [from, to) of a level; at level 0 they are samples.
func (r *reader) items(id int64, level int, from, to int64) ([]bucket, error) {
	if from >= to {
		return nil, nil
	}
	out := make([]bucket, 0, to-from)
	if level == 0 {
		err := r.each("SELECT step, time, value FROM sample WHERE id BETWEEN ? AND ? ORDER BY id",
			[]any{id<<seriesShift | from, id<<seriesShift | (to - 1)},
			func(rows *sql.Rows) error {
				var step, time int64
				var value any
				err := rows.Scan(&step, &time, &value)
				out = append(out, bucketOf(step, time, value))
				return err
			})
		return out, err
	}
	samples := int64(math.Pow(factor, float64(level)))
	err := r.each(`SELECT first_step, last_step, first_time, last_time, finite, nan, inf, ninf, low, high, total, first, last
		FROM rollup WHERE id BETWEEN ? AND ? ORDER BY id`,
		[]any{rollupID(id, level, from), rollupID(id, level, to-1)},
		func(rows *sql.Rows) error {
			b := bucket{samples: samples}
			var low, high, total, first, last sql.NullFloat64
			err := rows.Scan(&b.firstStep, &b.lastStep, &b.firstTime, &b.lastTime, &b.finite, &b.nan, &b.inf, &b.ninf,
				&low, &high, &total, &first, &last)
			b.low, b.high, b.total = low.Float64, high.Float64, total.Float64
			b.first, b.last = orNaN(first), orNaN(last)
			out = append(out, b)
			return err
		})
	return out, err
}

func orNaN(f sql.NullFloat64) float64 {
	if f.Valid {
		return f.Float64
	}
	return math.NaN()
}

// readSeries calls read in a transaction of the file that holds a run's
// samples. A series that is not known is an error with a suggestion.
func (s *Store) readSeries(ctx context.Context, run, name string, read func(id int64, r *reader) error) error {
	f, err := s.runSamples(ctx, run)
	if err != nil {
		return err
	}
	if f == nil {
		return noSeries(run, name, nil)
	}
	return f.view(ctx, func(r *reader) error {
		id, found := int64(0), false
		err := r.each("SELECT id FROM series WHERE run = ? AND name = ?", []any{run, name}, func(rows *sql.Rows) error {
			found = true
			return rows.Scan(&id)
		})
		if err != nil {
			return err
		}
		if !found {
			names, err := r.names(run)
			if err != nil {
				return err
			}
			return noSeries(run, name, names)
		}
		r.rows = 0
		return read(id, r)
	})
}

func noSeries(run, name string, names []string) error {
	err := script.Errorf(script.CodeNotFound, "run %s has no samples of %q", run, name)
	if best := script.Suggest(name, names); best != "" {
		return err.WithHint("did you mean %q?", best)
	}
	return err
}

func (r *reader) names(run string) ([]string, error) {
	var names []string
	err := r.each("SELECT name FROM series WHERE run = ? ORDER BY id", []any{run}, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	})
	return names, err
}

// view calls read on one state of the file.
func (f *samplesFile) view(ctx context.Context, read func(*reader) error) error {
	return view(ctx, f.db, "read samples", read)
}

func view(ctx context.Context, db *database, doing string, read func(*reader) error) (err error) {
	tx, err := db.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return explain(doing, db.path, err)
	}
	defer func() {
		if end := tx.Rollback(); end != nil && !errors.Is(end, sql.ErrTxDone) {
			err = errors.Join(err, explain(doing, db.path, end))
		}
	}()
	return explain(doing, db.path, read(db.reader(ctx, tx)))
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// ask makes a query, by a prepared statement where there is one.
func (d *database) ask(ctx context.Context, from querier, query string, args []any) (*sql.Rows, error) {
	s := d.isPrepared(query) //nolint:sqlclosecheck // it stays prepared
	if s == nil {
		return from.QueryContext(ctx, query, args...)
	}
	if tx, ok := from.(*sql.Tx); ok {
		return tx.StmtContext(ctx, s).QueryContext(ctx, args...) //nolint:sqlclosecheck // it ends with tx
	}
	return s.QueryContext(ctx, args...)
}

// reader reads from the database, or from a transaction on it.
func (d *database) reader(ctx context.Context, from querier) *reader {
	return &reader{query: func(query string, args ...any) (*sql.Rows, error) {
		rows, err := d.ask(ctx, from, query, args)
		if d.older && err != nil && strings.Contains(err.Error(), "no such table") {
			return from.QueryContext(ctx, "SELECT 1 WHERE 0") // there is nothing in it yet
		}
		return rows, err
	}}
}
