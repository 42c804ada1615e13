package interpreter

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlhost/mlhost/shared/script"
)

const (
	maxPackages   = 5000
	maxPathFolder = 100 // of an interpreter's sys.path
)

// packagesOn lists the packages that an interpreter with this sys.path finds,
// with their versions, by the names of the folders that describe them: nothing
// is opened, and nothing is run. Of two of a name the first is the one that is
// imported.
func packagesOn(path []string) map[string]script.Value {
	found := map[string]script.Value{}
	for i, folder := range path {
		if i == maxPathFolder || !filepath.IsAbs(folder) {
			continue
		}
		for _, entry := range distributions(folder) {
			name, version, ok := distribution(entry)
			if _, known := found[name]; ok && !known && len(found) < maxPackages {
				found[name] = script.String(version)
			}
		}
	}
	return found
}

// distributions returns the names of the folders that describe packages, in
// order, few at a time: there are many others, and a wrapper keeps the memory.
func distributions(folder string) (names []string) {
	dir, err := os.Open(folder)
	if err != nil {
		return nil // nothing at all
	}
	defer dir.Close()
	for {
		some, err := dir.Readdirnames(64)
		for _, name := range some {
			if strings.HasSuffix(name, ".dist-info") || strings.HasSuffix(name, ".egg-info") {
				names = append(names, name)
			}
		}
		if err != nil {
			break // the end, or an archive
		}
	}
	slices.Sort(names)
	return names
}

// distribution reads the name of a folder that describes a package:
// NAME-VERSION.dist-info, or NAME-VERSION-pyX.Y.egg-info.
func distribution(folder string) (name, version string, ok bool) {
	cut := strings.LastIndexByte
	text, isDist := strings.CutSuffix(folder, ".dist-info")
	if !isDist {
		if text, ok = strings.CutSuffix(folder, ".egg-info"); !ok {
			return "", "", false
		}
		cut = strings.IndexByte // what follows the version is the interpreter's
		if i := strings.LastIndex(text, "-py"); i > 0 {
			text = text[:i]
		}
	}
	i := cut(text, '-')
	if i <= 0 || i == len(text)-1 {
		return "", "", false
	}
	return normal(text[:i]), text[i+1:], true
}

// normal is the form of a package's name in which names are compared: lower
// case, with a dash for each run of dashes, dots and underscores.
func normal(name string) string {
	parts := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	return strings.Join(parts, "-")
}
