package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocs reads every block of HCL in the documents. Those that the tests of
// the documents write into a file and run must be in the canonical layout; the
// others must be whole configurations too, as files of a directory that has what
// they read.
func TestDocs(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../docs/*/*.md", "../../examples/*/README.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	block := regexp.MustCompile("(?ms)^```(hcl|json)( file=\\S+)?\n(.*?)^```$")
	examples := 0
	for _, path := range pages {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range block.FindAllStringSubmatch(string(page), -1) {
			kind, file, example := found[1], found[2], found[3]
			examples++
			if kind == "json" && !json.Valid([]byte(example)) {
				t.Errorf("%s: no JSON:\n%s", path, example)
			}
			if formatted, _ := Format([]byte(example), "a."+kind); string(formatted) != example {
				t.Errorf("%s: not in the canonical layout, which is\n%s", path, formatted)
			}
			if file != "" || kind == "json" && !strings.Contains(example, `"script"`) {
				continue
			}
			dir := t.TempDir()
			write(t, filepath.Join(dir, "notes", "today.txt"), "x\n")
			write(t, filepath.Join(dir, "a."+kind), example)
			if _, diags := Load(filepath.Join(dir, "a."+kind), Options{Env: func(string) (string, bool) { return "", false }}); len(diags) > 0 {
				t.Errorf("%s: %v in\n%s", path, diags, example)
			}
		}
	}
	if examples < 15 {
		t.Errorf("only %d examples were found", examples)
	}
}
