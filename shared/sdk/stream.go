package sdk

import (
	"context"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// stream is one host's Events call.
type stream struct {
	cursor   uint64 // newest event that it was given
	news     chan struct{}
	replaced chan struct{}
	file     spoolCursor
}

const (
	// heartbeat is how often a host hears that the process lives.
	heartbeat = time.Second
	// slowBeat is how often it hears that with the events while it feels the
	// pulse (see pulse.go).
	slowBeat = time.Minute
)

// serve gives a host what it has missed behind after, then what comes. It
// returns nil when the run is over and everything was given. A later call
// replaces the one before it.
func (r *recorder) serve(ctx context.Context, after uint64, send func([]script.Event) error) (err error) {
	st := r.attach(after)
	defer func() {
		if cerr := r.detach(st); err == nil {
			err = cerr
		}
	}()
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	beats := beats{count: 1, last: time.Now()}
	beat := []script.Event{{Time: beats.last, Body: script.Heartbeat{}}}
	for {
		events, wait, err := r.next(st)
		if err != nil {
			return err
		}
		events = append(events, beat...)
		beat = nil
		if len(events) > 0 {
			if err := send(events); err != nil {
				return err
			}
			select {
			case now := <-ticker.C:
				beat = beats.next(now, r.pulses.Load() > 0)
			case <-ctx.Done():
				return ctx.Err()
			case <-st.replaced:
				return errReplaced()
			default:
			}
			continue
		}
		if wait < 0 {
			return nil
		}
		var due <-chan time.Time
		if wait > 0 {
			due = time.After(wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-st.replaced:
			return errReplaced()
		case now := <-ticker.C:
			beat = beats.next(now, r.pulses.Load() > 0)
		case <-st.news:
			beat = beats.unfelt(r.pulses.Load() > 0)
		case <-due:
		}
	}
}

// beats decides when a heartbeat goes out with the events.
type beats struct {
	count int
	last  time.Time
	felt  bool // the pulse was, at the last look
}

// next returns the heartbeat that is due at a tick, if one is. A host takes
// the first two as a sign that the run has begun.
func (b *beats) next(now time.Time, felt bool) []script.Event {
	b.felt = felt
	if felt && b.count >= 2 && now.Sub(b.last) < slowBeat {
		return nil
	}
	b.count++
	b.last = now
	return []script.Event{{Time: now, Body: script.Heartbeat{}}}
}

// unfelt returns a heartbeat at once where the pulse is not felt any more.
func (b *beats) unfelt(felt bool) []script.Event {
	if felt || !b.felt {
		return nil
	}
	return b.next(time.Now(), false)
}

func errReplaced() error {
	return script.Errorf(script.CodeConflict, "another connection of the host took the place of this one")
}

func (r *recorder) attach(after uint64) *stream {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream != nil {
		close(r.stream.replaced)
	}
	r.stopKeeper()
	st := &stream{cursor: after, news: make(chan struct{}, 1), replaced: make(chan struct{})}
	r.stream, r.sent, r.moved = st, after, time.Now()
	if r.spooled > 0 && after >= r.spooled {
		r.spool.clear()
		r.spooled, r.spooling = 0, false
	}
	r.unsent = 0
	for _, e := range r.ring.after(after) {
		r.unsent += e.size
	}
	return st
}

func (r *recorder) detach(st *stream) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream == st {
		r.stream, r.left = nil, time.Now()
		close(r.room) // nobody makes room any more: the spool does
		r.room = make(chan struct{})
		if !r.ended {
			r.startKeeper()
		}
	}
	return st.file.close()
}

// next returns what comes behind the stream's cursor. Without events, wait
// tells after what time there will be some: 0 is unknown, and less than that
// means never.
func (r *recorder) next(st *stream) (events []script.Event, wait time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream != st {
		return nil, 0, errReplaced()
	}
	if !r.begun {
		return nil, 0, nil
	}
	st.cursor = max(min(st.cursor, r.seq), r.first-1)
	if st.cursor == r.seq {
		if wait := r.ripe(); wait > 0 {
			return nil, wait, nil
		}
		r.seal()
	}
	if oldest := r.ring.oldest(r.seq); st.cursor+1 < oldest {
		return r.nextSpooled(st)
	}
	size := 0
	for _, e := range r.ring.after(st.cursor) {
		if len(events) > 0 && (size+e.size > sendBytes || len(events) >= sendEvents) {
			break
		}
		events = append(events, e.event)
		size += e.size
	}
	r.unsent -= size
	r.given(st, events)
	if r.spooling { // the host has caught up with the ring
		r.spooling, r.spool.gap = false, script.Event{}
	}
	if len(events) == 0 && r.ended {
		wait = -1
	}
	return events, wait, nil
}

// ripe returns how long what waits to become an event should wait on.
func (r *recorder) ripe() time.Duration {
	if r.since.IsZero() || r.ended {
		return 0
	}
	return batchDelay - time.Since(r.since)
}

// nextSpooled returns events that are no longer in the ring. What is not in
// the spool either is told as a gap. The caller holds mu, which is released
// while the file is read.
func (r *recorder) nextSpooled(st *stream) (events []script.Event, wait time.Duration, err error) {
	oldest, cursor := r.ring.oldest(r.seq), st.cursor
	st.file.path = r.spool.path // the run may have begun behind the attachment
	r.mu.Unlock()
	events, err = st.file.next(cursor)
	r.mu.Lock()
	if err != nil || r.stream != st {
		return nil, 0, err
	}
	if len(events) == 0 {
		events = r.spool.rest(cursor)
	}
	events = missing(cursor, events, oldest)
	r.given(st, events)
	return events, 0, nil
}

// missing puts a gap before events, where they do not begin right behind
// cursor; without events the gap lasts until oldest.
func missing(cursor uint64, events []script.Event, oldest uint64) []script.Event {
	begin := oldest
	if len(events) > 0 {
		begin = events[0].Seq
		if gap, ok := events[0].Body.(script.Gap); ok && gap.From > 0 {
			begin = gap.From
		}
	}
	if begin <= cursor+1 {
		return events
	}
	gap := script.Gap{From: cursor + 1, To: begin - 1, Dropped: begin - 1 - cursor, Reason: "the plugin no longer has these events"}
	return append([]script.Event{{Seq: gap.To, Time: time.Now(), Body: gap}}, events...)
}

// given notes that the stream takes events. The caller holds mu.
func (r *recorder) given(st *stream, events []script.Event) {
	if len(events) == 0 {
		return
	}
	st.cursor = events[len(events)-1].Seq
	r.sent, r.moved = st.cursor, time.Now()
	close(r.room)
	r.room = make(chan struct{})
}
