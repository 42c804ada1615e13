package interpreter

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

func TestParamFiles(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "old.json")
	if err := os.WriteFile(old, []byte(`{"mine": [1], "b": 0}`), 0o640); err != nil {
		t.Fatal(err)
	}
	parameters := []script.LaunchParameter{
		{Spec: script.ParameterSpec{Name: "a"}, File: "new.json"},
		{Spec: script.ParameterSpec{Name: "b"}, File: "old.json"},
		{Spec: script.ParameterSpec{Name: "c"}, File: "new.json"},
	}
	values := map[string]script.Value{"a": script.Float(1), "b": script.Int(2), "c": script.String("x")}
	files, err := writeParamFiles(dir, parameters, values)
	if err != nil {
		t.Fatal(err)
	}
	wantFile(t, filepath.Join(dir, "new.json"), "{\n  \"a\": 1.0,\n  \"c\": \"x\"\n}\n")
	wantFile(t, old, "{\n  \"b\": 2,\n  \"mine\": [\n    1\n  ]\n}\n")
	if err := files["new.json"].set(map[string]script.Value{"a": script.Float(0.5)}); err != nil {
		t.Fatal(err)
	}
	wantFile(t, filepath.Join(dir, "new.json"), "{\n  \"a\": 0.5,\n  \"c\": \"x\"\n}\n")
	if err := files.remove(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "old.json" {
		t.Errorf("left are %v, %v", left, err)
	}
	if info, err := os.Stat(old); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is now %v, %v", info.Mode(), err)
	}
}

func TestParamFileOfSomebodyElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "notes.json")
	if err := os.WriteFile(path, []byte("not JSON"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := writeParamFiles(dir, []script.LaunchParameter{{File: "notes.json", At: "m.hcl:3"}}, nil)
	if e := script.AsError(err); e == nil || e.At != "m.hcl:3" {
		t.Errorf("got %v", err)
	}
	wantFile(t, path, "not JSON")
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v; want %q", path, got, err, want)
	}
}
