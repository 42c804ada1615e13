package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// team wants to be told of failures and of each series' first NaN.
func team(o *Options) {
	o.Outgoing = func(e *script.Event) []Outgoing {
		body, err := json.Marshal(e.Script)
		if err != nil {
			panic(err)
		}
		switch b := e.Body.(type) {
		case script.StateChanged:
			if b.State == script.Failed {
				return []Outgoing{{Target: "team", Time: e.Time, Body: body}}
			}
		case script.Samples:
			for _, s := range b.Samples {
				if x, ok := s.Value.Float(); ok && math.IsNaN(x) {
					return []Outgoing{{Target: "team", Once: e.Run + "/" + s.Name, Time: e.Time, Body: body}}
				}
			}
		}
		return nil
	}
}

func failedEvent(run string, seq uint64) script.Event {
	return script.Event{Script: "trainer", Run: run, Seq: seq, Time: time.Unix(1000, 7).UTC(), Body: script.StateChanged{State: script.Failed}}
}

func counts(t *testing.T, s *Store) OutboxCount {
	t.Helper()
	c, err := s.OutboxCounts(t.Context(), "team")
	ok(t, err)
	return c
}

// What is to be told is there as soon as its event is, once, and after the store
// was opened anew; what was told is not.
func TestOutbox(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	s, err := Open(ctx, Options{Dir: dir, Outgoing: func(e *script.Event) []Outgoing { o := &Options{}; team(o); return o.Outgoing(e) }})
	ok(t, err)
	nan := script.Float(math.NaN())
	events := []script.Event{begun("r1"), sampled("r1", 2, "loss", 0, script.Float(1)), sampled("r1", 3, "loss", 1, nan), failedEvent("r1", 4)}
	ok(t, s.Append(ctx, events...))
	ok(t, s.Append(ctx, events...)) // a stream that is taken up again
	ok(t, s.Append(ctx, sampled("r1", 5, "loss", 2, nan), sampled("r1", 6, "val", 2, nan)))
	if c := counts(t, s); c.Waiting != 3 {
		t.Errorf("%+v", c)
	}
	first, found, err := s.NextOutgoing(ctx, "team")
	ok(t, err)
	if !found || first.Once != "r1/loss" || first.ID == 0 || string(first.Body) != `"trainer"` {
		t.Errorf("got %+v", first)
	}
	ok(t, s.Close())

	s = open(t, dir, team)
	again, found, err := s.NextOutgoing(ctx, "team")
	ok(t, err)
	if !found || again.ID != first.ID || again.Once != first.Once {
		t.Errorf("got %+v after %+v", again, first)
	}
	ok(t, s.Dispatched(ctx, again, FateSent))
	ok(t, s.Dispatched(ctx, again, FateSent)) // it is gone
	ok(t, s.Append(ctx, sampled("r1", 7, "loss", 3, nan)))
	second, _, err := s.NextOutgoing(ctx, "team")
	ok(t, err)
	if second.Once != "" || !second.Time.Equal(time.Unix(1000, 7)) || second.ID <= first.ID {
		t.Errorf("got %+v", second)
	}
	ok(t, s.Dispatched(ctx, second, FateExpired))
	third, _, err := s.NextOutgoing(ctx, "team")
	ok(t, err)
	if third.Untold != 1 || third.Once != "r1/val" {
		t.Errorf("got %+v", third)
	}
	ok(t, s.Dispatched(ctx, third, FateSent))
	if c := counts(t, s); c != (OutboxCount{Sent: 2, Expired: 1}) {
		t.Errorf("%+v", c)
	}
	if _, found, err := s.NextOutgoing(ctx, "team"); found || err != nil {
		t.Errorf("there is more, %v", err)
	}
}

// Too much is counted, and a target that is gone leaves nothing behind.
func TestOutboxBounds(t *testing.T) {
	s := open(t, t.TempDir(), team)
	ctx := context.Background()
	ok(t, s.Append(ctx, begun("r1")))
	for i := range OutboxSize + 5 {
		ok(t, s.Append(ctx, failedEvent("r1", uint64(i+2))))
	}
	if c := counts(t, s); c != (OutboxCount{Dropped: 5, Untold: 5, Waiting: OutboxSize}) {
		t.Errorf("%+v", c)
	}
	o, _, err := s.NextOutgoing(ctx, "team")
	ok(t, err)
	if o.Untold != 5 {
		t.Errorf("got %+v", o)
	}
	for _, keep := range []struct {
		names  []string
		waited int
	}{{[]string{"team", "x"}, 0}, {nil, OutboxSize}, {nil, 0}} {
		if waited, err := s.ForgetOutbox(ctx, keep.names); err != nil || waited != keep.waited {
			t.Errorf("forget all but %v: %d, %v", keep.names, waited, err)
		}
	}
	if c := counts(t, s); c != (OutboxCount{}) {
		t.Errorf("%+v", c)
	}
	if events, err := s.Events(ctx, EventRange{}); err != nil || len(events) == 0 {
		t.Errorf("%d events, %v", len(events), fmt.Sprint(err))
	}
}
