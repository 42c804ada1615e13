package router

import (
	"time"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// RouteStatus tells what a route from a variable to a parameter has done since
// the host, or the route, began.
type RouteStatus struct {
	Route   *config.Route
	Seen    uint64 // samples of its variable
	Fired   uint64
	LastSet time.Time    // zero: never
	Last    script.Value // the last sample
	Problem string       // why the last sample did not count, or the last set was refused
}

// Routes tells what every enabled route has done.
func (r *Router) Routes() []RouteStatus {
	rules := r.rules.Load()
	out := make([]RouteStatus, len(rules.flows))
	for i, f := range rules.flows {
		f.mu.Lock()
		out[i] = f.status
		f.mu.Unlock()
		out[i].Route = f.route
	}
	return out
}

// note changes the flow's status.
func (f *flow) note(change func(*RouteStatus)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.status)
}
