package bus

import (
	"strconv"
	"sync"
	"testing"

	"github.com/mlhost/mlhost/internal/left"

	"github.com/mlhost/mlhost/shared/script"
)

func TestMain(m *testing.M) { left.Main(m) }

func warned(id uint64, name string) script.Event {
	return script.Event{ID: id, Script: name, Body: script.Warned{Text: strconv.FormatUint(id, 10)}}
}

func TestFilter(t *testing.T) {
	b := New()
	defer b.Close()
	all := b.Subscribe(Filter{}, 10)
	one := b.Subscribe(Filter{Script: "a", Kinds: []string{"warning", "step"}}, 10)
	b.Publish(warned(1, "a"), warned(2, "b"), script.Event{ID: 3, Script: "a", Body: script.Heartbeat{}})
	b.Publish(script.Event{ID: 4, Script: "a", Body: script.Stepped{Step: 1}})
	for want := uint64(1); want <= 4; want++ {
		if e := <-all.C; e.ID != want {
			t.Errorf("want %d, got %d", want, e.ID)
		}
	}
	for _, want := range []uint64{1, 4} {
		if e := <-one.C; e.ID != want {
			t.Errorf("want %d, got %d", want, e.ID)
		}
	}
}

func TestFilterOfLogs(t *testing.T) {
	b := New()
	defer b.Close()
	s := b.Subscribe(Filter{Logs: []string{"a"}}, 10)
	line := script.LogLine{Text: "x"}
	b.Publish(script.Event{ID: 1, Script: "b", Body: line}, script.Event{ID: 2, Script: "a", Body: line}, warned(3, "b"))
	for _, want := range []uint64{2, 3} {
		if e := <-s.C; e.ID != want {
			t.Errorf("want %d, got %d", want, e.ID)
		}
	}
}

func TestSlowViewerLosesTheOldest(t *testing.T) {
	b := New()
	defer b.Close()
	s := b.Subscribe(Filter{}, 3)
	var last, lost, got uint64
	const n = 1000
	for id := uint64(1); id <= n; id++ {
		b.Publish(warned(id, "a"))
	}
	for last < n {
		e := <-s.C
		if gap, ok := e.Body.(script.Gap); ok {
			if gap.From != last+1 || gap.To-gap.From+1 != gap.Dropped {
				t.Errorf("behind %d comes the gap %+v", last, gap)
			}
			lost += gap.Dropped
			last = gap.To
			continue
		}
		if e.ID != last+1 {
			t.Errorf("%d comes behind %d", e.ID, last)
		}
		last = e.ID
		got++
	}
	if lost+got != n || s.Dropped() != lost || got > 5 {
		t.Errorf("got %d, lost %d (%d)", got, lost, s.Dropped())
	}
}

func TestRingGrowsAndWraps(t *testing.T) {
	for size := 1; size < 200; size += 13 {
		s := &Subscription{size: size, ring: make([]script.Event, 0, 2)}
		next := uint64(1)
		for id := uint64(1); id <= 1000; id++ {
			s.add(warned(id, "a"))
			if id%3 != 0 {
				continue
			}
			e, ok := s.next()
			if gap, isGap := e.Body.(script.Gap); isGap {
				next = gap.To + 1
				e, ok = s.next()
			}
			if !ok || e.ID != next {
				t.Fatalf("size %d: want %d, got %d", size, next, e.ID)
			}
			next++
		}
		if len(s.ring) > size {
			t.Errorf("size %d: the ring has %d", size, len(s.ring))
		}
	}
}

func TestClose(t *testing.T) {
	b := New()
	s, open := b.Subscribe(Filter{}, 1), b.Subscribe(Filter{}, 1)
	b.Publish(warned(1, "a"))
	s.Close()
	s.Close()
	b.Publish(warned(2, "a"))
	b.Close()
	b.Close()
	for range open.C { // ends
	}
	open.Close()
	for range b.Subscribe(Filter{}, 1).C {
		t.Error("a closed bus delivers")
	}
	b.Publish(warned(3, "a"))
}

func TestManyAtOnce(t *testing.T) {
	b := New()
	var wg, viewers sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for id := range uint64(500) {
				b.Publish(warned(id+1, "a"))
			}
		})
		viewers.Go(func() {
			s := b.Subscribe(Filter{Script: "a"}, 4)
			defer s.Close()
			for range 20 {
				if _, ok := <-s.C; !ok {
					return
				}
			}
		})
		viewers.Go(func() {
			for range 50 {
				b.Subscribe(Filter{}, 1).Close()
			}
		})
	}
	wg.Wait()
	b.Close()
	viewers.Wait()
}

func BenchmarkPublish(b *testing.B) {
	for _, viewers := range []int{0, 1, 20} {
		b.Run(strconv.Itoa(viewers), func(b *testing.B) {
			bus := New()
			defer bus.Close()
			for range viewers {
				bus.Subscribe(Filter{}, 256) // nobody reads
			}
			e := warned(1, "a")
			b.ReportAllocs()
			for b.Loop() {
				bus.Publish(e)
			}
		})
	}
}
