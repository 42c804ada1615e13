package notify

import (
	"context"
	"slices"
	"sync"

	"github.com/mlhost/mlhost/shared/script"
)

// memory is an outbox without a disk.
type memory struct {
	mu    sync.Mutex
	rows  []Entry
	done  map[string]bool // by target and once
	count map[string]Counts
}

const memorySize = 100

// commit does what the store does with events: what they tell is kept, then the
// notifier sees them.
func (m *memory) commit(n *Notifier, events ...script.Event) {
	for i := range events {
		for _, e := range n.Entries(&events[i]) {
			e.ID = events[i].ID
			m.add(e)
		}
	}
	n.Observe(events)
}

func (m *memory) add(e Entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done == nil {
		m.done, m.count = map[string]bool{}, map[string]Counts{}
	}
	key := e.Target + " " + e.Once
	c := m.count[e.Target]
	switch {
	case e.Once != "" && m.done[key]:
	case c.Waiting >= memorySize:
		c.Dropped++
		c.Untold++
	default:
		m.done[key] = true
		m.rows = append(m.rows, e)
		c.Waiting++
	}
	m.count[e.Target] = c
}

func (m *memory) outbox() Outbox {
	return Outbox{
		Next: func(_ context.Context, target string) (Entry, bool, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			i := slices.IndexFunc(m.rows, func(e Entry) bool { return e.Target == target })
			if i < 0 {
				return Entry{}, false, nil
			}
			e := m.rows[i]
			e.Untold = m.count[target].Untold
			return e, true, nil
		},
		Done: func(_ context.Context, e Entry, fate Fate) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.rows = slices.DeleteFunc(m.rows, func(r Entry) bool { return r.Target == e.Target && r.ID == e.ID })
			c := m.count[e.Target]
			c.Waiting--
			switch fate {
			case Sent:
				c.Sent++
				c.Untold -= e.Untold
			case Failed:
				c.Failed++
			case Expired:
				c.Expired++
				c.Untold++
			}
			m.count[e.Target] = c
			return nil
		},
		Forget: func(_ context.Context, keep []string) (int, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			before := len(m.rows)
			m.rows = slices.DeleteFunc(m.rows, func(e Entry) bool { return !slices.Contains(keep, e.Target) })
			return before - len(m.rows), nil
		},
		Counts: func(_ context.Context, target string) (Counts, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.count[target], nil
		},
	}
}
