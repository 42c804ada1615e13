package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/mlhost/mlhost/shared/script"
)

// checkNames reports references to scripts that do not exist.
func (c *Config) checkNames() hcl.Diagnostics {
	var diags hcl.Diagnostics
	known := map[string]bool{}
	names := c.Names()
	for _, n := range names {
		known[n] = true
	}
	check := func(name string, at hcl.Range) {
		if !known[name] {
			diags = append(diags, fault(at, "Unknown script", "There is no script %q.%s%s", name, didYouMean(name, names), knownList("scripts", names)))
		}
	}
	for _, s := range c.Scripts {
		for _, d := range s.DependsOn {
			check(d.Script, d.Range)
		}
	}
	for _, r := range c.Routes {
		check(r.From.Script, r.ranges.from)
		check(r.To.Script, r.ranges.to)
		for _, ref := range r.References {
			check(ref.Script, ref.Range)
		}
	}
	for _, r := range c.TopicRoutes {
		for _, ref := range r.refs {
			check(ref.name, ref.rng)
		}
	}
	for _, a := range c.Allows {
		for _, ref := range a.refs {
			check(ref.name, ref.rng)
		}
	}
	for _, n := range c.Notifies {
		for _, ref := range n.refs {
			check(ref.name, ref.rng)
		}
	}
	return diags
}

// checkCycles reports scripts that wait for each other, and routes that feed
// each other.
func (c *Config) checkCycles() hcl.Diagnostics {
	var diags hcl.Diagnostics
	var nodes []string
	edges := map[string][]string{}
	at := map[[2]string]hcl.Range{}
	for _, s := range c.Scripts {
		nodes = append(nodes, s.Name)
		for _, d := range s.DependsOn {
			edges[s.Name] = append(edges[s.Name], d.Script)
			at[[2]string{s.Name, d.Script}] = d.Range
		}
	}
	_, cycles := sortGraph(nodes, edges)
	for _, cycle := range cycles {
		diags = append(diags, fault(at[[2]string{cycle[0], cycle[1]}], "Scripts wait for each other",
			"None of them would ever start: %s.", strings.Join(cycle, " → ")))
	}
	return append(diags, c.checkRoutes()...)
}

// checkRoutes refuses loops between routes. A loop is a cycle of two or more
// scripts, or of two or more parameters of one script, in which each is moved
// by a route that reads the one before it, by from, when or value. A route
// within one script, and one that reads the parameter that it moves, are
// feedback that the script's own work lies between, and no loop. Topic routes
// move nothing by themselves.
func (c *Config) checkRoutes() hcl.Diagnostics {
	scripts, parameters := newFlow(), newFlow()
	for _, r := range c.Routes {
		if !r.Enabled {
			continue
		}
		to := Reference{Script: r.To.Script, Kind: RefParameter, Name: r.To.Parameter}
		reads := append([]Reference{{Script: r.From.Script, Kind: RefVariable, Name: r.From.Variable}}, r.References...)
		for _, read := range reads {
			if read.Script != to.Script {
				scripts.add(read.Script, to.Script, r, read)
			} else if read.Kind == RefParameter && !read.same(to) {
				parameters.add(read.String(), to.String(), r, read)
			}
		}
	}
	return append(append(scripts.loops(), parameters.loops()...), c.checkTargets()...)
}

// checkTargets warns of routes that move the same parameter: the first to
// fire owns it, and the others are refused.
func (c *Config) checkTargets() hcl.Diagnostics {
	var diags hcl.Diagnostics
	first := map[ParameterRef]*Route{}
	for _, r := range c.Routes {
		if before := first[r.To]; before != nil && r.Enabled {
			diags = append(diags, warning(r.ranges.to, "Two routes move one parameter",
				"The route %q, at %s, moves it too. The parameter belongs to the route that fires first.", before.Name, place(before.Range)))
		} else if r.Enabled {
			first[r.To] = r
		}
	}
	return diags
}

// flow is a graph of what moves what.
type flow struct {
	nodes []string
	edges map[string][]string
	by    map[[2]string]*Route
	reads map[[2]string]Reference
}

func newFlow() *flow {
	return &flow{edges: map[string][]string{}, by: map[[2]string]*Route{}, reads: map[[2]string]Reference{}}
}

func (f *flow) add(from, to string, r *Route, read Reference) {
	key := [2]string{from, to}
	if f.by[key] != nil {
		return
	}
	f.by[key], f.reads[key] = r, read
	f.nodes = append(f.nodes, from)
	f.edges[from] = append(f.edges[from], to)
}

// loops describes each cycle, route by route.
func (f *flow) loops() hcl.Diagnostics {
	var diags hcl.Diagnostics
	_, cycles := sortGraph(f.nodes, f.edges)
	for _, cycle := range cycles {
		var steps []string
		for i := range len(cycle) - 1 {
			key := [2]string{cycle[i], cycle[i+1]}
			r := f.by[key]
			to := Reference{Script: r.To.Script, Kind: RefParameter, Name: r.To.Parameter}
			steps = append(steps, fmt.Sprintf("route %q (%s) reads %s and moves %s", r.Name, place(r.Range), f.reads[key], to))
		}
		first := f.by[[2]string{cycle[0], cycle[1]}]
		diags = append(diags, fault(first.Range, "Routes form a loop", "%s: %s. Each would set off the next for ever; remove one, or set enabled = false.",
			strings.Join(cycle, " → "), strings.Join(steps, "; ")))
	}
	return diags
}

// Check tests the configuration against what scripts say of themselves:
// parameters, the ends and the types of routes, topics. A script without a
// description is taken as it comes.
func (c *Config) Check(descriptions map[string]script.Description) hcl.Diagnostics {
	var diags hcl.Diagnostics
	known := map[string]script.Description{}
	for _, s := range c.Scripts {
		d, ok := descriptions[s.Name]
		if !ok {
			continue
		}
		_, specs, found := s.Resolve(d)
		diags = append(diags, found...)
		d.Parameters = specs
		known[s.Name] = d
	}
	for _, r := range c.Routes {
		diags = append(diags, c.checkRoute(r, known)...)
	}
	for _, r := range c.TopicRoutes {
		for _, ref := range r.refs {
			if slices.Contains(r.To, ref.name) {
				diags = append(diags, checkTopic(ref, []string{r.Topic}, known)...)
			}
		}
	}
	for _, a := range c.Allows {
		for _, ref := range a.refs {
			if slices.Contains(a.To, ref.name) {
				diags = append(diags, checkTopic(ref, a.Topics, known)...)
			}
		}
	}
	return diags
}

func (c *Config) checkRoute(r *Route, known map[string]script.Description) hcl.Diagnostics {
	diags := c.checkReference(Reference{Script: r.From.Script, Kind: RefVariable, Name: r.From.Variable, Range: r.ranges.from}, known)
	diags = append(diags, c.checkReference(Reference{Script: r.To.Script, Kind: RefParameter, Name: r.To.Parameter, Range: r.ranges.to}, known)...)
	for _, ref := range r.References {
		diags = append(diags, c.checkReference(ref, known)...)
	}
	if diags.HasErrors() {
		return diags
	}
	var target *script.ParameterSpec
	if d, ok := known[r.To.Script]; ok {
		if p, ok := d.Parameter(r.To.Parameter); ok {
			target = &p
			if p.Mutability == script.Fixed {
				diags = append(diags, fault(r.ranges.to, "Fixed parameter", "The parameter %q holds for a whole run; a route cannot move it.", p.Name))
			}
		}
	}
	ctx := unknownContext(r.scope.ctx, known, r)
	for _, e := range []*routeExpr{r.when, r.value} {
		if e != nil && e.expr != nil {
			diags = append(diags, e.check(r.scope, ctx, target)...)
		}
	}
	if r.value == nil && target != nil {
		if err := fits(ctx.Variables["from"], target); err != nil {
			diags = append(diags, fault(r.ranges.to, "Wrong value", "The parameter %q %s.", target.Name, err))
		}
	}
	return diags
}

// checkReference reports a variable or parameter that the script neither
// describes, nor the configuration declares, nor may come later.
func (c *Config) checkReference(ref Reference, known map[string]script.Description) hcl.Diagnostics {
	d, ok := known[ref.Script]
	if !ok || ref.Kind == RefState || d.Has(script.CapabilityDynamic) {
		return nil
	}
	var names []string
	if ref.Kind == RefVariable {
		for _, v := range d.Variables {
			names = append(names, v.Name)
		}
		if s, ok := c.Script(ref.Script); ok {
			for _, v := range s.Variables {
				names = append(names, v.Name)
			}
		}
	} else {
		for _, p := range d.Parameters {
			names = append(names, p.Name)
		}
	}
	if slices.Contains(names, ref.Name) {
		return nil
	}
	hint := didYouMean(ref.Name, names)
	for _, n := range names {
		if strings.HasPrefix(n, ref.Name+".") {
			hint = fmt.Sprintf(" Did you mean .%s[%q]?", ref.Kind, n)
		}
	}
	return hcl.Diagnostics{fault(ref.Range, "Unknown "+string(ref.Kind), "The script %q has no %s %q.%s%s",
		ref.Script, ref.Kind, ref.Name, hint, knownList(string(ref.Kind)+"s", names))}
}

// checkTopic reports topics that the script does not take, where it says
// which ones it takes.
func checkTopic(ref scriptRef, topics []string, known map[string]script.Description) hcl.Diagnostics {
	d, ok := known[ref.name]
	if !ok || len(d.Topics) == 0 || d.Has(script.CapabilityDynamic) {
		return nil
	}
	var names []string
	for _, t := range d.Topics {
		names = append(names, t.Name)
	}
	var diags hcl.Diagnostics
	for _, t := range topics {
		if !slices.Contains(names, t) {
			diags = append(diags, fault(ref.rng, "Unknown topic", "The script %q does not take the topic %q.%s%s", ref.name, t, didYouMean(t, names), knownList("topics", names)))
		}
	}
	return diags
}

func variableType(descriptions map[string]script.Description, ref VariableRef) script.Type {
	for _, v := range descriptions[ref.Script].Variables {
		if v.Name == ref.Variable {
			return v.Type
		}
	}
	return script.TypeAny
}

func parameterType(descriptions map[string]script.Description, ref ParameterRef) script.Type {
	if p, ok := descriptions[ref.Script].Parameter(ref.Parameter); ok {
		return p.Type
	}
	return script.TypeAny
}
