package router

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// outcomes emits what became of messages beside the messages' own way, so that
// no sender waits for the record of its success. After each emission it
// gathers for a moment: outcomes that are alike become one event with a count.
// It is bounded: what does not fit is counted, and the count is emitted as a
// gap.
type outcomes struct {
	emit   func(ctx context.Context, events ...script.Event) error
	logger *slog.Logger
	done   chan struct{}
	bell   chan struct{} // size 1
	end    chan struct{} // closed by close

	mu      sync.Mutex // guards what follows
	waiting []script.Event
	alike   map[likeness]int // index into waiting
	dropped uint64
}

// likeness is what outcomes that can be counted together have in common.
type likeness struct {
	script, run, source, target, topic, problem string
	kind                                        script.MessageKind
	code                                        script.Code
}

const (
	// maxOutcomes is the most events that wait to be emitted.
	maxOutcomes = 8192
	// gatherTime is the least time between two emissions.
	gatherTime = 100 * time.Millisecond
)

func newOutcomes(emit func(context.Context, ...script.Event) error, logger *slog.Logger) *outcomes {
	return &outcomes{
		emit: emit, logger: logger, done: make(chan struct{}), bell: make(chan struct{}, 1), end: make(chan struct{}),
		alike: map[likeness]int{},
	}
}

// add takes in an outcome: an event whose body is a script.MessageRouted.
func (o *outcomes) add(e script.Event) {
	body, ok := e.Body.(script.MessageRouted)
	if !ok {
		return
	}
	like := likeness{e.Script, e.Run, body.Source, body.Target, body.Topic, body.Problem, body.Kind, body.Code}
	body.Count = max(body.Count, 1)
	o.mu.Lock()
	i, known := o.alike[like]
	switch {
	case known:
		before, _ := o.waiting[i].Body.(script.MessageRouted)
		body.Count += before.Count
		e.Body = body
		o.waiting[i] = e
	case len(o.waiting) < maxOutcomes:
		e.Body = body
		o.alike[like] = len(o.waiting)
		o.waiting = append(o.waiting, e)
	default:
		o.dropped++
	}
	o.mu.Unlock()
	if !known {
		o.ring()
	}
}

func (o *outcomes) ring() {
	select {
	case o.bell <- struct{}{}:
	default:
	}
}

// close lets run emit what waits and end; it returns when that is done.
func (o *outcomes) close() {
	close(o.end)
	<-o.done
}

// run emits until close is called.
func (o *outcomes) run() {
	defer close(o.done)
	for {
		select {
		case <-o.bell:
			o.flush()
		case <-o.end:
			o.flush()
			return
		}
		gather := time.NewTimer(gatherTime)
		select {
		case <-gather.C:
		case <-o.end:
		}
		gather.Stop()
	}
}

// flush emits what waits.
func (o *outcomes) flush() {
	o.mu.Lock()
	events, dropped := o.waiting, o.dropped
	o.waiting, o.dropped = nil, 0
	clear(o.alike)
	o.mu.Unlock()
	if dropped > 0 {
		last := events[len(events)-1]
		last.Body = script.Gap{Dropped: dropped, Reason: "more messages were routed than could be recorded"}
		events = append(events, last)
	}
	if len(events) == 0 {
		return
	}
	if err := o.emit(context.Background(), events...); err != nil {
		o.logger.Error("record messages", "events", len(events), "error", err)
	}
}
