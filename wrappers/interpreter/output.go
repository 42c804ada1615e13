package interpreter

import (
	"errors"
	"os"
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
	ending
	pipe  *os.File
	file  *logFile
	split splitter
	warn  func(string)
	lost  int64 // bytes that the output file did not take
}

// run reads until the pipe's last writer is gone, or until its ending. It
// closes the pipe and the file.
func (s *stream) run() {
	buf := make([]byte, readSize)
	for {
		limit := time.Duration(0)
		if s.split.pending() {
			limit = idleTime
		}
		if !s.arm(limit) {
			break
		}
		n, err := s.pipe.Read(buf)
		if n > 0 {
			s.keep(buf[:n])
			s.split.write(buf[:n])
		}
		if errors.Is(err, os.ErrDeadlineExceeded) && !s.begun() {
			s.split.idle()
		} else if err != nil {
			break
		}
	}
	s.split.end()
	if err := s.close(); err != nil {
		s.warn("close output: " + err.Error())
	}
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

func (s *stream) close() error {
	return s.ending.close(func() error { return errors.Join(s.pipe.Close(), s.file.Close()) })
}
