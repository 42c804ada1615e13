package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/bus"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/shared/script"
)

// viewer writes events to one connection.
type viewer struct {
	registry *registry.Registry
	w        http.ResponseWriter
	control  *http.ResponseController
	last     uint64   // the viewer has had everything up to this ID, but for what thin holds
	thin     *thinner // nil: everything is written at once
}

// drain writes e and whatever else is there already, then flushes once.
func (v *viewer) drain(e script.Event, more <-chan bus.Item) error {
	for {
		if err := v.take(e); err != nil {
			return err
		}
		select {
		case next, ok := <-more:
			if ok {
				e = next
				continue
			}
		default:
		}
		return v.flush()
	}
}

// take writes an event, or lets thin hold it.
func (v *viewer) take(e script.Event) error {
	switch {
	case e.Body == nil: // a mark
		v.last = max(v.last, e.ID)
		return v.comment()
	case e.ID > 0 && e.ID <= v.last:
		return nil
	case v.thin == nil:
		return v.write(e)
	}
	if v.thin.hold(e) {
		v.last = max(v.last, e.ID)
		return nil
	}
	switch e.Body.(type) {
	case script.StateChanged, script.RunStarted: // comes behind what came before it
		if err := v.release(e.Script); err != nil {
			return err
		}
	}
	return v.write(e)
}

// release writes what thin holds of a script, or of all for "".
func (v *viewer) release(name string) error {
	for _, e := range v.thin.take(name) {
		if err := v.write(e); err != nil {
			return err
		}
	}
	return nil
}

func (v *viewer) write(e script.Event) error {
	out, err := v1.FromEvent(Hide(v.registry.Script, e))
	if err != nil {
		return err
	}
	v.last = max(v.last, e.ID)
	return v.message(out)
}

// message writes an event under the ID up to which the viewer has everything;
// under none while some of it is held.
func (v *viewer) message(out v1.Event) error {
	data, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("write event %d: %w", out.ID, err)
	}
	if err := v.deadline(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(v.w, "%sevent: %s\ndata: %s\n\n", v.id(), out.Kind, data)
	return err
}

func (v *viewer) id() string {
	if v.thin != nil && v.thin.holds() {
		return ""
	}
	return fmt.Sprintf("id: %d\n", v.last)
}

// comment keeps a quiet stream alive, and tells how far it has come.
func (v *viewer) comment() error {
	if err := v.deadline(); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(v.w, ": still here\n%s\n", v.id()); err != nil {
		return err
	}
	return v.control.Flush()
}

func (v *viewer) flush() error {
	if err := v.deadline(); err != nil {
		return err
	}
	return v.control.Flush()
}

func (v *viewer) deadline() error { return v.control.SetWriteDeadline(time.Now().Add(writeTimeout)) }

// thinner holds samples, steps and progress back and lets the newest of each
// go from time to time, for viewers who show many scripts.
type thinner struct {
	full  map[string]bool // scripts that are not thinned
	order []*heldRun
	runs  map[heldKey]*heldRun
}

type heldKey struct{ script, run string }

// heldRun is what is held of one run.
type heldRun struct {
	key            heldKey
	samples        script.Event // its body is made when it goes
	newest         []script.Sample
	index          map[string]int // in newest, by name
	step, progress *script.Event
}

func newThinner(full []string) *thinner {
	t := &thinner{full: map[string]bool{}, runs: map[heldKey]*heldRun{}}
	for _, name := range full {
		t.full[name] = true
	}
	return t
}

func (t *thinner) holds() bool { return len(t.order) > 0 }

// hold takes an event in, where it is one of those that are held.
func (t *thinner) hold(e script.Event) bool {
	if t.full[e.Script] {
		return false
	}
	switch b := e.Body.(type) {
	case script.Samples:
		t.of(e).add(e, b.Samples)
	case script.Stepped:
		t.of(e).step = &e
	case script.Progress:
		t.of(e).progress = &e
	default:
		return false
	}
	return true
}

func (t *thinner) of(e script.Event) *heldRun {
	key := heldKey{e.Script, e.Run}
	r, ok := t.runs[key]
	if !ok {
		r = &heldRun{key: key, index: map[string]int{}}
		t.runs[key] = r
		t.order = append(t.order, r)
	}
	return r
}

func (r *heldRun) add(e script.Event, samples []script.Sample) {
	r.samples = e
	for _, s := range samples {
		if i, ok := r.index[s.Name]; ok {
			r.newest[i] = s
			continue
		}
		r.index[s.Name] = len(r.newest)
		r.newest = append(r.newest, s)
	}
}

// take returns what is held of a script, or of all for "", and forgets it.
func (t *thinner) take(name string) []script.Event {
	var out []script.Event
	kept := t.order[:0]
	for _, r := range t.order {
		if name != "" && r.key.script != name {
			kept = append(kept, r)
			continue
		}
		delete(t.runs, r.key)
		out = append(out, r.events()...)
	}
	clear(t.order[len(kept):])
	t.order = kept
	return out
}

func (r *heldRun) events() []script.Event {
	var out []script.Event
	if len(r.newest) > 0 {
		r.samples.Body = script.Samples{Samples: r.newest}
		out = append(out, r.samples)
	}
	for _, e := range []*script.Event{r.step, r.progress} {
		if e != nil {
			out = append(out, *e)
		}
	}
	return out
}
