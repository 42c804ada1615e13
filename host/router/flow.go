package router

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// flow carries out one route from a variable to a parameter.
//
// Every sample of the variable is looked at, in order. A route with a `when`
// fires when the condition turns true; while a cooldown or `every` holds it
// back it stays armed, so a condition that is still true afterwards fires
// then. A route without `when` fires on each sample. A new run of the source
// starts with an empty history.
type flow struct {
	router *Router
	route  *config.Route

	mu      sync.Mutex // guards what follows
	queue   []observation
	dropped uint64
	status  RouteStatus   // what it has done
	busy    bool          // run is looking at samples that it took from the queue
	bell    chan struct{} // size 1

	stop    context.CancelFunc // nil: it was not started; of the router
	stopped chan struct{}

	// Owned by run.
	source   string // the source's run that history belongs to
	history  []script.Value
	previous script.Value
	armed    bool
	fired    time.Time
	problem  string // the last problem reported, so that it is reported once
}

// observation is one sample of the route's variable.
type observation struct {
	run    string
	sample script.Sample
}

// maxObservations bounds what waits for a route that is slow to fire.
const maxObservations = 100_000

// setTimeout is how long a route waits for its target to take the value.
const setTimeout = 30 * time.Second

func newFlow(r *Router, route *config.Route) *flow {
	return &flow{router: r, route: route, bell: make(chan struct{}, 1), armed: true}
}

// observe takes the samples that concern the route; it never blocks.
func (f *flow) observe(e *script.Event, samples []script.Sample) {
	if e.Script != f.route.From.Script {
		return
	}
	f.mu.Lock()
	for _, s := range samples {
		if s.Name != f.route.From.Variable {
			continue
		}
		if len(f.queue) >= maxObservations {
			f.dropped++
			continue
		}
		f.queue = append(f.queue, observation{run: e.Run, sample: s})
	}
	waiting := len(f.queue) > 0
	f.mu.Unlock()
	if waiting {
		select {
		case f.bell <- struct{}{}:
		default:
		}
	}
}

// start carries the route out until end, or until ctx ends.
func (f *flow) start(ctx context.Context) {
	ctx, f.stop = context.WithCancel(ctx)
	f.stopped = make(chan struct{})
	go func() {
		defer close(f.stopped)
		f.run(ctx)
	}()
}

// end returns when the route is carried out no more.
func (f *flow) end() {
	if f.stop == nil {
		return
	}
	f.stop()
	<-f.stopped
}

func (f *flow) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.bell:
		}
		f.mu.Lock()
		queue, dropped := f.queue, f.dropped
		f.queue, f.dropped, f.busy = nil, 0, true
		f.mu.Unlock()
		if dropped > 0 {
			f.report(ctx, script.Gap{
				Dropped: dropped,
				Reason:  fmt.Sprintf("route %q could not keep up with %s", f.route.Name, f.route.From.Variable),
			})
		}
		for _, o := range queue {
			if ctx.Err() != nil {
				return
			}
			f.step(ctx, o)
		}
		f.mu.Lock()
		f.busy = false
		f.mu.Unlock()
	}
}

// step looks at one sample.
func (f *flow) step(ctx context.Context, o observation) {
	if o.run != f.source {
		f.source, f.history, f.previous, f.armed = o.run, nil, script.Null(), true
	}
	value := o.sample.Value
	f.note(func(s *RouteStatus) { s.Seen++; s.Last = value })
	isNaN := isNaN(value)
	if isNaN && f.route.OnNaN != config.OnNaNFire {
		return
	}
	if !isNaN {
		f.remember(value)
	}
	fires, err := f.wants(o.sample, isNaN)
	if err == nil && fires {
		err = f.fire(ctx, o.sample)
	}
	f.previous = value
	f.complain(ctx, err)
}

func isNaN(v script.Value) bool {
	x, ok := v.Float()
	return ok && math.IsNaN(x)
}

// remember keeps the last `window` values.
func (f *flow) remember(v script.Value) {
	window := max(f.route.Window, 1)
	if len(f.history) >= window {
		copy(f.history, f.history[len(f.history)-window+1:])
		f.history = f.history[:window-1]
	}
	f.history = append(f.history, v)
}

// wants decides whether the route fires on this sample, and keeps it armed or
// not. A NaN under on_nan = "fire" counts as a condition that is true.
func (f *flow) wants(s script.Sample, isNaN bool) (bool, error) {
	holds := isNaN
	if !holds {
		var err error
		if holds, err = f.route.When(f.snapshot(s)); err != nil {
			return false, err
		}
	}
	edge := f.route.Conditional
	if !holds {
		f.armed = true
		return false, nil
	}
	if edge && !f.armed {
		return false, nil
	}
	since := f.router.Now().Sub(f.fired)
	held := !f.fired.IsZero() && (since < f.route.Cooldown || since < f.route.Every)
	return !held, nil
}

// fire computes the value and sets the parameter.
func (f *flow) fire(ctx context.Context, s script.Sample) error {
	snapshot := f.snapshot(s)
	value, err := f.route.Value(snapshot)
	if err != nil {
		return err
	}
	f.armed = false
	if !f.changes(value, snapshot.To) {
		return nil
	}
	f.fired = f.router.Now()
	ctx, cancel := context.WithTimeout(ctx, setTimeout)
	defer cancel()
	to := f.route.To
	author := "route:" + f.route.Name
	_, err = f.router.Set(ctx, script.Message{
		ID: NewID(), Kind: script.SetParameter, Source: author, Target: to.Script, Time: f.fired,
		Batch: &script.Batch{Values: map[string]script.Value{to.Parameter: value}, Author: author},
	})
	body := script.RouteFired{Route: f.route.Name, Target: to.Script + "." + to.Parameter, Value: value}
	if err != nil {
		body.Problem = err.Error()
	}
	f.note(func(s *RouteStatus) {
		if s.Problem = body.Problem; err == nil {
			s.Fired++
			s.LastSet = f.fired
		}
	})
	f.report(ctx, body)
	return nil
}

// changes reports whether the value differs from the target's by at least
// min_change.
func (f *flow) changes(value, current script.Value) bool {
	if value.Same(current) {
		return false
	}
	a, aok := value.Float()
	b, bok := current.Float()
	if f.route.MinChange > 0 && aok && bok {
		return math.Abs(a-b) >= f.route.MinChange
	}
	return true
}

// snapshot is what the route's expressions see.
func (f *flow) snapshot(s script.Sample) config.Snapshot {
	to, _ := f.router.Registry.ParameterValue(f.route.To.Script, f.route.To.Parameter)
	return config.Snapshot{
		From: s.Value, To: to, Previous: f.previous, History: f.history, Step: s.Step, Lookup: f.lookup,
	}
}

// lookup reads what is true now.
func (f *flow) lookup(ref config.Reference) (script.Value, bool) {
	switch r := f.router.Registry; ref.Kind {
	case config.RefState:
		s, ok := r.State(ref.Script)
		return script.String(string(s)), ok
	case config.RefVariable:
		v, _, ok := r.VariableValue(ref.Script, ref.Name)
		return v, ok
	case config.RefParameter:
		return r.ParameterValue(ref.Script, ref.Name)
	}
	return script.Null(), false
}

// complain reports a problem with evaluating the route, once until it changes
// or goes away. Something that is still null is no problem: the route waits.
func (f *flow) complain(ctx context.Context, err error) {
	if err == nil || errors.Is(err, config.ErrNull) {
		f.problem = ""
		return
	}
	if err.Error() == f.problem {
		return
	}
	f.problem = err.Error()
	f.note(func(s *RouteStatus) { s.Problem = f.problem })
	f.report(ctx, script.RouteFired{
		Route: f.route.Name, Target: f.route.To.Script + "." + f.route.To.Parameter, Problem: err.Error(),
	})
}

// report emits a fact about the route as one about its target.
func (f *flow) report(ctx context.Context, body script.Body) {
	name := f.route.To.Script
	e := script.Event{Time: f.router.Now(), Script: name, Run: f.router.runOf(name), Body: body}
	if err := f.router.Emit(context.WithoutCancel(ctx), e); err != nil {
		f.router.Logger.Error("record route", "route", f.route.Name, "error", err)
	}
}
