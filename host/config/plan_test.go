package config

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

// TestOutlineHoldsEverything fails for a field of Script that comparing two
// configurations would overlook.
func TestOutlineHoldsEverything(t *testing.T) {
	elsewhere := map[string]string{
		"Name": "the key", "Parameters": "parameters.* and parameter.*", "Variables": "variable.*", "Restart": "restart.*", "Env": "env.*",
	}
	c := scriptWith(t, `interpreter = "python3"
args = ["-v"]
env = { A = "1" }
directory = "."
stdin = "in.txt"
protocol = "lines"
stalled_after = "1s"
depends_on = [script.s2]
}
script "s2" {
plugin = "p"
sha256 = "`+strings.Repeat("a", 64)+`"
}
scripts "f" {
directory = "."
}
script "s3" {
module = "pkg.train"
launcher = ["torchrun"]`)
	said := map[string]bool{}
	for _, a := range c.Outline().Scripts {
		for path := range a {
			said[strings.ReplaceAll(path, "_", "")] = true
		}
	}
	said["folder"] = true
	for f := range reflect.TypeFor[Script]().Fields() {
		if !f.IsExported() || strings.HasSuffix(f.Name, "Range") || elsewhere[f.Name] != "" {
			continue
		}
		if !said[strings.ToLower(f.Name)] {
			t.Errorf("Script.%s is not in the outline", f.Name)
		}
	}
}

func TestOutlineSurvivesJSON(t *testing.T) {
	c := scriptWith(t, `parameters = { a = 1, b = 0.5, c = ["x", { d = null }], e = "NaN" }`)
	data, err := json.Marshal(c.Outline())
	if err != nil {
		t.Fatal(err)
	}
	var back Outline
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if p := Compare(c.Outline(), back, func(string) Situation { return Situation{} }); len(p.Changes) > 0 {
		t.Errorf("after JSON there are changes: %+v", p)
	}
}

func TestCompare(t *testing.T) {
	mutability := map[string]script.Mutability{"lr": script.Live, "batch": script.Boundary, "seed": script.Restart, "depth": script.Fixed}
	situation := func(string) Situation {
		return Situation{
			Live:       true,
			Mutability: func(p string) script.Mutability { return mutability[p] },
			Owner:      func(p string) string { return map[string]string{"moved": "route:r"}[p] },
		}
	}
	tests := []struct {
		before, after string
		action        Action
		effects       map[string]Effect
	}{
		{`parameters = { lr = 1 }`, `parameters = { lr = 1.0 }`, "", nil},
		{`parameters = { lr = 1 }`, `parameters = { lr = 2 }`, Update, map[string]Effect{"parameters.lr": EffectLive}},
		{`parameters = { lr = 1 }`, ``, Update, map[string]Effect{"parameters.lr": EffectNextRun}},
		{``, `parameters = { batch = 2, moved = 3 }`, Update, map[string]Effect{"parameters.batch": EffectBoundary, "parameters.moved": EffectNextRun}},
		{``, `parameters = { seed = 2 }`, Replace, map[string]Effect{"parameters.seed": EffectRestart}},
		{``, `parameters = { depth = 2 }`, Replace, map[string]Effect{"parameters.depth": EffectRestart}},
		{`args = ["a"]`, `args = ["b"]`, Replace, map[string]Effect{"args": EffectNewProcess}},
		{`env = { A = "1" }`, `env = { B = "1" }`, Replace, map[string]Effect{"env.A": EffectNewProcess, "env.B": EffectNewProcess}},
		{``, "stop_grace = \"3s\"\nrestart {\npolicy = \"always\"\n}", Update, map[string]Effect{"stop_grace": EffectLive, "restart.policy": EffectLive}},
		{"parameter \"lr\" {\nmax = 1\n}", "parameter \"lr\" {\nmax = 2\n}", Update, map[string]Effect{"parameter.lr.max": EffectLive}},
		{"parameter \"x\" {\nvalue = 1\npass = \"--x\"\n}", "parameter \"x\" {\nvalue = 1\npass = \"--y\"\n}", Replace, map[string]Effect{"parameter.x.pass": EffectNewProcess}},
	}
	for _, tt := range tests {
		from, to := scriptWith(t, tt.before).Outline(), scriptWith(t, tt.after).Outline()
		to.Scripts["s"]["directory"], to.Scripts["s"]["source"] = from.Scripts["s"]["directory"], from.Scripts["s"]["source"]
		p := Compare(from, to, situation)
		if tt.action == "" {
			if len(p.Changes) > 0 {
				t.Errorf("%s → %s: %+v", tt.before, tt.after, p)
			}
			continue
		}
		if len(p.Changes) != 1 || p.Changes[0].Action != tt.action || p.Changes[0].Disturbs != (tt.action == Replace) {
			t.Errorf("%s → %s: %+v, want %s", tt.before, tt.after, p, tt.action)
			continue
		}
		got := map[string]Effect{}
		for _, a := range p.Changes[0].Attributes {
			got[a.Path] = a.Effect
		}
		if diff := cmp.Diff(tt.effects, got); diff != "" {
			t.Errorf("%s → %s (-want +got):\n%s", tt.before, tt.after, diff)
		}
	}
}

func TestCompareRoutes(t *testing.T) {
	route := `}
locals {
  limit = %
}
route "r" {
  from = script.s.variable.loss
  to = script.s2.parameter.lr
  when = from > local.limit
  value = to * 0.5
}
script "s2" {
  source = "s.py"`
	from := scriptWith(t, strings.ReplaceAll(route, "%", "1")).Outline()
	to := scriptWith(t, strings.ReplaceAll(route, "%", "2")).Outline()
	to.Scripts = from.Scripts
	p := Compare(from, to, func(string) Situation { return Situation{} })
	if len(p.Changes) != 1 || p.Changes[0].Kind != KindRoute || p.Changes[0].Attributes[0].Path != "when.local.limit" {
		t.Errorf("a local that a route reads has changed: %+v", p)
	}
}
