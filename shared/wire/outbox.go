package wire

import (
	"context"
	"runtime"
	"sync"

	"google.golang.org/protobuf/proto"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// outbox is the sending half of a Link. One goroutine writes what has gathered
// since its last write as one message of the stream: a lone frame goes out at
// once, and under load many share the cost of a write. A peer that does not
// read fills the outbox; sending fails then, so that it holds up nobody.
type outbox struct {
	write func([]*pb.Frame) error
	bell  chan struct{} // size 1: the queue has grown, or was closed
	done  chan struct{} // closed when the writer has ended

	mu     sync.Mutex // guards what follows
	queue  []*pb.Frame
	size   int // bytes in queue
	closed bool
	err    error // why nothing can be sent any more
}

const (
	maxOutbox = MaxMessageSize // bytes that wait for a peer to read them
	maxFrame  = MaxMessageSize - 64
	maxBatch  = 256 << 10 // bytes beyond which frames go into another message
)

// newOutbox starts the writer; it ends with ctx, by close, or when write fails.
func newOutbox(ctx context.Context, write func([]*pb.Frame) error) *outbox {
	o := &outbox{write: write, bell: make(chan struct{}, 1), done: make(chan struct{})}
	go o.run(ctx)
	return o
}

func (o *outbox) send(f Frame) error {
	frame := frameToProto(f)
	size := proto.Size(frame)
	if size > maxFrame {
		return script.Errorf(script.CodeRejected, "a message of %d bytes is more than the %d that one may have", size, maxFrame)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.err != nil:
		return o.err
	case o.closed:
		return script.Errorf(script.CodeUnavailable, "the link is closed")
	case o.size+size > maxOutbox && o.size > 0:
		return script.Errorf(script.CodeUnavailable, "the other end does not read its messages: %d bytes wait for it", o.size)
	}
	o.queue, o.size = append(o.queue, frame), o.size+size
	o.ring()
	return nil
}

func (o *outbox) ring() {
	select {
	case o.bell <- struct{}{}:
	default:
	}
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
			o.fail(ctx.Err())
			return
		}
		for {
			runtime.Gosched() // who is about to send gets on the same message
			batch, closed := o.take()
			if len(batch) == 0 {
				if closed {
					return
				}
				break
			}
			if err := o.write(batch); err != nil {
				o.fail(fromStatus(err))
				return
			}
		}
	}
}

// take removes the frames of the next message from the queue.
func (o *outbox) take() (batch []*pb.Frame, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	size, n := 0, 0
	for n < len(o.queue) && (n == 0 || size < maxBatch) {
		next := proto.Size(o.queue[n])
		if n > 0 && size+next > maxBatch {
			break
		}
		size += next
		n++
	}
	batch = o.queue[:n:n]
	o.queue, o.size = o.queue[n:], o.size-size
	if len(o.queue) == 0 {
		o.queue = nil
	}
	return batch, o.closed
}

func (o *outbox) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err, o.queue, o.size = err, nil, 0
}

// inbox is the receiving half of a Link: the frames of the last message that
// were not handed out yet.
type inbox []*pb.Frame

func (i *inbox) next(read func() ([]*pb.Frame, error)) (Frame, error) {
	for len(*i) == 0 {
		frames, err := read()
		if err != nil {
			return Frame{}, fromStatus(err)
		}
		*i = frames
	}
	frame := (*i)[0]
	*i = (*i)[1:]
	return frameFromProto(frame), nil
}
