package bus

import (
	"slices"
	"sync"

	"github.com/mlhost/mlhost/shared/script"
)

// Subscription delivers the events that its filter takes.
type Subscription struct {
	// C delivers until the subscription or the bus is closed, and is closed then.
	C <-chan Item

	filter Filter
	bus    *Bus
	size   int
	wake   chan struct{} // has one element while the ring may hold something new
	done   chan struct{}
	once   sync.Once

	mu      sync.Mutex
	ring    []script.Event // grows to size, then wraps
	first   int            // index of the oldest event
	n       int            // how many are undelivered
	gap     script.Gap     // what was lost before the oldest one
	total   uint64         // lost in all
	lastGap script.Event   // the newest of the events lost
}

// Close ends the subscription. It may be called more than once and from any
// goroutine; what was not delivered is dropped.
func (s *Subscription) Close() {
	s.bus.remove(s)
	s.stop()
}

// Dropped returns how many events were lost so far.
func (s *Subscription) Dropped() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// Mark lets the subscription deliver, behind all that was published so far, an
// item without a body that has the ID of the newest event: the viewer has had
// everything up to there. One that is far behind gets none.
func (s *Subscription) Mark() {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	s.mu.Lock()
	full := s.n == s.size
	if !full {
		s.add(script.Event{ID: s.bus.history.newest})
	}
	s.mu.Unlock()
	if !full {
		s.rouse()
	}
}

func (s *Subscription) rouse() {
	select {
	case s.wake <- struct{}{}:
	default: // the pump has yet to look
	}
}

func (s *Subscription) stop() { s.once.Do(func() { close(s.done) }) }

func (s *Subscription) push(events []script.Event) {
	s.mu.Lock()
	any := false
	for i := range events {
		if s.filter.takes(&events[i]) {
			s.add(events[i])
			any = true
		}
	}
	s.mu.Unlock()
	if any {
		s.rouse()
	}
}

// add appends e to the ring, over the oldest event where it is full.
func (s *Subscription) add(e script.Event) {
	if s.n == s.size {
		s.lose()
	}
	if s.n == len(s.ring) && len(s.ring) < s.size {
		s.unwrap()
		s.ring = append(s.ring, e)
	} else {
		s.ring[(s.first+s.n)%len(s.ring)] = e
	}
	s.n++
}

// unwrap turns the ring so that it can grow at its end.
func (s *Subscription) unwrap() {
	if s.first == 0 {
		return
	}
	turned := make([]script.Event, 0, 2*len(s.ring))
	turned = append(turned, s.ring[s.first:]...)
	s.ring, s.first = append(turned, s.ring[:s.first]...), 0
}

func (s *Subscription) lose() {
	e := s.take()
	if e.Body == nil { // a mark
		return
	}
	if kind := script.KindOf(e.Body); !slices.Contains(s.gap.Kinds, kind) {
		s.gap.Kinds = append(s.gap.Kinds, kind)
	}
	if s.gap.Dropped == 0 {
		s.gap.From = e.ID
	}
	s.gap.To = e.ID
	s.gap.Dropped++
	s.total++
	if s.bus != nil {
		s.bus.dropped.Add(1)
	}
	s.lastGap = e
}

// take removes the oldest event.
func (s *Subscription) take() script.Event {
	e := s.ring[s.first]
	s.ring[s.first] = script.Event{} // let its body go
	s.first = (s.first + 1) % len(s.ring)
	s.n--
	return e
}

// next returns what is to be delivered next.
func (s *Subscription) next() (Item, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gap.Dropped > 0 {
		gap := s.gap
		gap.Reason = "the viewer reads too slowly"
		s.gap = script.Gap{}
		return Item{ID: gap.To, Time: s.lastGap.Time, Script: s.filter.Script, Body: gap}, true
	}
	if s.n == 0 {
		return Item{}, false
	}
	return s.take(), true
}

// pump moves events from the ring to the channel until the end.
func (s *Subscription) pump(c chan<- Item) {
	defer close(c)
	for {
		item, ok := s.next()
		if !ok {
			select {
			case <-s.wake:
				continue
			case <-s.done:
				return
			}
		}
		select {
		case c <- item:
		case <-s.done:
			return
		}
	}
}
