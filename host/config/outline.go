package config

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/mlhost/mlhost/shared/script"
)

// Outline is what a configuration says, spelled out value by value, without
// the places where it says so. It is the form in which a host remembers what
// it carries out, and in which two configurations are compared.
type Outline struct {
	Scripts map[string]Attributes `json:"scripts"`
	Routes  map[string]Attributes `json:"routes"` // those with a topic too
	Allows  map[string]Attributes `json:"allows"`
	Notify  map[string]Attributes `json:"notify"`
	Host    Attributes            `json:"host"` // host, connector and collaboration
}

// Attributes are values by their paths, such as "restart.policy",
// "parameters.lr" and "env.HOME". What has its default where the
// configuration says nothing stands there with it; what has none is missing.
type Attributes map[string]script.Value

// Outline spells out the configuration.
func (c *Config) Outline() Outline {
	o := Outline{
		Scripts: map[string]Attributes{}, Routes: map[string]Attributes{}, Allows: map[string]Attributes{}, Notify: map[string]Attributes{},
		Host: Attributes{
			"host.name": script.String(c.Host.Name), "host.listen": script.String(c.Host.Listen),
			"host.tls_cert": script.String(c.Host.TLSCert), "host.tls_key": script.String(c.Host.TLSKey), "host.allowed_hosts": textList(c.Host.AllowedHosts),
			"host.keep_runs": script.Int(int64(c.Host.KeepRuns)), "host.keep_for": seconds(c.Host.KeepFor),
			"connector.listen": script.String(c.Connector.Listen), "connector.auth": script.String(c.Connector.Auth),
			"collaboration.default": script.String(c.Collaboration.Default),
		},
	}
	for _, s := range c.Scripts {
		o.Scripts[s.Name] = s.outline()
	}
	for _, r := range c.Routes {
		o.Routes[r.Name] = r.outline()
	}
	for _, r := range c.TopicRoutes {
		o.Routes[r.Name] = Attributes{
			"topic": script.String(r.Topic), "from": textList(r.From), "to": textList(r.To), "enabled": script.Bool(r.Enabled),
		}
	}
	for _, n := range c.Notifies {
		o.Notify[n.Name] = n.outline()
	}
	for _, a := range c.Allows {
		o.Allows[a.Name] = Attributes{"from": textList(a.From), "to": textList(a.To), "topics": textList(a.Topics)}
	}
	return o
}

// outline spells out one script. Each exported field of Script has its place
// here, but for those that tell where something stands.
func (s *Script) outline() Attributes {
	a := Attributes{
		"restart.policy": script.String(s.Restart.Policy), "restart.max_attempts": script.Int(int64(s.Restart.MaxAttempts)),
		"restart.window": seconds(s.Restart.Window), "restart.backoff": seconds(s.Restart.Backoff), "restart.max_backoff": seconds(s.Restart.MaxBackoff),
		"stop_grace": seconds(s.StopGrace), "on_host_exit": script.String(s.OnHostExit), "reload": script.String(s.Reload),
		"autostart": script.Bool(s.Autostart), "directory": script.String(s.Directory),
	}
	a.text("source", s.Source)
	a.text("plugin", s.Plugin)
	a.text("module", s.Module)
	a.list("launcher", s.Launcher)
	a.text("protocol", s.Protocol)
	a.text("sha256", s.SHA256)
	a.text("stdin", s.Stdin)
	a.text("folder", s.Folder)
	a.list("interpreter", s.Interpreter)
	a.list("args", s.Args)
	for name, v := range s.Env {
		a["env."+name] = script.String(v)
	}
	if s.StalledAfter > 0 {
		a["stalled_after"] = seconds(s.StalledAfter)
	}
	if len(s.DependsOn) > 0 {
		a.list("depends_on", dependencyNames(s.DependsOn))
	}
	for _, v := range s.Variables {
		a["variable."+v.Name] = script.String(v.Pattern)
	}
	for _, p := range s.Parameters {
		p.outline(a)
	}
	return a
}

// outline adds what the configuration says of a parameter: its value, and what
// its block says beyond that.
func (p *Parameter) outline(a Attributes) {
	value, spec, _ := p.resolve(script.ParameterSpec{Name: p.Name, Type: script.TypeAny}) // Load reported what is wrong
	if !value.IsNull() {
		a["parameters."+p.Name] = value
	}
	at := "parameter." + p.Name + "."
	a.text(at+"pass", p.Pass)
	a.text(at+"env", p.Env)
	a.text(at+"file", p.File)
	if p.refine.kind != "" {
		a.text(at+"type", string(spec.Type))
	}
	a.value(at+"min", spec.Min)
	a.value(at+"max", spec.Max)
	a.value(at+"step", spec.Step)
	if len(spec.Choices) > 0 {
		a[at+"choices"] = script.List(spec.Choices...)
	}
	a.text(at+"scale", string(spec.Scale))
	a.text(at+"pattern", spec.Pattern)
	a.text(at+"unit", spec.Unit)
	a.text(at+"doc", spec.Doc)
	a.text(at+"group", spec.Group)
	a.text(at+"mutability", string(spec.Mutability))
	if p.refine.sensitive != nil {
		a[at+"sensitive"] = script.Bool(spec.Sensitive)
	}
}

func (r *Route) outline() Attributes {
	a := Attributes{
		"from":   script.String(Reference{Script: r.From.Script, Kind: RefVariable, Name: r.From.Variable}.String()),
		"to":     script.String(Reference{Script: r.To.Script, Kind: RefParameter, Name: r.To.Parameter}.String()),
		"window": script.Int(int64(r.Window)), "cooldown": seconds(r.Cooldown), "every": seconds(r.Every),
		"min_change": script.Float(r.MinChange), "on_nan": script.String(r.OnNaN), "enabled": script.Bool(r.Enabled),
	}
	r.expression(a, "when", r.when)
	r.expression(a, "value", r.value)
	return a
}

// expression adds an expression as it is written, and the inputs and locals
// that it reads as they are now.
func (r *Route) expression(a Attributes, name string, e *routeExpr) {
	if e == nil || e.expr == nil {
		return
	}
	a[name] = script.String(strings.Join(strings.Fields(r.scope.source(e.expr.Range())), " "))
	for _, t := range e.expr.Variables() {
		if root := t.RootName(); root != "input" && root != "local" {
			continue
		}
		v, diags := t.TraverseAbs(r.scope.ctx)
		if diags.HasErrors() || !v.IsWhollyKnown() {
			continue // Load reported why
		}
		if value, err := fromCty(v); err == nil {
			a[name+"."+traversalText(t)] = value
		}
	}
}

// telling returns what of a script's attributes somebody wrote.
func (a Attributes) telling() Attributes {
	defaults := (&loader{config: &Config{}, scope: &scope{}}).newScript("", hcl.Range{}).outline()
	out := maps.Clone(a)
	maps.DeleteFunc(out, func(path string, v script.Value) bool { return has(defaults, path) && defaults[path].Same(v) })
	return out
}

func (a Attributes) text(path, s string) {
	if s != "" {
		a[path] = script.String(s)
	}
}

func (a Attributes) list(path string, list []string) {
	if list != nil {
		a[path] = textList(list)
	}
}

func (a Attributes) value(path string, v script.Value) {
	if !v.IsNull() {
		a[path] = v
	}
}

// paths returns the paths of both, sorted.
func (a Attributes) paths(b Attributes) []string {
	all := maps.Clone(a)
	if all == nil {
		all = Attributes{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// Equal reports whether both say the same.
func (a Attributes) Equal(b Attributes) bool { return maps.EqualFunc(a, b, script.Value.Same) }

func textList(list []string) script.Value {
	values := make([]script.Value, len(list))
	for i, s := range list {
		values[i] = script.String(s)
	}
	return script.List(values...)
}

func seconds(d time.Duration) script.Value { return script.Float(d.Seconds()) }

func dependencyNames(ds []Dependency) []string {
	list := make([]string, len(ds))
	for i, d := range ds {
		list[i] = "script" + step(d.Script)
		if d.Ready {
			list[i] += ".ready"
		}
	}
	return list
}
