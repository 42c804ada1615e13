package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// The driver's tool is a stand-in: what the check makes of its answers.
func TestGPU(t *testing.T) {
	const card = "0, NVIDIA H200, 580.159.04, 0 MiB, 143771 MiB"
	for _, c := range []struct {
		name, program string
		env           map[string]string
		status        v1.CheckStatus
		says          string
	}{
		{name: "no driver", status: v1.CheckSkip, says: "not in $PATH"},
		{name: "one", program: "echo '" + card + "'", status: v1.CheckOK, says: card},
		{name: "two", program: "echo '" + card + "'; echo '1, other'", status: v1.CheckOK, says: card + "; 1, other"},
		{name: "chosen", program: "echo '" + card + "'", env: map[string]string{"CUDA_VISIBLE_DEVICES": "0"}, status: v1.CheckOK, says: "; CUDA_VISIBLE_DEVICES=0"},
		{name: "hidden", program: "echo '" + card + "'", env: map[string]string{"CUDA_VISIBLE_DEVICES": ""}, status: v1.CheckWarn, says: "hides them"},
		{name: "no device", program: "exit 0", status: v1.CheckWarn, says: "no device"},
		{name: "no kernel module", program: "echo 'Driver/library version mismatch'; exit 18", status: v1.CheckFail, says: "Driver/library version mismatch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if c.program != "" {
				if err := os.WriteFile(filepath.Join(dir, "nvidia-smi"), []byte("#!/bin/sh\n"+c.program+"\n"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", dir)
			o := Options{Env: func(name string) (string, bool) { value, set := c.env[name]; return value, set }}
			checks := o.gpu(t.Context())
			if len(checks) != 1 || checks[0].Status != c.status || !strings.Contains(checks[0].Detail, c.says) {
				t.Fatalf("got %+v, want %s with %q", checks, c.status, c.says)
			}
		})
	}
}
