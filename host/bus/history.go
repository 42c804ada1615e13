package bus

import (
	"slices"

	"github.com/mlhost/mlhost/shared/script"
)

// How much of what happened the bus remembers, for viewers who come back.
const (
	historyEvents = 16_384
	historyBytes  = 16 << 20
)

// history is the newest events, by growing IDs. The bus's mutex guards it.
type history struct {
	events  []script.Event // a ring
	first   int
	n       int
	bytes   int    // about, of the events' bodies
	floor   uint64 // everything behind the event of this ID is in the ring
	newest  uint64 // ID of the newest event published
	maximum int    // events
	budget  int    // bytes
}

// at returns the i-th oldest event.
func (h *history) at(i int) *script.Event { return &h.events[(h.first+i)%len(h.events)] }

// add remembers events. One without an ID cannot be asked for.
func (h *history) add(events []script.Event) {
	for i := range events {
		e := &events[i]
		if e.ID <= h.newest {
			continue
		}
		h.newest = e.ID
		size := sizeOf(e.Body)
		if size > h.budget {
			for h.n > 0 {
				h.forget()
			}
			h.floor = e.ID
			continue
		}
		for h.n > 0 && (h.n == h.maximum || h.bytes+size > h.budget) {
			h.forget()
		}
		if h.n == len(h.events) {
			h.grow()
		}
		*h.at(h.n) = *e
		h.n++
		h.bytes += size
	}
}

func (h *history) forget() {
	e := h.at(0)
	h.floor = e.ID
	h.bytes -= sizeOf(e.Body)
	*e = script.Event{} // let its body go
	h.first = (h.first + 1) % len(h.events)
	h.n--
}

func (h *history) grow() {
	larger := make([]script.Event, min(max(64, 2*len(h.events)), h.maximum))
	for i := range h.n {
		larger[i] = *h.at(i)
	}
	h.events, h.first = larger, 0
}

// after returns where the events behind the one of an ID begin.
func (h *history) after(id uint64) int {
	low, high := 0, h.n
	for low < high {
		if middle := (low + high) / 2; h.at(middle).ID > id {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// sizeOf is about how much memory a body holds.
func sizeOf(b script.Body) int {
	const fixed = 160 // the event itself
	switch b := b.(type) {
	case script.Samples:
		size := fixed
		for i := range b.Samples {
			size += 128
			if text, ok := b.Samples[i].Value.Text(); ok {
				size += len(text)
			}
		}
		return size
	case script.LogLine:
		return fixed + len(b.Text)
	case script.Described:
		return fixed + 4096
	case script.Recorded:
		size := fixed + 4096
		for _, text := range b.Texts {
			size += len(text)
		}
		return size
	case script.Stepped, script.Progress:
		return fixed
	}
	return fixed + 512
}

// Page is what Resume has found.
type Page struct {
	// Events are those behind the ID that was asked for which the filter takes,
	// or the first of them; Next is the ID to go on behind.
	Events []script.Event
	Next   uint64
	// Missed, where not 0, tells that the bus does not reach back to the ID: no
	// further than behind this one.
	Missed uint64
	// Live delivers what happens behind Events. It is nil where more is to be
	// asked for first.
	Live *Subscription
}

// scanned is how many events Resume looks at in one call, so that publishers
// do not wait for it.
const scanned = 1024

// Resume returns what happened behind the event of an ID, page by page, and
// with the last page a subscription to what comes, as Subscribe: between the
// two nothing is missing and nothing is double. It says where the bus does not
// reach back so far.
func (b *Bus) Resume(f Filter, size int, after uint64) Page {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := &b.history
	if after < h.floor {
		return Page{Missed: h.floor, Next: after}
	}
	p := Page{Next: after}
	from := h.after(after)
	to := min(h.n, from+scanned)
	for i := from; i < to; i++ {
		e := h.at(i)
		p.Next = e.ID
		if f.takes(e) {
			p.Events = append(p.Events, *e)
		}
	}
	p.Events = slices.Clip(p.Events)
	if to == h.n {
		p.Live = b.subscribe(f, size)
	}
	return p
}

// Begin tells the bus the ID of the newest event of the time before it: what
// happened up to there is not to be had from it.
func (b *Bus) Begin(newest uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.history.n == 0 {
		b.history.floor, b.history.newest = newest, newest
	}
}

// Newest returns the ID of the newest event.
func (b *Bus) Newest() uint64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.history.newest
}
