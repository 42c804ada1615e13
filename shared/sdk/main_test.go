package sdk_test

import (
	"os"
	"testing"

	"github.com/mlhost/mlhost/internal/left"

	"github.com/mlhost/mlhost/shared/sdk"
)

// TestMain lets the test binary be a plugin, too: process tests start it anew.
func TestMain(m *testing.M) {
	if name := os.Getenv("MLHOST_TEST_PLUGIN"); name != "" {
		sdk.Serve(testPlugins[name])
	}
	left.Main(m)
}
