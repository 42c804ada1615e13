package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a notifier and its outbox.
type rig struct {
	*Notifier
	*memory
}

func (r rig) Observe(events []script.Event) { r.commit(r.Notifier, events...) }

func (r rig) first(t *testing.T) Status {
	t.Helper()
	all, err := r.Status(t.Context())
	if err != nil || len(all) == 0 {
		t.Fatalf("the status is %v, %v", all, err)
	}
	return all[0]
}

// address is a server that is told things. answer, where not nil, decides what
// it says.
type address struct {
	*httptest.Server
	told   chan Notification
	answer func(n int, w http.ResponseWriter) // n counts requests from 1
	mu     sync.Mutex
	n      int
}

func newAddress(t *testing.T) *address {
	a := &address{told: make(chan Notification, 1000)}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.n++
		n := a.n
		a.mu.Unlock()
		body, err := io.ReadAll(r.Body)
		var got Notification
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || json.Unmarshal(body, &got) != nil ||
			r.Header.Get(IDHeader) != fmt.Sprintf("%s-%d", got.Host, got.ID) {
			t.Errorf("got %s %s, %v", r.Method, body, err)
		}
		if a.answer != nil {
			a.answer(n, w)
		}
		a.told <- got
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *address) block() *config.Notify {
	return &config.Notify{Name: "team", URL: a.URL + "/hook/s3cret", On: []string{"failed", "finished", "nan"}, Timeout: 5 * time.Second}
}

// begin runs a notifier; end makes it end and waits.
func begin(t *testing.T, log io.Writer, blocks ...*config.Notify) (n rig, end func()) {
	t.Helper()
	return resume(t, log, &memory{}, blocks...)
}

// resume runs a notifier on an outbox that another one had.
func resume(t *testing.T, log io.Writer, m *memory, blocks ...*config.Notify) (n rig, end func()) {
	t.Helper()
	n = rig{New(Options{Host: "lab1", Logger: slog.New(slog.NewTextHandler(log, nil)), Outbox: m.outbox(), Backoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond}, blocks), m}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = n.Run(ctx) }()
	var once sync.Once
	end = func() { once.Do(func() { cancel(); <-done }) }
	t.Cleanup(end)
	return n, end
}

func state(id uint64, name string, s script.State) script.Event {
	return script.Event{ID: id, Time: time.Now(), Script: name, Run: "r" + name, Body: script.StateChanged{State: s, Reason: "boom"}}
}

func sampled(id uint64, variable string, v float64) script.Event {
	return script.Event{ID: id, Time: time.Now(), Script: "a", Run: "ra", Body: script.Samples{Samples: []script.Sample{{Name: variable, Step: 7, Value: script.Float(v)}}}}
}

func TestTold(t *testing.T) {
	a := newAddress(t)
	n, _ := begin(t, io.Discard, a.block())
	n.Observe([]script.Event{state(1, "a", script.Running), sampled(2, "loss", 1), state(3, "a", script.Failed)})
	got := <-a.told
	if got.Version != 1 || got.ID != 3 || got.Event != "failed" || got.Host != "lab1" || got.Script != "a" || got.Run != "ra" || got.Reason != "boom" || got.Text != "a on lab1: failed: boom" {
		t.Errorf("got %+v", got)
	}
	// The first NaN of a series in a run is told, no other one.
	n.Observe([]script.Event{sampled(4, "loss", math.NaN()), sampled(5, "loss", math.NaN()), sampled(6, "best", math.Inf(1)), sampled(7, "val", math.NaN()), state(8, "a", script.Finished)})
	for _, want := range []string{"a on lab1: loss is NaN at step 7", "a on lab1: val is NaN at step 7", "a on lab1: finished: boom"} {
		if got := <-a.told; got.Text != want {
			t.Errorf("got %+v, want %s", got, want)
		}
	}
	next := sampled(9, "loss", math.NaN())
	next.Run = "ra2"
	n.Observe([]script.Event{next})
	if got := <-a.told; got.ID != 9 {
		t.Errorf("in a new run: %+v", got)
	}
}

func TestOnlyScripts(t *testing.T) {
	a := newAddress(t)
	b := a.block()
	b.Scripts = []string{"b"}
	n, _ := begin(t, io.Discard, b)
	n.Observe([]script.Event{state(1, "a", script.Failed), state(2, "b", script.Failed)})
	if got := <-a.told; got.Script != "b" {
		t.Errorf("got %+v", got)
	}
}

// What goes wrong is tried again; what cannot go well is not.
func TestRetries(t *testing.T) {
	a := newAddress(t)
	a.answer = func(n int, w http.ResponseWriter) {
		switch n {
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
		case 2:
			w.Header().Set("Retry-After", "1000000000")
			w.WriteHeader(http.StatusTooManyRequests)
		case 3:
			panic(http.ErrAbortHandler)
		case 5:
			w.WriteHeader(http.StatusNotFound)
		}
	}
	var log bytes.Buffer
	n, end := begin(t, &log, a.block())
	n.Observe([]script.Event{state(1, "a", script.Failed), state(2, "a", script.Finished), state(3, "a", script.Failed)})
	for _, want := range []uint64{1, 1, 1, 2, 3} { // the request that is cut off is not counted
		if got := <-a.told; got.ID != want {
			t.Errorf("got %d, want %d", got.ID, want)
		}
	}
	end()
	if s := n.first(t); s.Sent != 2 || s.Failed != 1 || s.Waiting != 0 || s.Problem != "" {
		t.Errorf("%+v", s)
	}
	if !strings.Contains(log.String(), "404 Not Found") || strings.Contains(log.String(), "s3cret") {
		t.Errorf("the log is %s", log.String())
	}
}

func TestGivenUp(t *testing.T) {
	a := newAddress(t)
	a.answer = func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }
	n, end := begin(t, io.Discard, a.block())
	n.Observe([]script.Event{state(1, "a", script.Failed)})
	for range attempts {
		<-a.told
	}
	end()
	if s := n.first(t); s.Failed != 1 || s.Sent != 0 || !strings.Contains(s.Problem, "502") || len(a.told) > 0 {
		t.Errorf("%+v, %d more", s, len(a.told))
	}
}

// Nobody is sent elsewhere with what is for this address.
func TestRedirect(t *testing.T) {
	other := newAddress(t)
	a := newAddress(t)
	a.answer = func(_ int, w http.ResponseWriter) {
		w.Header().Set("Location", other.URL)
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
	n, end := begin(t, io.Discard, a.block())
	n.Observe([]script.Event{state(1, "a", script.Failed)})
	<-a.told
	end()
	if s := n.first(t); s.Failed != 1 || !strings.Contains(s.Problem, "redirects are not followed") || len(other.told) > 0 {
		t.Errorf("%+v", s)
	}
}

// An address that hangs makes nobody wait: what is too much is dropped, counted
// and told.
func TestBounded(t *testing.T) {
	a := newAddress(t)
	free := make(chan struct{})
	a.answer = func(int, http.ResponseWriter) { <-free }
	n, end := begin(t, io.Discard, a.block())
	for id := uint64(1); id <= 1000; id++ {
		n.Observe([]script.Event{state(id, "a", script.Failed)})
	}
	dropped := n.first(t).Dropped
	close(free)
	end()
	s := n.first(t)
	var told uint64
	for range s.Sent {
		got := <-a.told
		told += got.Dropped
	}
	if s.Dropped != dropped || s.Sent+s.Dropped != 1000 || s.Sent > memorySize+1 || told != dropped {
		t.Errorf("%+v; %d were told to be missing", s, told)
	}
}

// What waits when the host ends is told, however short the host has lived.
func TestToldAtTheEnd(t *testing.T) {
	a := newAddress(t)
	m := &memory{}
	n := rig{New(Options{Host: "lab1", Outbox: m.outbox()}, []*config.Notify{a.block()}), m}
	n.Observe([]script.Event{state(1, "a", script.Failed)})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Run(ended); err != nil {
		t.Fatal(err)
	}
	if s := n.first(t); s.Sent != 1 || s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
}

// Nothing that is secret is in an error: not the path, not a password.
func TestErrorsHideTheURL(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	slow := newAddress(t)
	hang := make(chan struct{})
	slow.answer = func(int, http.ResponseWriter) { <-hang }
	for _, u := range []string{gone.URL + "/s3cret?token=s3cret", "http://user:s3cret@127.0.0.1:1/", slow.URL + "/s3cret", "http://no.such.name.invalid/s3cret"} {
		n := New(Options{Host: "lab1"}, nil)
		f := n.post(t.Context(), &config.Notify{URL: u, Timeout: 200 * time.Millisecond}, Notification{})
		if f == nil || strings.Contains(f.reason, "s3cret") || f.reason == "" {
			t.Errorf("%s: %v", u, f)
		}
		n.client.CloseIdleConnections()
	}
	close(hang)
	<-slow.told
}

// What waits for a block that stays is kept, at its new address too; a block
// that goes is told nothing more.
func TestConfigure(t *testing.T) {
	first, second := newAddress(t), newAddress(t)
	first.answer = func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }
	n, end := begin(t, io.Discard, first.block())
	n.Observe([]script.Event{state(1, "a", script.Failed)})
	<-first.told
	n.Configure([]*config.Notify{second.block()})
	if got := <-second.told; got.ID != 1 {
		t.Errorf("got %+v", got)
	}
	n.Configure(nil)
	n.Observe([]script.Event{state(2, "a", script.Failed)})
	end()
	if all, err := n.Status(t.Context()); err != nil || len(second.told) > 0 || len(all) > 0 {
		t.Error("a block that is gone is told")
	}
}

func ExampleNotification() {
	n := Notification{Version: 1, ID: 42, Event: "failed", Host: "lab1", Script: "trainer", Run: "k3f9a2bqx7", State: script.Failed, Reason: "exit code 1", Time: time.Unix(0, 0).UTC()}
	n.Text = n.text()
	data, _ := json.Marshal(n)
	fmt.Println(string(data))
	// Output: {"version":1,"id":42,"event":"failed","text":"trainer on lab1: failed: exit code 1","host":"lab1","script":"trainer","run":"k3f9a2bqx7","state":"failed","reason":"exit code 1","time":"1970-01-01T00:00:00Z"}
}
