//go:build linux

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/mlhost/mlhost/shared/script"
)

// harms are the ways in which a database of a host that was killed is damaged.
var harms = []struct {
	name, file string // a pattern
	whole      bool   // all that the file held is still there
	do         func(ctx context.Context, path string) error
}{
	{"empty, beside its log", "samples/*.db", true, func(_ context.Context, path string) error { return os.Truncate(path, 0) }}, // nothing was copied from there yet
	{"flipped bytes", "meta.db", true, func(ctx context.Context, path string) error {
		return errors.Join(flushLog(ctx, path), flip(path, 4096, 1500))
	}},
	{"cut in the middle", "samples/*.db", false, func(ctx context.Context, path string) error {
		return errors.Join(flushLog(ctx, path), cutTo(path, 2))
	}},
	{"log cut off", "meta.db", true, func(_ context.Context, path string) error { return os.Truncate(path+"-wal", 5000) }},
	{"log missing", "samples/*.db", false, func(_ context.Context, path string) error { return os.Remove(path + "-wal") }},
	{"log flipped", "samples/*.db", false, func(_ context.Context, path string) error { return flip(path+"-wal", 700, 5000) }},
	{"flipped bytes", "samples/*.db", false, func(ctx context.Context, path string) error {
		return errors.Join(flushLog(ctx, path), flip(path, 4096, 1500))
	}},
	{"missing", "meta.db", true, func(_ context.Context, path string) error { return os.Remove(path) }},
}

// damage kills a host and damages a database of its, in one way after the other.
func damage(ctx context.Context, l *lab, o *outcome) error {
	h, before, err := counting(ctx, l, 6)
	if err != nil {
		return err
	}
	// Of what has ended, nobody holds anything but the database.
	if err := h.endCounter(ctx, before["s5"]); err != nil {
		return err
	}
	if err := h.reach(ctx, time.Minute, []script.State{script.Failed}, "s5"); err != nil {
		return err
	}
	last, err := h.counted("s5")
	if err != nil {
		return err
	}
	ended := before["s5"]
	delete(before, "s5")
	untold, lost, whole := 0, 0, true
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
		if err := h.reach(ctx, 30*time.Second, running, slices.Collect(maps.Keys(before))...); err != nil {
			return err
		}
		if whole = whole && harm.whole; whole {
			run, err := h.Run(ctx, ended.Run, "n")
			if err != nil {
				return fmt.Errorf("%s, %s: the run that has ended: %w", harm.file, harm.name, err)
			}
			if t := tallied(run.Samples["n"], last); t.gaps+t.doubles > 0 || t.found != last {
				lost++
				o.breaks("%s, %s: the run that has ended made %d samples, %d are there", harm.file, harm.name, last, t.found)
			}
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
	o.zero("of them with a loss for what has ended, though the file had it", lost)
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
	delete(after, "s5")
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
