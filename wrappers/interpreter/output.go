package interpreter

import (
	"errors"
	"os"
	"sync"
	"time"
)

const (
	// readSize is the size of one read from a script's pipe.
	readSize = 16 << 10
	// idleTime is how long text without a line end waits before it is shown.
	idleTime = time.Second
)

// stream reads one of a script's output pipes until it ends. It takes what
// comes as it comes, so that the script never waits for anybody but a disk.
type stream struct {
	pipe  *os.File
	file  *logFile
	split splitter
	warn  func(string)
	lost  int64 // bytes that the output file did not take

	mu     sync.Mutex // guards all below, and the pipe's deadline
	end    time.Time  // when to stop even if the pipe is still open; zero: not known yet
	closed bool
}

// run reads until the pipe's last writer is gone, or until the time given to
// finish has come. It closes the pipe and the file.
func (s *stream) run() {
	buf := make([]byte, readSize)
	for {
		s.arm()
		n, err := s.pipe.Read(buf)
		if n > 0 {
			s.keep(buf[:n])
			s.split.write(buf[:n])
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, os.ErrDeadlineExceeded) && !s.over():
			s.split.idle()
			continue
		}
		break
	}
	s.split.end()
	if err := s.close(); err != nil {
		s.warn("close output: " + err.Error())
	}
}

func (s *stream) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return errors.Join(s.pipe.Close(), s.file.Close())
}

// keep appends to the output file. A full disk loses output, never the run.
func (s *stream) keep(p []byte) {
	n, err := s.file.Write(p)
	if err == nil {
		return
	}
	if s.lost == 0 {
		s.warn("output is not kept in its file any more: " + err.Error())
	}
	s.lost += int64(len(p) - n)
}

// arm sets the time at which the next read gives up.
func (s *stream) arm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.end
	if at.IsZero() && s.split.pending() {
		at = time.Now().Add(idleTime)
	}
	s.deadline(at)
}

func (s *stream) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.end.IsZero() && !time.Now().Before(s.end)
}

// finish tells run to stop at the given time, whoever still holds the pipe.
func (s *stream) finish(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end = at
	s.deadline(at)
}

// deadline sets the pipe's; the caller holds mu.
func (s *stream) deadline(at time.Time) {
	if s.closed {
		return
	}
	if err := s.pipe.SetReadDeadline(at); err != nil {
		s.warn("read output: " + err.Error())
	}
}
