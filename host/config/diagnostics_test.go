package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the wanted diagnostics")

// TestDiagnostics loads each archive of testdata/diagnostics in a directory of
// its own and compares everything that is printed with the file `want`. The
// archive's comment may name what to load (path: x.hcl) and with what
// (input: a=1, input-file: f, env: A=1).
func TestDiagnostics(t *testing.T) {
	archives, err := filepath.Glob("testdata/diagnostics/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			name, err := filepath.Abs(name)
			if err != nil {
				t.Fatal(err)
			}
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			want := -1
			for i, f := range archive.Files {
				if f.Name == "want" {
					want = i
					continue
				}
				write(t, f.Name, string(f.Data))
			}
			got := loadArchive(t, string(archive.Comment))
			if *update {
				if want < 0 {
					archive.Files = append(archive.Files, txtar.File{Name: "want"})
					want = len(archive.Files) - 1
				}
				archive.Files[want].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want < 0 {
				t.Fatal("the archive has no file want; run with -update")
			}
			if diff := cmp.Diff(string(archive.Files[want].Data), got); diff != "" {
				t.Errorf("diagnostics (-want +got):\n%s", diff)
			}
		})
	}
}

// loadArchive loads what the comment says and prints the diagnostics.
func loadArchive(t *testing.T, comment string) string {
	t.Helper()
	path := "."
	options := Options{Inputs: map[string]string{}}
	env := map[string]string{}
	for line := range strings.Lines(comment) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		name, text, _ := strings.Cut(value, "=")
		switch {
		case !ok:
		case key == "path":
			path = value
		case key == "input":
			options.Inputs[name] = text
		case key == "input-file":
			options.InputFiles = append(options.InputFiles, value)
		case key == "env":
			env[name] = text
		}
	}
	options.Env = func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
	c, diags := Load(path, options)
	for _, d := range diags {
		if d.Subject != nil && c.Files[d.Subject.Filename] == nil {
			t.Errorf("the source of %v was lost", d)
		}
	}
	var out bytes.Buffer
	if err := WriteDiagnostics(&out, c.Files, diags, 0, false); err != nil {
		t.Fatal(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(out.String(), dir, "DIR")
}

// write makes a file and the folders above it.
func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
