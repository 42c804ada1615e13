package python

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// pythonVersion is the version in the name of an interpreter, as in python3.11.
var pythonVersion = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^python(3\.\d+)`) })

// SitePackages returns the folders in which an interpreter finds installed
// libraries, as far as its place tells. The interpreter is not run: its .pth
// files could execute code.
func SitePackages(interpreter []string) []string {
	if len(interpreter) == 0 {
		return nil
	}
	path, err := exec.LookPath(interpreter[0])
	if err != nil {
		return nil
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil
	}
	prefix := filepath.Dir(filepath.Dir(path))
	conf, err := os.ReadFile(filepath.Join(prefix, "pyvenv.cfg"))
	if err != nil {
		return withLinked(ofPrefix(path))
	}
	found := folders(filepath.Join(prefix, "lib*", "python3*", "site-packages"))
	if home := venvHome(conf); home != "" {
		found = append(found, ofPrefix(filepath.Join(home, "python3"))...)
	}
	return withLinked(found)
}

const (
	maxLinked  = 32       // folders that .pth files may add
	maxPthSize = 64 << 10 // bytes of a .pth file
)

// withLinked adds the folders that the .pth files of the given ones name, or
// setuptools' finders, as packages do that are installed to be edited. A line
// of such a file that is code is not run.
func withLinked(found []string) []string {
	all := slices.Clone(found)
	for _, folder := range found {
		for _, kind := range []struct {
			files string
			read  func(string) []string
		}{{"*.pth", linkedBy}, {"__editable___*_finder.py", foundBy}} {
			files, err := filepath.Glob(filepath.Join(escapeGlob(folder), kind.files))
			if err != nil {
				continue
			}
			slices.Sort(files)
			for _, file := range files {
				for _, path := range kind.read(file) {
					if len(all)-len(found) < maxLinked && !slices.Contains(all, path) {
						all = append(all, path)
					}
				}
			}
		}
	}
	return all
}

// linkedBy returns the folders that a .pth file names.
func linkedBy(file string) []string {
	text := readSmall(file)
	var found []string
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" || line[0] == '#' || strings.HasPrefix(line, "import ") || strings.HasPrefix(line, "import\t") || strings.ContainsRune(line, 0) {
			continue
		}
		if !filepath.IsAbs(line) {
			line = filepath.Join(filepath.Dir(file), line)
		}
		if info, err := os.Stat(line); err == nil && info.IsDir() {
			if real, err := filepath.EvalSymlinks(line); err == nil {
				found = append(found, real)
			}
		}
	}
	return found
}

// finderMapping is the line of setuptools' finders that has the places of
// packages and modules, and finderEntry one of them.
var (
	finderMapping = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^MAPPING\b[^={]*=\s*\{(.*)\}`) })
	finderEntry   = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?:'([\w.]+)'|"([\w.]+)")\s*:\s*(?:'([^'\\]+)'|"([^"\\]+)")`)
	})
)

// foundBy returns the folders that hold what a finder of setuptools maps:
// {"pkg": "/src/pkg"} is /src. A package whose folder has another name is found
// by the finder alone.
func foundBy(file string) []string {
	m := finderMapping().FindStringSubmatch(readSmall(file))
	if m == nil {
		return nil
	}
	var found []string
	for _, entry := range finderEntry().FindAllStringSubmatch(m[1], -1) {
		name, path := entry[1]+entry[2], entry[3]+entry[4]
		root, ok := strings.CutSuffix(filepath.Clean(path), "/"+strings.ReplaceAll(name, ".", "/"))
		if !ok || !filepath.IsAbs(root) {
			continue
		}
		if info, err := os.Stat(root); err == nil && info.IsDir() {
			if real, err := filepath.EvalSymlinks(root); err == nil {
				found = append(found, real)
			}
		}
	}
	return found
}

// readSmall returns a file's text, "" where it cannot be read or is too large.
func readSmall(file string) string {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() || info.Size() > maxPthSize {
		return ""
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return string(text)
}

// escapeGlob makes a path that Glob takes for itself.
func escapeGlob(path string) string {
	return globMeta().ReplaceAllString(path, `\$0`)
}

var globMeta = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[*?\[\\]`) })

// ofPrefix returns the folders of an interpreter that is no environment's.
func ofPrefix(path string) []string {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil
	}
	version := "3*"
	if m := pythonVersion().FindStringSubmatch(filepath.Base(real)); m != nil {
		version = m[1]
	}
	prefix := filepath.Dir(filepath.Dir(real))
	return folders(
		filepath.Join(prefix, "local", "lib", "python"+version, "dist-packages"), // Debian's
		filepath.Join(prefix, "lib", "python"+version, "site-packages"),
		filepath.Join(prefix, "lib", "python3", "dist-packages"),
	)
}

// venvHome returns the folder of the interpreter whose libraries an environment
// has too, "" where it has its own alone.
func venvHome(conf []byte) string {
	home, shared := "", false
	for line := range bytes.Lines(conf) {
		key, value, _ := strings.Cut(string(line), "=")
		switch key, value = strings.TrimSpace(key), strings.TrimSpace(value); key {
		case "home":
			home = value
		case "include-system-site-packages":
			shared = strings.EqualFold(value, "true")
		}
	}
	if !shared {
		return ""
	}
	return home
}

func folders(patterns ...string) []string {
	var found []string
	for _, pattern := range patterns {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			continue // a bracket in the path: nothing is found there
		}
		slices.Sort(matches)
		for _, path := range matches {
			if real, err := filepath.EvalSymlinks(path); err == nil && !slices.Contains(found, real) { // lib64 is lib
				found = append(found, real)
			}
		}
	}
	return found
}
