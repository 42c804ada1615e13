// Package bus shows events to viewers inside the host while they happen. It
// never waits: a viewer that reads too slowly loses the oldest events and is
// told how many. What must not be lost is in the store.
package bus

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mlhost/mlhost/shared/script"
)

// Item is what a subscription delivers: an event, or one whose body is a
// script.Gap that stands for the events lost just before the next item. A
// gap's From and To are the IDs of the first and the last event lost.
type Item = script.Event

// Filter chooses events. The zero Filter takes all.
type Filter struct {
	Script  string   // events of this script only; "" for all
	Scripts []string // events of these scripts only; none for all
	Kinds   []string // as script.KindOf names them; none for all
	Logs    []string // log lines of these scripts only; none for all
}

func (f Filter) takes(e *script.Event) bool {
	if f.Script != "" && f.Script != e.Script {
		return false
	}
	if len(f.Scripts) > 0 && !slices.Contains(f.Scripts, e.Script) {
		return false
	}
	if _, line := e.Body.(script.LogLine); line && len(f.Logs) > 0 && !slices.Contains(f.Logs, e.Script) {
		return false
	}
	return len(f.Kinds) == 0 || slices.Contains(f.Kinds, script.KindOf(e.Body))
}

// Bus hands events to subscriptions. Its methods may be called concurrently.
type Bus struct {
	dropped atomic.Uint64

	mu      sync.RWMutex
	subs    map[*Subscription]struct{}
	closed  bool
	history history
}

// New returns a bus without subscriptions.
func New() *Bus { return NewSized(historyEvents, historyBytes) }

// NewSized returns a bus that remembers at most so many events, and about so
// many bytes of them.
func NewSized(events, bytes int) *Bus {
	return &Bus{subs: map[*Subscription]struct{}{}, history: history{maximum: max(events, 1), budget: bytes}}
}

// Publish gives the events to every subscription that takes them. It does not
// wait for viewers. The IDs of events grow.
func (b *Bus) Publish(events ...script.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.history.add(events)
	for s := range b.subs {
		s.push(events)
	}
}

// Subscribe starts a subscription that holds up to size undelivered events.
// The caller must Close it. On a closed bus its channel is closed at once.
func (b *Bus) Subscribe(f Filter, size int) *Subscription {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.subscribe(f, size)
}

// subscribe does it; the caller holds b.mu.
func (b *Bus) subscribe(f Filter, size int) *Subscription {
	size = max(size, 1)
	c := make(chan Item)
	s := &Subscription{
		C: c, filter: f, ring: make([]script.Event, 0, min(size, 64)), size: size, bus: b,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go s.pump(c)
	if b.closed {
		s.stop()
		return s
	}
	b.subs[s] = struct{}{}
	return s
}

// Dropped returns how many events viewers have lost so far, all together.
func (b *Bus) Dropped() uint64 { return b.dropped.Load() }

// Close ends every subscription. Later ones end at once.
func (b *Bus) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for s := range b.subs {
		s.stop()
	}
	clear(b.subs)
}

func (b *Bus) remove(s *Subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.subs, s)
}
