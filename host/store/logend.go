package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// LogEnd returns the newest line of a run's log that was read from the file of
// the given stream, "stdout" or "stderr": its End is where to read on. The
// zero Log means that there is none.
func (s *Store) LogEnd(ctx context.Context, run, stream string) (Log, error) {
	dir, err := s.RunDir(run)
	if err != nil {
		return Log{}, err
	}
	path := filepath.Join(dir, logName)
	for n := range logFiles {
		name := path
		if n > 0 {
			name = rotated(path, n)
		}
		l, err := logEnd(ctx, name, stream)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return Log{}, nil
		case err != nil || l.End > 0:
			return l, explain("read log", name, err)
		}
	}
	return Log{}, nil
}

// logEnd looks for that line in one file, from its end on.
func logEnd(ctx context.Context, path, stream string) (Log, error) {
	f, err := os.Open(path)
	if err != nil {
		return Log{}, err
	}
	defer func() { _ = f.Close() }() // opened for reading
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return Log{}, err
	}
	const block = 256 << 10 // more than a line has
	for to := size; to > 0; {
		if err := ctx.Err(); err != nil {
			return Log{}, err
		}
		from := max(0, to-block)
		buf := make([]byte, min(size-from, 2*block))
		if _, err := f.ReadAt(buf, from); err != nil && !errors.Is(err, io.EOF) {
			return Log{}, err
		}
		if l := newestEnd(buf, stream); l.End > 0 {
			return l, nil
		}
		to = from
	}
	return Log{}, nil
}

// newestEnd is the last of the lines, whole ones, that is of the stream. Most
// are not looked into: a script may have printed nothing but to the other one.
func newestEnd(lines []byte, stream string) Log {
	of := []byte(`"stream":"` + stream + `"`) // in a text its quotes are escaped
	for {
		at := bytes.LastIndex(lines, of)
		if at < 0 {
			return Log{}
		}
		from := bytes.LastIndexByte(lines[:at], '\n') + 1
		line, _, whole := bytes.Cut(lines[from:], []byte{'\n'})
		var l Log
		if whole && json.Unmarshal(line, &l) == nil && l.Stream == stream && l.End > 0 { // the first one may be a piece
			return l
		}
		lines = lines[:from]
	}
}
