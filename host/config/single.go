package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Open makes the configuration of `mlhost run PATH`: a configuration file or
// directory is loaded, any other directory is a folder of scripts, and any
// other file is a script, run with args.
func Open(path string, args []string, options Options) (*Config, hcl.Diagnostics) {
	info, err := os.Stat(path)
	switch {
	case IsConfig(path), err != nil && (isJSON(path) || filepath.Ext(path) == ".hcl"):
		c, diags := Load(path, options)
		if len(args) > 0 {
			diags = append(diags, fault(hcl.Range{}, "Arguments without a script", "What stands behind -- goes to a single script; in a configuration write args = […]."))
		}
		return c, diags
	}
	var c *Config
	var diags hcl.Diagnostics
	if err == nil && info.IsDir() {
		c, diags = FolderConfig(path)
	} else {
		c, diags = Single(path, args)
	}
	if len(options.Inputs)+len(options.InputFiles) > 0 {
		diags = append(diags, fault(hcl.Range{}, "Inputs without a configuration", "--input and --input-file give values to the input blocks of a configuration, and %s is none. A script's arguments stand behind --.", path))
	}
	return c, diags
}

// Single is the configuration of one script that is run once, in the current
// directory, as under its plain interpreter.
func Single(path string, args []string) (*Config, hcl.Diagnostics) {
	l := newLoader(path, Options{})
	abs, err := filepath.Abs(path)
	if err == nil {
		err = readable(abs)
	}
	if err != nil {
		l.report(unreadableScript(path, err))
		return l.config, l.diags
	}
	s := l.newScript(stem(filepath.Base(path)), hcl.Range{})
	s.Source = abs
	if !s.namesPython() {
		l.report(fault(hcl.Range{}, "Missing interpreter", "Without a configuration only Python scripts can be run: *.py files, and files whose first line names Python. Write one into a file run.hcl: script %q {, source = %q and interpreter = %q on lines of their own, }.",
			scriptName(path), path, likelyInterpreter(path)))
		return l.config, l.diags
	}
	l.once(s, args)
	return l.config, l.diags
}

// Module is the configuration of one Python module that is run once, in the
// current directory, as by python -m.
func Module(name string, args []string) (*Config, hcl.Diagnostics) {
	l := newLoader(name, Options{})
	if !isModule(name) {
		l.report(fault(hcl.Range{}, "Not the name of a module", "%q: %s", name, notAModule(name)))
		return l.config, l.diags
	}
	s := l.newScript(name[strings.LastIndexByte(name, '.')+1:], hcl.Range{})
	s.Module = name
	l.once(s, args)
	s.findModule()
	return l.config, l.diags
}

// once makes the script the only one, run once in the current directory.
func (l *loader) once(s *Script, args []string) {
	s.Args, s.Restart.Policy = args, RestartNever
	if dir, err := os.Getwd(); err == nil {
		s.Directory = dir
	}
	l.config.Scripts = []*Script{s}
}

// scriptName makes a name that a script block may have of a file's stem.
func scriptName(path string) string {
	name := strings.Map(func(r rune) rune {
		if r < 128 && namePattern().MatchString("_"+string(r)) {
			return r
		}
		return '_'
	}, stem(filepath.Base(path)))
	if !namePattern().MatchString(name) {
		name = "_" + name
	}
	return name
}

func unreadableScript(path string, err error) *hcl.Diagnostic {
	d := unreadable(path, err)
	d.Summary = "Cannot read script"
	if os.IsNotExist(err) {
		d.Detail = fmt.Sprintf("There is no file %s.", path)
	}
	return d
}

// FolderConfig is the configuration of a folder without one: every script in
// it is known, and started by hand.
func FolderConfig(dir string) (*Config, hcl.Diagnostics) {
	l := newLoader(filepath.Join(dir, "x"), Options{})
	f := &Folder{Name: filepath.Base(l.config.Dir), Directory: l.config.Dir, Include: []string{"*.py"}}
	l.config.Folders = []*Folder{f}
	l.expand(f, hcl.Range{})
	if len(l.config.Scripts) == 0 && !l.diags.HasErrors() {
		l.report(fault(hcl.Range{}, "No scripts", "There is no *.py file and no *.hcl file in %s.", dir))
	}
	return l.config, l.diags
}
