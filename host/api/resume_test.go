package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/bus"
	"github.com/mlhost/mlhost/shared/script"
)

func sampled(seq uint64, step int64) script.Event {
	return script.Event{Time: time.Now(), Seq: seq, Script: "trainer", Run: "k3f9a2bqx7", Body: script.Samples{Samples: []script.Sample{
		{Name: "loss", Step: step, Time: time.Now(), Value: script.Int(step)},
	}}}
}

// What a viewer misses while it is away comes when it is back, samples and
// log lines included, once and in order.
func TestEventsResumeWithoutHole(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	last, seq := f.bus.Newest(), uint64(4)
	step := int64(100)
	for round := range 20 {
		s, err := f.Events(ctx, client.EventFilter{Script: "trainer", Kinds: []string{"samples", "log"}, After: last})
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			f.emit(t, sampled(seq, int64(seq)+96), script.Event{Time: time.Now(), Script: "trainer", Run: "k3f9a2bqx7", Body: script.Stepped{Step: 1}})
			seq++
		}
		for range 90 { // it goes before it has seen them all
			e := next(t, s)
			var data v1.SamplesData
			if err := json.Unmarshal(e.Data, &data); err != nil || e.Kind != "samples" {
				t.Fatalf("round %d: got %+v, %v", round, e, err)
			}
			if got := *data.Samples[0].Step; got != step || e.ID <= last {
				t.Fatalf("round %d: got step %d under %d, want %d; the last was %d", round, got, e.ID, step, last)
			}
			step++
			last = e.ID
		}
		s.Close()
	}
}

// Where the host's memory no longer reaches, the viewer is told what it
// misses, and gets what was kept.
func TestEventsTooLate(t *testing.T) {
	f := newFixtureOf(t, bus.NewSized(10, 1<<20))
	f.train(t)
	before := f.bus.Newest()
	f.emit(t, script.Event{Time: time.Now(), Script: "trainer", Run: "k3f9a2bqx7", Body: script.Warned{Text: "kept"}})
	for seq := uint64(4); seq < 104; seq++ {
		f.emit(t, sampled(seq, int64(seq)))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := f.Events(ctx, client.EventFilter{After: before})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	e := next(t, s)
	var gap v1.GapData
	if err := json.Unmarshal(e.Data, &gap); err != nil {
		t.Fatal(err)
	}
	if e.Kind != v1.KindGap || e.ID != before || gap.Code != v1.GapPast || gap.From != before+1 || gap.To != before+91 || gap.Dropped != nil ||
		gap.Since == nil || !slices.Equal(gap.Kinds, []string{"samples", "log", "step", "progress", "heartbeat"}) {
		t.Errorf("first comes %+v: %s", e, e.Data)
	}
	if e := next(t, s); e.Kind != "warning" || e.ID != before+1 {
		t.Errorf("then comes %+v", e)
	}
	for seq := uint64(94); seq < 104; seq++ {
		if e := next(t, s); e.Seq != seq {
			t.Errorf("then comes %+v, want %d", e, seq)
		}
	}
	// Who wants only what is kept misses nothing.
	kept, err := f.Events(ctx, client.EventFilter{After: before, Kinds: []string{"warning"}})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	if e := next(t, kept); e.Kind != "warning" {
		t.Errorf("got %+v", e)
	}
}

// An id of another host's state is told to be unknown.
func TestEventsOfAnotherState(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	s, err := f.Events(t.Context(), client.EventFilter{After: 1 << 40, Kinds: []string{"warning"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var gap v1.GapData
	e := next(t, s)
	if err := json.Unmarshal(e.Data, &gap); err != nil || e.ID != f.bus.Newest() || gap.Code != v1.GapUnknown || gap.To != f.bus.Newest() {
		t.Errorf("got %+v: %s, %v", e, e.Data, err)
	}
	f.emit(t, script.Event{Time: time.Now(), Script: "trainer", Body: script.Warned{Text: "hot"}})
	if e := next(t, s); e.Kind != "warning" {
		t.Errorf("got %+v", e)
	}
}

// message is one server-sent event as it stands on the line.
type message struct{ id, event, data string }

// lines reads a stream as a browser does.
func lines(t *testing.T, f *fixture, query string) func() message {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/api/v1/events?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := f.http(t).Do(request)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", response, err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	r := bufio.NewReader(response.Body)
	return func() (m message) {
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch name {
			case "id":
				m.id = value
			case "event":
				m.event = value
			case "data":
				m.data = value
			case "":
				if m.data != "" {
					return m
				}
			}
		}
	}
}

// A viewer of many scripts asks for the newest samples only. What it does not
// have yet is behind the last id that it has seen.
func TestThinEvents(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	read := lines(t, f, "thin=0.05")
	for seq := uint64(4); seq < 1004; seq++ {
		f.emit(t, sampled(seq, int64(seq)))
	}
	f.emit(t, script.Event{Time: time.Now(), Seq: 1004, Script: "trainer", Run: "k3f9a2bqx7", Body: script.Warned{Text: "hot"}})
	f.emit(t, script.Event{Time: time.Now(), Seq: 1005, Script: "trainer", Run: "k3f9a2bqx7", Body: script.StateChanged{State: script.Finished}})
	samples := 0
	for {
		m := read()
		var e v1.Event
		if err := json.Unmarshal([]byte(m.data), &e); err != nil {
			t.Fatal(err)
		}
		if e.Kind == "samples" {
			if samples++; samples > 900 {
				t.Fatal("nothing is thinned")
			}
		}
		if e.Kind == "state" {
			if m.id != fmt.Sprint(e.ID) {
				t.Errorf("the last id is %s of %d", m.id, e.ID)
			}
			break
		}
	}
	if samples == 0 {
		t.Error("the last samples do not come before the end of the run")
	}
}

func TestEventsRefused(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	for _, filter := range []client.EventFilter{{Script: "trainr"}, {Kinds: []string{"sample"}}} {
		_, err := f.Events(t.Context(), filter)
		if e, ok := errors.AsType[*script.Error](err); !ok || !strings.Contains(e.Hint, "did you mean") {
			t.Errorf("%+v: %v", filter, err)
		}
	}
}
