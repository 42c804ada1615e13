package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlhost/mlhost/shared/script"
)

// Action is what a plan does with a script, a route or another block.
type Action string

// The actions.
const (
	Create  Action = "create"
	Update  Action = "update"  // in place: nothing is ended
	Replace Action = "replace" // its run is ended and a new one begun
	Delete  Action = "delete"
)

// Sign is the action's mark, as Terraform has it.
func (a Action) Sign() string {
	return map[Action]string{Create: "+", Update: "~", Replace: "-/+", Delete: "-"}[a]
}

// Effect is when, and at which price, one changed attribute counts.
type Effect string

// The effects.
const (
	EffectLive        Effect = "live"         // at once
	EffectBoundary    Effect = "boundary"     // at the script's next step
	EffectNextRun     Effect = "next_run"     // when the script is started the next time, which is not now
	EffectRestart     Effect = "restart"      // the script reads it at its start only: its run is ended and begun anew
	EffectNewProcess  Effect = "new_process"  // it is part of how the process is started: the same
	EffectStop        Effect = "stop"         // its run is ended
	EffectHostRestart Effect = "host_restart" // when the host is started the next time
)

// forces reports whether the effect ends a run.
func (e Effect) forces() bool { return e == EffectRestart || e == EffectNewProcess }

// Kinds of what a Change is about.
const (
	KindScript = "script"
	KindRoute  = "route"
	KindAllow  = "allow"
	KindNotify = "notify"
	KindHost   = "host"
)

// Plan is what has to be done to carry out another configuration.
type Plan struct{ Changes []Change }

// Change is a plan's part about one block.
type Change struct {
	Kind       string
	Name       string
	Action     Action
	Reason     string
	Attributes []AttributeChange
	// Disturbs: a run is ended.
	Disturbs bool
}

// AttributeChange is one attribute with its values, null for none.
type AttributeChange struct {
	Path     string
	Old, New script.Value
	Effect   Effect
}

// Situation is what is true of a script while a plan is made.
type Situation struct {
	Live bool
	// Mutability of a parameter; "" where it is not known.
	Mutability func(parameter string) script.Mutability
	// Owner of a parameter; "" for nobody.
	Owner func(parameter string) string
}

// Compare plans the way from one configuration to another. situation tells
// how a script is now.
func Compare(from, to Outline, situation func(script string) Situation) Plan {
	var p Plan
	for _, name := range both(from.Scripts, to.Scripts) {
		old, had := from.Scripts[name]
		now, has := to.Scripts[name]
		p.add(compareScript(name, old, now, had, has, situation(name)))
	}
	p.addBlocks(KindRoute, from.Routes, to.Routes)
	p.addBlocks(KindAllow, from.Allows, to.Allows)
	p.addBlocks(KindNotify, from.Notify, to.Notify)
	host := compareAttributes(from.Host, to.Host, hostEffect(from.Host, to.Host))
	p.add(Change{Kind: KindHost, Action: Update, Attributes: host, Reason: hostReason(host)})
	return p
}

// add keeps a change that changes something.
func (p *Plan) add(c Change) {
	if len(c.Attributes) > 0 || c.Action != Update {
		p.Changes = append(p.Changes, c)
	}
}

func (p *Plan) addBlocks(kind string, from, to map[string]Attributes) {
	for _, name := range both(from, to) {
		old, had := from[name]
		now, has := to[name]
		c := Change{Kind: kind, Name: name, Action: Update, Reason: "it says something else"}
		c.Attributes = compareAttributes(old, now, func(string, script.Value) Effect { return EffectLive })
		switch {
		case !had:
			c.Action, c.Reason = Create, "it is new"
		case !has:
			c.Action, c.Reason = Delete, "the configuration does not have it any more"
		}
		p.add(c)
	}
}

func both[T any](a, b map[string]T) []string {
	names := slices.Collect(maps.Keys(a))
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func compareAttributes(old, now Attributes, effect func(path string, now script.Value) Effect) []AttributeChange {
	var out []AttributeChange
	for _, path := range old.paths(now) {
		if a, b := old[path], now[path]; !a.Same(b) {
			out = append(out, AttributeChange{Path: path, Old: a, New: b, Effect: effect(path, b)})
		}
	}
	return out
}

func compareScript(name string, old, now Attributes, had, has bool, s Situation) Change {
	c := Change{Kind: KindScript, Name: name, Action: Update}
	switch {
	case !has && s.Live:
		c.Attributes = compareAttributes(old.telling(), nil, func(string, script.Value) Effect { return EffectStop })
		c.Action, c.Disturbs, c.Reason = Delete, true, "the configuration does not have it any more; its run is stopped"
		return c
	case !has:
		c.Attributes = compareAttributes(old.telling(), nil, func(string, script.Value) Effect { return EffectLive })
		c.Action, c.Reason = Delete, "the configuration does not have it any more"
		return c
	case !had:
		c.Attributes = compareAttributes(nil, now.telling(), func(string, script.Value) Effect { return EffectLive })
		c.Action, c.Reason = Create, "it is new, and is started"
		if autostart, _ := now["autostart"].Bool(); !autostart {
			c.Reason = "it is new, and is started by hand"
		}
		return c
	}
	c.Attributes = compareAttributes(old, now, func(path string, v script.Value) Effect { return s.effect(path, v, old, now) })
	c.Reason = "in place"
	var forcing []string
	for _, a := range c.Attributes {
		if a.Effect.forces() {
			forcing = append(forcing, a.Path)
		}
	}
	if len(forcing) > 0 {
		verb := "forces"
		if len(forcing) > 1 {
			verb = "force"
		}
		c.Action, c.Disturbs = Replace, true
		c.Reason = fmt.Sprintf("%s %s a new run", strings.Join(forcing, ", "), verb)
	}
	return c
}

// processAttributes are those that a process is started with; the ones that
// end with a dot stand for everything below.
var processAttributes = []string{
	"source", "plugin", "interpreter", "protocol", "args", "env.", "directory", "stdin", "sha256", "variable.", "module", "launcher",
}

// effect tells what changing one attribute of a script means for it now.
func (s Situation) effect(path string, now script.Value, old, whole Attributes) Effect {
	if !s.Live {
		return EffectLive // there is nothing to disturb
	}
	for _, p := range processAttributes {
		if path == p || strings.HasSuffix(p, ".") && strings.HasPrefix(path, p) {
			return EffectNewProcess
		}
	}
	if rest, ok := strings.CutPrefix(path, "parameter."); ok {
		for _, way := range []string{".pass", ".env", ".file"} {
			if name, ok := strings.CutSuffix(rest, way); ok && (has(old, "parameters."+name) || has(whole, "parameters."+name)) {
				return EffectNewProcess
			}
		}
		return EffectLive
	}
	if name, ok := strings.CutPrefix(path, "parameters."); ok {
		return s.parameterEffect(name, now)
	}
	return EffectLive
}

func has(a Attributes, path string) bool {
	_, ok := a[path]
	return ok
}

func (s Situation) parameterEffect(name string, now script.Value) Effect {
	if now.IsNull() || strings.HasPrefix(s.Owner(name), "route:") {
		return EffectNextRun // what it has now stays, and what a route moves is the route's
	}
	switch s.Mutability(name) {
	case script.Restart, script.Fixed:
		return EffectRestart
	case script.Boundary:
		return EffectBoundary
	}
	return EffectLive
}

// hostEffect tells what a change of the host's own settings takes. Who is
// answered is not changed as long as the old ports are open: it may have been
// chosen for the new ones.
func hostEffect(from, to Attributes) func(path string, now script.Value) Effect {
	return func(path string, _ script.Value) Effect {
		switch path {
		case "collaboration.default", "host.keep_runs", "host.keep_for":
			return EffectLive
		case "connector.auth":
			if from["host.listen"].Same(to["host.listen"]) && from["connector.listen"].Same(to["connector.listen"]) {
				return EffectLive
			}
		}
		return EffectHostRestart
	}
}

func hostReason(changes []AttributeChange) string {
	var waiting []string
	for _, c := range changes {
		if c.Effect == EffectHostRestart {
			waiting = append(waiting, c.Path)
		}
	}
	switch len(waiting) {
	case 0:
		return "in place"
	case 1:
		return waiting[0] + " needs a restart of the host"
	}
	return strings.Join(waiting, ", ") + " need a restart of the host"
}
