package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMLScripts runs testdata/ml/*.txtar, which need real machine-learning
// libraries, with the Python of MLHOST_ML_PYTHON.
func TestMLScripts(t *testing.T) {
	python := os.Getenv("MLHOST_ML_PYTHON")
	if python == "" {
		t.Skip("needs PyTorch: `make test-ml`")
	}
	if out, err := exec.Command(python, "-c", "import torch").CombinedOutput(); err != nil {
		t.Skipf("%s has no PyTorch: %s", python, out)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/ml",
		Setup: func(env *testscript.Env) error {
			env.Setenv("MLHOST_ML_PYTHON", python)
			return setup(env)
		},
		Cmds:                map[string]func(ts *testscript.TestScript, neg bool, args []string){"await": await, "code": code},
		RequireExplicitExec: true,
	})
}
