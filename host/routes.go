package host

import (
	"context"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/router"
)

// routeStates tells what moves parameters and messages, and what each route
// has done.
func (h *Host) routeStates(context.Context) v1.Routes {
	conf := h.config.Load()
	out := v1.Routes{Routes: []v1.Route{}, Topics: []v1.TopicRoute{}, Allow: []v1.Allow{}, Default: conf.Collaboration.Default}
	done := map[string]router.RouteStatus{}
	for _, r := range h.router.Routes() {
		done[r.Route.Name] = r
	}
	for _, r := range conf.Routes {
		state := done[r.Name]
		one := v1.Route{
			Name: r.Name, From: v1.RouteFrom{Script: r.From.Script, Variable: r.From.Variable},
			To: v1.RouteTo{Script: r.To.Script, Parameter: r.To.Parameter}, When: r.Conditional, Enabled: r.Enabled,
			Window: r.Window, Cooldown: r.Cooldown.Seconds(), Every: r.Every.Seconds(), MinChange: r.MinChange, OnNaN: r.OnNaN,
			Seen: state.Seen, Fired: state.Fired, Last: state.Last, LastSet: v1.Time(state.LastSet), Problem: state.Problem,
			Status: v1.CheckSkip, Why: "it is turned off",
		}
		if r.Enabled {
			state.Route = r
			found := h.route(state)
			one.Status, one.Why = found.Status, found.Detail
		}
		out.Routes = append(out.Routes, one)
	}
	for _, t := range conf.TopicRoutes {
		out.Topics = append(out.Topics, v1.TopicRoute{Name: t.Name, Topic: t.Topic, From: list(t.From), To: list(t.To), Enabled: t.Enabled})
	}
	for _, a := range conf.Allows {
		out.Allow = append(out.Allow, v1.Allow{Name: a.Name, From: list(a.From), To: list(a.To), Topics: list(a.Topics)})
	}
	return out
}

// list returns names, never nil.
func list(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}
