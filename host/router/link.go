package router

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// link is the Endpoint of a supervised script: the host's side of its
// collaboration stream. The script's own requests come in on the same stream
// and are answered on it.
type link struct {
	router *Router
	name   string
	stream wire.Link

	jobs    chan func()     // taken by goroutines that are free
	over    <-chan struct{} // closed when the link ends
	sending sync.Mutex      // one Send on the stream at a time

	mu      sync.Mutex                         // guards what follows
	waiting map[string]func(wire.Reply, error) // called once, with no lock held
	calls   map[string]func()                  // cancel the script's own requests
	err     error                              // why the link is over
}

// maxCalls bounds the requests of one script that are under way at once.
const maxCalls = 256

// Serve makes the script reachable over its link and answers its requests,
// until the stream or ctx ends.
func (r *Router) Serve(ctx context.Context, name string, stream wire.Link) error {
	ctx, cancel := context.WithCancel(ctx)
	l := &link{
		router: r, name: name, stream: stream, jobs: make(chan func()), over: ctx.Done(),
		waiting: map[string]func(wire.Reply, error){}, calls: map[string]func(){},
	}
	var calls sync.WaitGroup
	defer calls.Wait()
	defer cancel()
	var published chan wire.Call // nil: it has published nothing yet, as most scripts
	defer func() {
		if published != nil {
			close(published)
		}
	}()
	r.Attach(name, l)
	defer r.Detach(name, l)
	defer l.cancelAll()
	for {
		frame, err := stream.Recv()
		if err != nil {
			l.close(err)
			return err
		}
		switch body := frame.Body.(type) {
		case wire.Reply:
			l.answered(body)
		case wire.Cancel:
			l.cancel(body.ID)
		case wire.Call:
			if body.ID == "" && body.Kind == script.Broadcast || body.Kind == wire.Flush {
				if published == nil {
					published = make(chan wire.Call, maxPublished)
					calls.Go(func() { l.publish(context.WithoutCancel(ctx), published) })
				}
				published <- body // a script that is too fast waits here
				continue
			}
			if !l.ask(body) {
				l.serveCall(ctx, &calls, body)
			}
		}
	}
}

func (l *link) send(body wire.FrameBody) error {
	l.sending.Lock()
	defer l.sending.Unlock()
	return l.stream.Send(wire.Frame{Body: body})
}

// Deliver hands a message to the script and waits for its reply.
func (l *link) Deliver(ctx context.Context, m script.Message) (script.Reply, error) {
	type answer struct {
		reply wire.Reply
		err   error
	}
	answered := make(chan answer, 1)
	if err := l.deliver(deliverFrame(m), func(r wire.Reply, err error) { answered <- answer{r, err} }); err != nil {
		return script.Reply{}, err
	}
	select {
	case <-ctx.Done():
		l.withdraw(m.ID)
		return script.Reply{}, ctx.Err()
	case a := <-answered:
		switch {
		case a.err != nil:
			return script.Reply{}, a.err
		case a.reply.Err != nil:
			return script.Reply{}, a.reply.Err
		}
		return script.Reply{ID: m.ID, Value: a.reply.Payload()}, nil
	}
}

// deliver hands a message to the script. When it returns nil, then is called
// with the reply or the reason why there is none, unless withdraw comes first.
func (l *link) deliver(m wire.Deliver, then func(wire.Reply, error)) error {
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return l.gone()
	}
	l.waiting[m.ID] = then
	l.mu.Unlock()
	if err := l.send(m); err != nil && l.forget(m.ID) {
		return l.gone()
	}
	return nil
}

// withdraw tells the script that nobody waits for its reply any more, and
// reports whether somebody did.
func (l *link) withdraw(id string) bool {
	if !l.forget(id) {
		return false
	}
	_ = l.send(wire.Cancel{ID: id}) // a link that fails here has ended anyway
	return true
}

// ask carries one script's question to another over both their links, with no
// goroutine that waits for the answer. It reports whether it does: what is not
// as simple as that, or goes wrong at once, is left to serveCall.
func (l *link) ask(call wire.Call) bool {
	if call.Kind != script.Ask || call.To == "" {
		return false
	}
	r := l.router
	began := r.Now()
	timeout := call.Timeout
	if timeout <= 0 {
		timeout = DefaultAskTimeout
	}
	m := script.Message{
		ID: NewID(), Kind: script.Ask, Source: l.name, Target: call.To, Topic: call.Topic, Time: began,
		Deadline: began.Add(timeout),
	}
	target, err := r.admit(m)
	to, linked := r.endpoint(m.Target).(*link)
	if err != nil || !linked || !target.Takes(m.Topic) {
		return false
	}
	over := func(reply wire.Reply, err error) {
		l.mu.Lock()
		delete(l.calls, call.ID)
		l.mu.Unlock()
		if reply.Err != nil {
			err = reply.Err
		}
		r.outcomes.add(r.outcome(m, r.Now().Sub(began), err))
		reply.ID, reply.Err = call.ID, script.AsError(err)
		l.reply(reply) // with its value as it came
	}
	giveUp := func(why error) {
		if to.withdraw(m.ID) {
			over(wire.Reply{}, why)
		}
	}
	late := time.AfterFunc(math.MaxInt64, func() { giveUp(unanswered(m)) }) // not before there is what to give up
	l.mu.Lock()
	if len(l.calls) >= maxCalls {
		l.mu.Unlock()
		return false
	}
	l.calls[call.ID] = func() {
		late.Stop()
		giveUp(context.Canceled)
	}
	l.mu.Unlock()
	err = to.deliver(deliverFrame(m).Carrying(call), func(reply wire.Reply, err error) {
		late.Stop()
		over(reply, err)
	})
	if err != nil {
		over(wire.Reply{}, err)
		return true
	}
	late.Reset(timeout)
	return true
}

// Cast hands a message to the script; its reply, if any, is dropped.
func (l *link) Cast(m script.Message) error {
	return l.send(deliverFrame(m))
}

func deliverFrame(m script.Message) wire.Deliver {
	d := wire.Deliver{
		ID: m.ID, Kind: m.Kind, Source: m.Source, Topic: m.Topic, Data: m.Data, Time: m.Time,
	}
	if !m.Deadline.IsZero() {
		d.Timeout = max(time.Until(m.Deadline), time.Millisecond)
	}
	return d
}

// forget takes back that somebody waits for a reply, and reports whether
// somebody did.
func (l *link) forget(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, waited := l.waiting[id]
	delete(l.waiting, id)
	return waited
}

func (l *link) answered(reply wire.Reply) {
	l.mu.Lock()
	then := l.waiting[reply.ID]
	delete(l.waiting, reply.ID)
	l.mu.Unlock()
	if then != nil {
		then(reply, nil)
	}
}

func (l *link) close(err error) {
	l.mu.Lock()
	l.err = err
	waiting := l.waiting
	l.waiting = map[string]func(wire.Reply, error){}
	l.mu.Unlock()
	for _, then := range waiting {
		then(wire.Reply{}, l.gone())
	}
}

func (l *link) gone() error {
	return script.Errorf(script.CodeUnavailable, "script %q went away before it answered", l.name).
		WithHint("what it did with the message is unknown")
}

func (l *link) cancel(id string) {
	l.mu.Lock()
	stop := l.calls[id]
	l.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// cancelAll gives up the requests of a script that has gone.
func (l *link) cancelAll() {
	l.mu.Lock()
	calls := slices.Collect(maps.Values(l.calls))
	l.mu.Unlock()
	for _, stop := range calls {
		stop()
	}
}

// serveCall answers one request of the script, in a goroutine of its own. A
// script that has too many of them under way is refused at once.
func (l *link) serveCall(ctx context.Context, calls *sync.WaitGroup, call wire.Call) {
	timeout := call.Timeout
	if timeout <= 0 {
		timeout = DefaultAskTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	l.mu.Lock()
	full := len(l.calls) >= maxCalls
	if !full {
		l.calls[call.ID] = cancel
	}
	l.mu.Unlock()
	if full {
		cancel()
		l.reply(wire.Reply{ID: call.ID, Err: script.Errorf(script.CodeUnavailable,
			"script %q has %d requests under way already", l.name, maxCalls)})
		return
	}
	l.do(calls, func() {
		defer func() {
			l.mu.Lock()
			delete(l.calls, call.ID)
			l.mu.Unlock()
			cancel()
		}()
		l.reply(l.serve(ctx, call, timeout))
	})
}

// do runs a job in a goroutine that is free, or in a new one. They are kept
// until the link ends: their stacks have grown to what a call needs.
func (l *link) do(calls *sync.WaitGroup, job func()) {
	select {
	case l.jobs <- job:
		return
	default:
	}
	calls.Go(func() {
		for {
			job()
			select {
			case job = <-l.jobs:
			case <-l.over:
				return
			}
		}
	})
}

func (l *link) serve(ctx context.Context, call wire.Call, timeout time.Duration) wire.Reply {
	now := l.router.Now()
	m := script.Message{
		ID: NewID(), Kind: call.Kind, Source: l.name, Target: call.To, Topic: call.Topic, Data: call.Payload(), Time: now,
	}
	if m.Kind == script.Ask {
		m.Deadline = now.Add(timeout)
	}
	reply, err := l.router.Send(ctx, m)
	if err != nil {
		return wire.Reply{ID: call.ID, Err: script.AsError(err)}
	}
	return wire.Reply{ID: call.ID, Value: reply.Value, Recipients: reply.Recipients}
}

// reply answers a call; when the link is gone there is nobody to tell.
func (l *link) reply(reply wire.Reply) {
	if err := l.send(reply); err != nil && !errors.Is(err, context.Canceled) {
		l.router.Logger.Debug("reply to script", "script", l.name, "error", err)
	}
}
