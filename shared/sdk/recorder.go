package sdk

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

const (
	batchSamples = 256                    // samples in one event
	batchDelay   = 20 * time.Millisecond  // before fewer make an event, when a host listens
	spoolDelay   = 100 * time.Millisecond // the same when none does
	absence      = 2 * time.Second        // of a host, before everything goes to the spool
	patience     = time.Second            // with a host that listens but takes nothing
	sendBytes    = 64 << 10               // in one message to the host
	sendEvents   = 512
	pressureSize = 1 << 20 // of what a host has not taken, before samples merge
)

// recorder numbers a run's events and keeps each until a host has taken it:
// the newest in a ring, for a host that was away for a moment, and everything
// in a spool when it stays away. A host that listens but is slow makes the
// script wait, as long as it takes anything at all.
type recorder struct {
	mu      sync.Mutex
	first   uint64 // number of the run's first event here
	seq     uint64 // of the newest event
	ring    ring
	samples []script.Sample // that make the next event
	batch   uint64          // counts those events
	stepped bool            // the step has moved and was not yet told
	step    int64
	since   time.Time // when the first of these came
	merged  uint64    // samples that were merged since the last gap was told

	pulses   atomic.Int64  // connections over which a host feels the pulse
	stream   *stream       // the host that listens; nil: none
	sent     uint64        // newest event that it was given
	unsent   int           // bytes behind that
	moved    time.Time     // when it last took something
	left     time.Time     // when the last one went
	room     chan struct{} // closed when a full ring may have room again
	keeper   chan struct{} // closed to end the goroutine that spools; nil: there is none
	keeping  sync.WaitGroup
	news     chan struct{} // tells the keeper
	spool    spool
	spooling bool
	spooled  uint64 // newest event in the spool
	begun    bool
	ended    bool // nothing more will come
}

func newRecorder() *recorder {
	return &recorder{
		first: 1, room: make(chan struct{}), news: make(chan struct{}, 1), left: time.Now(),
		spool: spool{limit: spoolLimit}, batch: 1, // 0 is that of an empty slot
	}
}

// begin starts the count at first; path is the spool's file, "" for none.
func (r *recorder) begin(first uint64, path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.first, r.seq = max(first, 1), max(first, 1)-1
	r.spool.path = path
	r.begun = true
	if r.stream == nil {
		r.left = time.Now()
		r.startKeeper()
	}
}

// emit makes an event and returns its number.
func (r *recorder) emit(body script.Body) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seal()
	r.append(script.Event{Time: time.Now(), Body: body})
	seq := r.seq
	if r.stream == nil && r.spool.path != "" && (r.spooling || isResult(body)) && !droppable(body) {
		r.toSpool(true)
	}
	r.makeRoom()
	r.wake()
	return seq
}

// last emits the run's last event. The stream ends behind it. record is told
// its number before a host hears of it.
func (r *recorder) last(body script.Body, record func(seq uint64)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	r.seal()
	r.append(script.Event{Time: time.Now(), Body: body})
	record(r.seq)
	r.wake()
}

func isResult(body script.Body) bool {
	_, ok := body.(script.ResultSet)
	return ok
}

// slot remembers where the newest sample of a variable stands, as long as that
// is in the event being filled.
type slot struct {
	batch uint64
	index int
}

// sample takes one value of a variable.
func (r *recorder) sample(s script.Sample, latest bool, at *slot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if latest && at.batch == r.batch && at.index < len(r.samples) && r.pressed() {
		r.samples[at.index] = s
		r.merged++
		return
	}
	if len(r.samples) == 0 {
		r.samples = make([]script.Sample, 0, 16)
		r.waitFor(s.Time)
	}
	at.batch, at.index = r.batch, len(r.samples)
	r.samples = append(r.samples, s)
	if len(r.samples) >= batchSamples {
		r.seal()
		r.makeRoom()
		r.wake()
	}
}

// moveStep notes the script's step. Where it moves faster than events are
// made, only the newest is told; samples have their own.
func (r *recorder) moveStep(step int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.step = step
	if !r.stepped {
		r.stepped = true
		r.waitFor(time.Now())
	}
}

// waitFor notes that something waits to become an event.
func (r *recorder) waitFor(now time.Time) {
	if r.since.IsZero() {
		r.since = now
		r.wake()
	}
}

// pressed reports whether events come faster than they are taken.
func (r *recorder) pressed() bool { return r.unsent > pressureSize || r.spooling }

// seal makes events of what waits. The caller holds mu.
func (r *recorder) seal() {
	r.since = time.Time{}
	now := time.Now()
	if len(r.samples) > 0 {
		samples := r.samples
		r.samples = nil
		r.batch++
		r.append(script.Event{Time: now, Body: script.Samples{Samples: samples}})
	}
	if r.stepped {
		r.stepped = false
		r.append(script.Event{Time: now, Body: script.Stepped{Step: r.step}})
	}
	if r.merged > 0 && (r.ended || !r.pressed()) {
		r.append(sampleGap(r.merged, now))
		r.merged = 0
	}
}

func (r *recorder) append(e script.Event) {
	r.seq++
	e.Seq = r.seq
	r.unsent += r.ring.push(e)
}

// makeRoom brings the ring back within its bounds: by dropping what the host
// has, by waiting for a host that takes events, or else by spooling. The
// caller holds mu, which is released while it waits.
func (r *recorder) makeRoom() {
	for r.ring.full() {
		oldest := r.ring.oldest(r.seq)
		switch {
		case oldest <= r.spooled, r.stream != nil && oldest <= r.sent && r.ring.bytes-r.unsent > underWay:
			size := r.ring.drop()
			if oldest > r.sent {
				r.unsent -= size
			}
			r.forgetSpool()
		case r.stream != nil && r.ring.bytes <= ringMaxBytes:
			return
		case r.stream != nil && time.Since(r.moved) < patience:
			room := r.room
			r.mu.Unlock()
			timer := time.NewTimer(patience)
			select {
			case <-room:
			case <-timer.C:
			}
			timer.Stop()
			r.mu.Lock()
		default:
			r.toSpool(false)
		}
	}
}

// toSpool writes what is not yet in the spool; where there is no file, it only
// gives up the oldest event, since the ring has the others still. The caller
// holds mu.
func (r *recorder) toSpool(sync bool) {
	r.spooling = true
	entries := r.ring.after(r.spooled)
	if r.spool.path == "" && len(entries) > 0 {
		entries = entries[:1]
	}
	if len(entries) == 0 {
		return
	}
	events := make([]script.Event, len(entries))
	for i, e := range entries {
		events[i] = e.event
	}
	r.spool.write(events, sync)
	r.spooled = events[len(events)-1].Seq
}

// forgetSpool empties the spool when the host has everything in it and as much
// behind it as a ring holds. The caller holds mu.
func (r *recorder) forgetSpool() {
	if r.spooled > 0 && !r.spooling && r.stream != nil && r.ring.oldest(r.seq) > r.spooled {
		r.spool.clear()
		r.spooled = 0
	}
}

// wake tells whoever takes events that there is something.
func (r *recorder) wake() {
	news := r.news
	if r.stream != nil {
		news = r.stream.news
	}
	select {
	case news <- struct{}{}:
	default:
	}
}

// settle makes events of what waits to become one.
func (r *recorder) settle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seal()
	r.wake()
}

// lastSeq returns the number of the newest event.
func (r *recorder) lastSeq() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seq
}

// away returns how long no host has listened; 0 while one does.
func (r *recorder) away() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream != nil {
		return 0
	}
	return time.Since(r.left)
}

// close writes everything that the ring has down for good and ends the
// recorder. Without a run directory there is nothing to write to.
func (r *recorder) close(keep bool) error {
	r.mu.Lock()
	r.stopKeeper()
	r.seal()
	if keep && r.spool.path != "" {
		r.toSpool(true)
	}
	r.ended = true
	err := r.spool.close()
	r.wake()
	r.mu.Unlock()
	r.keeping.Wait()
	return err
}
