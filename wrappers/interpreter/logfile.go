package interpreter

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
)

// The limits of an output file: so many bytes, in so many files.
const (
	maxLogFile  = 100 << 20
	maxLogFiles = 5
)

// logFile appends a stream's raw bytes to a file. A full file is copied to
// path.1 (path.1 to path.2, …) and cut to nothing, so that whoever has it open
// goes on with the same file. A nil logFile keeps nothing.
type logFile struct {
	path  string
	limit int64
	file  *os.File
	size  int64
	more  atomic.Int32 // others that write to it: the last one's Close closes it
}

func openLogFile(path string, limit int64) (*logFile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open output file: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open output file: %w", err), f.Close())
	}
	return &logFile{path: path, limit: limit, file: f, size: info.Size()}, nil
}

// Write appends p, in a fresh file where the present one is full.
func (l *logFile) Write(p []byte) (int, error) {
	if l == nil {
		return len(p), nil
	}
	if l.size > 0 && l.size+int64(len(p)) > l.limit {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := l.file.Write(p)
	l.size += int64(n)
	return n, err
}

func (l *logFile) rotate() error {
	for i := maxLogFiles - 1; i > 1; i-- {
		err := os.Rename(l.numbered(i-1), l.numbered(i))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("rotate output file: %w", err)
		}
	}
	if err := l.copyTo(l.numbered(1)); err != nil {
		return fmt.Errorf("rotate output file: %w", err)
	}
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("rotate output file: %w", err)
	}
	l.size = 0
	return nil
}

func (l *logFile) numbered(i int) string { return fmt.Sprintf("%s.%d", l.path, i) }

func (l *logFile) copyTo(path string) (err error) {
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if _, err := l.file.Seek(0, io.SeekStart); err != nil { // appending does not care
		return err
	}
	_, err = io.Copy(to, l.file)
	return err
}

// share lets one more stream write to the file.
func (l *logFile) share() *logFile {
	if l != nil {
		l.more.Add(1)
	}
	return l
}

// Close closes the file when all that share it have done with it.
func (l *logFile) Close() error {
	if l == nil || l.more.Add(-1) >= 0 {
		return nil
	}
	return l.file.Close()
}
