package config

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// mainFile is what of a package or a folder is run.
const mainFile = "__main__.py"

// isModule reports whether a name is that of a Python module, pkg.train.
func isModule(name string) bool {
	begins := true // a part of the name
	for _, r := range name {
		switch {
		case r == '.' && !begins:
			begins = true
		case r == '_' || unicode.IsLetter(r), unicode.IsNumber(r) && !begins:
			begins = false
		default:
			return false
		}
	}
	return !begins
}

// module reads the name of a Python module.
func (b *block) module(into *string) {
	var name string
	if !b.text("module", &name) {
		return
	}
	if !isModule(name) {
		b.fault("module", "Not the name of a module", "%s", notAModule(name))
		return
	}
	*into = name
}

// notAModule tells what is wrong with a module's name.
func notAModule(name string) string {
	text := "A module is named as for python -m, \"pkg.train\"."
	if isPython(name) || strings.Contains(name, "/") {
		guess := strings.ReplaceAll(strings.Trim(strings.TrimSuffix(name, filepath.Ext(name)), "./"), "/", ".")
		if isModule(guess) {
			text += " Did you mean \"" + guess + "\"?"
		}
		text += " A file is named by source = \"FILE\"."
	}
	return text
}

// launcher checks that what a launcher is given is something that it can run.
func (b *block) launcher(s *Script) {
	switch {
	case !b.has("launcher"):
	case s.Profile() != ProfilePython:
		b.report(fault(b.nameRange("launcher"), "Not for this script", "launcher is for what starts Python scripts, such as torchrun; other programs are named by interpreter."))
	case len(s.Interpreter) > 1:
		b.fault("interpreter", "Arguments without a use", "The launcher %s starts the Python processes, and gives them no arguments of interpreter. Name the interpreter alone, or leave it out.", s.Launcher[0])
	case b.has("protocol"):
		b.report(fault(b.nameRange("protocol"), "Not with a launcher", "A launcher hands no descriptor on to its processes, so that a script cannot speak lines by itself; mlhost's Python side does it for Python scripts."))
	}
}

// findModule looks for the module's file below the working directory, as
// python -m does first: PKG/MOD.py, or PKG/MOD/__main__.py.
func (s *Script) findModule() {
	if s.Module == "" || s.Plugin != "" {
		return
	}
	path := filepath.Join(s.Directory, filepath.FromSlash(strings.ReplaceAll(s.Module, ".", "/")))
	for _, file := range []string{filepath.Join(path, mainFile), path + ".py"} {
		if readable(file) == nil {
			s.Source = file
			return
		}
	}
}

// launcher is the launcher's command, where there is one: a name without a
// slash is first looked for beside the interpreter, so that the launcher of
// the same environment is taken.
func (s *Script) launcher(interpreter string) []string {
	if len(s.Launcher) == 0 {
		return nil
	}
	command := append([]string{}, s.Launcher...)
	if beside := filepath.Join(filepath.Dir(interpreter), command[0]); !strings.Contains(command[0], "/") && filepath.IsAbs(interpreter) && executable(beside) == nil {
		command[0] = beside
	}
	return command
}

// namesPython reports whether the source itself says that Python runs it: a
// *.py file, a console script, or a folder with a __main__.py.
func (s *Script) namesPython() bool {
	if isPython(s.Source) || shebang(s.Source) != nil {
		return true
	}
	info, err := os.Stat(s.Source)
	return err == nil && info.IsDir() && runnable(s.Source) == nil
}

// MainFile is the file that is run: the source, or of a folder its __main__.py.
func (s *Script) MainFile() string {
	if info, err := os.Stat(s.Source); err == nil && info.IsDir() {
		return filepath.Join(s.Source, mainFile)
	}
	return s.Source
}

// shebang returns the Python command that a script names in its first line,
// nil for a file that names none. Where the path is long or has spaces, pip and
// uv have the shell start it from the second line.
func shebang(path string) []string {
	if readable(path) != nil {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	r := bufio.NewReader(io.LimitReader(f, 4096))
	first, err := r.ReadString('\n')
	rest, ok := strings.CutPrefix(first, "#!")
	if !ok || err != nil && !errors.Is(err, io.EOF) {
		return nil
	}
	command, argument, _ := strings.Cut(strings.TrimSpace(rest), " ")
	argument = strings.TrimSpace(argument)
	var words []string
	switch filepath.Base(command) {
	case "env":
		words = strings.Fields(strings.TrimPrefix(argument, "-S"))
	case "sh":
		second, _ := r.ReadString('\n')
		words = execLine(second)
	default:
		if words = []string{command}; argument != "" {
			words = append(words, argument) // all of it, as the kernel does
		}
	}
	if len(words) == 0 || !pythonProgram().MatchString(filepath.Base(words[0])) {
		return nil
	}
	return words
}

// execLine reads the second line of a script that is both shell and Python:
//
//	'''exec' "/path with spaces/python" "$0" "$@"
func execLine(line string) []string {
	rest, ok := strings.CutPrefix(line, "'''exec' ")
	if !ok || rest == "" {
		return nil
	}
	end := " "
	if rest[0] == '"' || rest[0] == '\'' {
		rest, end = rest[1:], rest[:1]
	}
	program, _, ok := strings.Cut(rest, end)
	if !ok {
		return nil
	}
	return []string{program}
}
