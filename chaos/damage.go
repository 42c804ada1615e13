//go:build linux

package main

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// harms are the ways in which a database of a host that was killed is damaged.
var harms = []struct {
	name, file string // a pattern
	do         func(ctx context.Context, path string) error
}{
	{"flipped bytes", "meta.db", func(ctx context.Context, path string) error {
		return errors.Join(flushLog(ctx, path), flip(path, 4096, 1500))
	}},
	{"cut in the middle", "samples/*.db", func(ctx context.Context, path string) error {
		return errors.Join(flushLog(ctx, path), cutTo(path, 2))
	}},
	{"empty, beside its log", "samples/*.db", func(_ context.Context, path string) error { return os.Truncate(path, 0) }},
	{"log cut off", "meta.db", func(_ context.Context, path string) error { return os.Truncate(path+"-wal", 5000) }},
	{"log missing", "samples/*.db", func(_ context.Context, path string) error { return os.Remove(path + "-wal") }},
	{"log flipped", "samples/*.db", func(_ context.Context, path string) error { return flip(path+"-wal", 700, 5000) }},
	{"flipped bytes", "samples/*.db", func(ctx context.Context, path string) error {
		return errors.Join(flushLog(ctx, path), flip(path, 4096, 1500))
	}},
	{"missing", "meta.db", func(_ context.Context, path string) error { return os.Remove(path) }},
}

// damage kills a host and damages a database of its, in one way after the other.
func damage(ctx context.Context, l *lab, o *outcome) error {
	h, before, err := counting(ctx, l, 6)
	if err != nil {
		return err
	}
	untold := 0
	for _, harm := range harms {
		o.at("%s: %s", harm.file, harm.name)
		if err := h.hears(ctx, "s0"); err != nil { // so that there is something in each log
			return err
		}
		if err := h.kill(ctx); err != nil {
			return err
		}
		paths, err := filepath.Glob(filepath.Join(h.state, "c", harm.file))
		if err != nil || len(paths) != 1 {
			return errors.Join(err, errors.New("there is no "+harm.file))
		}
		if err := harm.do(ctx, paths[0]); err != nil {
			return err
		}
		if err := h.start(ctx); err != nil {
			return err
		}
		if err := h.reach(ctx, 30*time.Second, running); err != nil {
			return err
		}
		told, err := h.Host(ctx)
		if err != nil {
			return err
		}
		if text := strings.Join(told.Notices, "\n"); !strings.Contains(text, filepath.Base(paths[0])+" was damaged") {
			untold++
			o.breaks("%s, %s: it is not told: %q", harm.file, harm.name, text)
		}
	}
	o.count("damages", float64(len(harms)))
	o.zero("of them not told", untold)
	after, err := h.all(ctx)
	if err != nil {
		return err
	}
	o.zero("processes replaced", replaced(o, before, after))
	aside, err := filepath.Glob(filepath.Join(h.state, "c", "meta.db.damaged-*"))
	if err != nil {
		return err
	}
	if len(aside) == 0 {
		o.breaks("nothing is set aside")
	}
	return h.account(ctx, o, after)
}

// cutTo cuts a file to one of so many parts.
func cutTo(path string, parts int64) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Truncate(path, info.Size()/parts)
}

// flip changes every so manyth byte of a file from one on.
func flip(path string, from, every int) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i := from; i < len(text); i += every {
		text[i] ^= 0xff
	}
	return os.WriteFile(path, text, 0o600)
}

// flushLog puts what is in a database's log into its file.
func flushLog(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}
