package sdk

import (
	"runtime/debug"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

func TestBuildFacts(t *testing.T) {
	record := map[string]script.Value{}
	addBuild(record, &debug.BuildInfo{
		GoVersion: "go1.26", Path: "example.org/plateau", Main: debug.Module{Path: "example.org/plateau", Version: "(devel)"},
		Deps: []*debug.Module{
			{Path: "example.org/a", Version: "v1.0.0"},
			{Path: "example.org/b", Version: "v1.0.0", Replace: &debug.Module{Path: "../b"}},
		},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}, {Key: "-trimpath", Value: "true"}},
	})
	for key, want := range map[string]string{
		"build": `{"go":"go1.26","path":"example.org/plateau","version":"(devel)"}`, "git": `{"commit":"abc","dirty":true}`,
		"packages": `{"../b":"","example.org/a":"v1.0.0"}`,
	} {
		if got := record[key].String(); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
	if table, ok := Machine().Map(); !ok || table["cpus"].String() == "0" {
		t.Errorf("machine %s", Machine())
	}
}
