package sdktest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Recording is what a host heard of a run. Its methods may be called while the
// run lasts; those that wait fail the test after Timeout.
type Recording struct {
	t        testing.TB
	mu       sync.Mutex
	events   []script.Event // without heartbeats
	beats    int
	messages []script.Message
	changed  chan struct{} // closed at the next change
}

func newRecording(t testing.TB) *Recording {
	return &Recording{t: t, changed: make(chan struct{})}
}

func (r *Recording) add(events []script.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		if _, ok := e.Body.(script.Heartbeat); ok {
			r.beats++
			continue
		}
		r.events = append(r.events, e)
	}
	r.tell()
	return nil
}

func (r *Recording) message(m script.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, m)
	r.tell()
}

// tell wakes those that wait. The caller holds mu.
func (r *Recording) tell() {
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *Recording) ended(err error) {
	if err != nil && !errors.Is(err, context.Canceled) && script.CodeOf(err) != script.CodeConflict {
		r.t.Errorf("events of the script: %v", err)
	}
}

// Events returns everything heard so far, heartbeats excepted.
func (r *Recording) Events() []script.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// Heartbeats returns how many heartbeats came so far.
func (r *Recording) Heartbeats() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.beats
}

// Messages returns what the script sent to others so far.
func (r *Recording) Messages() []script.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.messages)
}

// WaitFor waits for an event that is as wanted, also one that came before, and
// returns it. what names it, for the failure.
func (r *Recording) WaitFor(what string, wanted func(script.Event) bool) script.Event {
	r.t.Helper()
	deadline := time.After(Timeout)
	for seen := 0; ; {
		r.mu.Lock()
		events, changed := r.events, r.changed
		r.mu.Unlock()
		for ; seen < len(events); seen++ {
			if wanted(events[seen]) {
				return events[seen]
			}
		}
		select {
		case <-changed:
		case <-deadline:
			r.t.Fatalf("%s did not come; %d events did", what, seen)
		}
	}
}

// Wait waits for the run to be in a state, and returns the event that says so.
// A run that ends in another state fails the test.
func (r *Recording) Wait(state script.State) script.StateChanged {
	r.t.Helper()
	e := r.WaitFor("state "+string(state), func(e script.Event) bool {
		s, ok := e.Body.(script.StateChanged)
		return ok && (s.State == state || s.State.Ended())
	})
	body, _ := e.Body.(script.StateChanged)
	if body.State != state {
		r.t.Fatalf("the run is %s (%s), not %s", body.State, body.Reason, state)
	}
	return body
}

// Samples returns the samples of a variable that came so far.
func (r *Recording) Samples(name string) []script.Sample {
	var out []script.Sample
	for _, e := range r.Events() {
		if b, ok := e.Body.(script.Samples); ok {
			for _, s := range b.Samples {
				if s.Name == name {
					out = append(out, s)
				}
			}
		}
	}
	return out
}

// WaitSample waits for a variable to have the wanted value.
func (r *Recording) WaitSample(name string, wanted func(script.Value) bool) script.Sample {
	r.t.Helper()
	var found script.Sample
	r.WaitFor("the wanted value of "+name, func(e script.Event) bool {
		b, _ := e.Body.(script.Samples)
		for _, s := range b.Samples {
			if s.Name == name && wanted(s.Value) {
				found = s
				return true
			}
		}
		return false
	})
	return found
}

// Result returns the value of a result that came so far, or null.
func (r *Recording) Result(name string) script.Value {
	value := script.Null()
	for _, e := range r.Events() {
		if b, ok := e.Body.(script.ResultSet); ok && b.Name == name {
			value = b.Value
		}
	}
	return value
}
