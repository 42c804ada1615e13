package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/host/store"
)

// overviewRoutes registers what who watches many scripts asks for.
func (a *API) overviewRoutes(api huma.API) {
	register(api, http.MethodGet, "/api/v1/overview", "overview", "Every script with its state and the variables worth a look",
		func(_ context.Context, in *struct {
			Variables int `query:"variables" minimum:"0" maximum:"1000" default:"8" doc:"at most so many of each script; only numbers are among them"`
		}) (v1.Overview, error) {
			return a.overview(in.Variables), nil
		})
	register(api, http.MethodGet, "/api/v1/events/history", "events-history", "What happened and is kept as events, the newest first",
		func(ctx context.Context, in *historyInput) (v1.History, error) { return a.history(ctx, in) })
	register(api, http.MethodGet, "/api/v1/scripts/{script}/changes", "script-changes", "What became of a script's parameters, in all its runs",
		func(ctx context.Context, in *struct {
			ScriptPath
			Limit int `query:"limit" minimum:"1" maximum:"10000" default:"200" doc:"at most so many"`
		}) (v1.ScriptChanges, error) {
			return a.scriptChanges(ctx, in.Script, in.Limit)
		})
	register(api, http.MethodGet, "/api/v1/routes", "routes", "What moves parameters and messages: what each route has done, and why it has not fired",
		func(ctx context.Context, _ *nothing) (v1.Routes, error) {
			if a.RouteStates == nil {
				return v1.Routes{}, errNoHost()
			}
			return a.RouteStates(ctx), nil
		})
	register(api, http.MethodGet, "/api/v1/topics", "topics", "What scripts can be asked and told, and what was since the host began",
		func(context.Context, *nothing) (v1.Topics, error) { return a.topics(), nil })
	register(api, http.MethodGet, "/api/v1/doctor", "doctor", "All that a running host can check",
		func(ctx context.Context, _ *nothing) (v1.Checks, error) {
			if a.Doctor == nil {
				return v1.Checks{}, errNoHost()
			}
			return v1.Checks{Checks: some(a.Doctor(ctx))}, nil
		})
}

func (a *API) overview(variables int) v1.Overview {
	out := v1.Overview{Host: a.Host, Scripts: []v1.OverviewScript{}}
	if a.Bus != nil {
		out.Event = a.Bus.Newest() // the registry has had it
	}
	for _, one := range a.Registry.Snapshot() {
		out.Scripts = append(out.Scripts, v1.OverviewScript{Script: fromScript(one), Variables: keyVariables(one, variables)})
	}
	return out
}

// keyVariables returns the numbers among a script's variables, at most so
// many: losses and scores before others.
func keyVariables(s registry.Script, limit int) []v1.Variable {
	out := []v1.Variable{}
	for _, v := range fromVariables(s).Variables {
		if _, ok := v.Value.Float(); ok {
			out = append(out, v)
		}
	}
	slices.SortStableFunc(out, func(a, b v1.Variable) int { return cmp.Compare(worth(a.Name), worth(b.Name)) })
	return out[:min(len(out), limit)]
}

// worth ranks a variable by its name, the best first.
func worth(name string) int {
	name = strings.ToLower(name)
	for rank, part := range []string{"loss", "acc", "score", "reward", "error", "lr"} {
		if strings.Contains(name, part) {
			return rank
		}
	}
	return 100
}

type historyInput struct {
	Before  uint64   `query:"before" doc:"those before the event of this id"`
	After   uint64   `query:"after" doc:"those behind the event of this id"`
	Limit   int      `query:"limit" minimum:"1" maximum:"10000" default:"200" doc:"at most so many"`
	Scripts []string `query:"script,explode" doc:"events of these scripts only"`
	Kinds   []string `query:"kind,explode" doc:"events of these kinds only"`
}

func (a *API) history(ctx context.Context, in *historyInput) (v1.History, error) {
	out := v1.History{Events: []v1.Event{}}
	if err := checkKinds(in.Kinds); err != nil {
		return out, err
	}
	r := store.EventRange{After: in.After, Scripts: in.Scripts, Kinds: in.Kinds, Newest: true, Limit: in.Limit}
	if in.Before == 1 {
		return out, nil
	}
	if in.Before > 0 {
		r.To = in.Before - 1
	}
	events, err := a.Store.Events(ctx, r)
	if err != nil {
		return out, err
	}
	for _, e := range events {
		one, err := v1.FromEvent(Hide(a.Registry.Script, e))
		if err != nil {
			return out, err
		}
		out.Events = append(out.Events, one)
	}
	if len(events) == in.Limit {
		out.Before = &out.Events[len(events)-1].ID
	}
	return out, nil
}

func (a *API) scriptChanges(ctx context.Context, name string, limit int) (v1.ScriptChanges, error) {
	out := v1.ScriptChanges{Script: name, Changes: []v1.ScriptChange{}}
	if _, err := a.find(name); err != nil {
		return out, err
	}
	changes, err := a.Store.ScriptChanges(ctx, name, limit)
	if err != nil {
		return out, err
	}
	secret := newSecrets(a.Registry.Script)
	for _, c := range slices.Backward(changes) {
		out.Changes = append(out.Changes, v1.ScriptChange{Run: c.Run, Change: fromChange(c, secret)})
	}
	return out, nil
}

func (a *API) topics() v1.Topics {
	out := v1.Topics{Topics: []v1.Topic{}, Traffic: a.traffic.list()}
	for _, one := range a.Registry.Snapshot() {
		for _, t := range one.Description.Topics {
			out.Topics = append(out.Topics, v1.Topic{Script: one.Name, Name: t.Name, Doc: t.Doc, Answers: t.Answers})
		}
	}
	return out
}
