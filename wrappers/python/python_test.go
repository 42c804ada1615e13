package python

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestExtract(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "python")
	paths := make([]string, 8)
	var wg sync.WaitGroup
	for i := range paths {
		wg.Go(func() {
			path, err := Extract(dir)
			if err != nil {
				t.Errorf("Extract: %v", err)
			}
			paths[i] = path
		})
	}
	wg.Wait()
	if compact := slices.Compact(paths); len(compact) != 1 {
		t.Fatalf("several directories for one content: %v", compact)
	}
	for _, name := range []string{ShimName, "script_interface.py", "script_wrappers.py", "mlhost/__init__.py", "mlhost/_session.py", "mlhost/py.typed", "mlhost_site/sitecustomize.py"} {
		if _, err := os.Stat(filepath.Join(paths[0], filepath.FromSlash(name))); err != nil {
			t.Error(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind besides the modules: %v, %v", entries, err)
	}
}

func TestExtractSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Extract(filepath.Join(file, "python")); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("Extract below a file: %v", err)
	}
}

func TestWriteSDK(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	for range 2 { // the second time over the first
		if err := WriteSDK(dir, "/bin/mlhost"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, ShimName)); !os.IsNotExist(err) {
		t.Errorf("the shim is no part of the SDK: %v", err)
	}
	script := filepath.Join(dir, "mine.py")
	source := "import mlhost, script_wrappers\nfrom script_interface import ScriptInterface\nprint(ScriptInterface('s').running, mlhost.connected())\n"
	if err := os.WriteFile(script, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := runPython(t, script); out != "True False\n" {
		t.Errorf("a standalone script printed %q", out)
	}
}

// A warning that is attributed further up than the script finds nobody there,
// as under plain python. That rests on the directory of the modules.
func TestWarningsBeyondTheScript(t *testing.T) {
	dir, err := Extract(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "script.py")
	source := "import warnings\nfor level in (1, 2, 3, 9): warnings.warn('x%d' % level, stacklevel=level)\n"
	if err := os.WriteFile(script, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	bare, shimmed := runPython(t, script), runPython(t, filepath.Join(dir, ShimName), script)
	if bare != shimmed {
		t.Errorf("plain python prints\n%s\nand the shim\n%s", bare, shimmed)
	}
}

// runPython runs python3 and returns stdout and stderr together.
func runPython(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Fatalf("the tests need python3: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = cleanEnvironment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return string(out)
}

// cleanEnvironment is ours without what changes how Python behaves.
func cleanEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "PYTHON") || strings.HasPrefix(entry, "MLHOST_")
	})
}

// The process of a script never compiles our modules: a child of the first one
// does.
func TestModulesAreCompiledApart(t *testing.T) {
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python")
	}
	home, err := Extract(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "script.py")
	if err := os.WriteFile(script, []byte("import os\nprint(os.getpid())\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, flags := range [][]string{{"-v"}, {"-v"}, {"-v", "-O"}} {
		cmd := exec.CommandContext(t.Context(), interpreter, append(flags, filepath.Join(home, ShimName), script)...)
		cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
		var told strings.Builder
		cmd.Stderr = &told
		out, err := cmd.Output()
		if err != nil || len(strings.Fields(string(out))) != 1 {
			t.Fatalf("%v: %s%s", err, out, told.String())
		}
		compiled, read := 0, 0
		for line := range strings.Lines(told.String()) {
			file, isCode := strings.CutPrefix(strings.TrimRight(line, "'\n"), "# code object from ")
			switch {
			case isCode && strings.HasSuffix(file, "_session.py"):
				compiled++
			case isCode && strings.Contains(file, "_session.") && strings.HasSuffix(file, ".pyc"):
				read++
			}
		}
		if want := map[int]int{0: 1, 1: 0, 2: 1}[i]; compiled != want || read != 1 {
			t.Errorf("start %d: the modules were compiled %d times and read %d times\n%s", i, compiled, read, told.String())
		}
	}
}
