package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// mlflowCheck reads an exported run with MLflow's own client.
const mlflowCheck = `
import sys
from mlflow.tracking import MlflowClient

client = MlflowClient("file://" + sys.argv[1])
(experiment,) = client.search_experiments()
assert experiment.name == "train", experiment
(run,) = client.search_runs([experiment.experiment_id])
assert run.info.status == "FINISHED" and run.info.end_time >= run.info.start_time, run.info
assert run.data.params == {"lr": "0.1", "name/with/slashes": "deep"}, run.data.params
assert run.data.metrics["accuracy"] == 0.9, run.data.metrics
history = client.get_metric_history(run.info.run_id, "train/loss")
assert [(m.step, m.value) for m in history] == [(0, 1.0), (1, 0.5), (2, 1 / 3)], history
assert run.data.metrics["bad"] != run.data.metrics["bad"], run.data.metrics
(evil,) = [k for k, v in run.data.tags.items() if v == "../evil"]
assert evil[len("mlhost.metric."):] in run.data.metrics, run.data.metrics
assert run.data.tags["mlhost.result.note"] == "fine", run.data.tags
found = {a.path for a in client.list_artifacts(run.info.run_id)}
assert found == {"mlhost", "weights.txt"}, found
path = client.download_artifacts(run.info.run_id, "mlhost/source.py", sys.argv[2])
assert "import mlhost" in open(path).read()
(found,) = client.search_runs([experiment.experiment_id], "metrics.accuracy > 0.5 and params.lr = '0.1'")
`

const mlflowScript = `
import mlhost
mlhost.param("lr", 0.1)
mlhost.param("name/with/slashes", "deep")
for step in mlhost.loop(3):
    mlhost.log(**{"train/loss": 1 / (step + 1), "../evil": 1, "bad": float("nan"), "text": "abc"})
mlhost.result(accuracy=0.9, note="fine")
with open("weights.txt", "w") as file:
    file.write("w")
`

// TestMLFlowReadsExports exports a run and reads it with the real MLflow. It needs an
// environment that has it: make test-ml.
func TestMLFlowReadsExports(t *testing.T) {
	python := os.Getenv("MLHOST_ML_PYTHON")
	if python == "" {
		t.Skip("MLHOST_ML_PYTHON names no environment")
	}
	if exec.Command(python, "-c", "import mlflow").Run() != nil {
		t.Skipf("%s has no mlflow", python)
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "mlhost")
	run := func(name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = filepath.Join(dir, "lab")
		cmd.Env = append(os.Environ(), "MLHOST_STATE="+filepath.Join(dir, "state"), "MLFLOW_ALLOW_FILE_STORE=true")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", filepath.Base(name), args, err, out)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "lab"), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	if err := os.WriteFile(filepath.Join(dir, "lab", "train.py"), []byte(mlflowScript), 0o600); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "mlruns")
	run(binary, "run", "train.py")
	run(binary, "runs", "export", "train", "--format", "mlflow", "--artifacts", root)
	run(python, "-c", mlflowCheck, root, t.TempDir())
}
