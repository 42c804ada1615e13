package store

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
)

// salvageStep is how many samples go into one transaction.
const salvageStep = 20_000

// sampleTables is what can be read of the tables of a samples file, page by
// page: also what no other page leads to any more.
type sampleTables struct {
	pages  *pageFile
	series map[int64]seriesName
	seen   map[string]int64 // how far each run's stream was taken in
	leaves []leaf           // pages of samples
}

type seriesName struct{ run, name string }

// leaf is a page of samples and the number of its first one.
type leaf struct {
	first int64
	page  uint32
}

// salvageSamples copies the samples that are in what is left of a samples file
// and of its log. Each series is numbered anew, so that it has no holes. A
// series is marked: what its plugin still holds may come again, see mend. lost
// is how many samples there are numbers of that are not there; what stood
// behind the last one is not known. With live nothing comes again: the plugins'
// streams go on where they were.
func salvageSamples(ctx context.Context, from string, to *database, live bool) (saved map[string]int, lost int, err error) {
	pages, err := openPages(from)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, pages.close()) }()
	t := &sampleTables{pages: pages, series: map[int64]seriesName{}, seen: map[string]int64{}}
	t.look()
	w := newWriter(to.path, to.w)
	go w.run()
	c := &sampleCopier{tables: t, writer: w, live: live}
	err = c.copy(ctx)
	return map[string]int{"sample": c.saved, "series": c.kept}, c.lost, errors.Join(err, w.close())
}

// look finds the pages of samples, and what is said of their series.
func (t *sampleTables) look() {
	free := t.pages.free()
	for n := uint32(1); n <= t.pages.count; n++ {
		page := t.pages.page(n)
		if page == nil || free[n] {
			continue
		}
		switch kind, _ := t.pages.kind(n, page); kind {
		case pageTableLeaf:
			t.pages.cells(n, page, func(id int64, columns []any) bool { return t.row(n, id, columns) })
		case pageIndexLeaf, pageIndexInner:
			t.pages.cells(n, page, func(_ int64, columns []any) bool { t.entry(columns); return true })
		}
	}
	slices.SortFunc(t.leaves, func(a, b leaf) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.page, b.page)) })
}

// row takes in a row of a table; false when the page need not be read further
// now.
func (t *sampleTables) row(page uint32, id int64, columns []any) bool {
	if isSample(id, columns) {
		t.leaves = append(t.leaves, leaf{id, page})
		return false
	}
	if len(columns) == 3 && columns[0] == nil {
		t.name(id, columns[1], columns[2])
		return true
	}
	return false
}

// isSample reports whether a row is one of the table of samples.
func isSample(id int64, columns []any) bool {
	if len(columns) != 4 || columns[0] != nil || id>>seriesShift <= 0 || id&(1<<seriesShift-1) > maxIndex {
		return false
	}
	_, step := columns[1].(int64)
	_, time := columns[2].(int64)
	return step && time
}

func (t *sampleTables) name(id int64, run, name any) {
	r, isRun := run.(string)
	n, isName := name.(string)
	if isRun && isName && id > 0 {
		t.series[id] = seriesName{r, n}
	}
}

// entry takes in an entry of an index: of the one of series, or of the table
// of streams, which is one.
func (t *sampleTables) entry(columns []any) {
	if len(columns) != 3 {
		return
	}
	third, ok := columns[2].(int64)
	if !ok {
		return
	}
	if last, ok := columns[1].(int64); ok {
		if run, ok := columns[0].(string); ok {
			t.seen[run] = max(t.seen[run], last)
		}
		return
	}
	t.name(third, columns[0], columns[1])
}

// sampleCopier writes the samples that were found into a new file.
type sampleCopier struct {
	tables *sampleTables
	writer *writer
	live   bool

	series            *series // that is being written; nil: none
	was               int64   // its number in the old file
	args              []any   // of rows that wait
	last              int64   // number of the last row that was read
	saved, kept, lost int
}

func (c *sampleCopier) copy(ctx context.Context) error {
	err := c.writer.do(ctx, &job{work: func(tx *tx) error { return c.begin(tx) }})
	for _, l := range c.tables.leaves {
		if err != nil {
			return err
		}
		if err = ctx.Err(); err == nil {
			err = c.leaf(ctx, c.tables.pages.page(l.page), l.page)
		}
	}
	if err != nil {
		return err
	}
	return c.write(ctx)
}

// begin makes the tables of what was salvaged.
func (c *sampleCopier) begin(tx *tx) error {
	for _, query := range []string{createSalvagedSeries, createSalvagedRun} {
		if _, err := tx.exec(query); err != nil {
			return err
		}
	}
	for run, last := range c.tables.seen {
		query, args := "INSERT INTO salvaged_run (run, last_seq) VALUES (?, ?)", []any{run, last}
		if c.live {
			query, args = savePosition, []any{run, last, 0}
		}
		if _, err := tx.exec(query, args...); err != nil {
			return err
		}
	}
	return nil
}

// leaf takes in the samples of a page.
func (c *sampleCopier) leaf(ctx context.Context, page []byte, n uint32) (err error) {
	if page == nil {
		return nil
	}
	c.tables.pages.cells(n, page, func(id int64, columns []any) bool {
		if id <= c.last || !isSample(id, columns) {
			return true // an older copy of the page has it too
		}
		err = c.sample(ctx, id, columns)
		return err == nil
	})
	return err
}

func (c *sampleCopier) sample(ctx context.Context, id int64, columns []any) error {
	number, index := id>>seriesShift, id&(1<<seriesShift-1)
	if number != c.was {
		if err := c.write(ctx); err != nil {
			return err
		}
		c.was, c.series = number, nil
		if name, ok := c.tables.series[number]; ok {
			c.series = &series{id: number}
			if err := c.writer.do(ctx, &job{work: func(tx *tx) error { return c.beginSeries(tx, number, name) }}); err != nil {
				return err
			}
			c.kept++
		}
		c.lost += int(index)
	} else {
		c.lost += int(id - c.last - 1)
	}
	c.last = id
	if c.series == nil {
		c.lost++ // nobody knows whose it is
		return nil
	}
	if err := c.series.put(columns[1].(int64), columns[2].(int64), columns[3]); err != nil {
		return err
	}
	c.saved++
	if len(c.series.rows) < salvageStep {
		return nil
	}
	return c.write(ctx)
}

func (c *sampleCopier) beginSeries(tx *tx, id int64, name seriesName) error {
	_, err := tx.exec("INSERT INTO series (id, run, name) VALUES (?, ?, ?)", id, name.run, name.name)
	if err != nil || c.live {
		return err
	}
	_, err = tx.exec("INSERT INTO salvaged_series (series) VALUES (?)", id)
	return err
}

// write writes the rows that wait.
func (c *sampleCopier) write(ctx context.Context) error {
	sr := c.series
	if sr == nil || len(sr.rows) == 0 {
		return nil
	}
	return c.writer.do(ctx, &job{weight: len(sr.rows), work: func(tx *tx) error {
		c.args = sr.appendRows(c.args[:0])
		if err := tx.insert(insertSample, c.args); err != nil {
			return err
		}
		c.args = sr.appendRollups(c.args[:0])
		return tx.insert(insertRollup, c.args)
	}})
}

// whole makes one file of what is left of a database and of its log.
func whole(from, to string) (err error) {
	pages, err := openPages(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pages.close()) }()
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return explain("copy database", to, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for n := uint32(1); n <= pages.count; n++ {
		data := pages.page(n)
		if data == nil {
			data = make([]byte, pages.size)
		}
		if n == 1 {
			data[18], data[19] = 1, 1 // it has no log
		}
		if _, err := file.Write(data); err != nil {
			return explain("copy database", to, err)
		}
	}
	return nil
}
