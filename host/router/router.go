package router

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/shared/script"
)

// Endpoint is where a message can be delivered: a supervised script's link.
// Deliver blocks until the reply, the end of ctx, or the end of the endpoint;
// it may be called concurrently.
type Endpoint interface {
	Deliver(ctx context.Context, m script.Message) (script.Reply, error)
	// Cast hands a message over without waiting for a reply.
	Cast(m script.Message) error
}

// Mail is what the router needs of the mailboxes.
type Mail struct {
	Enqueue      func(ctx context.Context, ms []script.Message) error // durable when it returns
	EnqueueLater func(ms ...script.Message)
	List         func(ctx context.Context, script string, limit int) ([]script.Message, error)
	Acknowledge  func(ctx context.Context, script string, ids ...string) error
}

// Options is what a Router is made of.
type Options struct {
	Config   *config.Config // to begin with; see Configure
	Registry *registry.Registry
	Mail     Mail
	Logger   *slog.Logger
	Emit     func(ctx context.Context, events ...script.Event) error
	// Set is the host's door for requests; routes set parameters through it.
	Set func(ctx context.Context, m script.Message) (script.Reply, error)
	// Command answers a request to the host itself ("" as the target).
	Command func(ctx context.Context, m script.Message) (script.Reply, error)
	Now     func() time.Time // nil: time.Now
}

// DefaultAskTimeout is how long an ask waits that names no deadline.
const DefaultAskTimeout = 30 * time.Second

// Router routes. Its methods may be called concurrently.
type Router struct {
	Options
	outcomes *outcomes
	rules    atomic.Pointer[rules]

	mu        sync.Mutex      // guards what follows
	base      context.Context // of the flows; nil: Run has not begun
	endpoints map[string]Endpoint
	mailmen   map[string]*mailman
	handed    map[string][]string // ids that the last Collect of a script returned
	closed    bool
	moved     chan struct{}  // closed, and replaced, when a script may have become reachable or have ended
	work      sync.WaitGroup // mailmen and their like
}

// New makes a router for the routes and permissions of the configuration.
func New(o Options) *Router {
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Router{
		Options:   o,
		outcomes:  newOutcomes(o.Emit, o.Logger),
		endpoints: map[string]Endpoint{},
		mailmen:   map[string]*mailman{},
		handed:    map[string][]string{},
		moved:     make(chan struct{}),
	}
	r.Configure(o.Config, func(string) bool { return false })
	return r
}

// Run carries out routes and reports outcomes until ctx ends. It returns when
// everything that the router started has ended.
func (r *Router) Run(ctx context.Context) error {
	go r.outcomes.run()
	r.mu.Lock()
	r.base = ctx
	for _, f := range r.rules.Load().flows {
		f.start(ctx)
	}
	r.mu.Unlock()
	<-ctx.Done()
	r.mu.Lock()
	r.closed = true
	r.move()
	flows := r.rules.Load().flows
	r.mu.Unlock()
	for _, f := range flows {
		f.end()
	}
	r.mu.Lock()
	for _, m := range r.mailmen {
		m.stop()
	}
	r.mu.Unlock()
	r.work.Wait()
	r.outcomes.close()
	return nil
}

// Attach makes a script reachable. Its waiting mail starts to flow. A second
// endpoint of the same script replaces the first.
func (r *Router) Attach(name string, e Endpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	if old := r.mailmen[name]; old != nil {
		old.stop()
	}
	m := newMailman(r, name, e)
	r.endpoints[name], r.mailmen[name] = e, m
	r.work.Go(m.run)
	r.move()
}

// Detach takes the endpoint away again, unless another one replaced it.
func (r *Router) Detach(name string, e Endpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.endpoints[name] != e {
		return
	}
	r.mailmen[name].stop()
	delete(r.endpoints, name)
	delete(r.mailmen, name)
}

// move wakes those who wait for a script to be reachable. r.mu is held.
func (r *Router) move() {
	close(r.moved)
	r.moved = make(chan struct{})
}

func (r *Router) endpoint(name string) Endpoint {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.endpoints[name]
}

func (r *Router) wake(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.mailmen[name]; m != nil {
		m.wake()
	}
}

// Observe shows the router committed events, in order. It never blocks.
func (r *Router) Observe(events []script.Event) {
	for i := range events {
		switch body := events[i].Body.(type) {
		case script.Samples:
			for _, f := range r.rules.Load().flows {
				f.observe(&events[i], body.Samples)
			}
		case script.Described:
			r.wake(events[i].Script)
		case script.StateChanged:
			r.mu.Lock()
			r.move()
			r.mu.Unlock()
		}
	}
}

// Send carries a message of kind ask, tell or broadcast to its target.
func (r *Router) Send(ctx context.Context, m script.Message) (script.Reply, error) {
	start := r.Now()
	var reply script.Reply
	var err error
	switch m.Kind {
	case script.Ask:
		reply, err = r.ask(ctx, m)
	case script.Tell:
		reply, err = r.tell(ctx, m)
	case script.Broadcast:
		reply, err = r.broadcast(ctx, m)
	default:
		return reply, script.Errorf(script.CodeUsage, "a message of kind %q cannot be routed", m.Kind)
	}
	reply.ID = m.ID
	r.outcomes.add(r.outcome(m, r.Now().Sub(start), err))
	return reply, err
}

// outcome words what became of a message as a fact about its source, or about
// its target where the source is no script.
func (r *Router) outcome(m script.Message, took time.Duration, err error) script.Event {
	subject := m.Source
	if _, ok := r.Registry.Brief(subject); !ok {
		subject = m.Target
	}
	body := script.MessageRouted{
		ID: m.ID, Kind: m.Kind, Source: m.Source, Target: m.Target, Topic: m.Topic, Took: took,
	}
	if e := script.AsError(err); e != nil {
		body.Code, body.Problem = e.Code, e.Message
	}
	return script.Event{Time: r.Now(), Script: subject, Run: r.runOf(subject), Body: body}
}

func (r *Router) runOf(name string) string {
	s, _ := r.Registry.Brief(name)
	return s.Run
}

func (r *Router) ask(ctx context.Context, m script.Message) (script.Reply, error) {
	if m.Target == "" {
		return r.Command(ctx, m)
	}
	target, err := r.admit(m)
	if err != nil {
		return script.Reply{}, err
	}
	if m.Deadline.IsZero() {
		m.Deadline = r.Now().Add(DefaultAskTimeout)
	}
	ctx, cancel := context.WithTimeout(ctx, m.Deadline.Sub(r.Now()))
	defer cancel()
	e := r.endpoint(m.Target)
	if e == nil {
		if e, target = r.awaitEndpoint(ctx, target); e == nil {
			return script.Reply{}, notRunning(target)
		}
	}
	if !target.Takes(m.Topic) {
		return script.Reply{}, noAnswerer(target, m.Topic)
	}
	reply, err := e.Deliver(ctx, m)
	if errors.Is(err, context.DeadlineExceeded) {
		return reply, unanswered(m)
	}
	return reply, err
}

// awaitEndpoint waits for a script that lives to become reachable: it is just
// being started, or taken over from an earlier host. It returns nil where the
// script does not live, or ctx ends.
func (r *Router) awaitEndpoint(ctx context.Context, target registry.Brief) (Endpoint, registry.Brief) {
	for {
		r.mu.Lock()
		e, moved, closed := r.endpoints[target.Name], r.moved, r.closed
		r.mu.Unlock()
		target, _ = r.Registry.Brief(target.Name)
		if e != nil || closed || !target.Managed || !target.State.Live() || target.State == script.Stopping {
			return e, target
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return nil, target
		}
	}
}

func unanswered(m script.Message) error {
	return script.Errorf(script.CodeDeadline, "script %q did not answer %q in time", m.Target, m.Topic).
		WithHint("the script may be busy; what it did with the message is unknown")
}

// tell puts a message into its target's mailbox.
func (r *Router) tell(ctx context.Context, m script.Message) (script.Reply, error) {
	if _, err := r.admit(m); err != nil {
		return script.Reply{}, err
	}
	if err := r.Mail.Enqueue(ctx, []script.Message{m}); err != nil {
		return script.Reply{}, err
	}
	r.wake(m.Target)
	return script.Reply{Value: idValue(m.ID)}, nil
}

// idValue is the reply to a message that nobody answers.
func idValue(id string) script.Value {
	return script.Map(map[string]script.Value{"id": script.String(id)})
}

// admit tests that a message's target exists and that its source may send it.
func (r *Router) admit(m script.Message) (registry.Brief, error) {
	target, ok := r.Registry.Brief(m.Target)
	if !ok {
		return target, r.Registry.Unknown(m.Target)
	}
	if !r.allowed(m.Source, m.Target, m.Topic) {
		return target, script.Errorf(script.CodeForbidden, "%s may not send %q to %s", m.Source, m.Topic, m.Target).
			WithHint("collaboration is denied by default here: add an allow block or a topic route to the config")
	}
	return target, nil
}

// Forward puts a message into the mailboxes of the scripts that topic routes
// name for its source and topic. It is durable when Forward returns.
func (r *Router) Forward(ctx context.Context, m script.Message) error {
	routed := r.routedTo(m.Source, m.Topic)
	if len(routed) == 0 {
		return nil
	}
	mail := make([]script.Message, len(routed))
	for i, name := range routed {
		mail[i] = m
		mail[i].Kind, mail[i].Target = script.Tell, name
	}
	if err := r.Mail.Enqueue(ctx, mail); err != nil {
		return err
	}
	for _, name := range routed {
		r.wake(name)
	}
	return nil
}

// Collect acknowledges what the last Collect of the script returned, and
// returns the mail that waits for it and that is not pushed to it.
func (r *Router) Collect(ctx context.Context, name string) ([]script.Message, error) {
	r.mu.Lock()
	handed := r.handed[name]
	delete(r.handed, name)
	r.mu.Unlock()
	if len(handed) > 0 {
		if err := r.Mail.Acknowledge(ctx, name, handed...); err != nil {
			return nil, err
		}
	}
	all, err := r.Mail.List(ctx, name, collectLimit)
	if err != nil {
		return nil, err
	}
	target, _ := r.Registry.Brief(name)
	mail := slices.DeleteFunc(all, func(m script.Message) bool { return target.Takes(m.Topic) })
	ids := make([]string, len(mail))
	for i, m := range mail {
		ids[i] = m.ID
	}
	r.mu.Lock()
	r.handed[name] = ids
	r.mu.Unlock()
	return mail, nil
}

// collectLimit is the most mail that one Collect hands out.
const collectLimit = 1000
