package router

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlhost/mlhost/internal/left"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/shared/script"
)

func TestMain(m *testing.M) { left.Main(m) }

const scripts = `
script "trainer" {
  source      = "t.sh"
  interpreter = "sh"
}
script "plateau" {
  source      = "t.sh"
  interpreter = "sh"
}
script "evaluator" {
  source      = "t.sh"
  interpreter = "sh"
}
`

// world is a router with everything around it faked: mailboxes are slices,
// sets change a registry.
type world struct {
	*Router
	registry *registry.Registry

	mu      sync.Mutex
	mail    map[string][]script.Message
	full    bool
	sets    chan script.Message
	emitted chan script.Body
	now     time.Time
}

func newWorld(t *testing.T, text string) *world {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("t.sh", "")
	c, diags := config.Load(write("config.hcl", scripts+text), config.Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	w := &world{
		registry: registry.New(), mail: map[string][]script.Message{},
		sets: make(chan script.Message, 100), emitted: make(chan script.Body, 1000),
		now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	for _, name := range c.Names() {
		w.registry.Define(name, registry.Info{Managed: true})
	}
	w.Router = New(Options{
		Config: c, Registry: w.registry, Logger: slog.New(slog.DiscardHandler), Now: w.clock,
		Mail: Mail{Enqueue: w.enqueue, EnqueueLater: w.enqueueLater, List: w.list, Acknowledge: w.acknowledge},
		Emit: w.emit, Set: w.set,
		Command: func(_ context.Context, m script.Message) (script.Reply, error) {
			return script.Reply{ID: m.ID, Value: script.String("host heard " + m.Topic)}, nil
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) enqueue(_ context.Context, ms []script.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full {
		return script.Errorf(script.CodeMailboxFull, "full")
	}
	for _, m := range ms {
		w.mail[m.Target] = append(w.mail[m.Target], m)
	}
	return nil
}

func (w *world) enqueueLater(ms ...script.Message) { _ = w.enqueue(context.Background(), ms) }

func (w *world) list(_ context.Context, name string, limit int) ([]script.Message, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.mail[name][:min(limit, len(w.mail[name]))]), nil
}

func (w *world) acknowledge(_ context.Context, name string, ids ...string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mail[name] = slices.DeleteFunc(w.mail[name], func(m script.Message) bool { return slices.Contains(ids, m.ID) })
	return nil
}

func (w *world) emit(_ context.Context, events ...script.Event) error {
	for _, e := range events {
		w.emitted <- e.Body
	}
	return nil
}

// set carries out what a route sends, as the host would.
func (w *world) set(_ context.Context, m script.Message) (script.Reply, error) {
	for name, v := range m.Batch.Values {
		if f, _ := v.Float(); f < 0 {
			w.sets <- m
			return script.Reply{}, script.Errorf(script.CodeRejected, "%s is below the minimum", name)
		}
		w.change(m.Target, name, v)
	}
	w.sets <- m
	return script.Reply{}, nil
}

func (w *world) change(name, parameter string, v script.Value) {
	s, _ := w.registry.Script(name)
	w.registry.Apply(script.Event{Script: name, Run: s.Run, Body: script.ParametersChanged{
		Revision: s.Revision + 1, Changes: []script.Change{{Name: parameter, New: v, Status: script.Applied}},
	}})
}

// runs makes a script live, with a parameter lr of 1 and the topics it answers.
func (w *world) runs(name string, topics ...string) {
	d := script.Description{Parameters: []script.ParameterSpec{{Name: "lr", Type: script.TypeFloat, Default: script.Float(1)}}}
	for _, topic := range topics {
		d.Topics = append(d.Topics, script.TopicSpec{Name: topic, Answers: true})
	}
	w.registry.Apply(
		script.Event{Script: name, Run: "r1", Body: script.RunStarted{}},
		script.Event{Script: name, Run: "r1", Body: script.StateChanged{State: script.Running}},
		script.Event{Script: name, Run: "r1", Body: script.Described{Description: d}},
	)
}

// reports lets a script's variable take values, one event each.
func (w *world) reports(name, run, variable string, values ...float64) {
	for i, v := range values {
		e := script.Event{Script: name, Run: run, Time: w.clock(), Body: script.Samples{Samples: []script.Sample{
			{Name: variable, Step: int64(i), Time: w.clock(), Value: script.Float(v)},
		}}}
		w.registry.Apply(e)
		w.Observe([]script.Event{e})
	}
}

// endpoint is a script that answers every message with what handle returns.
type endpoint struct {
	handle func(m script.Message) (script.Value, error)
}

func (e *endpoint) Deliver(_ context.Context, m script.Message) (script.Reply, error) {
	v, err := e.handle(m)
	return script.Reply{ID: m.ID, Value: v}, err
}

func (e *endpoint) Cast(m script.Message) error {
	_, err := e.handle(m)
	return err
}

func message(kind script.MessageKind, source, target, topic string) script.Message {
	return script.Message{ID: NewID(), Kind: kind, Source: source, Target: target, Topic: topic, Data: script.String("x")}
}

func TestAsk(t *testing.T) {
	w := newWorld(t, "")
	w.runs("plateau", "suggest")
	w.Attach("plateau", &endpoint{handle: func(m script.Message) (script.Value, error) {
		return script.String("answer to " + m.Source), nil
	}})
	reply, err := w.Send(t.Context(), message(script.Ask, "trainer", "plateau", "suggest"))
	if err != nil || reply.Value.String() != "answer to trainer" {
		t.Fatalf("got %v, %v", reply.Value, err)
	}
	reply, err = w.Send(t.Context(), message(script.Ask, "trainer", "", "status"))
	if err != nil || reply.Value.String() != "host heard status" {
		t.Fatalf("the host answers %v, %v", reply.Value, err)
	}
}

// A script that lives, and is not reachable yet, is waited for: a host that has
// just been started takes it over.
func TestAskWaitsForTheScript(t *testing.T) {
	w := newWorld(t, "")
	w.runs("plateau", "suggest")
	answers := make(chan error, 1)
	ask := func() {
		_, err := w.Send(t.Context(), message(script.Ask, "trainer", "plateau", "suggest"))
		answers <- err
	}
	go ask()
	e := &endpoint{handle: func(script.Message) (script.Value, error) { return script.Null(), nil }}
	w.Attach("plateau", e)
	if err := <-answers; err != nil {
		t.Fatal(err)
	}
	w.Detach("plateau", e)
	go ask()
	fell := script.Event{Script: "plateau", Run: "r1", Body: script.StateChanged{State: script.Failed, Reason: "it fell"}}
	w.registry.Apply(fell)
	w.Observe([]script.Event{fell})
	if err := <-answers; script.CodeOf(err) != script.CodeUnavailable || !strings.Contains(err.Error(), "does not run: it is failed (it fell)") {
		t.Errorf("after its end: %v", err)
	}
}

func TestAskIsRefused(t *testing.T) {
	w := newWorld(t, "")
	w.runs("plateau", "suggest")
	w.Attach("plateau", &endpoint{handle: func(script.Message) (script.Value, error) {
		return script.Null(), script.Errorf(script.CodeHandlerFailed, "the handler threw")
	}})
	tests := []struct {
		target, topic string
		code          script.Code
		hint          string
	}{
		{"platau", "suggest", script.CodeNotFound, `did you mean "plateau"?`},
		{"plateau", "sugest", script.CodeNoAnswerer, `did you mean "suggest"?`},
		{"trainer", "suggest", script.CodeUnavailable, "mlhost start trainer"},
		{"plateau", "suggest", script.CodeHandlerFailed, ""},
	}
	for _, tt := range tests {
		_, err := w.Send(t.Context(), message(script.Ask, "evaluator", tt.target, tt.topic))
		e := script.AsError(err)
		if e == nil || e.Code != tt.code || !strings.Contains(e.Hint, tt.hint) {
			t.Errorf("ask %s %s: got %v, want code %s and hint %q", tt.target, tt.topic, err, tt.code, tt.hint)
		}
	}
}

func TestAskHasADeadline(t *testing.T) {
	w := newWorld(t, "")
	w.runs("plateau", "suggest")
	hang := make(chan struct{})
	defer close(hang)
	w.Attach("plateau", hanging{hang})
	m := message(script.Ask, "trainer", "plateau", "suggest")
	m.Deadline = w.clock().Add(10 * time.Millisecond)
	if _, err := w.Send(t.Context(), m); script.CodeOf(err) != script.CodeDeadline {
		t.Fatalf("got %v", err)
	}
}

type hanging struct{ until chan struct{} }

func (h hanging) Deliver(ctx context.Context, _ script.Message) (script.Reply, error) {
	select {
	case <-ctx.Done():
	case <-h.until:
	}
	return script.Reply{}, ctx.Err()
}

func (hanging) Cast(script.Message) error { return nil }

func TestMailIsPushedInOrderOneAtATime(t *testing.T) {
	w := newWorld(t, "")
	var want []string
	for i := range 20 {
		m := message(script.Tell, "trainer", "plateau", "update")
		m.ID = fmt.Sprint(i)
		want = append(want, m.ID)
		if _, err := w.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	w.runs("plateau", "update")
	got := make(chan string, 100)
	var inFlight, most int
	var mu sync.Mutex
	w.Attach("plateau", &endpoint{handle: func(m script.Message) (script.Value, error) {
		mu.Lock()
		inFlight++
		most = max(most, inFlight)
		mu.Unlock()
		got <- m.ID
		mu.Lock()
		inFlight--
		mu.Unlock()
		return script.Null(), nil
	}})
	for _, id := range want {
		if g := <-got; g != id {
			t.Fatalf("got message %s, want %s", g, id)
		}
	}
	if most != 1 {
		t.Errorf("%d messages were in flight at once", most)
	}
}

func TestMailSurvivesAnEndpointThatGoesAway(t *testing.T) {
	w := newWorld(t, "")
	w.runs("plateau", "update")
	tried := make(chan struct{}, 10)
	broken := &endpoint{handle: func(script.Message) (script.Value, error) {
		tried <- struct{}{}
		return script.Null(), script.Errorf(script.CodeUnavailable, "gone")
	}}
	w.Attach("plateau", broken)
	if _, err := w.Send(t.Context(), message(script.Tell, "trainer", "plateau", "update")); err != nil {
		t.Fatal(err)
	}
	<-tried
	w.Detach("plateau", broken)
	got := make(chan script.Message, 1)
	w.Attach("plateau", &endpoint{handle: func(m script.Message) (script.Value, error) {
		got <- m
		return script.Null(), nil
	}})
	<-got
}

func TestCollectAcknowledgesWhatItHandedOutBefore(t *testing.T) {
	w := newWorld(t, "")
	w.runs("evaluator", "pushed")
	for _, topic := range []string{"a", "pushed", "b"} {
		if _, err := w.Send(t.Context(), message(script.Tell, "trainer", "evaluator", topic)); err != nil {
			t.Fatal(err)
		}
	}
	topics := func() (list []string) {
		mail, err := w.Collect(t.Context(), "evaluator")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mail {
			list = append(list, m.Topic)
		}
		return list
	}
	if got := topics(); !slices.Equal(got, []string{"a", "b"}) {
		t.Fatalf("first: %v", got)
	}
	if got := topics(); len(got) != 0 {
		t.Fatalf("second: %v", got)
	}
	if left, _ := w.list(t.Context(), "evaluator", 10); len(left) != 1 || left[0].Topic != "pushed" {
		t.Fatalf("left in the mailbox: %v", left)
	}
}

func TestFullMailboxIsATypedError(t *testing.T) {
	w := newWorld(t, "")
	w.full = true
	_, err := w.Send(t.Context(), message(script.Tell, "trainer", "plateau", "update"))
	if script.CodeOf(err) != script.CodeMailboxFull {
		t.Fatalf("got %v", err)
	}
}

func TestBroadcast(t *testing.T) {
	w := newWorld(t, `
route "progress" {
  topic = "update"
  from  = [script.trainer]
  to    = [script.evaluator]
}
`)
	w.runs("trainer")
	w.runs("plateau", "update")
	cast := make(chan script.Message, 1)
	w.Attach("plateau", &endpoint{handle: func(m script.Message) (script.Value, error) {
		cast <- m
		return script.Null(), nil
	}})
	reply, err := w.Send(t.Context(), message(script.Broadcast, "trainer", "", "update"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(reply.Recipients, []string{"evaluator", "plateau"}) {
		t.Errorf("recipients: %v", reply.Recipients)
	}
	if m := <-cast; m.Kind != script.Broadcast || m.ID != reply.ID {
		t.Errorf("plateau got %+v", m)
	}
	if mail, _ := w.list(t.Context(), "evaluator", 10); len(mail) != 1 || mail[0].ID != reply.ID {
		t.Errorf("the routed target, which does not run, has mail %v", mail)
	}
}

func TestDeny(t *testing.T) {
	w := newWorld(t, `
collaboration {
  default = "deny"
}
allow "evaluator asks trainer" {
  from   = [script.evaluator]
  to     = [script.trainer]
  topics = ["checkpoint"]
}
route "progress" {
  topic = "update"
  from  = [script.trainer]
  to    = [script.plateau]
}
`)
	tests := []struct {
		source, target, topic string
		allowed               bool
	}{
		{"evaluator", "trainer", "checkpoint", true},
		{"evaluator", "trainer", "other", false},
		{"trainer", "evaluator", "checkpoint", false},
		{"trainer", "plateau", "update", true},
		{"trainer", "plateau", "other", false},
		{"user:me", "plateau", "other", true},
	}
	for _, tt := range tests {
		_, err := w.Send(t.Context(), message(script.Tell, tt.source, tt.target, tt.topic))
		if got := script.CodeOf(err); (got == "") != tt.allowed || (got != "" && got != script.CodeForbidden) {
			t.Errorf("%s to %s on %s: %v", tt.source, tt.target, tt.topic, err)
		}
	}
}

func TestEndpointOfAnotherAttachIsKept(t *testing.T) {
	w := newWorld(t, "")
	first, second := &endpoint{}, &endpoint{}
	w.Attach("trainer", first)
	w.Attach("trainer", second)
	w.Detach("trainer", first)
	if w.endpoint("trainer") != Endpoint(second) {
		t.Error("detaching the replaced endpoint took the new one away")
	}
	w.Detach("trainer", second)
	if w.endpoint("trainer") != nil {
		t.Error("the endpoint is still there")
	}
}
