package python

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

func writeScript(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDiscover(t *testing.T) {
	dir := t.TempDir()
	a := writeScript(t, filepath.Join(dir, "a.py"), "import argparse, b\np = argparse.ArgumentParser()\np.add_argument('--x', type=float, default=b.X)\np.parse_args()\n")
	b := writeScript(t, filepath.Join(dir, "b.py"), "X = 1.0\n")
	o := DiscoverOptions{Cache: filepath.Join(t.TempDir(), "cache")}
	want := func(x float64) {
		t.Helper()
		found, err := Discover(t.Context(), o, []string{a, filepath.Join(dir, "absent.py")})
		if err != nil || len(found) != 2 {
			t.Fatal(found, err)
		}
		p := found[0].Parameters
		if len(p) != 1 || !p[0].Default.Same(script.Float(x)) || p[0].Type != script.TypeFloat || p[0].Pass != "--x=" || found[0].Style != "argparse" {
			t.Errorf("found %+v", found[0])
		}
		if len(found[1].Problems) != 1 || !strings.Contains(found[1].Problems[0].Message, "not there") {
			t.Errorf("an absent file: %+v", found[1])
		}
	}
	want(1)
	want(1)
	writeScript(t, b, "X = 2.0\n")
	want(2)

	// What is kept needs no Python; what is spoiled is made anew.
	broken := o
	broken.Python = filepath.Join(dir, "nopython")
	if _, err := Discover(t.Context(), broken, []string{a}); err != nil {
		t.Errorf("a kept result: %v", err)
	}
	entries, err := filepath.Glob(filepath.Join(o.Cache, "*", "*.json"))
	if err != nil || len(entries) != 2 {
		t.Fatal(entries, err)
	}
	for _, e := range entries {
		writeScript(t, e, "{")
	}
	if _, err := Discover(t.Context(), broken, []string{a}); err == nil || !strings.Contains(err.Error(), "nopython") {
		t.Errorf("without Python: %v", err)
	}
	want(2)
}

// A reader that dies, hangs or talks nonsense over a script costs that script.
func TestDiscoverWithABadReader(t *testing.T) {
	dir := t.TempDir()
	python := filepath.Join(dir, "python")
	text := "#!/bin/sh\nread line\ncase $line in\n" +
		`*'["/hang'*) exec tail -f /dev/null;;` + "\n" +
		`*'["/die'*) kill -9 $$;;` + "\n" +
		`*'["/odd'*) echo odd;;` + "\n" +
		`*) echo '{"path":"/good.py","style":"none","reads":{"/good.py":""}}';;` + "\nesac\n"
	writeScript(t, python, text)
	if err := os.Chmod(python, 0o700); err != nil {
		t.Fatal(err)
	}
	o := DiscoverOptions{Python: python, Cache: t.TempDir(), Limit: 2 * time.Second}
	found, err := Discover(t.Context(), o, []string{"/die.py", "/hang.py", "/good.py"})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, f := range found {
		if len(f.Problems) > 0 {
			told = append(told, filepath.Base(f.Path)+": "+f.Problems[0].Message)
		}
	}
	want := []string{"die.py: the reader ended over this script: signal: killed", "hang.py: the script could not be read within 2s"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
	if _, err := Discover(t.Context(), o, []string{"/odd.py"}); err == nil {
		t.Error("nonsense was taken for a result")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Discover(ctx, o, []string{"/hang.py"}); err == nil {
		t.Error("a cancelled reading returned results")
	}
}
