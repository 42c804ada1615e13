package export

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName = 200 // bytes of one part of a name in a file system
	maxKey  = 250 // characters that MLflow takes in all
)

// names gives names of a run's parameters, metrics or tags the names of files
// in one folder. MLflow takes letters, digits, "_", "-", ".", " ", ":" and "/",
// which makes folders. Any other name is altered, and gets an ending that
// tells it from others.
type names struct {
	files   map[string]bool
	folders map[string]bool
	// altered holds the names that are not what they were.
	altered map[string]string
}

func newNames() *names {
	return &names{files: map[string]bool{}, folders: map[string]bool{}, altered: map[string]string{}}
}

// file returns the path, with slashes, of the file for name, which is not
// taken yet, below the folder.
func (n *names) file(name string) string {
	file := name
	if !n.free(file) {
		file = alter(name)
		for n.taken(file) {
			file = alter(file + name)
		}
		n.altered[file] = name
	}
	n.files[file] = true
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		n.folders[dir] = true
	}
	return file
}

// free reports whether a name can be that of a file just as it is.
func (n *names) free(name string) bool { return fits(name) && !n.taken(name) }

// taken reports whether there is a file of that name, a folder, or a file in
// the place of a folder that it needs. It is for names that fit.
func (n *names) taken(file string) bool {
	if n.files[file] || n.folders[file] {
		return true
	}
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		if n.files[dir] {
			return true
		}
	}
	return false
}

// fits reports whether a name can be that of a file, and of MLflow.
func fits(name string) bool {
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxKey || path.Clean(name) != name || path.IsAbs(name) {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > maxName || strings.HasPrefix(part, "..") || part == "." || strings.TrimSpace(part) != part {
			return false
		}
	}
	return strings.IndexFunc(name, func(r rune) bool { return !allowed(r) && r != '/' }) < 0
}

func allowed(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || r == '-' || r == '.' || r == ' ' || r == ':' || unicode.IsLetter(r) || unicode.IsDigit(r)
	}
	return unicode.IsLetter(r)
}

// alter makes a name that fits of any: what is not allowed becomes "_".
func alter(name string) string {
	sum := sha256.Sum256([]byte(name))
	kept := strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && allowed(r) && r != ' ' {
			return r
		}
		return '_'
	}, clipBytes(name, 100))
	return strings.TrimLeft(kept, ".") + "-" + hex.EncodeToString(sum[:6])
}

// clipBytes shortens s to at most n bytes, and not inside of a character.
func clipBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
