package store

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// LogFilter chooses lines of a run's log. The zero LogFilter takes all.
type LogFilter struct {
	Streams  []string  // "stdout", "stderr", "log"; none: all
	Levels   []string  // none: all
	Since    time.Time // zero: from the beginning
	AfterSeq uint64
	Tail     int // only the last so many of the lines chosen; 0: all
}

func (f *LogFilter) takes(l *Log) bool {
	return (len(f.Streams) == 0 || slices.Contains(f.Streams, l.Stream)) &&
		(len(f.Levels) == 0 || slices.Contains(f.Levels, l.Level)) &&
		(f.Since.IsZero() || !l.Time.Before(f.Since)) &&
		(f.AfterSeq == 0 || l.Seq > f.AfterSeq)
}

// Logs returns the lines of a run's log, the oldest first. A run without a
// log has none.
func (s *Store) Logs(ctx context.Context, run string, f LogFilter) iter.Seq2[Log, error] {
	return func(yield func(Log, error) bool) {
		dir, err := s.RunDir(run)
		if err != nil {
			yield(Log{}, err)
			return
		}
		path := filepath.Join(dir, logName)
		if f.Tail <= 0 {
			eachLog(ctx, path, logFiles-1, &f, yield)
			return
		}
		tail, err := tailOf(ctx, path, &f)
		if err != nil {
			yield(Log{}, err)
			return
		}
		for _, l := range tail {
			if !yield(l, nil) {
				return
			}
		}
	}
}

// tailOf returns the last f.Tail lines, looking into older files only as far
// as it needs.
func tailOf(ctx context.Context, path string, f *LogFilter) ([]Log, error) {
	var tail []Log
	for oldest := range logFiles {
		tail = tail[:0]
		var failed error
		eachLog(ctx, path, oldest, f, func(l Log, err error) bool {
			if err != nil {
				failed = err
				return false
			}
			if len(tail) >= 2*f.Tail {
				tail = slices.Delete(tail, 0, len(tail)-f.Tail)
			}
			tail = append(tail, l)
			return true
		})
		if failed != nil {
			return nil, failed
		}
		if len(tail) >= f.Tail || !exists(rotated(path, oldest+1)) {
			break
		}
	}
	return tail[max(0, len(tail)-f.Tail):], nil
}

// eachLog yields the lines of the log's files from the oldest-th rotated one
// to the present one.
func eachLog(ctx context.Context, path string, oldest int, f *LogFilter, yield func(Log, error) bool) {
	for n := oldest; n >= 0; n-- {
		name := path
		if n > 0 {
			name = rotated(path, n)
		}
		if !fileLogs(ctx, name, f, yield) {
			return
		}
	}
}

// fileLogs yields the lines of one file and reports whether to go on. A line
// that is being written, or is no JSON, is passed over.
func fileLogs(ctx context.Context, path string, f *LogFilter, yield func(Log, error) bool) (more bool) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil {
		yield(Log{}, explain("read log", path, err))
		return false
	}
	defer func() {
		if err := file.Close(); err != nil && more {
			more = yield(Log{}, explain("read log", path, err))
		}
	}()
	r := bufio.NewReaderSize(file, 64<<10)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return true
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			yield(Log{}, explain("read log", path, err))
			return false
		}
		var l Log
		if json.Unmarshal(line, &l) == nil && f.takes(&l) && !yield(l, nil) {
			return false
		}
	}
}
