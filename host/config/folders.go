package config

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

func (l *loader) loadFolders(blocks hcl.Blocks) {
	seen := map[string]hcl.Range{}
	for _, b := range blocks {
		f := &Folder{Name: b.Labels[0], Range: b.DefRange, Include: []string{"*.py"}}
		body := l.open(b)
		l.checkLabel("scripts", f.Name, b.LabelRanges[0])
		if before, ok := seen[f.Name]; ok {
			l.duplicate("scripts", f.Name, b.DefRange, before)
			continue
		}
		seen[f.Name] = b.DefRange
		if !body.has("directory") {
			l.report(fault(b.DefRange, "Missing directory", "The folder is named by directory = \"FOLDER\"."))
			continue
		}
		body.path("directory", &f.Directory)
		body.texts("include", &f.Include)
		body.texts("exclude", &f.Exclude)
		body.command("interpreter", &f.Interpreter)
		globs := body.globs("include", f.Include) && body.globs("exclude", f.Exclude)
		l.config.Folders = append(l.config.Folders, f)
		if f.Directory != "" && globs {
			l.expand(f, body.rangeOf("directory"))
		}
	}
}

func (b *block) globs(name string, patterns []string) bool {
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil || strings.Contains(p, "/") {
			b.fault(name, "Invalid pattern", "%q is not a pattern for file names: * ? and [a-z] stand for characters, and there is no /.", p)
			return false
		}
	}
	return true
}

// expand adds the scripts that the folder holds, by their file stems. Where
// two have the same stem, or a declared script has it, the file name is the
// script's name. A file that a script block runs is that script.
func (l *loader) expand(f *Folder, at hcl.Range) {
	entries, err := os.ReadDir(f.Directory)
	if err != nil {
		reason := err
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			reason = pathErr.Err
		}
		l.report(fault(at, "Cannot read folder", "%s: %s.", f.Directory, reason))
		return
	}
	sources, taken := map[string]bool{}, map[string]hcl.Range{}
	for _, s := range l.config.Scripts {
		sources[s.Source] = true
		taken[s.Name] = s.Range
	}
	var files []string
	stems := map[string]int{}
	for _, e := range entries {
		name := e.Name()
		full := filepath.Join(f.Directory, name)
		if !f.holds(name) || sources[full] || readable(full) != nil {
			continue
		}
		files = append(files, name)
		stems[stem(name)]++
	}
	for _, file := range files {
		name := stem(file)
		if _, ok := taken[name]; ok || stems[name] > 1 {
			name = file
		}
		if before, ok := taken[name]; ok {
			l.duplicate("script", name, f.Range, before)
			continue
		}
		s := l.newScript(name, f.Range)
		s.Folder, s.Source, s.SourceRange = f.Name, filepath.Join(f.Directory, file), at
		s.Interpreter, s.InterpreterRange = f.Interpreter, at
		s.Directory, s.Autostart = f.Directory, false
		if len(s.Interpreter) == 0 && !s.namesPython() {
			l.report(fault(at, "Missing interpreter", "%s is no *.py file. Leave it out by include or exclude, or write a script block for it with an interpreter.", file))
			continue
		}
		taken[name] = f.Range
		l.config.Scripts = append(l.config.Scripts, s)
	}
}

// sdkFiles are what `mlhost sdk python` writes into a folder of scripts. They
// are no scripts, unless a pattern names them.
var sdkFiles = []string{"script_interface.py", "script_wrappers.py", "connector.py", "hivemind_connector.py", "troubleshoot_all.py"}

// holds reports whether the folder's patterns take the file name.
func (f *Folder) holds(name string) bool {
	if strings.HasPrefix(name, ".") || name == "__init__.py" {
		return false
	}
	if slices.Contains(sdkFiles, name) && !slices.Contains(f.Include, name) {
		return false
	}
	return matches(f.Include, name) && !matches(f.Exclude, name)
}

func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, name); ok && err == nil {
			return true
		}
	}
	return false
}

func stem(file string) string {
	if s := strings.TrimSuffix(file, filepath.Ext(file)); s != "" {
		return s
	}
	return file
}
