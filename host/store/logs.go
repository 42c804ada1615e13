package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// A run's log is rotated at logLimit bytes; logFiles are kept, the present one
// included.
const (
	logLimit = 100 << 20
	logFiles = 5
	logName  = "log.jsonl"
)

// Log is a line of a run's log, or a part of a long one: the line of JSON
// that is kept.
type Log struct {
	Time    time.Time `json:"time"`
	Stream  string    `json:"stream"` // "stdout", "stderr" or "log"
	Level   string    `json:"level"`
	Text    string    `json:"text"`
	Partial bool      `json:"partial"` // the next line of the stream continues it
	Seq     uint64    `json:"seq"`
	End     int64     `json:"end,omitempty"` // of the line in the stream's own file
}

// logFile is the log of a run, opened for appending.
type logFile struct {
	path  string
	limit int64
	file  *os.File
	size  int64
	last  uint64 // the last sequence number in it
}

// writeLogs appends the log lines of a batch to the logs of their runs. They
// are not synced.
func (s *Store) writeLogs(b *batch) error {
	for st := range b.logs {
		if err := s.writeLog(st, b); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) writeLog(st *stream, b *batch) (err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if s.isClosed() {
		return ErrClosed
	}
	if st.log == nil {
		dir, err := s.RunDir(st.run)
		if err != nil {
			return err
		}
		if st.log, err = openLog(dir, s.logLimit); err != nil {
			return explain("open log", filepath.Join(dir, logName), err)
		}
	}
	var buf bytes.Buffer
	last := st.log.last
	for i := range b.events {
		e := &b.events[i]
		line, ok := e.Body.(script.LogLine)
		if !ok || b.streams[i] != st || (e.Seq > 0 && e.Seq <= last) {
			continue
		}
		last = max(last, e.Seq)
		buf.Write(mustJSON(Log{
			Time: e.Time, Stream: line.Stream, Level: line.Level, Text: line.Text, Partial: line.Partial, Seq: e.Seq,
			End: line.End,
		}))
		buf.WriteByte('\n')
	}
	if err := st.log.write(buf.Bytes(), last); err != nil {
		return explain("write log", st.log.path, err)
	}
	if !st.ended {
		return nil
	}
	log := st.log
	st.log = nil
	return log.close()
}

// openLog opens a run's log, drops a line that a crash has torn, and reads
// how far the log goes.
func openLog(dir string, limit int64) (l *logFile, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	l = &logFile{path: filepath.Join(dir, logName), limit: limit}
	if l.file, err = os.OpenFile(l.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return nil, err
	}
	if err := l.recover(); err != nil {
		return nil, errors.Join(err, l.file.Close())
	}
	return l, nil
}

func (l *logFile) recover() error {
	end, last, err := lastLine(l.file)
	if err != nil {
		return err
	}
	if err := l.file.Truncate(end); err != nil {
		return err
	}
	l.size, l.last = end, last
	if last == 0 && exists(rotated(l.path, 1)) {
		l.last, err = lastSeq(rotated(l.path, 1))
	}
	return err
}

func lastSeq(path string) (uint64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	_, last, err := lastLine(f)
	return last, errors.Join(err, f.Close())
}

// lastLine returns where the last whole line ends, and the last sequence
// number among the whole lines near the end.
func lastLine(f *os.File) (end int64, last uint64, err error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, 0, err
	}
	const block = 256 << 10
	for start := size; start > 0 && last == 0; {
		from := max(0, start-block)
		// A block takes in what follows it: a line may begin in one and end in the next.
		buf := make([]byte, min(size-from, 2*block))
		if _, err := f.ReadAt(buf, from); err != nil && !errors.Is(err, io.EOF) {
			return 0, 0, err
		}
		if i := bytes.LastIndexByte(buf, '\n'); i >= 0 {
			end = max(end, from+int64(i)+1)
			for line := range bytes.Lines(buf[:i+1]) {
				var l Log
				if json.Unmarshal(line, &l) == nil { // the first one may be a piece
					last = max(last, l.Seq)
				}
			}
		}
		start = from
	}
	return end, last, nil
}

// write appends whole lines. When that fails, what was written of them is
// taken back.
func (l *logFile) write(lines []byte, last uint64) error {
	if len(lines) == 0 {
		return nil
	}
	if l.size > 0 && l.size+int64(len(lines)) > l.limit {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	n, err := l.file.Write(lines)
	if err != nil {
		return errors.Join(err, l.file.Truncate(l.size))
	}
	l.size += int64(n)
	l.last = last
	return nil
}

func rotated(path string, n int) string { return fmt.Sprintf("%s.%d", path, n) }

// rotate renames log.jsonl to log.jsonl.1 and so on, and begins anew.
func (l *logFile) rotate() error {
	for n := logFiles - 1; n > 0; n-- {
		from := l.path
		if n > 1 {
			from = rotated(l.path, n-1)
		}
		if err := os.Rename(from, rotated(l.path, n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	file, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	old := l.file
	l.file, l.size = file, 0
	return old.Close()
}

func (l *logFile) close() error { return explain("close log", l.path, l.file.Close()) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
