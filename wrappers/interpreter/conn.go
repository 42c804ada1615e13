package interpreter

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/shared/script"
)

// maxUnread is how many bytes of lines may wait for a script to read them.
const maxUnread = 64 << 20

// shortLine and longLine are how much is read at a time, before and after the
// first line that has more.
const (
	shortLine = 4 << 10
	longLine  = 64 << 10
)

// conn is the wrapper's end of the line protocol: it frames lines in both
// directions and knows nothing of what they mean.
type conn struct {
	ending ending
	sock   net.Conn

	mu     sync.Mutex // guards queue, size and closed
	queue  [][]byte
	size   int
	closed bool
	wake   chan struct{} // holds at most one token: the queue has grown or was closed
}

// newConn makes the two ends of a line protocol: ours, and the file that the
// script inherits.
func newConn() (*conn, *os.File, error) {
	syscall.ForkLock.RLock() // no child may inherit an end before it is marked
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "wrapper end"), os.NewFile(uintptr(fds[1]), "script end")
	sock, err := net.FileConn(ours)
	if err = errors.Join(err, ours.Close()); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("make a socket pair: %w", err), theirs.Close())
	}
	return &conn{sock: sock, ending: ending{deadline: sock.SetReadDeadline}, wake: make(chan struct{}, 1)}, theirs, nil
}

// send queues a line for the script; it never waits for it.
func (c *conn) send(line any) error {
	data, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("write a line: %w", err)
	}
	if len(data) >= maxLine {
		return script.Errorf(script.CodeRejected, "%d bytes are more than the %d that one line may have", len(data), maxLine)
	}
	data = append(data, '\n')
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return script.Errorf(script.CodeUnavailable, "the script has closed its end of the line protocol")
	}
	if c.size+len(data) > maxUnread {
		return script.Errorf(script.CodeUnavailable, "the script does not read its lines: %d bytes wait", c.size)
	}
	c.queue, c.size = append(c.queue, data), c.size+len(data)
	c.poke()
	return nil
}

func (c *conn) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// write hands the queued lines over until close.
func (c *conn) write() {
	for range c.wake {
		for {
			c.mu.Lock()
			batch, closed := c.queue, c.closed
			c.queue = nil
			c.mu.Unlock()
			if closed {
				return
			}
			if len(batch) == 0 {
				break
			}
			for _, line := range batch {
				if _, err := c.sock.Write(line); err != nil {
					c.stopSending() // what the script has sent is still there to be read
					return
				}
				c.mu.Lock()
				c.size -= len(line)
				c.mu.Unlock()
			}
		}
	}
}

// stopSending makes further sends fail, and ends write.
func (c *conn) stopSending() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.poke()
}

// close ends both directions. It may be called more than once.
func (c *conn) close() {
	c.stopSending()
	_ = c.ending.close(c.sock.Close) // nothing is lost that anybody could still read
}

// read hands over line by line (without its end, valid during the call) until
// the script closes its end. quiet is called whenever there is no further
// line at hand, and tooLong for a line above maxLine, which is skipped.
func (c *conn) read(line func([]byte), tooLong, quiet func()) error {
	err := readLines(c, maxLine, line, tooLong, quiet)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil // the ending
	}
	return err
}

// Read reads what the script has sent.
func (c *conn) Read(p []byte) (int, error) {
	if !c.ending.arm(0) {
		return 0, io.EOF
	}
	return c.sock.Read(p)
}

// readLines reads with little memory until a line comes that needs more: most
// scripts have none.
func readLines(from io.Reader, limit int, line func([]byte), tooLong, quiet func()) error {
	r := bufio.NewReaderSize(from, shortLine)
	var long []byte // a line that does not fit into r
	skip := false
	for {
		part, err := r.ReadSlice('\n')
		switch {
		case skip:
		case len(long)+len(part) > limit+1:
			tooLong()
			long, skip = nil, true
		case errors.Is(err, bufio.ErrBufferFull) || (err != nil && len(part) > 0) || len(long) > 0:
			long = append(long, part...)
			part = long
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if r.Size() < longLine { // it is empty now
				r = bufio.NewReaderSize(from, longLine)
			}
			continue
		case err == nil && !skip:
			line(part[:len(part)-1])
		case err != nil:
			if !skip && len(part) > 0 {
				line(part) // the last one lacks its end
			}
			quiet()
			if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, unix.ECONNRESET) {
				return nil
			}
			return fmt.Errorf("read lines of the script: %w", err)
		}
		long, skip = nil, false
		if r.Buffered() == 0 {
			quiet()
		}
	}
}
