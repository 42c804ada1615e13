package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mlhost/mlhost/shared/script"
)

// Databases lists the database files of a store's directory, relative to it.
func Databases(dir string) ([]string, error) {
	samples, err := filepath.Glob(filepath.Join(escapeGlob(dir), "samples", "*.db"))
	if err != nil {
		return nil, fmt.Errorf("list databases: %w", err)
	}
	var names []string
	if exists(filepath.Join(dir, metaFile)) {
		names = append(names, metaFile)
	}
	for _, path := range samples {
		names = append(names, filepath.Join("samples", filepath.Base(path)))
	}
	return names, nil
}

func escapeGlob(path string) string {
	var out []rune
	for _, r := range path {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}

// Snapshot writes a copy of a database, as it is at one moment, to a path
// where nothing is yet. Whoever writes the database goes on meanwhile.
func Snapshot(ctx context.Context, from, to string) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return explain("copy database", from, err)
	}
	db, err := sql.Open("sqlite", dsn(from, "mode=ro", "_pragma=busy_timeout(5000)"))
	if err != nil {
		return explain("copy database", from, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	return explain("copy database", from, err)
}

// Check tells whether a database is sound, and not newer than this program.
func Check(ctx context.Context, path string) (err error) {
	schema := samplesSchema
	if filepath.Base(path) == metaFile {
		schema = metaSchema
	}
	if _, err := checkVersion(ctx, path, schema); err != nil {
		return err
	}
	db, err := openReader(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var said string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said); err != nil {
		return explain("check database", path, err)
	}
	if said != "ok" {
		return script.Errorf(script.CodeIO, "check database: %s: %s", path, said)
	}
	return nil
}
