package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"

	"github.com/mlhost/mlhost/shared/script"
)

//go:embed migrations
var migrations embed.FS

// The kinds of database files: the folders below migrations.
const (
	metaSchema    = "meta"
	samplesSchema = "samples"
)

// checkpointAfter is how many pages the write-ahead log takes before they go
// into the database file and the log begins anew.
var checkpointAfter = map[string]int{metaSchema: 1000, samplesSchema: 4000}

const readers = 4 // connections that read one file at the same time

// database is one SQLite file: a handle for its one writer and one for its
// readers.
type database struct {
	path  string
	w     *sql.DB // nil when opened for reading only
	r     *sql.DB
	older bool // opened for reading only, and an older mlhost has written it: some tables may be missing

	mu    sync.Mutex
	ready map[string]*sql.Stmt // reading, by their texts; they end with r
}

// readyMax bounds how many statements are kept prepared for reading.
const readyMax = 64

// prepared returns a statement that stays prepared, nil where there is none:
// whoever asks then does without. The caller must not hold a connection of r.
func (d *database) prepared(ctx context.Context, query string) *sql.Stmt {
	if s := d.isPrepared(query); s != nil || d.older {
		return s
	}
	s, err := d.r.PrepareContext(ctx, query)
	if err != nil {
		return nil // the query itself will tell
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if other := d.ready[query]; other != nil || len(d.ready) >= readyMax {
		_ = s.Close() //nolint:sqlclosecheck // it was not used
		return other
	}
	if d.ready == nil {
		d.ready = map[string]*sql.Stmt{}
	}
	d.ready[query] = s
	return s
}

// isPrepared is prepared for one who may hold a connection.
func (d *database) isPrepared(query string) *sql.Stmt {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ready[query]
}

// row reads one row, by a statement that stays prepared.
func (d *database) row(ctx context.Context, query string, args []any, into ...any) error {
	if s := d.prepared(ctx, query); s != nil { //nolint:sqlclosecheck // it ends with r
		return s.QueryRowContext(ctx, args...).Scan(into...)
	}
	return d.r.QueryRowContext(ctx, query, args...).Scan(into...)
}

// dsn names a file to the driver. Question marks and the like in the path are
// escaped.
func dsn(path string, query ...string) string {
	u := url.URL{Scheme: "file", Path: path}
	return u.String() + "?" + strings.Join(query, "&")
}

// openDatabase opens a file for writing, makes it where it is missing and
// brings its tables up to date. A file whose tables are newer than this
// program is refused untouched.
func openDatabase(ctx context.Context, path, schema string) (*database, error) {
	if _, err := checkVersion(ctx, path, schema); err != nil {
		return nil, err
	}
	// As durable as fsync, which the driver uses by itself, and often quicker.
	if _, err := sqlite.Fdatasync(true); err != nil && !errors.Is(err, sqlite.ErrFdatasyncUnavailable) {
		return nil, explain("open database", path, err)
	}
	w, err := sql.Open("sqlite", dsn(path,
		"_pragma=busy_timeout(5000)", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)",
		"_pragma=foreign_keys(1)", "_pragma=cache_size(-8000)", fmt.Sprintf("_pragma=wal_autocheckpoint(%d)", checkpointAfter[schema]),
		"_pragma=journal_size_limit(67108864)"))
	if err != nil {
		return nil, explain("open database", path, err)
	}
	if err := migrate(ctx, w, schema); err != nil {
		return nil, explain("open database", path, errors.Join(err, w.Close()))
	}
	w.SetMaxOpenConns(1)
	r, err := openReader(path)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return &database{path: path, w: w, r: r}, nil
}

// lengthenLog makes the write-ahead log as long as it will get: a commit that
// makes the file longer has to wait for the file system's journal too. The log
// ends for SQLite where its frames do, whatever stands behind them. Nobody may
// write meanwhile.
func (d *database) lengthenLog(pages int) (err error) {
	const header, frame = 32, 24 + 4096
	f, err := os.OpenFile(d.path+"-wal", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if missing := header + int64(pages)*frame - info.Size(); missing > 0 {
		_, err = f.WriteAt(make([]byte, missing), info.Size()) // a hole would not do
	}
	return err
}

// openReadOnlyDatabase opens a file that must exist, next to whoever writes it.
func openReadOnlyDatabase(ctx context.Context, path, schema string) (*database, error) {
	older, err := checkVersion(ctx, path, schema)
	if err != nil {
		return nil, err
	}
	r, err := openReader(path)
	if err != nil {
		return nil, err
	}
	return &database{path: path, r: r, older: older}, nil
}

// checkEmpty refuses an empty file that has a log: SQLite would remove the log.
func checkEmpty(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() > 0 {
		return nil //nolint:nilerr // SQLite will tell
	}
	l, err := readLog(path)
	if err != nil || !l.committed() {
		return err
	}
	return script.Errorf(script.CodeIO, "open database: %s: the database is damaged: it is empty, and its log is not", path).
		WithHint("start the host again: it sets the file aside and keeps what can be read of it")
}

func openReader(path string) (*sql.DB, error) {
	if err := checkEmpty(path); err != nil {
		return nil, err
	}
	r, err := sql.Open("sqlite", dsn(path, "mode=ro", "_pragma=busy_timeout(5000)", "_pragma=query_only(1)"))
	if err != nil {
		return nil, explain("open database", path, err)
	}
	r.SetMaxOpenConns(readers)
	r.SetMaxIdleConns(readers)
	return r, nil
}

func (d *database) close() error {
	var errs []error
	if d.r != nil {
		errs = append(errs, d.r.Close())
	}
	if d.w != nil {
		errs = append(errs, d.w.Close())
	}
	return explain("close database", d.path, errors.Join(errs...))
}

func provider(db *sql.DB, schema string) (*goose.Provider, error) {
	sub, err := fs.Sub(migrations, "migrations/"+schema)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, sub, goose.WithDisableGlobalRegistry(true))
}

func migrate(ctx context.Context, db *sql.DB, schema string) error {
	p, err := provider(db, schema)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// checkVersion refuses a database that a newer mlhost has written, and tells
// whether an older one has. One that is missing, empty or has no tables yet
// passes.
func checkVersion(ctx context.Context, path, schema string) (older bool, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && info.Size() == 0) {
		return false, nil
	}
	if err != nil {
		return false, explain("open database", path, err)
	}
	db, err := openReader(path)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var tables, version int64
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'goose_db_version'").Scan(&tables)
	if err == nil && tables > 0 {
		err = db.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&version)
	}
	if err != nil {
		return false, explain("open database", path, err)
	}
	known, err := newestVersion(schema)
	if err != nil {
		return false, err
	}
	if version > known {
		return false, script.Errorf(script.CodeConflict, "%s was written by a newer mlhost (its tables have version %d, this one knows %d)",
			path, version, known).WithHint("use that mlhost, or another --state")
	}
	return version < known, nil
}

func newestVersion(schema string) (int64, error) {
	entries, err := migrations.ReadDir("migrations/" + schema)
	if err != nil {
		return 0, err
	}
	var newest int64
	for _, e := range entries {
		var v int64
		if _, err := fmt.Sscanf(e.Name(), "%d_", &v); err != nil {
			return 0, fmt.Errorf("migration %s has no number: %w", e.Name(), err)
		}
		newest = max(newest, v)
	}
	return newest, nil
}
