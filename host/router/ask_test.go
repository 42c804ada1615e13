package router

import (
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// Questions from script to script, over the links of both: each ends in one
// answer, and whoever answered or asked may go meanwhile.
func TestAskOverLinks(t *testing.T) {
	w := newWorld(t, "")
	w.runs("trainer", "x")
	w.runs("plateau", "suggest")
	open := func(name string) (*stream, chan error) {
		s, served := &stream{make(chan wire.Frame), make(chan wire.Frame, 10)}, make(chan error, 1)
		go func() { served <- w.Serve(t.Context(), name, s) }()
		for w.endpoint(name) == nil { // until it is attached
			continue
		}
		return s, served
	}
	asker, askerServed := open("trainer")
	answerer, answererServed := open("plateau")
	ask := func(id, topic string, timeout time.Duration) {
		asker.in <- wire.Frame{Body: wire.Call{ID: id, Kind: script.Ask, To: "plateau", Topic: topic, Timeout: timeout}}
	}
	delivered := func() wire.Deliver {
		d, ok := (<-answerer.out).Body.(wire.Deliver)
		if !ok || d.Kind != script.Ask || d.Source != "trainer" {
			t.Fatalf("delivered %+v", d)
		}
		return d
	}
	replied := func(id string) wire.Reply {
		r, ok := (<-asker.out).Body.(wire.Reply)
		if !ok || r.ID != id {
			t.Fatalf("got %+v, want the reply to %s", r, id)
		}
		return r
	}
	canceled := func(id string) {
		if c, ok := (<-answerer.out).Body.(wire.Cancel); !ok || c.ID != id {
			t.Fatalf("got %+v, want %s to be cancelled", c, id)
		}
	}
	ask("c1", "suggest", time.Minute)
	d := delivered()
	answerer.in <- wire.Frame{Body: wire.Reply{ID: d.ID, Value: script.Int(7)}}
	if r := replied("c1"); r.Err != nil || r.Value.String() != "7" {
		t.Errorf("got %+v", r)
	}
	answerer.in <- wire.Frame{Body: wire.Reply{ID: d.ID, Value: script.Int(8)}} // again: nobody waits

	ask("c2", "suggest", time.Minute)
	answerer.in <- wire.Frame{Body: wire.Reply{ID: delivered().ID, Err: script.Errorf(script.CodeHandlerFailed, "no")}}
	if r := replied("c2"); script.CodeOf(r.Err) != script.CodeHandlerFailed {
		t.Errorf("got %+v", r)
	}
	ask("c3", "nothing", time.Minute)
	if r := replied("c3"); script.CodeOf(r.Err) != script.CodeNoAnswerer {
		t.Errorf("got %+v", r)
	}
	ask("c4", "suggest", 1)
	d = delivered()
	if r := replied("c4"); script.CodeOf(r.Err) != script.CodeDeadline {
		t.Errorf("got %+v", r)
	}
	canceled(d.ID)
	ask("c5", "suggest", time.Minute)
	d = delivered()
	asker.in <- wire.Frame{Body: wire.Cancel{ID: "c5"}}
	canceled(d.ID)
	if r := replied("c5"); r.Err == nil {
		t.Errorf("got %+v", r)
	}
	ask("c6", "suggest", time.Minute)
	delivered()
	close(answerer.in) // it goes before it answers
	<-answererServed
	if r := replied("c6"); script.CodeOf(r.Err) != script.CodeUnavailable {
		t.Errorf("got %+v", r)
	}
	answerer, answererServed = open("plateau")
	ask("c7", "suggest", time.Minute)
	d = delivered()
	close(asker.in) // the asker goes
	<-askerServed
	canceled(d.ID)
	close(answerer.in)
	<-answererServed
}
