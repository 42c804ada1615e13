package store

import (
	"context"
	"errors"

	"github.com/mlhost/mlhost/shared/script"
)

// idBlock is how many event numbers are reserved at a time. A crash skips the
// rest of a block, so that no number is ever given twice.
const idBlock = 1 << 20

const saveCounter = `INSERT INTO counter (name, value) VALUES (?, ?)
	ON CONFLICT (name) DO UPDATE SET value = excluded.value`

// errNoBody is the error of an event that says nothing.
var errNoBody = script.Errorf(script.CodeInternal, "an event has no body")

// Append keeps events. They are durable when it returns; log lines, progress,
// steps and heartbeats are only handed to the operating system. Events of a
// run's stream that are kept already are dropped.
//
// After an error nothing of the batch was told to Options.Committed, though a
// part may be kept: append the same events again, or take the stream up again
// behind LastSeq. When ctx ends, the outcome is unknown.
func (s *Store) Append(ctx context.Context, events ...script.Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := s.sort(ctx, events)
	if err != nil {
		return err
	}
	if err := s.writeLogs(b); err != nil {
		return err
	}
	if err := s.writeBlobs(b); err != nil {
		return err
	}
	if len(b.samples) > 0 {
		if err := s.leaveSamples(ctx, b); err != nil {
			return err
		}
		if err := s.writeSamples(ctx, b); err != nil {
			return err
		}
	}
	switch {
	case b.meta > 0:
		return s.writer.do(ctx, &job{weight: b.meta, work: func(tx *tx) error { return s.writeMeta(tx, b) }, after: func() { s.tell(b) }})
	case len(b.samples) == 0:
		s.order.Lock()
		s.number(b)
		s.tell(b)
		s.order.Unlock()
		s.note(b)
	}
	return nil
}

// batch is the events of one Append, sorted by where they go.
type batch struct {
	events  []script.Event
	streams []*stream        // of each event; nil for one of no run
	logs    map[*stream]bool // runs with log lines
	samples map[string]int   // number of samples, by file
	meta    int              // events for meta.db
	skip    []bool           // meta.db has the event already
}

// sort finds out where each event goes, and remembers it as due there.
func (s *Store) sort(ctx context.Context, events []script.Event) (*batch, error) {
	if s.writer == nil {
		return nil, script.Errorf(script.CodeInternal, "the store is open for reading only")
	}
	b := &batch{events: append([]script.Event(nil), events...), streams: make([]*stream, len(events)), skip: make([]bool, len(events))}
	var last *stream
	for i := range b.events {
		e := &b.events[i]
		if e.Body == nil {
			return nil, errNoBody
		}
		if y := e.Time.Year(); y < minYear || y > maxYear {
			e.Time = s.now()
		}
		if e.Run != "" {
			if last == nil || last.run != e.Run {
				var err error
				if last, err = s.stream(ctx, e.Run); err != nil {
					return nil, err
				}
			}
			b.streams[i] = last
		}
		b.place(e, b.streams[i])
	}
	if s.isClosed() {
		return nil, ErrClosed
	}
	return b, nil
}

func (b *batch) place(e *script.Event, st *stream) {
	if st != nil {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.unnoted++
	}
	switch body := e.Body.(type) {
	case script.Samples:
		if st == nil {
			return // samples of no run are shown and not kept
		}
		if b.samples == nil {
			b.samples = map[string]int{}
		}
		b.samples[st.file] += len(body.Samples)
		st.unnoted = 0
		st.samplesDue = max(st.samplesDue, e.Seq)
		if n := len(body.Samples); n > 0 {
			st.step = max(st.step, body.Samples[n-1].Step)
		}
	case script.LogLine:
		if st == nil {
			return
		}
		if b.logs == nil {
			b.logs = map[*stream]bool{}
		}
		b.logs[st] = true
	case script.Stepped:
		if st != nil {
			st.step = body.Step
		}
	case script.Progress, script.Heartbeat:
	default:
		b.meta++
		if st != nil {
			st.metaDue = max(st.metaDue, e.Seq)
			st.unnoted = 0
		}
	}
}

// kept reports whether events of this body are rows of meta.db.
func kept(body script.Body) bool {
	switch body.(type) {
	case script.Samples, script.LogLine, script.Stepped, script.Progress, script.Heartbeat:
		return false
	}
	return true
}

// Passing lists the kinds of events that are shown when they happen and not
// kept as events: samples and log lines are kept with their run.
func Passing() []string { return []string{"samples", "log", "step", "progress", "heartbeat"} }

// number gives the events their IDs. The caller holds s.order.
func (s *Store) number(b *batch) {
	for i := range b.events {
		b.events[i].ID = s.nextID
		s.nextID++
	}
	if s.nextID+idBlock/2 > s.reserved && !s.reserve {
		s.reserve = true
		s.background("reserve event numbers", &job{work: func(*tx) error { return nil }}) // its flush reserves
	}
}

// tell passes on the events that are new. The caller holds s.order.
func (s *Store) tell(b *batch) {
	fresh := b.events[:0]
	for i, st := range b.streams {
		e := b.events[i]
		if st != nil && e.Seq > 0 {
			if e.Seq <= st.told {
				continue
			}
			st.told = e.Seq
			if st.hadSeen(&e) {
				continue
			}
		}
		fresh = append(fresh, e)
	}
	if len(fresh) > 0 {
		s.committed(fresh)
	}
}

// note writes the position of streams that have gone far without a row, so
// that little is replayed after a crash. Nobody waits for it.
func (s *Store) note(b *batch) {
	var last *stream
	for _, st := range b.streams {
		if st != nil && st != last {
			s.noteStream(st)
			last = st
		}
	}
}

func (s *Store) noteStream(st *stream) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.unnoted < noteEvery {
		return
	}
	st.unnoted = 0
	s.background("note stream position", &job{work: func(tx *tx) error {
		st.mu.Lock()
		due := st.samplesDue
		st.mu.Unlock()
		// The writer of meta.db holds s.order: what was told is kept everywhere.
		_, err := tx.exec(savePosition, st.run, st.told, due)
		return err
	}})
}

// background lets the writer of meta.db do something that nobody waits for. A
// store that is closing need not: the stream is replayed a little further.
func (s *Store) background(what string, j *job) {
	j.ended = func(err error) {
		if err != nil {
			s.logger.Error(what, "error", err)
		}
	}
	if err := s.writer.submit(j); err != nil && !errors.Is(err, ErrClosed) {
		s.logger.Error(what, "error", err)
	}
}

const savePosition = `INSERT INTO stream_seq (run, last_seq, other_seq) VALUES (?, ?, ?)
	ON CONFLICT (run) DO UPDATE SET last_seq = excluded.last_seq, other_seq = excluded.other_seq
	WHERE excluded.last_seq > last_seq`
