// Package pages keeps the pages of docs/reference what the code says. It is
// for tests; with UPDATE=1 in the environment (`make docs`) they write the pages.
package pages

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Current fails where docs/reference/NAME is not text.
func Current(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(root(t), "docs", "reference", name)
	old, err := os.ReadFile(path)
	if err == nil && string(old) == text {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatalf("docs/reference/%s is not what the code says (%s); `make docs` writes it", name, difference(string(old), text))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// difference shows the first line that differs.
func difference(old, now string) string {
	a, b := strings.Split(old, "\n"), strings.Split(now, "\n")
	for i := range max(len(a), len(b)) {
		was, is := at(a, i), at(b, i)
		if was != is {
			return "it has " + was + ", the code " + is
		}
	}
	return "no line differs"
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return `"` + lines[i] + `"`
	}
	return "nothing"
}

// root is the repository: where go.mod is.
func root(t testing.TB) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("there is no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// Cell fits text into a cell of a table.
func Cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}
