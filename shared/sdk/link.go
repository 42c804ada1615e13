package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

const (
	// linkWait is how long a message waits for a host to open the link.
	linkWait = 5 * time.Second
	// deliveries is how many messages are handled at the same time; more are
	// refused, so that replies to the script's own messages are always read.
	deliveries = 1024
)

// switchboard carries the script's messages to the host that is linked now,
// and the host's to the script.
type switchboard struct {
	answer func(ctx context.Context, m script.Message) (script.Value, error)
	ctx    context.Context // of deliveries; ends with the run
	busy   chan struct{}   // one token per delivery in hand
	jobs   chan func()     // taken by goroutines that are free
	news   newspaper       // broadcasts, handled one after the other

	mu        sync.Mutex
	line      *line         // nil: no host is linked
	published bool          // since the last flush
	linked    chan struct{} // closed when line is set
	nextID    uint64
	waiting   map[string]chan wire.Reply // replies by the id of the call
	serving   map[string]context.CancelFunc
	peers     []string
}

// line is one Link call of a host.
type line struct {
	link   wire.Link
	epoch  uint64 // guarded by the switchboard's mu
	cancel context.CancelCauseFunc
}

func newSwitchboard(
	ctx context.Context, answer func(context.Context, script.Message) (script.Value, error), lost func(n uint64),
) *switchboard {
	return &switchboard{
		answer: answer, ctx: ctx, news: newspaper{lost: lost, bell: make(chan struct{}, 1)}, busy: make(chan struct{}, deliveries),
		jobs: make(chan func()), linked: make(chan struct{}),
		waiting: map[string]chan wire.Reply{}, serving: map[string]context.CancelFunc{},
	}
}

// serve handles one link until it ends. A later link replaces it.
func (b *switchboard) serve(ctx context.Context, link wire.Link) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l := &line{link: link, cancel: cancel}
	b.connect(l)
	defer b.disconnect(l)
	ended := make(chan error, 1)
	go func() { ended <- b.receive(l) }() // ends with the stream, which ends when serve returns
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return linkEnd(context.Cause(ctx))
	}
}

func (b *switchboard) connect(l *line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.line != nil {
		b.line.cancel(errReplaced())
		b.abandon()
	}
	if b.line == nil {
		close(b.linked)
	}
	b.line = l
}

func (b *switchboard) disconnect(l *line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.line != l {
		return
	}
	b.line, b.linked = nil, make(chan struct{})
	b.abandon()
}

// abandon answers the calls in flight: their replies will not come. The caller
// holds mu.
func (b *switchboard) abandon() {
	for id, reply := range b.waiting {
		reply <- wire.Reply{ID: id, Err: script.Errorf(script.CodeNotConnected,
			"the host went away before it answered; whether the message arrived is unknown")}
		delete(b.waiting, id)
	}
}

func (b *switchboard) receive(l *line) error {
	for {
		frame, err := l.link.Recv()
		if err != nil {
			return linkEnd(err)
		}
		b.mu.Lock()
		l.epoch = frame.Epoch
		b.mu.Unlock()
		switch body := frame.Body.(type) {
		case wire.Deliver:
			b.deliver(l, frame.Epoch, body)
		case wire.Reply:
			b.mu.Lock()
			if reply, ok := b.waiting[body.ID]; ok {
				delete(b.waiting, body.ID)
				reply <- body
			}
			b.mu.Unlock()
		case wire.Cancel:
			b.mu.Lock()
			if cancel, ok := b.serving[body.ID]; ok {
				cancel()
			}
			b.mu.Unlock()
		case wire.Peers:
			b.mu.Lock()
			b.peers = body.Names
			b.mu.Unlock()
		}
	}
}

// deliver hands a message to the script.
func (b *switchboard) deliver(l *line, epoch uint64, d wire.Deliver) {
	if d.Kind == script.Broadcast && d.Timeout <= 0 {
		b.broadcast(news{line: l, epoch: epoch, d: d})
		return
	}
	if err := b.admit(); err != nil {
		b.reply(l, epoch, wire.Reply{ID: d.ID, Err: err})
		return
	}
	ctx, cancel := b.deliveryContext(d)
	b.mu.Lock()
	b.serving[d.ID] = cancel
	b.mu.Unlock()
	b.do(func() {
		defer func() {
			cancel()
			b.mu.Lock()
			delete(b.serving, d.ID)
			b.mu.Unlock()
			<-b.busy
		}()
		reply := wire.Reply{ID: d.ID}
		value, err := b.handle(ctx, d)
		if err != nil {
			reply.Err = handlerError(err)
		} else {
			reply.Value = value
		}
		b.reply(l, epoch, reply)
	})
}

// admit takes a token for one more delivery, or tells why there is none.
func (b *switchboard) admit() *script.Error {
	if b.ctx.Err() != nil {
		return script.Errorf(script.CodeUnavailable, "the script is stopping, or has ended")
	}
	select {
	case b.busy <- struct{}{}:
		return nil
	default:
		return script.Errorf(script.CodeUnavailable, "the script has %d messages in hand already", deliveries)
	}
}

func (b *switchboard) deliveryContext(d wire.Deliver) (context.Context, context.CancelFunc) {
	if d.Timeout > 0 {
		return context.WithTimeout(b.ctx, d.Timeout)
	}
	return context.WithCancel(b.ctx)
}

// reply sends a reply. The link may be gone, and with it who asked; a tell
// comes again.
func (b *switchboard) reply(l *line, epoch uint64, r wire.Reply) {
	_ = l.link.Send(wire.Frame{Epoch: epoch, Body: r})
}

// quiet returns when no message is in hand any more.
func (b *switchboard) quiet(ctx context.Context) error {
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for len(b.busy) > 0 || b.news.unread() {
		select {
		case <-look.C:
		case <-ctx.Done():
			return script.Errorf(script.CodeDeadline, "the script is still at work on messages that it was sent")
		}
	}
	return nil
}

// do runs a job in a goroutine that is free, or in a new one. They are kept
// until the run ends: their stacks have grown to what a handler needs.
func (b *switchboard) do(job func()) {
	select {
	case b.jobs <- job:
		return
	default:
	}
	go func() { // ends with the run
		for {
			job()
			select {
			case job = <-b.jobs:
			case <-b.ctx.Done():
				return
			}
		}
	}()
}

// handle calls the script's handler; a panic in it is an error.
func (b *switchboard) handle(ctx context.Context, d wire.Deliver) (v script.Value, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = script.Errorf(script.CodeHandlerFailed, "the handler of %q panicked: %s", d.Topic, fmt.Sprint(cause))
		}
	}()
	m := script.Message{ID: d.ID, Kind: d.Kind, Source: d.Source, Topic: d.Topic, Data: d.Data, Time: d.Time}
	if deadline, ok := ctx.Deadline(); ok {
		m.Deadline = deadline
	}
	return b.answer(ctx, m)
}

func handlerError(err error) *script.Error {
	if e, ok := errors.AsType[*script.Error](err); ok {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return script.Errorf(script.CodeDeadline, "the handler did not end in time")
	}
	return script.Errorf(script.CodeHandlerFailed, "%s", err)
}

// call sends a message and waits for its reply, until ctx or the message's
// deadline ends.
func (b *switchboard) call(ctx context.Context, m script.Message) (script.Reply, error) {
	if !m.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, m.Deadline)
		defer cancel()
	}
	l, err := b.reach(ctx)
	if err != nil {
		return script.Reply{}, err
	}
	reply := make(chan wire.Reply, 1)
	b.mu.Lock()
	if b.line != l {
		b.mu.Unlock()
		return script.Reply{}, script.Errorf(script.CodeNotConnected, "the host went away")
	}
	b.nextID++
	id, epoch := "c"+strconv.FormatUint(b.nextID, 10), l.epoch
	b.waiting[id] = reply
	b.mu.Unlock()

	call := wire.Call{ID: id, Kind: m.Kind, To: m.Target, Topic: m.Topic, Data: m.Data}
	if deadline, ok := ctx.Deadline(); ok {
		call.Timeout = max(time.Until(deadline), 1)
	}
	if err := l.link.Send(wire.Frame{Epoch: epoch, Body: call}); err != nil {
		b.forget(id)
		return script.Reply{}, script.Errorf(script.CodeNotConnected, "send message: %s", err)
	}
	select {
	case r := <-reply:
		if r.Err != nil {
			return script.Reply{}, r.Err
		}
		return script.Reply{ID: id, Value: r.Value, Recipients: r.Recipients}, nil
	case <-ctx.Done():
		b.forget(id)
		_ = l.link.Send(wire.Frame{Epoch: epoch, Body: wire.Cancel{ID: id}}) // a courtesy
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return script.Reply{}, script.Errorf(script.CodeDeadline, "no answer to %q in time; the outcome is unknown", m.Topic)
		}
		return script.Reply{}, ctx.Err()
	}
}

// publish sends a broadcast that is not answered.
func (b *switchboard) publish(ctx context.Context, topic string, data script.Value) error {
	l, err := b.reach(ctx)
	if err != nil {
		return err
	}
	poster, ok := l.link.(wire.Poster)
	if !ok {
		_, err := b.call(ctx, script.Message{Kind: script.Broadcast, Topic: topic, Data: data})
		return err
	}
	b.mu.Lock()
	epoch := l.epoch
	b.published = true
	b.mu.Unlock()
	return poster.Post(ctx, wire.Frame{Epoch: epoch, Body: wire.Call{Kind: script.Broadcast, Topic: topic, Data: data}})
}

// flush returns when the host has dealt with what was published.
func (b *switchboard) flush(ctx context.Context) {
	b.mu.Lock()
	needed := b.published && b.line != nil
	b.published = false
	b.mu.Unlock()
	if needed {
		_, _ = b.call(ctx, script.Message{Kind: wire.Flush}) // a host that is gone, or an older one, has said all that it will
	}
}

func (b *switchboard) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.waiting, id)
}

// reach returns the line to the host, waiting a while for one.
func (b *switchboard) reach(ctx context.Context) (*line, error) {
	timer := time.NewTimer(linkWait)
	defer timer.Stop()
	for {
		b.mu.Lock()
		l, linked := b.line, b.linked
		b.mu.Unlock()
		if l != nil {
			return l, nil
		}
		select {
		case <-linked:
		case <-timer.C:
			return nil, script.Errorf(script.CodeNotConnected, "there is no host to take the message")
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil, script.Errorf(script.CodeNotConnected, "there is no host to take the message")
			}
			return nil, ctx.Err()
		}
	}
}

// linkEnd is what the end of a link means: io.EOF and a cancelled call are the
// ordinary ways.
func linkEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
