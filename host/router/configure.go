package router

import (
	"slices"

	"github.com/mlhost/mlhost/host/config"
)

// rules is what the configuration says about messages and routes.
type rules struct {
	config *config.Config
	flows  []*flow // of the enabled routes from variables
}

// Configure takes the routes and permissions of another configuration over.
// Routes that unchanged names go on with what they have seen; the others begin
// anew, and those that are gone have fired for the last time when Configure
// returns. Messages that are under way are delivered.
func (r *Router) Configure(c *config.Config, unchanged func(route string) bool) {
	for _, f := range r.configure(c, unchanged) {
		f.end()
	}
}

// configure does so but for ending the flows that are gone, which it returns.
func (r *Router) configure(c *config.Config, unchanged func(route string) bool) (gone []*flow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := &rules{config: c}
	if old := r.rules.Load(); old != nil {
		gone = slices.Clone(old.flows)
	}
	for _, route := range c.Routes {
		if !route.Enabled {
			continue
		}
		i := slices.IndexFunc(gone, func(f *flow) bool { return f.route.Name == route.Name })
		if i >= 0 && unchanged(route.Name) {
			next.flows = append(next.flows, gone[i])
			gone = slices.Delete(gone, i, i+1)
			continue
		}
		f := newFlow(r, route)
		if r.base != nil && !r.closed {
			f.start(r.base)
		}
		next.flows = append(next.flows, f)
	}
	r.rules.Store(next)
	return gone
}
