package connector

import (
	"context"

	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/shared/script"
)

func (c *Connector) names() script.Value {
	names := c.Registry.Names()
	list := make([]script.Value, len(names))
	for i, name := range names {
		list[i] = script.String(name)
	}
	return script.List(list...)
}

func (c *Connector) listScripts(context.Context, request) (map[string]script.Value, error) {
	return map[string]script.Value{"scripts": c.names()}, nil
}

// registered reports whether the script speaks for itself: it runs, and it
// declared something.
func registered(s registry.Script) bool {
	return s.State.Live()
}

func (c *Connector) status(context.Context, request) (map[string]script.Value, error) {
	var known, running, speaking int64
	for _, s := range c.Registry.Snapshot() {
		known++
		if s.State.Live() {
			running++
		}
		if registered(s) {
			speaking++
		}
	}
	return map[string]script.Value{
		"status":             script.String("active"),
		"connector_id":       script.String(c.ID),
		"directory":          script.String(c.Directory),
		"depth":              script.Int(0),
		"scripts":            script.Int(known),
		"registered_scripts": script.Int(speaking),
		"running_scripts":    script.Int(running),
		"children":           script.Int(0),
	}, nil
}

func (c *Connector) getInfo(_ context.Context, r request) (map[string]script.Value, error) {
	s, err := c.find(text(r.fields, "script"))
	if err != nil {
		return nil, err
	}
	return describe(s), nil
}

func (c *Connector) scriptsInfo(context.Context, request) (map[string]script.Value, error) {
	var running []script.Value
	speaking := map[string]script.Value{}
	for _, s := range c.Registry.Snapshot() {
		if s.State.Live() {
			running = append(running, script.String(s.Name))
		}
		if registered(s) {
			speaking[s.Name] = script.Map(describe(s))
		}
	}
	return map[string]script.Value{
		"available_scripts":  c.names(),
		"registered_scripts": script.Map(speaking),
		"running_scripts":    script.List(running...),
		"children":           script.Int(0),
	}, nil
}

// describe gives a script in the shapes of the Python API.
func describe(s registry.Script) map[string]script.Value {
	parameters := map[string]script.Value{}
	for _, p := range s.Parameters {
		parameters[p.Spec.Name] = script.Map(map[string]script.Value{
			"value": p.Value, "default": p.Spec.Default, "valid_values": validValues(p.Spec),
		})
	}
	variables := map[string]script.Value{}
	for _, v := range s.Variables {
		variables[v.Name] = script.Map(map[string]script.Value{
			"value": v.Value, "read_only": script.Bool(v.ReadOnly),
		})
	}
	results := map[string]script.Value{}
	for _, r := range s.Results {
		results[r.Name] = r.Value
	}
	return map[string]script.Value{
		"name":        script.String(s.Name),
		"description": script.String(s.Description.Doc),
		"parameters":  script.Map(parameters),
		"variables":   script.Map(variables),
		"results":     script.Map(results),
		"state":       script.String(string(s.State)),
		"running":     script.Bool(s.State.Live()),
	}
}

// maxListed is the longest range that is told as a list of its values.
const maxListed = 1000

// validValues tells what a parameter may be in the terms of the Python API: a
// list of choices or of a range's integers, else null.
func validValues(spec script.ParameterSpec) script.Value {
	if len(spec.Choices) > 0 {
		return script.List(spec.Choices...)
	}
	if spec.Type != script.TypeInt {
		return script.Null()
	}
	first, okMin := spec.Min.Int()
	last, okMax := spec.Max.Int()
	step, okStep := spec.Step.Int()
	if !okMin || !okMax || !okStep || step <= 0 || last < first || uint64(last-first)/uint64(step) >= maxListed {
		return script.Null()
	}
	var values []script.Value
	for i := range (last-first)/step + 1 {
		values = append(values, script.Int(first+i*step))
	}
	return script.List(values...)
}
