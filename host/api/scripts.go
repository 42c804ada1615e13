package api

import (
	"cmp"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/shared/script"
)

// ScriptPath is the part of a path that names a script. It is exported for
// huma alone, which passes over embedded types that are not.
type ScriptPath struct {
	Script string `path:"script" doc:"the script's name"`
}

func (a *API) scriptRoutes(api huma.API) {
	register(api, http.MethodGet, "/api/v1/scripts", "list-scripts", "Every script with its state",
		func(context.Context, *nothing) (v1.Scripts, error) {
			out := v1.Scripts{Host: a.Host, Scripts: []v1.Script{}}
			for _, one := range a.Registry.Snapshot() {
				out.Scripts = append(out.Scripts, fromScript(one))
			}
			return out, nil
		})
	getScript(api, "", "script", "One script with its state", a.findNow, fromScript)
	getScript(api, "/parameters", "parameters", "The parameters of a script", a.findNow, fromParameters)
	getScript(api, "/variables", "variables", "The variables of a script", a.findRan, fromVariables)
	getScript(api, "/results", "results", "The results of a script's last run", a.findRan, fromResults)
	for _, verb := range []Verb{Stop, Pause, Resume, Restart} {
		register(api, http.MethodPost, "/api/v1/scripts/{script}/"+string(verb), string(verb), "Let a script "+string(verb),
			func(ctx context.Context, in *ScriptPath) (v1.Acted, error) {
				return a.act(ctx, Command{Verb: verb, Script: in.Script})
			})
	}
	register(api, http.MethodPost, "/api/v1/scripts/{script}/start", "start", "Let a script start",
		func(ctx context.Context, in *struct {
			ScriptPath
			WithConnector bool `query:"with_connector" doc:"add --with-connector to the arguments of a script of the Python API; every script is connected either way"`
		}) (v1.Acted, error) {
			return a.act(ctx, Command{Verb: Start, Script: in.Script, WithConnector: in.WithConnector})
		})
	register(api, http.MethodPost, "/api/v1/scripts/{script}/reload", "reload-script", "Let a script run with its program as it is now",
		func(ctx context.Context, in *struct {
			ScriptPath
			Now bool `query:"now" doc:"end a run that cannot be handed over, and start a new one"`
		}) (v1.Acted, error) {
			return a.act(ctx, Command{Verb: Reload, Script: in.Script, Now: in.Now})
		})
	register(api, http.MethodDelete, "/api/v1/scripts/{script}/parameters/{parameter}/owner", "release", "Take a parameter from its owner",
		func(ctx context.Context, in *struct {
			ScriptPath
			Parameter string `path:"parameter" doc:"the parameter's name"`
		}) (v1.Acted, error) {
			return a.act(ctx, Command{Verb: Release, Script: in.Script, Parameter: in.Parameter})
		})
}

// finder finds what is known of a script.
type finder func(ctx context.Context, name string) (registry.Script, error)

// getScript registers a view of one script.
func getScript[T any](api huma.API, path, id, summary string, find finder, view func(registry.Script) T) {
	register(api, http.MethodGet, "/api/v1/scripts/{script}"+path, id, summary,
		func(ctx context.Context, in *ScriptPath) (T, error) {
			one, err := find(ctx, in.Script)
			return view(one), err
		})
}

// findNow returns what is true of a script in this session.
func (a *API) findNow(_ context.Context, name string) (registry.Script, error) { return a.find(name) }

// findRan returns what is true of a script, with its last run: that of an
// earlier session where it has not run in this one.
func (a *API) findRan(ctx context.Context, name string) (registry.Script, error) {
	one, err := a.find(name)
	if err != nil || one.Run != "" {
		return one, err
	}
	run, err := a.Store.LastRun(ctx, name)
	if script.CodeOf(err) == script.CodeNotFound {
		return one, nil
	}
	if err != nil {
		return one, err
	}
	one.Variables, one.Results = nil, nil
	return one, addRun(ctx, a.Store, &one, &run, map[string]script.Value{})
}

// find returns what is known of a script, or an error with a suggestion.
func (a *API) find(name string) (registry.Script, error) {
	one, ok := a.Registry.Script(name)
	if !ok {
		return one, a.Registry.Unknown(name)
	}
	return one, nil
}

func (a *API) act(ctx context.Context, c Command) (v1.Acted, error) {
	if _, err := a.find(c.Script); err != nil {
		return v1.Acted{}, err
	}
	c.Author = author(ctx)
	out, err := a.Do(ctx, c)
	if err != nil {
		return v1.Acted{}, err
	}
	return v1.Acted{Script: c.Script, State: out.State, Run: out.Run, PID: v1.PID(out.PID), Reloaded: out.Reloaded, Checkpoint: out.Checkpoint}, nil
}

func fromScript(s registry.Script) v1.Script {
	out := v1.Script{
		Name: s.Name, State: s.State, Reason: s.Reason, Managed: s.Managed, Run: s.Run,
		PID: v1.PID(s.PID), PluginPID: v1.PID(s.PluginPID), Restarts: s.Restarts, Started: v1.Time(s.Started),
		Step: v1.Step(s.Step), Plugin: s.Plugin, SHA256: s.SHA256,
	}
	if !s.Started.IsZero() {
		out.Uptime = &s.Uptime
	}
	if s.Progress != nil {
		out.Progress = v1.FromProgress(*s.Progress)
	}
	return out
}

func fromParameters(s registry.Script) v1.Parameters {
	out := v1.Parameters{Script: s.Name, Revision: s.Revision, Parameters: []v1.Parameter{}}
	for _, p := range s.Parameters {
		out.Parameters = append(out.Parameters, fromParameter(p))
	}
	return out
}

// fromParameter spells out what a description may leave open.
func fromParameter(p registry.Parameter) v1.Parameter {
	d := p.Spec
	out := v1.Parameter{
		Name: d.Name, Type: d.Type, Value: p.Value, Next: p.Next, Default: d.Default, Choices: some(d.Choices),
		Min: d.Min, Max: d.Max, Step: d.Step, Scale: cmp.Or(d.Scale, script.Linear), Unit: d.Unit, Doc: d.Doc,
		Mutability: cmp.Or(d.Mutability, script.Live), Owner: p.Owner, Origin: d.Origin,
		Confidence: cmp.Or(d.Confidence, script.Sure), Sensitive: d.Sensitive, Deprecated: d.Deprecated,
	}
	out.Type = cmp.Or(d.Type, script.TypeAny)
	if d.Sensitive {
		hidden := script.String(v1.Hidden)
		out.Value, out.Default = hidden, hidden
		if out.Next != nil {
			out.Next = &hidden
		}
	}
	return out
}

func fromVariables(s registry.Script) v1.Variables {
	out := v1.Variables{Script: s.Name, Run: s.Run, Variables: []v1.Variable{}}
	for _, v := range s.Variables {
		out.Variables = append(out.Variables, v1.Variable{
			Name: v.Name, Type: v.Type, Value: v.Value, Step: v1.Step(v.Step), Time: v1.Time(v.Time), ReadOnly: v.ReadOnly,
		})
	}
	return out
}

func fromResults(s registry.Script) v1.Results {
	out := v1.Results{Script: s.Name, Run: s.Run, Results: []v1.Result{}}
	for _, r := range s.Results {
		out.Results = append(out.Results, v1.Result{Name: r.Name, Value: r.Value, Time: r.Time})
	}
	return out
}
