package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/wrappers/python"
)

// maxFound is how many files of a folder are looked at.
const maxFound = 2000

// discovery is the JSON of discover.
type discovery struct {
	Scripts []discoveredScript `json:"scripts"`
}

type discoveredScript struct {
	Path       string                `json:"path"`
	Style      string                `json:"style"`
	Parameters []discoveredParameter `json:"parameters"`
	Problems   []python.Problem      `json:"problems"`
	Resume     string                `json:"resume,omitempty"`   // the parameter that takes a checkpoint
	Executed   *python.Executed      `json:"executed,omitempty"` // with --run
}

type discoveredParameter struct {
	Name       string            `json:"name"`
	Type       script.Type       `json:"type"`
	Default    script.Value      `json:"default"`
	Choices    []script.Value    `json:"choices"`
	Min        script.Value      `json:"min"`
	Max        script.Value      `json:"max"`
	Required   bool              `json:"required"`
	Doc        string            `json:"doc"`
	Line       int               `json:"line"`
	Confidence script.Confidence `json:"confidence"`
	Mutability script.Mutability `json:"mutability"`
	File       string            `json:"file,omitempty"` // where it is not the script that the line is in
}

func (a *app) discoverVerb() *cobra.Command {
	var run bool
	cmd := &cobra.Command{
		Use:   "discover PATH…",
		Short: "Find the parameters of Python scripts by reading them",
		Long: `Find the parameters of Python scripts by reading them. Nothing of them is
executed. In a folder every *.py file that does something by itself is read.
What is not understood is listed as a problem.

With --run each script is executed too, with the interpreter that a run would
take, up to the first parse of its arguments, and what its real parser has is
listed. Files for writing, sockets and processes are refused on the way, and it
is ended after ten seconds. This executes the script's code: use it for scripts
that you would run.`,
		Example: "mlhost discover train.py\nmlhost discover . --json\nmlhost discover --run train.py",
		Args:    args(1, -1, "a script or a folder"),
	}
	cmd.Flags().BoolVar(&run, "run", false, "execute each script up to its first parse")
	return a.do(cmd, func(ctx context.Context, got []string) error { return a.discover(ctx, got, run) })
}

func (a *app) discover(ctx context.Context, got []string, run bool) error {
	out := discovery{Scripts: []discoveredScript{}}
	for _, path := range got {
		found, err := a.find(ctx, path)
		if err != nil {
			return err
		}
		for _, f := range found {
			if run && !f.Unreadable {
				if f, err = a.observe(ctx, f); err != nil {
					return err
				}
			}
			s := discoveredScript{Path: shownPath(path, f.Path), Style: f.Style, Problems: f.Problems, Resume: f.Resume, Executed: f.Executed, Parameters: []discoveredParameter{}}
			for _, p := range f.Parameters {
				s.Parameters = append(s.Parameters, discoveredParameter{
					Name: p.Name, Type: p.Type, Default: p.Default, Choices: append([]script.Value{}, p.Choices...), Min: p.Min, Max: p.Max, Required: p.Required,
					Doc: p.Doc, Line: p.Line, Confidence: p.Confidence, Mutability: p.Mutability, File: p.File,
				})
			}
			out.Scripts = append(out.Scripts, s)
		}
	}
	return a.print(out, out.write)
}

// observe executes a script up to its first parse, with the interpreter that a
// run of it would take.
func (a *app) observe(ctx context.Context, f python.Discovered) (python.Discovered, error) {
	cfg, diags := config.Single(f.Path, nil)
	if diags.HasErrors() || len(cfg.Scripts) != 1 {
		return f, config.Error(diags)
	}
	state, err := a.stateDir()
	if err != nil {
		return f, err
	}
	return python.Observe(ctx, python.DiscoverOptions{Cache: filepath.Join(state, ".discovered")}, cfg.Scripts[0].Launch("").Interpreter, f)
}

// find reads a script, or those of a folder.
func (a *app) find(ctx context.Context, path string) ([]python.Discovered, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, script.Errorf(script.CodeNotFound, "there is no %s", path)
	}
	files := []string{path}
	if info.IsDir() {
		if files, err = pythonFiles(path); err != nil {
			return nil, err
		}
	}
	state, err := a.stateDir()
	if err != nil {
		return nil, err
	}
	shown := a.progress("discover", int64(len(files)), inItems("files"))
	defer shown.end()
	options := discoverOptions(state)
	options.Read = func() { shown.add(1) }
	found, err := python.Discover(ctx, options, files)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		found = slices.DeleteFunc(found, func(f python.Discovered) bool { return !f.Script && !f.Unreadable })
	}
	return found, nil
}

// pythonFiles lists the *.py files below dir that may be scripts: those of
// environments, packages' markers, tests and set-up are left out.
func pythonFiles(dir string) ([]string, error) {
	skipped := []string{"node_modules", "__pycache__", "site-packages", "build", "dist", "venv", "env"}
	var out []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		name := ""
		if e != nil {
			name = e.Name()
		}
		switch {
		case err != nil && path == dir:
			return err
		case err != nil:
			return fs.SkipDir // a folder that cannot be read holds no script that can be run
		case e.IsDir():
			if path != dir && (strings.HasPrefix(name, ".") || slices.Contains(skipped, name)) {
				return fs.SkipDir
			}
		case filepath.Ext(name) == ".py" && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "test_") &&
			!slices.Contains([]string{"__init__.py", "setup.py", "conftest.py"}, name):
			if len(out) == maxFound {
				return script.Errorf(script.CodeUsage, "%s holds more than %d Python files", dir, maxFound).WithHint("name a folder further down")
			}
			out = append(out, path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for scripts: %w", err)
	}
	return out, nil
}

// shownPath is the absolute path of a script as the user named it.
func shownPath(given, abs string) string {
	if filepath.IsAbs(given) {
		return abs
	}
	cwd, err := os.Getwd()
	if err != nil {
		return abs
	}
	rel, err := filepath.Rel(cwd, abs)
	if err != nil {
		return abs
	}
	return rel
}

func (d discovery) write(w io.Writer) error {
	for i, s := range d.Scripts {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if _, err := fmt.Fprintf(w, "%s: %s, %s\n", escapeLine(s.Path), s.Style, count(len(s.Parameters), "parameter")); err != nil {
			return err
		}
		if e := s.Executed; e != nil {
			if _, err := fmt.Fprintf(w, "  executed with %s: %s\n", escapeLine(e.Interpreter), escapeLine(e.Told())); err != nil {
				return err
			}
		}
		t := table{header: []string{"  NAME", "TYPE", "DEFAULT", "RANGE", "LINE", "CONFIDENCE", "CHANGES", "DOC"}}
		for _, p := range s.Parameters {
			value := shortValue(p.Default, 24)
			if p.Required {
				value = "required"
			}
			line := strconv.Itoa(p.Line)
			if p.File != "" {
				line = p.File + ":" + line
			}
			t.add("  "+p.Name, string(p.Type), value, p.bounds(), line, string(p.Confidence), string(p.Mutability), clip(p.Doc, 50))
		}
		if err := t.write(w); err != nil {
			return err
		}
		for _, p := range s.Problems {
			at := escapeLine(s.Path)
			if p.Line > 0 {
				at += ":" + strconv.Itoa(p.Line)
			}
			if _, err := fmt.Fprintf(w, "  problem: %s: %s\n", at, escapeLine(p.Message)); err != nil {
				return err
			}
		}
	}
	return nil
}

// bounds tells what values a parameter takes.
func (p discoveredParameter) bounds() string {
	if len(p.Choices) > 0 {
		return shortValue(script.List(p.Choices...), 30)
	}
	if p.Min.IsNull() && p.Max.IsNull() {
		return "-"
	}
	return strings.ReplaceAll(shortValue(p.Min, 12)+" … "+shortValue(p.Max, 12), "- …", "…")
}
