package router

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// outcomes emits what became of messages beside the messages' own way, so that
// no sender waits for the record of its success. It is bounded: what does not
// fit is counted, and the count is emitted as a gap.
type outcomes struct {
	emit   func(ctx context.Context, events ...script.Event) error
	logger *slog.Logger
	done   chan struct{} // closed: run has returned
	ending chan struct{} // closed: emit what waits and return
	bell   chan struct{}

	mu      sync.Mutex // guards what follows
	waiting []script.Event
	dropped uint64
}

const (
	maxOutcomes = 8192
	// outcomesPause is how long outcomes gather behind those just emitted, so
	// that many messages share a transaction of the store.
	outcomesPause = 50 * time.Millisecond
)

func newOutcomes(emit func(context.Context, ...script.Event) error, logger *slog.Logger) *outcomes {
	return &outcomes{
		emit: emit, logger: logger,
		done: make(chan struct{}), ending: make(chan struct{}), bell: make(chan struct{}, 1),
	}
}

func (o *outcomes) add(e script.Event) {
	o.mu.Lock()
	if len(o.waiting) < maxOutcomes {
		o.waiting = append(o.waiting, e)
	} else {
		o.dropped++
	}
	o.mu.Unlock()
	o.ring()
}

func (o *outcomes) ring() {
	select {
	case o.bell <- struct{}{}:
	default:
	}
}

// close lets run emit what waits and end; it returns when that is done.
func (o *outcomes) close() {
	close(o.ending)
	<-o.done
}

func (o *outcomes) run() {
	defer close(o.done)
	for {
		select {
		case <-o.bell:
			o.emitWaiting()
		case <-o.ending:
			o.emitWaiting()
			return
		}
		select {
		case <-time.After(outcomesPause):
		case <-o.ending:
		}
	}
}

func (o *outcomes) emitWaiting() {
	o.mu.Lock()
	events, dropped := o.waiting, o.dropped
	o.waiting, o.dropped = nil, 0
	o.mu.Unlock()
	if dropped > 0 {
		last := events[len(events)-1]
		last.Body = script.Gap{Dropped: dropped, Reason: "more messages were routed than could be recorded"}
		events = append(events, last)
	}
	if len(events) > 0 {
		if err := o.emit(context.Background(), events...); err != nil {
			o.logger.Error("record messages", "events", len(events), "error", err)
		}
	}
}
