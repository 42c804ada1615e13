package interpreter

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// readSize is the size of one read from a script's pipe.
	readSize = 16 << 10
	// idleTime is how long text without a line end waits before it is shown.
	idleTime = time.Second
	// maxPipe is the most that a pipe holds, unless root makes it larger.
	maxPipe = 1 << 20
)

// stream reads one of a script's output pipes until it ends. It takes what
// comes as it comes, so that the script never waits for anybody but a disk.
type stream struct {
	ending
	pipe *os.File
	raw  syscall.RawConn // of the pipe
	fd   int             // likewise; it never blocks
	file *logFile
	warn func(string)

	order *sync.Mutex // one for all streams of a run: guards all below
	first *stream     // what stands in its pipe is taken before what is in this one's; may be nil
	buf   []byte
	split splitter
	lost  int64 // bytes that the output file did not take
	over  bool  // the pipe is closed, or about to be
}

// newStream makes a pipe and the stream that reads it. It returns the
// script's end too.
func newStream(order *sync.Mutex, file *logFile) (s *stream, write *os.File, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	s = &stream{ending: ending{deadline: read.SetReadDeadline}, pipe: read, file: file, order: order, buf: make([]byte, readSize)}
	if s.raw, err = read.SyscallConn(); err == nil {
		err = s.raw.Control(func(fd uintptr) { s.fd = int(fd) })
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("make a pipe: %w", err), read.Close(), write.Close())
	}
	return s, write, nil
}

// run reads until the pipe's last writer is gone, or until its ending. It
// closes the pipe and the file.
func (s *stream) run() {
	for s.next() {
		continue
	}
	s.order.Lock()
	s.over = true
	s.split.end()
	s.order.Unlock()
	if err := s.close(); err != nil {
		s.warn("close output: " + err.Error())
	}
}

// next waits for something to come and takes it. It returns false at the end.
func (s *stream) next() bool {
	s.order.Lock()
	timed := s.split.pending()
	s.order.Unlock()
	limit := time.Duration(0)
	if timed {
		limit = idleTime
	}
	if !s.arm(limit) {
		return false
	}
	ended, waited := false, false
	err := s.raw.Read(func(uintptr) (done bool) {
		s.order.Lock()
		defer s.order.Unlock()
		n, err := s.take()
		if errors.Is(err, unix.EAGAIN) {
			// Another stream's reader may have been here, and left a text that
			// waits for more.
			done, waited = waited || s.split.pending() != timed, true
			return done
		}
		ended = n <= 0
		return true
	})
	if errors.Is(err, os.ErrDeadlineExceeded) && !s.begun() {
		s.order.Lock()
		s.split.idle()
		s.order.Unlock()
		return true
	}
	return err == nil && !ended
}

// take reads once, without waiting, and hands on what there is. s.order is
// held.
func (s *stream) take() (int, error) {
	n, err := unix.Read(s.fd, s.buf)
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Read(s.fd, s.buf)
	}
	if n <= 0 {
		return n, err
	}
	if s.first != nil {
		s.first.drain()
	}
	s.keep(s.buf[:n])
	s.split.write(s.buf[:n])
	return n, nil
}

// drain takes what stands in the pipe, as much as a pipe can hold. A line
// that a script prints before a traceback is read before it that way, and does
// not appear in its middle. s.order is held.
func (s *stream) drain() {
	for total := 0; !s.over && total < maxPipe; {
		n, err := s.take()
		if n <= 0 || err != nil {
			return // an end, or an error, is for the stream's own reader
		}
		total += n
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
