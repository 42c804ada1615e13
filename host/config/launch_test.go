package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

// program makes an executable file.
func program(t *testing.T, name string) {
	t.Helper()
	write(t, name, "#!/bin/sh\n")
	if err := os.Chmod(name, 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestInterpreter(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	program(t, "bin/python3")
	t.Setenv("PATH", filepath.Join(dir, "bin"))
	write(t, "project/pkg/train.py", "")
	write(t, "project/a.hcl", "script \"a\" {\n  source = \"pkg/train.py\"\n}\nscript \"b\" {\n  source = \"pkg/train.py\"\n  interpreter = \"my/python\"\n}\n"+
		"script \"c\" {\n  source = \"run.m\"\n  interpreter = [\"octave\", \"--quiet\"]\n}\nscript \"d\" {\n  source = \"tool\"\n  interpreter = \"python3.12\"\n}\n")
	env := map[string]string{}
	c, diags := Load("project/a.hcl", Options{Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	interpreter := func(i int) string { return strings.Join(c.Scripts[i].Launch("/run").Interpreter, " ") }
	want := func(got, path string) {
		t.Helper()
		if got != path {
			t.Errorf("interpreter %s, want %s", got, path)
		}
	}
	want(interpreter(0), filepath.Join(dir, "bin/python3"))
	program(t, "venv/bin/python")
	env["VIRTUAL_ENV"] = filepath.Join(dir, "venv")
	want(interpreter(0), filepath.Join(dir, "venv/bin/python"))
	program(t, ".venv/bin/python")
	want(interpreter(0), filepath.Join(dir, ".venv/bin/python"))
	program(t, "project/.venv/bin/python")
	want(interpreter(0), filepath.Join(dir, "project/.venv/bin/python"))
	write(t, "project/pkg/.venv/bin/python", "not executable")
	want(interpreter(0), filepath.Join(dir, "project/.venv/bin/python"))
	want(interpreter(1), filepath.Join(dir, "project/my/python"))
	want(interpreter(2), "octave --quiet")
	for i, profile := range []string{"python", "python", "generic", "python"} {
		if got := c.Scripts[i].Launch("/run").Profile; got != profile {
			t.Errorf("profile of %s: %s, want %s", c.Scripts[i].Name, got, profile)
		}
	}
}

func TestLaunch(t *testing.T) {
	c := scriptWith(t, `
  interpreter = "Rscript"
  protocol    = "lines"
  args        = ["--n", 5]
  env         = { A = "1", B = null }
  stdin       = "in.txt"
  directory   = "sub"
  parameters  = { plain = 1 }
  parameter "lambda" {
    value = 0.5
    pass  = "--lambda"
    max   = 1
  }
  parameter "seed" {
    type = "int"
    env  = "SEED"
  }
  parameter "all" {
    value = [1, 2]
    file  = "out/params.json"
  }
  variable "loss" {
    pattern = "loss (.*)"
  }
  variable "x" {
  }`)
	got := c.Scripts[0].Launch("/run")
	want := script.Launch{
		Script: "s", Source: filepath.Join(c.Dir, "s.py"), Interpreter: []string{"Rscript"}, Profile: "python", Protocol: "lines",
		Args: []string{"--n", "5"}, Env: map[string]string{"A": "1"}, Directory: filepath.Join(c.Dir, "sub"), Stdin: filepath.Join(c.Dir, "in.txt"),
		RunDir:    "/run",
		Variables: []script.LaunchVariable{{Name: "loss", Pattern: "loss (.*)"}, {Name: "x"}},
		Parameters: []script.LaunchParameter{
			{Spec: script.ParameterSpec{Name: "plain", Type: script.TypeAny, Default: script.Int(1)}, Set: true},
			{Spec: script.ParameterSpec{Name: "lambda", Type: script.TypeFloat, Default: script.Float(0.5), Max: script.Int(1), Mutability: script.Restart}, Set: true, Pass: "--lambda"},
			{Spec: script.ParameterSpec{Name: "seed", Type: script.TypeInt, Mutability: script.Restart}, Env: "SEED"},
			{Spec: script.ParameterSpec{Name: "all", Type: script.TypeList, Default: script.List(script.Int(1), script.Int(2)), Mutability: script.Restart}, Set: true, File: filepath.Join(c.Dir, "out/params.json")},
		},
	}
	for i := range got.Parameters {
		if got.Parameters[i].At == "" || got.Parameters[i].Spec.Origin.File != "a.hcl" {
			t.Errorf("%s: no place", got.Parameters[i].Spec.Name)
		}
		got.Parameters[i].At, got.Parameters[i].Spec.Origin = "", script.Origin{}
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(script.Value.Equal)); diff != "" {
		t.Errorf("launch (-want +got):\n%s", diff)
	}
}

func TestCheckFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("PATH", "/nowhere")
	write(t, "here.py", "")
	write(t, "plain", "")
	write(t, "a.hcl", `
script "fine" {
  source = "here.py"
}
script "source" {
  source = "gone.py"
}
script "folder" {
  source = "."
  interpreter = "nope"
}
script "plugin" {
  plugin = "bin/gone"
}
script "mode" {
  plugin = "plain"
}
script "rest" {
  source      = "here.py"
  interpreter = "gone/python"
  stdin       = "gone.txt"
  directory   = "gone"
}
`)
	c, diags := Load("a.hcl", Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var got []string
	for _, d := range c.CheckFiles() {
		if d.Subject == nil {
			t.Errorf("no place: %v", d)
		}
		got = append(got, strings.ReplaceAll(d.Detail, c.Dir, "DIR"))
	}
	want := []string{
		`Source of script "source": DIR/gone.py: no such file or directory.`,
		`Source of script "folder": DIR: it is a directory, not a regular file.`,
		`Interpreter of script "folder": nope: there is no such program in PATH.`,
		`Plugin of script "plugin": DIR/bin/gone: no such file or directory.`,
		`Plugin of script "mode": DIR/plain: it is not executable (chmod +x).`,
		`Interpreter of script "rest": DIR/gone/python: no such file or directory.`,
		`Standard input of script "rest": DIR/gone.txt: no such file or directory.`,
		`Directory of script "rest": DIR/gone: no such file or directory.`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFolders(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{
		"m/01-train.py", "m/same.py", "m/same.R", "m/test_x.py", "m/trainer.py", "m/declared.py", "m/.hidden.py", "m/__init__.py",
		"m/README.md", "m/sub/deep.py", "n/01-train.py", "n/dir.py/x",
	} {
		write(t, name, "")
	}
	write(t, "a.hcl", `
script "trainer" {
  source = "train.py"
}
script "mine" {
  source = "m/declared.py"
}
scripts "m" {
  directory   = "m"
  include     = ["*.py", "*.R"]
  exclude     = ["test_*"]
  interpreter = "run"
}
scripts "n" {
  directory = "n"
}
route "r" {
  from = script["01-train"].variable["train.loss"]
  to   = script["same.R"].parameter.lr
}
`)
	c, diags := Load("a.hcl", Options{})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	var got []string
	for _, s := range c.Scripts {
		rel, err := filepath.Rel(c.Dir, s.Source)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s.Name+" "+rel)
		if (s.Folder != "") == s.Autostart || s.Folder != "" && s.Directory != filepath.Dir(s.Source) {
			t.Errorf("%+v", s)
		}
	}
	want := []string{
		"trainer train.py", "mine m/declared.py", "01-train m/01-train.py", "same.R m/same.R", "same.py m/same.py",
		"trainer.py m/trainer.py", "01-train.py n/01-train.py",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "models/a.py", "")
	write(t, "models/b.py", "")
	write(t, "models/params.json", "{}")
	write(t, "models/my script.R", "")
	write(t, "conf/a.hcl", "script \"x\" {\n  source = \"x.py\"\n}\n")
	write(t, "empty/x.txt", "")

	c, diags := Open("models/a.py", []string{"--lr", "0.1"}, Options{})
	if len(diags) > 0 || len(c.Scripts) != 1 {
		t.Fatal(diags)
	}
	s := c.Scripts[0]
	if s.Name != "a" || s.Restart.Policy != RestartNever || s.Directory != dir || !s.Autostart || s.Launch("/run").Args[1] != "0.1" {
		t.Errorf("%+v", s)
	}
	c, diags = Open("models", nil, Options{})
	if len(diags) > 0 || len(c.Scripts) != 2 || c.Scripts[0].Autostart || c.Scripts[1].Name != "b" || c.Dir != filepath.Join(dir, "models") {
		t.Errorf("%+v, %v", c, diags)
	}
	c, diags = Open("conf", nil, Options{})
	if len(diags) > 0 || len(c.Scripts) != 1 || !c.Scripts[0].Autostart {
		t.Errorf("%+v, %v", c, diags)
	}
	for path, want := range map[string]string{
		"models/my script.R": `script "my_script"`,
		"gone.py":            "There is no file gone.py",
		"gone.hcl":           "no such file",
		"empty":              "no *.py file and no *.hcl file",
	} {
		if _, diags := Open(path, nil, Options{}); len(diags) != 1 || !strings.Contains(diags[0].Detail, want) {
			t.Errorf("%s: %v", path, diags)
		}
	}
	if _, diags := Open("models", nil, Options{Inputs: map[string]string{"a": "1"}}); !diags.HasErrors() {
		t.Error("inputs without a configuration")
	}
	if _, diags := Open("conf", []string{"--x"}, Options{}); !diags.HasErrors() {
		t.Error("arguments for a whole configuration")
	}
}
