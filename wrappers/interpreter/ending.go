package interpreter

import (
	"sync"
	"time"
)

const (
	// quietTime is how long a pipe must be silent, once the run's processes are
	// gone, to count as read to its end: only a process that got away can still
	// hold it open.
	quietTime = 300 * time.Millisecond
	// drainTime is how long such a process may go on writing.
	drainTime = 10 * time.Second
)

// ending lets a reader end although its pipe stays open.
type ending struct {
	deadline func(time.Time) error // sets the pipe's, for reads

	mu     sync.Mutex // guards all below, and the pipe's deadline
	last   time.Time  // when reading ends at the latest; zero: not known yet
	closed bool
}

// arm is called before each read. Without an ending the read may take limit
// (0: for ever). It reports whether to read at all.
func (e *ending) arm(limit time.Duration) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch now := time.Now(); {
	case e.closed:
		return false
	case !e.last.IsZero():
		return now.Before(e.last) && e.deadline(now.Add(quietTime)) == nil
	case limit > 0:
		return e.deadline(now.Add(limit)) == nil
	}
	return e.deadline(time.Time{}) == nil
}

// begin says that the writers should be gone: reading ends when nothing comes.
func (e *ending) begin() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	now := time.Now()
	e.last = now.Add(drainTime)
	_ = e.deadline(now.Add(quietTime)) // a read in progress keeps its data whatever becomes of this
}

// begun reports whether a read that ran out of time was the last.
func (e *ending) begun() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.last.IsZero()
}

// close ends the use of the pipe's deadline and closes the pipe.
func (e *ending) close(pipe func() error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	return pipe()
}
