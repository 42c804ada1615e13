package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/mlhost/mlhost/shared/script"
)

// The profiles of the interpreter's wrapper.
const (
	ProfilePython  = "python"
	ProfileGeneric = "generic"
)

var pythonProgram = pattern(`^(python|pypy)[0-9.]*$`)

// Profile tells which side of the wrapper runs the script: python for *.py,
// for modules, and for whatever else a Python interpreter is given.
func (s *Script) Profile() string {
	switch {
	case s.Module != "", isPython(s.Source):
		return ProfilePython
	case len(s.Interpreter) > 0:
		if pythonProgram().MatchString(filepath.Base(s.Interpreter[0])) {
			return ProfilePython
		}
	case s.namesPython():
		return ProfilePython
	}
	return ProfileGeneric
}

// Launch tells the wrapper how to run the script. Call it at start: the
// default interpreter is looked for anew. It is not for plugins.
func (s *Script) Launch(runDir string) script.Launch {
	l := script.Launch{
		Script:      s.Name,
		Source:      s.Source,
		Module:      s.Module,
		Interpreter: s.command(),
		Profile:     s.Profile(),
		Protocol:    s.Protocol,
		Args:        append([]string{}, s.Args...),
		Env:         s.Env,
		Directory:   s.Directory,
		Stdin:       s.Stdin,
		Parameters:  []script.LaunchParameter{},
		Variables:   []script.LaunchVariable{},
		RunDir:      runDir,
	}
	l.Launcher = s.launcher(l.Interpreter[0])
	for _, p := range s.Parameters {
		l.Parameters = append(l.Parameters, p.launch())
	}
	for _, v := range s.Variables {
		l.Variables = append(l.Variables, script.LaunchVariable{Name: v.Name, Pattern: v.Pattern})
	}
	return l
}

// launch describes the parameter as far as the configuration knows it. One
// that goes in by command line, environment or file is of the type of its
// value unless the block says otherwise, and changes with the next run.
func (p *Parameter) launch() script.LaunchParameter {
	value, spec, _ := p.resolve(script.ParameterSpec{Name: p.Name, Type: script.TypeAny, Origin: p.origin()}) // Load reported what is wrong
	spec.Default = value
	if p.Pass != "" || p.Env != "" || p.File != "" {
		if spec.Type == script.TypeAny && !value.IsNull() {
			spec.Type = script.TypeOf(value)
		}
		if spec.Mutability == "" {
			spec.Mutability = script.Restart
		}
	}
	return script.LaunchParameter{
		Spec: spec, Set: !value.IsNull(),
		Pass: p.Pass, Env: p.Env, File: p.File,
		At: fmt.Sprintf("%s:%d", p.Range.Filename, p.Range.Start.Line),
	}
}

// command is the interpreter: the configured one, else the one that a console
// script names in its first line, else the nearest .venv upward from the source
// (from the working directory for a module that is not below it), else
// $VIRTUAL_ENV, else python3 from PATH.
func (s *Script) command() []string {
	if len(s.Interpreter) > 0 {
		return append([]string{}, s.Interpreter...)
	}
	if s.Module == "" && !isPython(s.Source) {
		if named := shebang(s.Source); named != nil {
			return named
		}
	}
	start := s.Directory
	if s.Source != "" {
		start = filepath.Dir(s.Source)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if python := filepath.Join(dir, ".venv", "bin", "python"); executable(python) == nil {
			return []string{python}
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if venv, ok := s.scope.env("VIRTUAL_ENV"); ok && venv != "" {
		if python := filepath.Join(venv, "bin", "python"); executable(python) == nil {
			return []string{python}
		}
	}
	if python, err := exec.LookPath("python3"); err == nil {
		if abs, err := filepath.Abs(python); err == nil {
			return []string{abs}
		}
	}
	return []string{"python3"}
}

// executable returns nil where path is a file that may be executed.
func executable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("it is %s, not a regular file", describeMode(info.Mode()))
	case info.Mode().Perm()&0o111 == 0:
		return errors.New("it is not executable (chmod +x)")
	}
	return nil
}

// CheckFiles reports what the script needs and is not there: source or
// plugin, interpreter, stdin, working directory. It is apart from Load, for a
// missing file must not keep the other scripts from running.
func (s *Script) CheckFiles() hcl.Diagnostics {
	var diags hcl.Diagnostics
	report := func(at hcl.Range, what, path string, err error) {
		if err == nil {
			return
		}
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathErr.Err
		}
		diags = append(diags, fault(at, what+" not usable", "%s of script %q: %s: %s.", what, s.Name, path, err))
	}
	if s.Plugin != "" {
		report(s.SourceRange, "Plugin", s.Plugin, executable(s.Plugin))
	}
	if s.Source != "" && s.Module == "" {
		report(s.SourceRange, "Source", s.Source, runnable(s.Source))
	}
	if len(s.Interpreter) > 0 {
		report(s.InterpreterRange, "Interpreter", s.Interpreter[0], found(s.Interpreter[0]))
	}
	if len(s.Launcher) > 0 {
		launcher := s.launcher(s.command()[0])[0]
		report(s.LauncherRange, "Launcher", launcher, found(launcher))
	}
	if s.Stdin != "" {
		_, err := os.Stat(s.Stdin)
		report(s.StdinRange, "Standard input", s.Stdin, err)
	}
	info, err := os.Stat(s.Directory)
	if err == nil && !info.IsDir() {
		err = errors.New("it is not a directory")
	}
	report(s.Range, "Directory", s.Directory, err)
	return diags
}

// SameFiles reports whether two scripts need the same files: what CheckFiles
// looks at.
func (s *Script) SameFiles(other *Script) bool {
	return s.Plugin == other.Plugin && s.Source == other.Source && s.Module == other.Module && s.Stdin == other.Stdin &&
		s.Directory == other.Directory && slices.Equal(s.Interpreter, other.Interpreter) && slices.Equal(s.Launcher, other.Launcher)
}

// found returns nil where a command names a program.
func found(command string) error {
	_, err := exec.LookPath(command)
	if err != nil && !filepath.IsAbs(command) {
		return errors.New("there is no such program in PATH")
	}
	return err
}

// runnable returns nil where path is a file, or a folder that Python runs.
func runnable(path string) error {
	if main, err := os.Stat(filepath.Join(path, mainFile)); err == nil && main.Mode().IsRegular() {
		return nil
	}
	return readable(path)
}

func readable(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("it is %s, not a regular file", describeMode(info.Mode()))
	}
	return err
}

// CheckFiles reports the missing files of all scripts.
func (c *Config) CheckFiles() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, s := range c.Scripts {
		diags = append(diags, s.CheckFiles()...)
	}
	return diags
}
