package python

import (
	"os"
	"strings"
	"testing"
)

// A module that stands beside a package is typed for those who install it by a
// package of stubs only.
func TestModulesAreTyped(t *testing.T) {
	project, err := os.ReadFile("pyproject.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range []string{"script_interface", "script_wrappers"} {
		source, err := os.ReadFile("src/" + module + ".py")
		if err != nil {
			t.Fatal(err)
		}
		stubs, err := os.ReadFile("src/" + module + "-stubs/__init__.pyi")
		if err != nil {
			t.Fatal(err)
		}
		if string(stubs) != string(source) {
			t.Errorf("the stubs of %s are not the module", module)
		}
		if !strings.Contains(string(project), `"`+module+`-stubs"`) {
			t.Errorf("pyproject.toml does not pack the stubs of %s", module)
		}
	}
}
