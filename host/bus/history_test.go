package bus

import (
	"slices"
	"strings"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

// resume asks for everything behind an event, to the last page.
func resume(b *Bus, f Filter, after uint64) (ids []uint64, live *Subscription) {
	for {
		p := b.Resume(f, 16, after)
		if p.Missed > 0 {
			return ids, nil
		}
		for _, e := range p.Events {
			ids = append(ids, e.ID)
		}
		if after = p.Next; p.Live != nil {
			return ids, p.Live
		}
	}
}

func TestResume(t *testing.T) {
	b := NewSized(5000, 1<<30)
	defer b.Close()
	b.Begin(10)
	if p := b.Resume(Filter{}, 1, 9); p.Missed != 10 {
		t.Errorf("what was before the bus: %+v", p)
	}
	const n = 12_000
	for id := uint64(11); id <= n; id++ {
		b.Publish(warned(id, []string{"a", "b"}[id%2]))
	}
	if b.Newest() != n {
		t.Errorf("the newest is %d", b.Newest())
	}
	if p := b.Resume(Filter{}, 1, n-5001); p.Missed != n-5000 || p.Live != nil {
		t.Errorf("what was forgotten: %+v", p)
	}
	for _, after := range []uint64{n - 5000, n - 1024, n - 1, n} {
		ids, live := resume(b, Filter{}, after)
		if live == nil || uint64(len(ids)) != n-after || len(ids) > 0 && (ids[0] != after+1 || ids[len(ids)-1] != n) {
			t.Errorf("behind %d come %d events", after, len(ids))
		}
		live.Close()
	}
	ids, live := resume(b, Filter{Scripts: []string{"b", "c"}}, n-100)
	if len(ids) != 50 || slices.ContainsFunc(ids, func(id uint64) bool { return id%2 == 0 }) {
		t.Errorf("of one script: %v", ids)
	}
	b.Publish(warned(n+1, "b"))
	if e := <-live.C; e.ID != n+1 {
		t.Errorf("then comes %d", e.ID)
	}
}

// Nothing is missing and nothing is double between the past and what comes,
// while events are published.
func TestResumeWhilePublishing(t *testing.T) {
	b := New()
	defer b.Close()
	const n = 10_000
	go func() {
		for id := uint64(1); id <= n; id++ {
			b.Publish(warned(id, "a"))
		}
	}()
	for after := uint64(0); after < n; {
		p := b.Resume(Filter{}, n, after)
		for _, e := range p.Events {
			if e.ID != after+1 {
				t.Fatalf("%d comes behind %d", e.ID, after)
			}
			after = e.ID
		}
		for range 10 {
			if p.Live == nil || after == n {
				break
			}
			if e := <-p.Live.C; e.ID != after+1 {
				t.Fatalf("%d comes behind %d", e.ID, after)
			}
			after++
		}
		if p.Live != nil {
			p.Live.Close()
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	b := NewSized(100, 10_000)
	defer b.Close()
	log := func(id uint64, size int) script.Event {
		return script.Event{ID: id, Body: script.LogLine{Text: strings.Repeat("x", size)}}
	}
	for id := uint64(1); id <= 50; id++ {
		b.Publish(log(id, 1000))
	}
	if b.history.bytes > 10_000 || b.history.n > 9 || b.history.floor != 50-uint64(b.history.n) {
		t.Errorf("it remembers %d bytes in %d events behind %d", b.history.bytes, b.history.n, b.history.floor)
	}
	b.Publish(log(51, 20_000), log(52, 1), script.Event{Body: script.Heartbeat{}})
	if b.history.n != 1 || b.history.floor != 51 {
		t.Errorf("behind a large event it remembers %d events behind %d", b.history.n, b.history.floor)
	}
}

// A mark comes behind what was published before it.
func TestMark(t *testing.T) {
	b := New()
	defer b.Close()
	s := b.Subscribe(Filter{Script: "a"}, 2)
	b.Publish(warned(1, "a"), warned(2, "b"))
	s.Mark()
	if e := <-s.C; e.ID != 1 {
		t.Errorf("first comes %d", e.ID)
	}
	if e := <-s.C; e.ID != 2 || e.Body != nil {
		t.Errorf("then comes %+v", e)
	}
	for id := uint64(3); id < 100; id++ {
		s.Mark()
		b.Publish(warned(id, "a"))
	}
	if got, lost := s.n, int(s.Dropped()); got+lost < 95 {
		t.Errorf("%d are there and %d were lost", got, lost)
	}
}
