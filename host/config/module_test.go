package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestModule(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	program(t, "venv/bin/python")
	program(t, "venv/bin/torchrun")
	program(t, "bin/torchrun")
	t.Setenv("PATH", filepath.Join(dir, "bin"))
	write(t, "a.hcl", `
script "a" {
  module = "pkg.train"
  args   = ["--n", "1"]
}
script "b" {
  module    = "pkg.app"
  directory = "sub"
  launcher  = ["torchrun", "--nproc_per_node=2"]
}
script "c" {
  module      = "elsewhere"
  interpreter = "venv/bin/python"
  launcher    = "torchrun"
}
script "d" {
  source   = "train.py"
  launcher = "./my/launcher"
}
`)
	write(t, "pkg/train.py", "")
	write(t, "sub/pkg/app/__main__.py", "")
	write(t, "train.py", "")
	c, diags := Load("a.hcl", Options{Env: func(string) (string, bool) { return "", false }})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for i, want := range []struct{ source, command string }{
		{"pkg/train.py", "python3 -m pkg.train --n 1"},
		{"sub/pkg/app/__main__.py", "torchrun --nproc_per_node=2 -m pkg.app"},
		{"", dir + "/venv/bin/torchrun -m elsewhere"},
		{"train.py", dir + "/my/launcher " + dir + "/train.py"},
	} {
		l := c.Scripts[i].Launch("/run")
		source := strings.TrimPrefix(l.Source, dir+"/")
		if got := strings.Join(l.Command(), " "); got != want.command || source != want.source || l.Profile != ProfilePython {
			t.Errorf("%s: %s of %q, want %s of %q", l.Script, got, source, want.command, want.source)
		}
	}
	if diags := c.Scripts[2].CheckFiles(); len(diags) > 0 {
		t.Error(diags)
	}
	if diags := c.Scripts[3].CheckFiles(); len(diags) != 1 || !strings.Contains(diags[0].Detail, "Launcher of script \"d\": "+dir+"/my/launcher: ") {
		t.Error(diags)
	}
	if err := os.Remove("bin/torchrun"); err != nil {
		t.Fatal(err)
	}
	if diags := c.Scripts[1].CheckFiles(); len(diags) != 1 || !strings.Contains(diags[0].Detail, "torchrun: there is no such program in PATH") {
		t.Error(diags)
	}
	single, diags := Module("pkg.train", []string{"x"})
	if diags.HasErrors() || single.Scripts[0].Name != "train" || single.Scripts[0].Source != filepath.Join(dir, "pkg/train.py") {
		t.Error(single.Scripts[0], diags)
	}
	if _, diags := Module("pkg/train.py", nil); !strings.Contains(diags.Error(), `Did you mean "pkg.train"?`) {
		t.Error(diags)
	}
}

func TestConsoleScript(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		text string
		want []string
	}{
		{"#!/opt/venv/bin/python3.11\n", []string{"/opt/venv/bin/python3.11"}},
		{"#!/opt/venv/bin/python -W ignore\n", []string{"/opt/venv/bin/python", "-W ignore"}},
		{"#! /usr/bin/env python3\nimport sys\n", []string{"python3"}},
		{"#!/usr/bin/env -S python3 -u\n", []string{"python3", "-u"}},
		{"#!/bin/sh\n'''exec' \"/a b/python\" \"$0\" \"$@\"\n' '''\n", []string{"/a b/python"}},
		{"#!/bin/sh\n'''exec' /ab/python3 \"$0\" \"$@\"\n", []string{"/ab/python3"}},
		{"#!/usr/bin/python3", []string{"/usr/bin/python3"}},
		{"#!/usr/bin/perl\n", nil},
		{"#!/bin/sh\necho\n", nil},
		{"#!/bin/sh\n'''exec' ", nil},
		{"#!\n", nil},
		{"#!/usr/bin/env\n", nil},
		{"", nil},
		{"\x7fELF", nil},
	} {
		path := filepath.Join(dir, "tool")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := shebang(path); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	write(t, filepath.Join(dir, "tool"), "#!/opt/python3\n")
	cfg, diags := Single(filepath.Join(dir, "tool"), nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if l := cfg.Scripts[0].Launch("/run"); l.Profile != ProfilePython || l.Interpreter[0] != "/opt/python3" {
		t.Errorf("%+v", l)
	}
	write(t, filepath.Join(dir, "app", "__main__.py"), "")
	if s := (&Script{Source: filepath.Join(dir, "app")}); !s.namesPython() || runnable(s.Source) != nil {
		t.Error("a folder with a __main__.py is not run by Python")
	}
}
