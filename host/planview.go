package host

import (
	"context"
	"strings"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// PlanView is a plan as it is shown: without the values of sensitive
// parameters, and of environment variables that are named like secrets.
func PlanView(p config.Plan, sensitive func(name, parameter string) bool) v1.Plan {
	view := v1.Plan{Changes: []v1.PlannedChange{}}
	for _, c := range p.Changes {
		one := v1.PlannedChange{Kind: c.Kind, Name: c.Name, Action: string(c.Action), Reason: c.Reason, Attributes: []v1.PlannedAttribute{}}
		if c.Kind == config.KindScript {
			one.Script = c.Name
		}
		hidden := hiddenPaths(c, sensitive)
		for _, a := range c.Attributes {
			shown := v1.PlannedAttribute{Path: a.Path, Old: a.Old, New: a.New, Effect: string(a.Effect)}
			if hidden(a.Path) {
				shown.Old, shown.New = hide(a.Old), hide(a.New)
			}
			one.Attributes = append(one.Attributes, shown)
		}
		view.Changes = append(view.Changes, one)
	}
	return view
}

func hide(v script.Value) script.Value {
	if v.IsNull() {
		return v
	}
	return script.String(v1.Hidden)
}

// secretWords mark environment variables whose values nobody needs to see.
var secretWords = []string{"TOKEN", "SECRET", "PASSWORD", "PASSWD", "KEY", "CREDENTIAL"}

// hiddenPaths tells which values of a change are not shown.
func hiddenPaths(c config.Change, sensitive func(name, parameter string) bool) func(path string) bool {
	said := map[string]bool{}
	for _, a := range c.Attributes {
		if name, ok := strings.CutSuffix(a.Path, ".sensitive"); ok {
			said[strings.TrimPrefix(name, "parameter.")] = true
		}
	}
	return func(path string) bool {
		if name, ok := strings.CutPrefix(path, "parameters."); ok {
			return said[name] || sensitive(c.Name, name)
		}
		name, ok := strings.CutPrefix(path, "env.")
		if !ok {
			return false
		}
		for _, word := range secretWords {
			if strings.Contains(strings.ToUpper(name), word) {
				return true
			}
		}
		return false
	}
}

// OutlineView is an outline in the API's JSON.
func OutlineView(o config.Outline) v1.Outline {
	return v1.Outline{Scripts: plain(o.Scripts), Routes: plain(o.Routes), Allows: plain(o.Allows), Notify: plain(o.Notify), Host: o.Host}
}

func plain(blocks map[string]config.Attributes) map[string]map[string]script.Value {
	out := make(map[string]map[string]script.Value, len(blocks))
	for name, a := range blocks {
		out[name] = a
	}
	return out
}

func outlineOf(o v1.Outline) config.Outline {
	named := func(blocks map[string]map[string]script.Value) map[string]config.Attributes {
		out := make(map[string]config.Attributes, len(blocks))
		for name, a := range blocks {
			out[name] = a
		}
		return out
	}
	return config.Outline{Scripts: named(o.Scripts), Routes: named(o.Routes), Allows: named(o.Allows), Notify: named(o.Notify), Host: o.Host}
}

// sensitive reports whether a parameter's value is not to be shown.
func (h *Host) sensitive(name, parameter string) bool {
	p, _ := h.registry.Parameter(name, parameter)
	return p.Spec.Sensitive
}

// planFor answers the API's plan.
func (h *Host) planFor(ctx context.Context, to *v1.Outline) (v1.Plan, error) {
	var target *config.Outline
	if to != nil {
		o := outlineOf(*to)
		target = &o
	}
	p, err := h.Plan(ctx, target)
	return PlanView(p, h.sensitive), err
}

// reloadFor answers the API's reload.
func (h *Host) reloadFor(ctx context.Context) (v1.Plan, error) {
	p, err := h.Reload(ctx)
	return PlanView(p, h.sensitive), err
}
