package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const rankedScript = `
import argparse, os
import torch, torch.distributed as dist
import mlhost
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()
rate = mlhost.param("rate", 0.5)
rank, total = 0, torch.ones(1)
if "RANK" in os.environ:
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    dist.all_reduce(total)
ours = [n for n in os.environ if n in ("MLHOST_FD", "MLHOST_ATTACH", "MLHOST_TARGET")]
os.write(1, ("rank %d: total %g, connected %s, rate %s, lr %s, %s\n" % (rank, total.item(), mlhost.connected(), rate.value, args.lr, ours)).encode())
mlhost.result(total=total.item())
if dist.is_initialized():
    dist.destroy_process_group()
`

// TestMLLaunchers runs a script of two ranks by the real torchrun, and by the
// real accelerate, in an environment that has them: make test-ml.
func TestMLLaunchers(t *testing.T) {
	python := os.Getenv("MLHOST_ML_PYTHON")
	if python == "" {
		t.Skip("MLHOST_ML_PYTHON names no environment")
	}
	binary := filepath.Join(t.TempDir(), "mlhost")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	for _, c := range []struct{ program, launcher, target, want string }{
		{"torchrun", `["torchrun", "--standalone", "--nproc_per_node=2"]`, `source = "train.py"`,
			"rank 0: total 2, connected True, rate 0.25, lr 0.2, []\nrank 1: total 2, connected False, rate 0.5, lr 0.2, []"},
		{"torchrun", `["torchrun", "--standalone", "--nproc_per_node=2"]`, `module = "train"`,
			"rank 0: total 2, connected True, rate 0.25, lr 0.2, []\nrank 1: total 2, connected False, rate 0.5, lr 0.2, []"},
		{"accelerate", `["accelerate", "launch", "--cpu", "--num_processes=1"]`, `source = "train.py"`, "rank 0: total 1, connected True, rate 0.25, lr 0.2, []"},
	} {
		t.Run(c.program+" "+c.target, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(python), c.program)); err != nil {
				t.Skipf("there is no %s beside %s", c.program, python)
			}
			dir := t.TempDir()
			config := "script \"ranks\" {\n  " + c.target + "\n  interpreter = \"" + python + "\"\n  launcher = " + c.launcher + `
  parameters = { rate = 0.25 }
  parameter "lr" {
    value = 0.2
    pass = "--lr"
  }
  restart {
    policy = "never"
  }
}
`
			for name, text := range map[string]string{"train.py": rankedScript, "run.hcl": config} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			mlhost := func(args ...string) string {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), binary, args...)
				cmd.Dir, cmd.Env = dir, append(os.Environ(), "MLHOST_STATE="+filepath.Join(dir, "state"))
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("mlhost %v: %v\n%s", args, err, out)
				}
				return string(out)
			}
			shown := mlhost("run", "run.hcl")
			if strings.Contains(shown, "warning") {
				t.Error(shown)
			}
			out := mlhost("logs", "ranks", "--stream", "stdout")
			for want := range strings.Lines(c.want) {
				if !strings.Contains(out, strings.TrimSpace(want)) {
					t.Errorf("%q is not in\n%s", want, out)
				}
			}
			if results := mlhost("results", "ranks"); !strings.Contains(results, "total") {
				t.Error(results)
			}
		})
	}
}
