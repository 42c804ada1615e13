package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Damage tells of a database file that was found damaged and set aside.
type Damage struct {
	File  string         // which one, below the store's directory
	Aside string         // where it lies now; "": nothing is left of it
	Cause string         // what SQLite says of it
	Saved map[string]int // rows that could still be read, by table; they are kept on
	Lost  int            // samples that are known to be missing
	Runs  int            // runs that were made known again by what else there is of them
}

// String words the damage for a log.
func (d Damage) String() string {
	rows := 0
	for _, n := range d.Saved {
		rows += n
	}
	text := fmt.Sprintf("%s was damaged (%s)", d.File, d.Cause)
	if d.Aside != "" {
		text += " and is set aside as " + d.Aside
	}
	if d.File == metaFile {
		text += fmt.Sprintf("; %d rows of it could be read and are kept, %d messages among them", rows, d.Saved["mail"])
	} else {
		text += fmt.Sprintf("; %d samples of it could be read and are kept", d.Saved["sample"])
		if d.Lost > 0 {
			text += fmt.Sprintf(", at least %d are lost", d.Lost)
		}
	}
	if d.Runs > 0 {
		text += fmt.Sprintf("; %d runs are known again by their files", d.Runs)
	}
	return text + "; scripts that still run hand in again what they hold"
}

const metaFile = "meta.db"

// checkTime bounds the check of a database when it is opened: a large one is
// found damaged when what is damaged is read.
const checkTime = time.Second

// isDamaged reports whether an error says that a database file holds what
// SQLite cannot have written.
func isDamaged(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}
	code := e.Code() & 0xff
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// errDamaged is what quick_check found.
type errDamaged struct{ what string }

func (e errDamaged) Error() string { return "the database is damaged: " + e.what }

// checkDatabase looks for damage, for as long as checkTime.
func checkDatabase(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	var said string
	err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said)
	switch {
	case isDamaged(err):
		return err
	case err != nil || said == "ok":
		return nil // it takes too long, or cannot be read for a reason that others will meet
	}
	return errDamaged{said}
}

// opening is a database that is to be opened for writing.
type opening struct {
	path     string
	schema   string
	now      time.Time
	expected bool // there has been one
	live     bool // it was in use until now, and is damaged
}

// open opens the database. One that is damaged is set aside, and what can be
// read of it goes into a new one.
func (o *opening) open(ctx context.Context) (*database, *Damage, error) {
	cause, err := o.examine()
	if err != nil {
		return nil, nil, err
	}
	if cause == "" {
		db, err := openSound(ctx, o.path, o.schema)
		if found, ok := errors.AsType[errDamaged](err); err == nil || !ok && !isDamaged(err) {
			return db, nil, err
		} else if ok {
			err = found
		}
		cause = firstLine(err)
	}
	damage := &Damage{File: filepath.Base(o.path), Cause: cause}
	if damage.Aside, err = setAside(o.path, o.now); err != nil {
		return nil, nil, err
	}
	db, err := openDatabase(ctx, o.path, o.schema)
	if err != nil {
		return nil, nil, err
	}
	if damage.Aside != "" {
		err = o.salvage(ctx, damage, db)
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.close())
	}
	return db, damage, nil
}

// examine looks at the files of a database before SQLite does, which takes no
// notice of a log that was cut off, and removes that of an empty database. It
// returns what is wrong, "" for nothing.
func (o *opening) examine() (cause string, err error) {
	if o.live {
		return "it was found out while it was written", nil
	}
	l, err := readLog(o.path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(o.path)
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return "", explain("open database", o.path, err)
	case err != nil && (l.committed() || o.expected):
		return "it is missing", nil
	case err != nil:
		return "", nil
	case info.Size() == 0 && (l.committed() || o.expected):
		return "it is empty", nil
	}
	if cause := l.missing(o.path); cause != "" {
		return cause, nil
	}
	p, err := openPages(o.path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	if has, wants := p.complete(); has < wants {
		return fmt.Sprintf("it is cut off: of %d pages %d are there", wants, has), nil
	}
	return "", nil
}

// salvage copies what can be read of the database that was set aside.
func (o *opening) salvage(ctx context.Context, d *Damage, to *database) (err error) {
	if o.schema == samplesSchema {
		d.Saved, d.Lost, err = salvageSamples(ctx, d.Aside, to, o.live)
		return err
	}
	image := d.Aside + ".whole"
	if err := whole(d.Aside, image); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(image)) }()
	if d.Saved, err = salvage(ctx, image, to); err != nil {
		return err
	}
	return rewindStreams(ctx, to)
}

// openSound opens a database and looks for damage.
func openSound(ctx context.Context, path, schema string) (*database, error) {
	db, err := openDatabase(ctx, path, schema)
	if _, ok := errors.AsType[*sqlite.Error](err); ok && !isDamaged(err) {
		return nil, damageBehind(ctx, path, err)
	}
	if err != nil {
		return nil, err
	}
	if err := checkDatabase(ctx, db.r); err != nil {
		return nil, errors.Join(err, db.close())
	}
	return db, nil
}

// damageBehind returns the damage that is behind an error, or the error: what
// SQLite says of a file that was cut off depends on what is asked first.
func damageBehind(ctx context.Context, path string, err error) error {
	db, openErr := openReader(path)
	if openErr != nil {
		return err
	}
	defer db.Close()
	if found := checkDatabase(ctx, db); found != nil {
		return found
	}
	return err
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// setAside renames a database file and its log. It returns "" where there is
// neither.
func setAside(path string, now time.Time) (string, error) {
	stamp := path + ".damaged-" + now.UTC().Format("20060102T150405")
	aside := stamp
	for n := 2; exists(aside) || exists(aside+"-wal"); n++ {
		aside = fmt.Sprintf("%s-%d", stamp, n)
	}
	found := false
	for _, suffix := range []string{"-wal", "-shm", ""} {
		err := os.Rename(path+suffix, aside+suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", explain("set aside", path+suffix, err)
		}
		found = found || err == nil
	}
	if !found {
		return "", nil
	}
	return aside, nil
}

// salvage copies the rows that can be read of a damaged database: those of
// each table from its beginning up to a damage, and, where rows have numbers,
// from behind it.
func salvage(ctx context.Context, from string, to *database) (map[string]int, error) {
	saved := map[string]int{}
	old, err := openReader(from)
	if err != nil {
		return saved, nil
	}
	defer old.Close()
	tables, err := tablesOf(ctx, to.w)
	if err != nil {
		return nil, explain("rebuild database", to.path, err)
	}
	for _, t := range tables {
		columns, err := commonColumns(ctx, old, to.w, t.name)
		if err != nil || len(columns) == 0 {
			continue // the table's description cannot be read
		}
		c := copier{old: old, now: to.w, table: t, columns: columns}
		n, err := c.copy(ctx)
		if saved[t.name] = n; err != nil {
			return nil, explain("rebuild database", to.path, err)
		}
	}
	return saved, nil
}

type table struct {
	name  string
	rowid bool
}

// tablesOf lists a database's own tables.
func tablesOf(ctx context.Context, db *sql.DB) ([]table, error) {
	rows, err := db.QueryContext(ctx, `SELECT name, sql NOT LIKE '%WITHOUT ROWID%' FROM sqlite_schema
		WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version' ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []table
	for rows.Next() {
		var t table
		if err := rows.Scan(&t.name, &t.rowid); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// commonColumns lists the columns of a table that both databases have.
func commonColumns(ctx context.Context, old, now *sql.DB, name string) ([]string, error) {
	had, err := columnsOf(ctx, old, name)
	if err != nil {
		return nil, err
	}
	has, err := columnsOf(ctx, now, name)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(had, func(c string) bool { return !slices.Contains(has, c) }), nil
}

func columnsOf(ctx context.Context, db *sql.DB, name string) ([]string, error) {
	rows, err := db.QueryContext(ctx, "SELECT name FROM pragma_table_info(?)", name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var c string
		if err := rows.Scan(&c); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// copier copies the rows of one table that can be read.
type copier struct {
	old, now *sql.DB
	table    table
	columns  []string
}

func (c *copier) copy(ctx context.Context) (total int, err error) {
	const first = 8 // rows that are skipped at once, at first
	from, skip := int64(math.MinInt64), int64(first)
	for {
		n, last, whole, err := c.rows(ctx, from)
		total += n
		if err != nil || whole || !c.table.rowid {
			return total, err
		}
		if last >= from {
			from, skip = last, first
		}
		if from == math.MinInt64 {
			from = 0
		}
		if from > math.MaxInt64-skip {
			return total, nil
		}
		from += skip
		skip *= 2
	}
}

// rows copies rows from a number on until the damage; whole reports that there
// was none, last is the number of the last row read. An error is one of the
// new database.
func (c *copier) rows(ctx context.Context, from int64) (n int, last int64, whole bool, err error) {
	list := `"` + strings.Join(c.columns, `", "`) + `"`
	last = math.MinInt64
	query, args := fmt.Sprintf(`SELECT 0, %s FROM "%s"`, list, c.table.name), []any{} //nolint:gosec // names from the schema
	if c.table.rowid {
		query, args = fmt.Sprintf(`SELECT rowid, %s FROM "%s" WHERE rowid >= ? ORDER BY rowid`, list, c.table.name), []any{from}
	}
	rows, err := c.old.QueryContext(ctx, query, args...)
	if err != nil {
		return 0, last, false, nil
	}
	defer rows.Close()
	tx, err := c.now.BeginTx(ctx, nil)
	if err != nil {
		return 0, last, false, err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	insert, err := tx.PrepareContext(ctx, fmt.Sprintf(`INSERT OR IGNORE INTO "%s" (%s) VALUES (?%s)`, c.table.name, list, strings.Repeat(", ?", len(c.columns)-1)))
	if err != nil {
		return 0, last, false, err
	}
	defer insert.Close()
	values, into := make([]any, len(c.columns)), make([]any, len(c.columns)+1)
	into[0] = &last
	for i := range values {
		into[i+1] = &values[i]
	}
	for rows.Next() {
		if rows.Scan(into...) != nil {
			continue
		}
		done, err := insert.ExecContext(ctx, values...)
		if err != nil {
			return n, last, false, err
		}
		if added, err := done.RowsAffected(); err == nil {
			n += int(added)
		}
	}
	whole = rows.Err() == nil
	return n, last, whole, tx.Commit()
}
