package notify

import (
	"bytes"
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// What one host has not told, because it was killed or the address was away, is
// told by the next, with the same id; what is old is counted instead.
func TestToldByTheNext(t *testing.T) {
	a := newAddress(t)
	m := &memory{}
	dead := rig{New(Options{Host: "lab1", Outbox: m.outbox()}, []*config.Notify{a.block()}), m} // it never runs
	old := state(1, "a", script.Failed)
	old.Time = old.Time.Add(-expiry - time.Hour)
	dead.Observe([]script.Event{old, state(2, "a", script.Failed), sampled(3, "loss", math.NaN())})
	m.add(Entry{Target: "gone", ID: 9, Time: time.Now(), Body: []byte("{}")})

	var log bytes.Buffer
	n, end := resume(t, &log, m, a.block())
	if got := <-a.told; got.ID != 2 || got.Dropped != 1 {
		t.Errorf("got %+v", got)
	}
	if got := <-a.told; got.ID != 3 || got.Variable != "loss" {
		t.Errorf("got %+v", got)
	}
	// The series has had its first NaN, though this host has not seen it.
	n.Observe([]script.Event{sampled(4, "loss", math.NaN()), state(5, "a", script.Finished)})
	if got := <-a.told; got.ID != 5 {
		t.Errorf("got %+v", got)
	}
	end()
	if s := n.first(t); s.Sent != 3 || s.Expired != 1 || s.Untold != 0 || s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
	if !strings.Contains(log.String(), "has expired") || !strings.Contains(log.String(), "count=1") {
		t.Errorf("the log is %s", log.String())
	}
}

// A host that leaves its scripts to the next one leaves what waits too.
func TestLeft(t *testing.T) {
	a := newAddress(t)
	a.answer = func(_ int, w http.ResponseWriter) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	m := &memory{}
	n := rig{New(Options{Host: "lab1", Outbox: m.outbox()}, []*config.Notify{a.block()}), m}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	n.Observe([]script.Event{state(1, "a", script.Failed)})
	<-a.told
	n.Leave()
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if s := n.first(t); s.Waiting != 1 || s.Failed != 0 {
		t.Errorf("%+v", s)
	}
}

// An outbox that cannot be written is tried again, and nothing is told twice
// meanwhile.
func TestOutboxFails(t *testing.T) {
	a := newAddress(t)
	m := &memory{}
	box := m.outbox()
	done := box.Done
	var fails sync.Once
	box.Done = func(ctx context.Context, e Entry, fate Fate) error {
		err := error(nil)
		fails.Do(func() { err = errors.New("disk full") })
		if err != nil {
			return err
		}
		return done(ctx, e, fate)
	}
	n := rig{New(Options{Host: "lab1", Outbox: box, Backoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond}, []*config.Notify{a.block()}), m}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	n.Observe([]script.Event{state(1, "a", script.Failed), state(2, "a", script.Failed)})
	for _, want := range []uint64{1, 2} {
		if got := <-a.told; got.ID != want {
			t.Errorf("got %+v, want %d", got, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if s := n.first(t); s.Sent != 2 {
		t.Errorf("%+v", s)
	}
}
