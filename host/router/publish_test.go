package router

import (
	"io"
	"slices"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// stream is a wire.Link whose other end is the test.
type stream struct {
	in  chan wire.Frame
	out chan wire.Frame
}

func (s *stream) Send(f wire.Frame) error { s.out <- f; return nil }

func (s *stream) Recv() (wire.Frame, error) {
	f, ok := <-s.in
	if !ok {
		return f, io.EOF
	}
	return f, nil
}

// Broadcasts without an id go out in their order and are not answered; a flush
// is answered after them. One that goes wrong is told as an event.
func TestPublish(t *testing.T) {
	w := newWorld(t, `
route "news" {
  topic = "kept"
  from  = [script.trainer]
  to    = [script.evaluator]
}
`)
	w.runs("trainer", "x")
	w.runs("plateau", "news")
	from, to := &stream{make(chan wire.Frame), make(chan wire.Frame, 1)}, &stream{make(chan wire.Frame), make(chan wire.Frame, 1000)}
	served := make(chan error, 2)
	go func() { served <- w.Serve(t.Context(), "plateau", to) }()
	go func() { served <- w.Serve(t.Context(), "trainer", from) }()
	for w.endpoint("plateau") == nil { // until it is attached
		continue
	}
	var want, got []string
	for i := range 500 {
		data := script.Int(int64(i))
		want = append(want, data.String())
		from.in <- wire.Frame{Body: wire.Call{Kind: script.Broadcast, Topic: "news", Data: data}}
	}
	w.mu.Lock()
	w.full = true
	w.mu.Unlock()
	from.in <- wire.Frame{Body: wire.Call{Kind: script.Broadcast, Topic: "kept"}}
	from.in <- wire.Frame{Body: wire.Call{ID: "c1", Kind: wire.Flush}}
	if reply, ok := (<-from.out).Body.(wire.Reply); !ok || reply.ID != "c1" || reply.Err != nil {
		t.Fatalf("the first answer is %+v", reply)
	}
	for range want {
		d, _ := (<-to.out).Body.(wire.Deliver)
		if d.Source != "trainer" || d.Topic != "news" || d.ID == "" {
			t.Fatalf("got %+v", d)
		}
		got = append(got, d.Data.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	for recorded := uint64(0); ; {
		body, ok := (<-w.emitted).(script.MessageRouted)
		if ok && body.Topic == "news" && body.Code == "" {
			recorded += body.Count
		}
		if ok && body.Topic == "kept" {
			if recorded != 500 {
				t.Errorf("%d broadcasts are recorded", recorded)
			}
			if body.Code != script.CodeMailboxFull {
				t.Errorf("told %+v", body)
			}
			break
		}
	}
	close(from.in)
	close(to.in)
	<-served
	<-served
}
