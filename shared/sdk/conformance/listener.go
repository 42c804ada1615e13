package conformance

import (
	"context"
	"fmt"
	"sync"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// listener records the events of a run.
type listener struct {
	cancel context.CancelFunc
	ended  chan struct{} // closed at the end of the stream

	mu      sync.Mutex
	events  []script.Event
	beats   int
	err     error
	changed chan struct{} // closed at the next change
}

func listen(client *wire.Client, after uint64) *listener {
	ctx, cancel := context.WithCancel(context.Background())
	l := &listener{cancel: cancel, ended: make(chan struct{}), changed: make(chan struct{})}
	go func() {
		defer close(l.ended)
		err := client.Events(ctx, after, l.add)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.err = err
		l.tell()
	}()
	return l
}

func (l *listener) add(events []script.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		if _, ok := e.Body.(script.Heartbeat); ok {
			l.beats++
			continue
		}
		l.events = append(l.events, e)
	}
	l.tell()
	return nil
}

func (l *listener) tell() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// await waits until done says so of what was heard.
func (l *listener) await(ctx context.Context, what string, done func(events []script.Event, beats int) bool) error {
	for {
		l.mu.Lock()
		ok, changed, err := done(l.events, l.beats), l.changed, l.err
		l.mu.Unlock()
		if ok {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s did not come: the stream of events broke: %w", what, err)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%s did not come", what)
		}
	}
}

// end returns the state in which the run ended.
func (l *listener) end() (state script.StateChanged, seq uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if s, is := e.Body.(script.StateChanged); is && s.State.Ended() {
			return s, e.Seq, true
		}
	}
	return script.StateChanged{}, 0, false
}

func (l *listener) over() bool {
	_, _, ok := l.end()
	return ok
}

func (l *listener) close() {
	l.cancel()
	<-l.ended
}
