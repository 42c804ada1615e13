package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// TestInputs: --input wins over --input-file, which wins over the
// environment, which wins over the default.
func TestInputs(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.hcl", `
input "default" {
  default = 1
}
input "environment" {
  default = 1
}
input "exact-name" {
  default = 1
}
input "file" {
  default = 1
}
input "both" {
  default = 1
}
input "json" {
}
input "flag" {
  type = int
}
input "text" {
  type = "string"
}
input "list" {
  type = "list"
}
input "map" {
  type = "map"
}
input "flagged" {
  type = bool
}
input "empty" {
  default = null
}
locals {
  sum    = local.first + 1
  first  = length(input.list)
  joined = join("-", [for x in ["a", "b"] : upper(x)])
}
script "s" {
  source     = "${input.text}.py"
  parameters = merge(input, { sum = local.sum, joined = local.joined, env = coalesce(env("NOT_SET"), "none"), file = trimspace(file("notes/a.txt")) })
}
`)
	write(t, "notes/a.txt", "hello\n")
	write(t, "f.hcl", "file = 3\nboth = 3\nenvironment = 2\n")
	write(t, "g.json", `{"json": [1, 2.5], "both": 4}`)
	env := map[string]string{"MLHOST_INPUT_ENVIRONMENT": "9", "MLHOST_INPUT_EXACT_NAME": "2", "MLHOST_INPUT_both": "2"}
	c, diags := Load("a.hcl", Options{
		Inputs:     map[string]string{"flag": "5", "text": "007", "list": "[1, 2]", "map": `{"a": 1}`, "flagged": "true"},
		InputFiles: []string{"f.hcl", "g.json"},
		Env:        func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if !strings.HasSuffix(c.Scripts[0].Source, "/007.py") {
		t.Errorf("source %s", c.Scripts[0].Source)
	}
	got, _, diags := c.Scripts[0].Resolve(script.Description{Capabilities: []string{script.CapabilityDynamic}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for name, want := range map[string]string{
		"default": "1", "environment": "2", "exact-name": "2", "file": "hello", "both": "4", "json": "[1,2.5]",
		"flag": "5", "text": "007", "list": "[1,2]", "map": `{"a":1}`, "flagged": "true", "sum": "3", "joined": "A-B", "env": "none",
	} {
		if got[name].String() != want {
			t.Errorf("%s = %s, want %s", name, got[name], want)
		}
	}
	if _, ok := got["empty"]; ok {
		t.Error("a null input is a value")
	}
}

func TestMissingInput(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.hcl", "input \"data-set\" {\n}\nscript \"s\" {\n  source = \"${input.data-set}.py\"\n  stop_grace = input.data-set\n  parameters = { a = input.data-set, b = [input.data-set] }\n}\n")
	_, diags := Load("a.hcl", Options{Env: func(string) (string, bool) { return "", false }})
	if len(diags) != 1 || !strings.Contains(diags[0].Detail, "--input data-set=VALUE") || !strings.Contains(diags[0].Detail, "MLHOST_INPUT_DATA_SET") {
		t.Errorf("only the cause is to be shown: %v", diags)
	}
}

func TestFormat(t *testing.T) {
	for src, want := range map[string]string{
		"a=1\nbcd   =   2\n":                         "a   = 1\nbcd = 2\n",
		"x {\na=[\n1,\n]\n}\n":                       "x {\n  a = [\n    1,\n  ]\n}\n",
		"# comment\n\n\nx {}\n":                      "# comment\n\n\nx {}\n",
		"when = plateau( history,3 )&&from>1\n":      "when = plateau(history, 3) && from > 1\n",
		"a = <<EOT\n   keep this\n     as is\nEOT\n": "a = <<EOT\n   keep this\n     as is\nEOT\n",
	} {
		got, diags := Format([]byte(src), "a.hcl")
		if diags.HasErrors() || string(got) != want {
			t.Errorf("%q: %q, %v; want %q", src, got, diags, want)
		}
	}
	if _, diags := Format([]byte("a = ["), "a.hcl"); !diags.HasErrors() {
		t.Error("what does not parse was formatted")
	}
	if got, diags := Format([]byte("{ }"), "a.hcl.json"); diags.HasErrors() || string(got) != "{ }" {
		t.Errorf("JSON: %q, %v", got, diags)
	}
	if _, diags := Format([]byte("{"), "a.json"); !diags.HasErrors() {
		t.Error("broken JSON was taken")
	}
}

// TestManyScripts: the largest file that is read is read in good time, wrong
// in every line.
func TestManyScripts(t *testing.T) {
	t.Chdir(t.TempDir())
	var b strings.Builder
	for i := 0; b.Len() < MaxFileSize-200; i++ {
		fmt.Fprintf(&b, "script \"s%d\" {\n  source = \"a.py\"\n  depends_on = [script.x%d]\n  nonsense = 1\n}\n", i, i)
	}
	write(t, "a.hcl", b.String())
	start := time.Now()
	c, diags := Load("a.hcl", Options{})
	if took := time.Since(start); took > 60*time.Second {
		t.Errorf("took %s", took)
	}
	if len(c.Scripts) < 10_000 || len(diags) != 2*len(c.Scripts) {
		t.Errorf("%d scripts, %d diagnostics", len(c.Scripts), len(diags))
	}
}
