package python

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestInterpreters runs the Python tests on every Python that can be found:
// those named in MLHOST_TEST_PYTHONS (separated like PATH), else python3 and
// python3.8 … 3.14 on PATH and pyenv's. With -short it is python3 alone.
func TestInterpreters(t *testing.T) {
	for version, path := range interpreters(t) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), path, "-m", "unittest")
			cmd.Dir = "tests"
			cmd.Env = append(cleanEnvironment(), "PYTHONDONTWRITEBYTECODE=1")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v\n%s", path, err, out)
			}
		})
	}
}

// interpreters returns one path for each version of Python from 3.8 on.
func interpreters(t *testing.T) map[string]string {
	t.Helper()
	candidates := filepath.SplitList(os.Getenv("MLHOST_TEST_PYTHONS"))
	named := len(candidates) > 0
	if !named {
		candidates = []string{"python3"}
	}
	if !named && !testing.Short() {
		for minor := range strings.FieldsSeq("8 9 10 11 12 13 14") {
			candidates = append(candidates, "python3."+minor)
		}
		home, err := os.UserHomeDir()
		if err == nil {
			pyenv, _ := filepath.Glob(filepath.Join(home, ".pyenv/versions/3.*/bin/python")) // the pattern is well formed
			candidates = append(candidates, pyenv...)
		}
	}
	found := map[string]string{}
	for _, candidate := range candidates {
		const ask = "import sys; print('%d.%d.%d' % sys.version_info[:3] if sys.version_info >= (3, 8) else '')"
		out, err := exec.CommandContext(t.Context(), candidate, "-c", ask).Output()
		version := strings.TrimSpace(string(out))
		switch {
		case err != nil && named:
			t.Errorf("%s of MLHOST_TEST_PYTHONS: %v", candidate, err)
		case err == nil && version != "" && found[version] == "":
			found[version] = candidate
		}
	}
	if len(found) == 0 {
		t.Fatal("the tests need a Python from 3.8 on")
	}
	return found
}
