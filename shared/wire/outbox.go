package wire

import (
	"context"
	"runtime"
	"sync"

	"google.golang.org/protobuf/proto"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// outbox is the sending half of a Link. A lone frame is written by who sends
// it, at once. While somebody writes, frames gather, and one goroutine writes
// what has gathered as one message of the stream, so that under load many share
// the cost of a write. A peer that does not read fills the outbox; sending
// fails then, so that it holds up nobody.
type outbox struct {
	write func([]*pb.Frame) error
	bell  chan struct{} // size 1: the queue has grown, or was closed
	done  chan struct{} // closed when the writer has ended

	mu      sync.Mutex // guards what follows
	queue   []queued
	size    int  // bytes in queue
	writing bool // somebody writes; the next one waits for its turn
	ahead   int  // bytes written since the peer was last heard of
	closed  bool
	err     error         // why nothing can be sent any more
	room    chan struct{} // closed when the queue is short; nil: nobody waits for that
}

type queued struct {
	frame *pb.Frame
	size  int
}

const (
	maxOutbox = MaxMessageSize // bytes that wait for a peer to read them
	maxFrame  = MaxMessageSize - 64
	maxBatch  = 256 << 10 // bytes beyond which frames go into another message
	// maxAhead is what may be written by senders themselves before something
	// comes back: less than gRPC takes in without waiting for the peer to read,
	// so that no sender waits for that.
	maxAhead = 32 << 10
	// maxQueue is what waits at most of senders that can wait.
	maxQueue = 1 << 20
)

// newOutbox starts the writer; it ends with ctx, by close, or when write fails.
func newOutbox(ctx context.Context, write func([]*pb.Frame) error) *outbox {
	o := &outbox{write: write, bell: make(chan struct{}, 1), done: make(chan struct{})}
	go o.run(ctx)
	return o
}

// send sends a frame, and waits for nothing.
func (o *outbox) send(f Frame) error {
	next, err := encode(f)
	if err != nil {
		return err
	}
	o.mu.Lock()
	if err := o.refuses(next.size); err != nil {
		o.mu.Unlock()
		return err
	}
	if o.writing || len(o.queue) > 0 || o.ahead+next.size > maxAhead {
		o.put(next)
		o.mu.Unlock()
		return nil
	}
	o.writing = true
	o.ahead += next.size
	o.mu.Unlock()
	err = o.write([]*pb.Frame{next.frame})
	return o.written(err)
}

// post puts a frame behind others, to be written with them, and waits while
// too much is there already.
func (o *outbox) post(ctx context.Context, f Frame) error {
	next, err := encode(f)
	if err != nil {
		return err
	}
	for {
		o.mu.Lock()
		if o.err == nil && !o.closed && o.size > maxQueue {
			if o.room == nil {
				o.room = make(chan struct{})
			}
			room := o.room
			o.mu.Unlock()
			select {
			case <-room:
				continue
			case <-ctx.Done():
				return script.Errorf(script.CodeDeadline, "the other end does not read its messages")
			}
		}
		defer o.mu.Unlock()
		if err := o.refuses(next.size); err != nil {
			return err
		}
		o.put(next)
		return nil
	}
}

// encode makes the message of a frame.
func encode(f Frame) (queued, error) {
	frame := frameToProto(f)
	size := proto.Size(frame)
	if size > maxFrame {
		return queued{}, script.Errorf(script.CodeRejected, "a message of %d bytes is more than the %d that one may have", size, maxFrame)
	}
	return queued{frame, size}, nil
}

// refuses tells why nothing of that size can be sent. o.mu is held.
func (o *outbox) refuses(size int) error {
	switch {
	case o.err != nil:
		return o.err
	case o.closed:
		return script.Errorf(script.CodeUnavailable, "the link is closed")
	case o.size+size > maxOutbox && o.size > 0:
		return script.Errorf(script.CodeUnavailable, "the other end does not read its messages: %d bytes wait for it", o.size)
	}
	return nil
}

// put adds to the queue. o.mu is held.
func (o *outbox) put(next queued) {
	o.queue, o.size = append(o.queue, next), o.size+next.size
	if !o.writing { // else who writes looks at the queue afterwards
		o.ring()
	}
}

func (o *outbox) ring() {
	select {
	case o.bell <- struct{}{}:
	default:
	}
}

// written ends a turn of writing, and lets what has gathered be written.
func (o *outbox) written(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writing = false
	if err != nil {
		o.fail(fromStatus(err))
		return o.err
	}
	if len(o.queue) > 0 || o.closed {
		o.ring()
	}
	return nil
}

// heard notes that the peer has sent something.
func (o *outbox) heard() {
	o.mu.Lock()
	o.ahead = 0
	o.mu.Unlock()
}

// close writes what waits and returns when that is done.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.ring()
	<-o.done
}

func (o *outbox) run(ctx context.Context) {
	defer close(o.done)
	for {
		select {
		case <-o.bell:
		case <-ctx.Done():
			o.mu.Lock()
			o.fail(ctx.Err())
			o.mu.Unlock()
			return
		}
		for {
			runtime.Gosched() // who is about to send gets on the same message
			batch, over := o.take()
			if over {
				return
			}
			if len(batch) == 0 {
				break
			}
			if o.written(o.write(batch)) != nil {
				return
			}
		}
	}
}

// take begins a turn of writing with the frames of the next message; over when
// there will be none any more.
func (o *outbox) take() (batch []*pb.Frame, over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing {
		return nil, false // who writes rings
	}
	if len(o.queue) == 0 {
		return nil, o.closed || o.err != nil
	}
	size, n := 0, 0
	for n < len(o.queue) && (n == 0 || size+o.queue[n].size <= maxBatch) {
		size += o.queue[n].size
		n++
	}
	batch = make([]*pb.Frame, n)
	for i := range batch {
		batch[i] = o.queue[i].frame
	}
	if n == len(o.queue) {
		clear(o.queue)
		o.queue = o.queue[:0]
		if cap(o.queue) > 4096 {
			o.queue = nil
		}
	} else {
		o.queue = o.queue[n:]
	}
	o.size -= size
	o.ahead += size
	o.writing = true
	if o.size <= maxQueue/2 {
		o.give()
	}
	return batch, false
}

// give wakes who waits for room. o.mu is held.
func (o *outbox) give() {
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

// fail ends the sending. o.mu is held.
func (o *outbox) fail(err error) {
	o.err, o.queue, o.size = err, nil, 0
	o.give()
	o.ring() // the writer ends
}

// inbox is the receiving half of a Link: the frames of the last message that
// were not handed out yet.
type inbox []*pb.Frame

func (i *inbox) next(out *outbox, read func() ([]*pb.Frame, error)) (Frame, error) {
	for len(*i) == 0 {
		frames, err := read()
		if err != nil {
			return Frame{}, fromStatus(err)
		}
		*i = frames
		out.heard()
	}
	frame := (*i)[0]
	*i = (*i)[1:]
	return frameFromProto(frame), nil
}
