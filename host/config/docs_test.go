package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDocs loads every example of docs/configuration.md.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for _, kind := range []string{"hcl", "json"} {
		for _, part := range strings.Split(string(page), "\n```"+kind+"\n")[1:] {
			example, _, _ := strings.Cut(part, "\n```")
			examples++
			t.Chdir(t.TempDir())
			write(t, filepath.Join("notes", "today.txt"), "x\n")
			name := "a." + kind
			write(t, name, example+"\n")
			if _, diags := Load(name, Options{Env: func(string) (string, bool) { return "", false }}); len(diags) > 0 {
				t.Errorf("%v in\n%s", diags, example)
			}
			if formatted, _ := Format([]byte(example), name); string(formatted) != example {
				t.Errorf("not in the canonical layout, which is\n%s", formatted)
			}
		}
	}
	if examples < 8 {
		t.Errorf("only %d examples were found", examples)
	}
}
