package connector

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/shared/script"
)

// verb makes the handler of a verb that needs nothing but a script.
func (c *Connector) verb(verb, status string) handler {
	return func(ctx context.Context, r request) (map[string]script.Value, error) {
		s, err := c.find(text(r.fields, "script"))
		if err != nil {
			return nil, err
		}
		if err := c.Verb(ctx, verb, s.Name, r.source); err != nil {
			return nil, err
		}
		return map[string]script.Value{"status": script.String(status), "script": script.String(s.Name)}, nil
	}
}

func (c *Connector) execute(ctx context.Context, r request) (map[string]script.Value, error) {
	s, err := c.find(text(r.fields, "script"))
	if err != nil {
		return nil, err
	}
	with, _ := r.fields["with_connector"].Bool()
	if err := c.Execute(ctx, s.Name, r.source, with); err != nil {
		return nil, err
	}
	now, _ := c.Registry.Script(s.Name)
	return map[string]script.Value{
		"status":         script.String("executed"),
		"script":         script.String(s.Name),
		"pid":            pidValue(now),
		"with_connector": script.Bool(with),
	}, nil
}

func pidValue(s registry.Script) script.Value {
	if s.PID == 0 {
		return script.Null()
	}
	return script.Int(int64(s.PID))
}

func (c *Connector) scan(ctx context.Context, r request) (map[string]script.Value, error) {
	if err := c.Verb(ctx, "scan", "", r.source); err != nil {
		return nil, err
	}
	return map[string]script.Value{"status": script.String("scan_complete"), "scripts": c.names()}, nil
}

// troubleshoot tells what is well and what is not. The status is "ok", or
// "problems_found" where a check fails.
func (c *Connector) troubleshoot(ctx context.Context, _ request) (map[string]script.Value, error) {
	status, list := "ok", []script.Value{}
	var checks []Check
	if c.Checks != nil {
		checks = c.Checks(ctx)
	}
	for _, found := range checks {
		if found.Status == "fail" {
			status = "problems_found"
		}
		list = append(list, script.Map(map[string]script.Value{
			"name": script.String(found.Name), "status": script.String(found.Status),
			"detail": script.String(found.Detail), "fix": script.String(found.Fix),
		}))
	}
	return map[string]script.Value{"status": script.String(status), "checks": script.List(list...)}, nil
}

// control carries out the command inside: {"script", "control_command": {…}}.
func (c *Connector) control(ctx context.Context, r request) (map[string]script.Value, error) {
	inner, ok := r.fields["control_command"].Map()
	if !ok {
		return nil, script.Errorf(script.CodeUsage, `"control_command" is missing or no object`).
			WithHint(`for example {"command": "get_info"}`)
	}
	name := text(inner, "command")
	if !slices.Contains(c.controls, name) {
		return nil, script.Errorf(script.CodeNotFound, "there is no control command %q", name).
			WithHint("%s", strings.Join(c.controls, ", "))
	}
	fields := maps.Clone(inner)
	fields["script"] = r.fields["script"]
	return c.commands[name](ctx, request{source: r.source, fields: fields})
}

func (c *Connector) setParameter(ctx context.Context, r request) (map[string]script.Value, error) {
	return c.set(ctx, r, script.SetParameter, "parameter")
}

func (c *Connector) setVariable(ctx context.Context, r request) (map[string]script.Value, error) {
	return c.set(ctx, r, script.SetVariable, "variable")
}

// set changes one parameter or variable.
func (c *Connector) set(
	ctx context.Context, r request, kind script.MessageKind, what string,
) (map[string]script.Value, error) {
	s, err := c.find(text(r.fields, "script"))
	if err != nil {
		return nil, err
	}
	name := text(r.fields, what)
	value, given := r.fields["value"]
	if name == "" || !given {
		return nil, script.Errorf(script.CodeUsage, `%q and "value" are needed`, what)
	}
	author := r.source
	if _, isScript := c.Registry.Script(author); isScript {
		author = "script:" + author
	}
	reply, err := c.Send(ctx, script.Message{
		ID: c.NewID(), Kind: kind, Source: r.source, Target: s.Name, Time: c.Now(),
		Batch: &script.Batch{Values: map[string]script.Value{name: value}, Author: author},
	})
	if err != nil {
		return nil, err
	}
	if reply.Batch != nil && len(reply.Batch.Outcomes) > 0 {
		value = reply.Batch.Outcomes[0].Value
	}
	return map[string]script.Value{"status": script.String("success"), what: script.String(name), "value": value}, nil
}

func (c *Connector) getParameter(_ context.Context, r request) (map[string]script.Value, error) {
	s, err := c.find(text(r.fields, "script"))
	if err != nil {
		return nil, err
	}
	name, names := text(r.fields, "parameter"), []string{}
	for _, p := range s.Parameters {
		if p.Spec.Name == name {
			return map[string]script.Value{
				"status": script.String("success"), "parameter": script.String(name), "value": p.Value,
			}, nil
		}
		names = append(names, p.Spec.Name)
	}
	return nil, noSuch("parameter", s.Name, name, names)
}

func (c *Connector) getVariable(_ context.Context, r request) (map[string]script.Value, error) {
	s, err := c.find(text(r.fields, "script"))
	if err != nil {
		return nil, err
	}
	name, names := text(r.fields, "variable"), []string{}
	for _, v := range s.Variables {
		if v.Name == name {
			return map[string]script.Value{
				"status": script.String("success"), "variable": script.String(name), "value": v.Value,
			}, nil
		}
		names = append(names, v.Name)
	}
	return nil, noSuch("variable", s.Name, name, names)
}

func noSuch(what, owner, name string, names []string) error {
	err := script.Errorf(script.CodeNotFound, "script %q has no %s %q", owner, what, name)
	err.Hint = script.SuggestAmong(name, names)
	return err
}
