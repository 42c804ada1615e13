package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is an outbox without a disk.
type memory struct {
	mu    sync.Mutex
	rows  []Entry
	done  map[string]bool // by target and once
	count map[string]Counts
}

const memorySize = 100

// commit does what the store does with events: what they tell is kept, then the
// notifier sees them.
func (m *memory) commit(n *Notifier, events ...script.Event) {
	for i := range events {
		for _, e := range n.Entries(&events[i]) {
			e.ID = events[i].ID
			m.add(e)
		}
	}
	n.Observe(events)
}

func (m *memory) add(e Entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done == nil {
		m.done, m.count = map[string]bool{}, map[string]Counts{}
	}
	key := e.Target + " " + e.Once
	c := m.count[e.Target]
	switch {
	case e.Once != "" && m.done[key]:
	case c.Waiting >= memorySize:
		c.Dropped++
		c.Untold++
	default:
		m.done[key] = true
		m.rows = append(m.rows, e)
		c.Waiting++
	}
	m.count[e.Target] = c
}

func (m *memory) outbox() Outbox {
	return Outbox{
		Next: func(_ context.Context, target string) (Entry, bool, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			i := slices.IndexFunc(m.rows, func(e Entry) bool { return e.Target == target })
			if i < 0 {
				return Entry{}, false, nil
			}
			e := m.rows[i]
			e.Untold = m.count[target].Untold
			return e, true, nil
		},
		Done: func(_ context.Context, e Entry, fate Fate) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.rows = slices.DeleteFunc(m.rows, func(r Entry) bool { return r.Target == e.Target && r.ID == e.ID })
			c := m.count[e.Target]
			c.Waiting--
			switch fate {
			case Sent:
				c.Sent++
				c.Untold -= e.Untold
			case Failed:
				c.Failed++
			case Expired:
				c.Expired++
				c.Untold++
			}
			m.count[e.Target] = c
			return nil
		},
		Forget: func(_ context.Context, keep []string) (int, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			before := len(m.rows)
			m.rows = slices.DeleteFunc(m.rows, func(e Entry) bool { return !slices.Contains(keep, e.Target) })
			return before - len(m.rows), nil
		},
		Counts: func(_ context.Context, target string) (Counts, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.count[target], nil
		},
	}
}

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

func ExampleNotification() {
	n := Notification{Version: 1, ID: 42, Event: "failed", Host: "lab1", Script: "trainer", Run: "k3f9a2bqx7", State: script.Failed, Reason: "exit code 1", Time: time.Unix(0, 0).UTC()}
	n.Text = n.text()
	data, _ := json.Marshal(n)
	fmt.Println(string(data))
	// Output: {"version":1,"id":42,"event":"failed","text":"trainer on lab1: failed: exit code 1","host":"lab1","script":"trainer","run":"k3f9a2bqx7","state":"failed","reason":"exit code 1","time":"1970-01-01T00:00:00Z"}
}
