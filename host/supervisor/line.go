package supervisor

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// maxHeld bounds the messages that are held while a process is replaced.
const maxHeld = 1 << 16

// errHeld says that more messages came than can be held.
var errHeld = errors.New("too many messages wait for the script's process to be replaced")

// line is the message stream of a run. It outlasts the streams of the run's
// processes: while one process takes over from another, messages are held, and
// then go to the one that has the run.
type line struct {
	mu      sync.Mutex
	sending sync.Mutex // held from the look at stream to the end of the sending
	stream  wire.Link  // nil: there is none now
	cancel  context.CancelFunc
	epoch   uint64 // counts the streams
	holding bool
	held    []heldFrame
	waiting map[string]struct{} // messages that the script has and is to answer
	changed chan struct{}       // closed, and replaced, when any of these has changed
	owner   int                 // the generation of the process behind stream
}

type heldFrame struct {
	frame wire.Frame
	since time.Time
}

func newLine() *line {
	return &line{waiting: map[string]struct{}{}, changed: make(chan struct{})}
}

// notify wakes who waits. l.mu is held.
func (l *line) notify() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// attach puts a stream in the place of the one before it, whose reading ends.
func (l *line) attach(stream wire.Link, cancel context.CancelFunc, generation int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel()
	}
	l.stream, l.cancel, l.owner = stream, cancel, generation
	l.epoch++
	clear(l.waiting)
	l.notify()
}

// hold keeps messages for the script back from now on. Answers to its own
// still go through.
func (l *line) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holding = true
}

// settle waits while messages are held: the process that has the run changes.
func (l *line) settle(ctx context.Context) {
	for {
		l.mu.Lock()
		holding, changed := l.holding, l.changed
		l.mu.Unlock()
		if !holding {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// drained returns when the script has answered all messages that it has.
func (l *line) drained(ctx context.Context) error {
	for {
		l.mu.Lock()
		left, changed := len(l.waiting), l.changed
		l.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// release sends what was held, in its order, and holds no more.
func (l *line) release() {
	for {
		l.sending.Lock()
		l.mu.Lock()
		held := l.held
		l.held = nil
		if len(held) == 0 {
			l.holding = false
			l.notify()
			l.mu.Unlock()
			l.sending.Unlock()
			return
		}
		stream, epoch := l.stream, l.epoch
		for _, h := range held {
			l.note(h.frame)
		}
		l.mu.Unlock()
		for _, h := range held {
			if stream == nil || stream.Send(aged(h, epoch)) != nil {
				break // the stream has ended, and who waits for an answer hears of that
			}
		}
		l.sending.Unlock()
	}
}

// aged returns a frame that was held, with what is left of its time.
func aged(h heldFrame, epoch uint64) wire.Frame {
	h.frame.Epoch = epoch
	if d, ok := h.frame.Body.(wire.Deliver); ok && d.Timeout > 0 {
		d.Timeout = max(d.Timeout-time.Since(h.since), time.Millisecond)
		h.frame.Body = d
	}
	return h.frame
}

// note remembers what the script is to answer. l.mu is held.
func (l *line) note(f wire.Frame) {
	if d, ok := f.Body.(wire.Deliver); ok && (d.Kind != script.Broadcast || d.Timeout > 0) {
		l.waiting[d.ID] = struct{}{}
	}
}

// Send sends a frame to the process that has the run, or keeps it for the one
// that is going to.
func (l *line) Send(f wire.Frame) error {
	l.sending.Lock()
	defer l.sending.Unlock()
	l.mu.Lock()
	switch body := f.Body.(type) {
	case wire.Reply:
		id, own := l.ownCall(body.ID)
		if !own {
			l.mu.Unlock()
			return nil // it is for a process that is not there any more
		}
		if id != body.ID {
			body.ID = id
			f.Body = body
		}
	case wire.Deliver, wire.Cancel:
		if l.holding {
			defer l.mu.Unlock()
			if len(l.held) >= maxHeld {
				return errHeld
			}
			l.held = append(l.held, heldFrame{frame: f, since: time.Now()})
			return nil
		}
		l.note(f)
	}
	stream, epoch := l.stream, l.epoch
	l.mu.Unlock()
	if stream == nil {
		return errNoStream
	}
	f.Epoch = epoch
	return stream.Send(f)
}

var errNoStream = errors.New("the script has no message stream now")

// Recv returns the next frame of the process that has the run.
func (l *line) Recv() (wire.Frame, error) {
	for {
		l.mu.Lock()
		stream, epoch := l.stream, l.epoch
		l.mu.Unlock()
		if stream == nil {
			return wire.Frame{}, errNoStream
		}
		f, err := stream.Recv()
		l.mu.Lock()
		for err != nil && l.stream == stream && l.holding { // another one may come
			changed := l.changed
			l.mu.Unlock()
			<-changed
			l.mu.Lock()
		}
		if l.stream != stream {
			l.mu.Unlock()
			continue // it belonged to a process that is not there any more
		}
		if err != nil {
			l.mu.Unlock()
			return f, err
		}
		if f.Epoch != epoch && f.Epoch != 0 {
			l.mu.Unlock()
			continue
		}
		switch body := f.Body.(type) {
		case wire.Reply:
			delete(l.waiting, body.ID)
			if len(l.waiting) == 0 {
				l.notify()
			}
		case wire.Call:
			if id := l.callName(body.ID); id != body.ID {
				body.ID = id
				f.Body = body
			}
		case wire.Cancel:
			body.ID = l.callName(body.ID)
			f.Body = body
		}
		l.mu.Unlock()
		return f, nil
	}
}

// callName makes the id of a script's own call unlike those of the processes
// before it, which count from 1 too. One that is not answered has none. l.mu is
// held.
func (l *line) callName(id string) string {
	if l.owner <= 1 || id == "" {
		return id
	}
	return strconv.Itoa(l.owner) + "/" + id
}

// ownCall returns the id as the present process gave it, and false for a call
// of an earlier one. l.mu is held.
func (l *line) ownCall(name string) (string, bool) {
	head, id, later := strings.Cut(name, "/")
	if l.owner <= 1 {
		return name, !later
	}
	return id, later && head == strconv.Itoa(l.owner)
}

// close ends the present stream.
func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel()
	}
	l.stream, l.cancel, l.holding, l.held = nil, nil, false, nil
	l.notify()
}
