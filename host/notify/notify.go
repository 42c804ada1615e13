// Package notify tells addresses (webhooks) what happens to scripts. It never
// makes anybody wait: what cannot be told soon enough is dropped, and counted.
package notify

import (
	"context"
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
	queueSize = 100             // what may wait for one address
	attempts  = 8               // for one notification
	drain     = 5 * time.Second // what waits is still told when the host ends
	maxSeries = 10_000          // series of runs that live, whose first NaN is told
)

// Options is what a Notifier is made of.
type Options struct {
	Host   string // its name
	Logger *slog.Logger
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
	n.Configure(blocks)
	return n
}

// Configure takes up other blocks. What waits for one that stays is kept.
func (n *Notifier) Configure(blocks []*config.Notify) {
	n.mu.Lock()
	defer n.mu.Unlock()
	old := n.targets
	n.targets = nil
	for _, b := range blocks {
		i := slices.IndexFunc(old, func(t *target) bool { return t.block.Name == b.Name })
		var t *target
		if i >= 0 {
			t = old[i]
			t.set(b)
			old = slices.Delete(old, i, i+1)
		} else {
			t = &target{notifier: n, block: b, bell: make(chan struct{}, 1), gone: make(chan struct{})}
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

// Run tells until ctx ends, and a little longer what waits by then.
func (n *Notifier) Run(ctx context.Context) error {
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

// Observe takes in committed events. It never blocks.
func (n *Notifier) Observe(events []script.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.targets) == 0 {
		return
	}
	for i := range events {
		e := &events[i]
		switch b := e.Body.(type) {
		case script.StateChanged:
			if b.State.Ended() {
				n.forget(e.Run)
			}
			n.tell(string(b.State), e, func(out *Notification) {
				out.State, out.Reason, out.ExitCode = b.State, b.Reason, b.ExitCode
			})
		case script.Samples:
			for _, s := range b.Samples {
				if x, ok := s.Value.Float(); ok && math.IsNaN(x) && n.first(e.Run, s.Name) {
					n.tell(config.NotifyOnNaN, e, func(out *Notification) {
						out.Variable = s.Name
						if s.Step >= 0 {
							out.Step = &s.Step
						}
					})
				}
			}
		}
	}
}

// first reports whether a series has its first NaN, as far as is remembered.
func (n *Notifier) first(run, variable string) bool {
	key := series{run, variable}
	if n.seen[key] || len(n.seen) >= maxSeries {
		return false
	}
	n.seen[key] = true
	return true
}

func (n *Notifier) forget(run string) {
	for key := range n.seen {
		if key.run == run {
			delete(n.seen, key)
		}
	}
}

// tell queues an occasion for those who want to know of it.
func (n *Notifier) tell(on string, e *script.Event, fill func(*Notification)) {
	for _, t := range n.targets {
		if t.wants(on, e.Script) {
			out := Notification{Version: 1, ID: e.ID, Event: on, Host: n.Host, Script: e.Script, Run: e.Run, Time: e.Time}
			fill(&out)
			out.Text = out.text()
			t.add(out)
		}
	}
}

// Status is what has become of the notifications for one address.
type Status struct {
	Name    string
	Address string // the machine alone
	Sent    uint64
	Failed  uint64 // given up
	Dropped uint64 // because too many waited
	Waiting int
	Problem string // of the last attempt; "" when it went well
}

// Status tells how all addresses are doing.
func (n *Notifier) Status() []Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]Status, len(n.targets))
	for i, t := range n.targets {
		out[i] = t.report()
	}
	return out
}
