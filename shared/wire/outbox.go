package wire

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/mlhost/mlhost/shared/script"
)

// outbox is the sending half of a Link. A lone frame is written by who sends
// it, at once. While somebody writes, frames gather, and one goroutine writes
// what has gathered as one message of the stream, so that under load many share
// the cost of a write. A peer that does not read fills the outbox; sending
// fails then, so that it holds up nobody.
type outbox struct {
	write func(frames []byte) error // frames are a message of the stream, and not kept
	bell  chan struct{}             // size 1: the queue has grown, or was closed
	done  chan struct{}             // closed when the writer has ended

	mu      sync.Mutex // guards what follows
	queue   []*[]byte  // messages, to which frames are added up to maxBatch
	size    int        // bytes in queue
	writing bool       // somebody writes; the next one waits for its turn
	ahead   int        // bytes written since the peer was last heard of
	closed  bool
	err     error         // why nothing can be sent any more
	room    chan struct{} // closed when the queue is short; nil: nobody waits for that
}

const (
	maxOutbox = MaxMessageSize // bytes that wait for a peer to read them
	maxFrame  = MaxMessageSize - 64
	maxBatch  = 256 << 10 // bytes beyond which frames go into another message
	// maxAhead is what may be written by senders themselves before something
	// comes back: less than gRPC takes in without waiting for the peer to read,
	// so that no sender waits for that.
	maxAhead = 32 << 10
	// maxKept is how large what is kept for later messages may be.
	maxKept = 2 * maxBatch
	// maxQueue is what waits at most of senders that can wait.
	maxQueue = 1 << 20
)

// newOutbox starts the writer; it ends with ctx, by close, or when write fails.
func newOutbox(ctx context.Context, write func(frames []byte) error) *outbox {
	o := &outbox{write: write, bell: make(chan struct{}, 1), done: make(chan struct{})}
	go o.run(ctx)
	return o
}

// send sends a frame, and waits for nothing.
func (o *outbox) send(f Frame) error {
	next, err := pack(f)
	if err != nil {
		return err
	}
	defer unpin(next)
	o.mu.Lock()
	if err := o.refuses(len(*next)); err != nil {
		o.mu.Unlock()
		return err
	}
	if o.writing || len(o.queue) > 0 || o.ahead+len(*next) > maxAhead {
		o.put(*next)
		o.mu.Unlock()
		return nil
	}
	o.writing = true
	o.ahead += len(*next)
	o.mu.Unlock()
	err = o.write(*next)
	return o.written(err)
}

// post puts a frame behind others, to be written with them, and waits while
// too much is there already.
func (o *outbox) post(ctx context.Context, f Frame) error {
	next, err := pack(f)
	if err != nil {
		return err
	}
	defer unpin(next)
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
		if err := o.refuses(len(*next)); err != nil {
			return err
		}
		o.put(*next)
		return nil
	}
}

// packs are for frames on their way into an outbox, and for messages in it.
var packs = sync.Pool{New: func() any { return new([]byte) }}

// pack encodes a frame, as a message of the stream that holds it alone. It is
// given back to unpin.
func pack(f Frame) (*[]byte, error) {
	b := packs.Get().(*[]byte)
	var err error
	if *b, err = appendFrame((*b)[:0], f); err == nil && len(*b) > maxFrame {
		err = script.Errorf(script.CodeRejected, "a message of %d bytes is more than the %d that one may have", len(*b), maxFrame)
	}
	if err != nil {
		unpin(b)
		return nil, err
	}
	return b, nil
}

func unpin(b *[]byte) {
	if cap(*b) <= maxKept {
		packs.Put(b)
	}
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
func (o *outbox) put(next []byte) {
	o.size += len(next)
	if last := len(o.queue) - 1; last < 0 || len(*o.queue[last])+len(next) > maxBatch {
		message := packs.Get().(*[]byte)
		*message = (*message)[:0]
		o.queue = append(o.queue, message)
	}
	last := o.queue[len(o.queue)-1]
	*last = append(*last, next...)
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
			if batch == nil {
				break
			}
			err := o.write(*batch)
			unpin(batch)
			if o.written(err) != nil {
				return
			}
		}
	}
}

// take begins a turn of writing with the next message; over when there will be
// none any more.
func (o *outbox) take() (batch *[]byte, over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing {
		return nil, false // who writes rings
	}
	if len(o.queue) == 0 {
		return nil, o.closed || o.err != nil
	}
	batch, o.queue[0] = o.queue[0], nil
	if o.queue = o.queue[1:]; len(o.queue) == 0 {
		o.queue = nil
	}
	o.size -= len(*batch)
	o.ahead += len(*batch)
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
type inbox struct {
	frames []byte
	pack   bool // values stay packed
}

var errMessage = errors.New("read message: it is no list of frames")

func (i *inbox) next(out *outbox, read func() ([]byte, error)) (Frame, error) {
	for {
		for len(i.frames) == 0 {
			frames, err := read()
			if err != nil {
				return Frame{}, fromStatus(err)
			}
			i.frames = frames
			out.heard()
		}
		field, kind, n := protowire.ConsumeField(i.frames)
		if n < 0 {
			return Frame{}, fromStatus(errMessage)
		}
		raw := i.frames[:n]
		i.frames = i.frames[n:]
		if field != linkFrames || kind != protowire.BytesType {
			continue // of a later version
		}
		_, _, tag := protowire.ConsumeTag(raw)
		raw, _ = protowire.ConsumeBytes(raw[tag:])
		f, err := unpackFrame(raw, i.pack)
		if err != nil {
			return Frame{}, fromStatus(err)
		}
		return f, nil
	}
}

// A message of the stream is sent and received as bytes: as an empty message
// that has all of them in fields which it does not know.

// asMessage makes a message of its bytes.
func asMessage(raw []byte) *emptypb.Empty {
	m := new(emptypb.Empty)
	m.ProtoReflect().SetUnknown(raw)
	return m
}

// receive reads a message as bytes.
func receive(stream interface{ RecvMsg(any) error }) ([]byte, error) {
	m := new(emptypb.Empty)
	err := stream.RecvMsg(m)
	return m.ProtoReflect().GetUnknown(), err
}
