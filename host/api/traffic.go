package api

import (
	"cmp"
	"slices"
	"sync"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// maxTraffic bounds how many ways of messages are counted; a topic may be any
// text.
const maxTraffic = 4096

// traffic counts messages.
type traffic struct {
	mu   sync.Mutex
	ways map[way]*v1.Traffic
}

type way struct {
	source, target, topic string
	kind                  script.MessageKind
}

func (t *traffic) count(e *script.Event, m script.MessageRouted) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := way{m.Source, m.Target, m.Topic, m.Kind}
	one, ok := t.ways[key]
	if !ok {
		if len(t.ways) >= maxTraffic {
			return
		}
		if t.ways == nil {
			t.ways = map[way]*v1.Traffic{}
		}
		one = &v1.Traffic{Source: m.Source, Target: m.Target, Topic: m.Topic, Kind: m.Kind}
		t.ways[key] = one
	}
	n := max(m.Count, 1)
	one.Count += n
	one.Last, one.Took = e.Time, m.Took.Seconds()
	if m.Code != "" {
		one.Failed += n
		one.Problem = m.Problem
	}
}

// list returns what was counted, in a steady order.
func (t *traffic) list() []v1.Traffic {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]v1.Traffic, 0, len(t.ways))
	for _, one := range t.ways {
		out = append(out, *one)
	}
	slices.SortFunc(out, func(a, b v1.Traffic) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}
