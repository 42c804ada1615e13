// Package notify tells addresses (webhooks) what happens to scripts. What is to
// be told is kept with the event that it tells of, so that the next host tells
// it when this one is killed. It never makes anybody wait: what cannot be told
// soon enough is dropped, and counted.
package notify

import (
	"context"
	"iter"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

const (
	attempts  = 8               // for one notification, by one host
	drain     = 5 * time.Second // what waits is still told when the host ends
	expiry    = 24 * time.Hour  // what is older is news to nobody
	maxSeries = 10_000          // series of runs that live, whose first NaN is told
)

// Options is what a Notifier is made of.
type Options struct {
	Host   string // its name
	Logger *slog.Logger
	Outbox Outbox
	Now    func() time.Time // nil: time.Now
	// Backoff is the pause before the second attempt; it doubles, up to MaxBackoff.
	Backoff, MaxBackoff time.Duration // 0: one second, five minutes
}

// Notifier tells addresses. Its methods may be called concurrently.
type Notifier struct {
	Options
	client *http.Client

	mu      sync.Mutex // guards all below
	targets []*target
	base    context.Context // of the targets' work; nil: Run has not begun
	leaves  bool            // what waits is left to the next host
	seen    map[series]bool // NaN that were told
	work    sync.WaitGroup
}

type series struct{ run, variable string }

// New makes a Notifier for the blocks of a configuration.
func New(o Options, blocks []*config.Notify) *Notifier {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Backoff == 0 {
		o.Backoff, o.MaxBackoff = time.Second, 5*time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	n := &Notifier{Options: o, seen: map[series]bool{}, client: &http.Client{
		// An address that sends elsewhere is told to its owner, not followed: what
		// is sent, and the secrets with it, is for that address.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		},
	}}
	n.take(blocks)
	return n
}

// Configure takes up other blocks. What waits for one that stays is kept; for
// one that goes it is dropped.
func (n *Notifier) Configure(blocks []*config.Notify) {
	n.take(blocks)
	n.forgetOthers()
}

func (n *Notifier) forgetOthers() {
	n.mu.Lock()
	names := make([]string, len(n.targets))
	for i, t := range n.targets {
		names[i] = t.name
	}
	n.mu.Unlock()
	waited, err := n.Outbox.Forget(context.Background(), names)
	switch {
	case err != nil:
		n.Logger.Warn("notifications of blocks that are gone stay", "error", err)
	case waited > 0:
		n.Logger.Warn("notifications were dropped: the configuration has their block no more", "count", waited)
	}
}

func (n *Notifier) take(blocks []*config.Notify) {
	n.mu.Lock()
	defer n.mu.Unlock()
	old := n.targets
	n.targets = nil
	for _, b := range blocks {
		i := slices.IndexFunc(old, func(t *target) bool { return t.name == b.Name })
		var t *target
		if i >= 0 {
			t = old[i]
			t.set(b)
			old = slices.Delete(old, i, i+1)
		} else {
			t = &target{notifier: n, name: b.Name, block: b, bell: make(chan struct{}, 1), gone: make(chan struct{})}
			n.start(t)
		}
		n.targets = append(n.targets, t)
	}
	for _, t := range old {
		close(t.gone)
	}
}

// start lets a target work, once Run has begun. n.mu is held.
func (n *Notifier) start(t *target) {
	if n.base != nil && n.base.Err() == nil {
		n.work.Go(func() { t.run(n.base) })
	}
}

// Run tells until ctx ends, and a little longer what waits by then. What an
// earlier host has not come to tell is told first.
func (n *Notifier) Run(ctx context.Context) error {
	n.forgetOthers()
	n.mu.Lock()
	n.base = ctx
	for _, t := range n.targets { // also where ctx has ended: then what waits is told
		n.work.Go(func() { t.run(ctx) })
	}
	n.mu.Unlock()
	<-ctx.Done()
	n.work.Wait()
	n.client.CloseIdleConnections()
	return nil
}

// Leave makes Run return without telling what waits: another host carries on.
func (n *Notifier) Leave() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.leaves = true
}

func (n *Notifier) left() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.leaves
}

// Entries returns what is to be told of an event. The outbox keeps it together
// with the event, which Observe is given afterwards.
func (n *Notifier) Entries(e *script.Event) []Entry {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.targets) == 0 {
		return nil
	}
	var out []Entry
	for what := range n.occasions(e) {
		for _, t := range n.targets {
			if t.wants(what.Event, e.Script) {
				out = append(out, t.entry(what))
			}
		}
	}
	return out
}

// Observe takes in committed events. It never blocks.
func (n *Notifier) Observe(events []script.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.targets) == 0 {
		return
	}
	for i := range events {
		e := &events[i]
		for what := range n.occasions(e) {
			if what.Variable != "" {
				n.seen[series{e.Run, what.Variable}] = true
			}
			for _, t := range n.targets {
				if t.wants(what.Event, e.Script) {
					t.rouse()
				}
			}
		}
		if b, ok := e.Body.(script.StateChanged); ok && b.State.Ended() {
			n.forget(e.Run)
		}
	}
}

// occasions yields what an event gives cause to tell. n.mu is held.
func (n *Notifier) occasions(e *script.Event) iter.Seq[Notification] {
	return func(yield func(Notification) bool) {
		base := Notification{Version: 1, Host: n.Host, Script: e.Script, Run: e.Run, Time: e.Time}
		switch b := e.Body.(type) {
		case script.StateChanged:
			base.Event, base.State, base.Reason, base.ExitCode = string(b.State), b.State, b.Reason, b.ExitCode
			yield(base)
		case script.Samples:
			for _, s := range b.Samples {
				if x, ok := s.Value.Float(); !ok || !math.IsNaN(x) || !n.first(e.Run, s.Name) {
					continue
				}
				what := base
				what.Event, what.Variable = config.NotifyOnNaN, s.Name
				if s.Step >= 0 {
					what.Step = &s.Step
				}
				if !yield(what) {
					return
				}
			}
		}
	}
}

// first reports whether a series may have its first NaN, as far as this host
// remembers: what the outbox was given by an earlier one it takes in once.
func (n *Notifier) first(run, variable string) bool {
	return len(n.seen) < maxSeries && !n.seen[series{run, variable}]
}

func (n *Notifier) forget(run string) {
	for key := range n.seen {
		if key.run == run {
			delete(n.seen, key)
		}
	}
}

// Status is what has become of the notifications for one address.
type Status struct {
	Name    string
	Address string // the machine alone
	Counts
	Problem string // of the last attempt; "" when it went well
}

// Status tells how all addresses are doing.
func (n *Notifier) Status(ctx context.Context) ([]Status, error) {
	n.mu.Lock()
	targets := slices.Clone(n.targets)
	n.mu.Unlock()
	out := make([]Status, len(targets))
	for i, t := range targets {
		var err error
		if out[i], err = t.report(ctx); err != nil {
			return nil, err
		}
	}
	return out, nil
}
