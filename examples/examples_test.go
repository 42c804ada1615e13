package examples_test

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// finishes runs a config to its end.
func finishes(t *testing.T, config string, args ...string) *session {
	t.Helper()
	s := newSession(t)
	s.mlhost(append([]string{"run", filepath.Join("examples", config)}, args...)...)
	return s
}

func TestGoSimpleML(t *testing.T) {
	s := finishes(t, "go-simple-ml/config.hcl")
	if rate := s.runOf("simple_ml").Results["learning_rate"]; rate != 0.1 {
		t.Errorf("learning_rate was %v, not the configured 0.1", rate)
	}
	if log := s.mlhost("logs", "simple_ml"); !strings.Contains(log, "Training with learning rate: 0.1") {
		t.Errorf("log: %q", log)
	}
}

func TestGoCollabTrainer(t *testing.T) {
	s := finishes(t, "go-collab-trainer/config.hcl")
	loss := s.runOf("collab_trainer").Results["final_loss"]
	if heard := s.runOf("listener").Results; heard["updates"] != 10.0 || heard["last_loss"] != loss {
		t.Errorf("the listener heard %v; the trainer's last loss was %v", heard, loss)
	}
}

func TestGoLongAnalysis(t *testing.T) {
	s := finishes(t, "go-long-analysis/config.hcl")
	if progress := s.variable("long_analysis", "progress"); progress != 100.0 {
		t.Errorf("progress = %v", progress)
	}
}

func TestCollaboration(t *testing.T) {
	s := finishes(t, "collaboration/config.hcl")
	trainer := s.runOf("trainer")
	halved(t, trainer)
	final, ok := trainer.Results["final"].(map[string]any)
	if accuracy, _ := final["accuracy"].(float64); !ok || accuracy < 0.9 {
		t.Errorf("trainer's final = %v", trainer.Results["final"])
	}
	evaluator := s.runOf("evaluator").Results
	if evaluator["questions"] != 6.0 || evaluator["best_accuracy"] != final["accuracy"] {
		t.Errorf("evaluator's results = %v, trainer's = %v", evaluator, final)
	}
}

// halved checks that the route lowered the learning rate, each time by half.
func halved(t *testing.T, r run) {
	t.Helper()
	if len(r.Changes) == 0 {
		t.Errorf("%s: no change of a parameter", r.Script)
	}
	for _, c := range r.Changes {
		before, _ := c.Old.(float64)
		after, _ := c.New.(float64)
		if c.Name != "learning_rate" || c.Author != "route:reduce-on-plateau" || math.Abs(after-before/2) > 1e-12 {
			t.Errorf("%s: change %+v", r.Script, c)
		}
	}
}

func TestUnmodified(t *testing.T) {
	s := finishes(t, "unmodified/config.hcl")
	r := s.runOf("perceptron")
	if r.State != "finished" || r.ExitCode == nil || *r.ExitCode != 0 || r.Parameters["epochs"] != 30.0 {
		t.Errorf("run %+v", r)
	}
	if accuracy, _ := s.variable("perceptron", "accuracy").(float64); accuracy < 0.8 {
		t.Errorf("accuracy = %v", accuracy)
	}
}

func TestLanguages(t *testing.T) {
	for _, test := range []struct {
		config, interpreter, script, variable string
		want                                  float64
	}{
		{"r.hcl", "Rscript", "ridge", "slope", 0.4070},
		{"bash.hcl", "bash", "centroid", "petal_length", 5.552},
		{"node.hcl", "node", "kmeans", "inertia", 31.4129},
		{"lines.hcl", "node", "median", "median", 4.35},
	} {
		t.Run(test.config, func(t *testing.T) {
			if _, err := exec.LookPath(test.interpreter); err != nil {
				t.Skip(err)
			}
			s := finishes(t, "languages/"+test.config)
			got, _ := s.variable(test.script, test.variable).(float64)
			if math.Abs(got-test.want) > 0.06 {
				t.Errorf("%s = %v, want %v", test.variable, got, test.want)
			}
		})
	}
}

func TestMLSklearn(t *testing.T) {
	python := os.Getenv("MLHOST_ML_PYTHON")
	if python == "" {
		t.Skip("needs scikit-learn: `make test-ml`")
	}
	if out, err := exec.Command(python, "-c", "import sklearn").CombinedOutput(); err != nil {
		t.Skipf("%s has no scikit-learn: %s", python, out)
	}
	s := finishes(t, "sklearn/config.hcl", "--input", "python="+python)
	results := s.runOf("digits").Results
	if accuracy, _ := results["accuracy"].(float64); accuracy < 0.85 || results["classes"] != 10.0 {
		t.Errorf("results = %v", results)
	}
}

// The demo's script runs as a user runs it.
func TestDemo(t *testing.T) {
	s := newSession(t)
	out, err := s.command(t.Context(), filepath.Join(root, "examples/demo/run.sh")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.state = filepath.Join(root, ".demo")
	for _, want := range []string{"accuracy", "route:reduce-on-plateau  applied", "To look further"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	halved(t, s.runOf("train"))
	if accuracy, _ := s.variable("knn", "accuracy").(float64); accuracy < 0.9 {
		t.Errorf("accuracy of knn = %v", accuracy)
	}
	if accuracy, _ := s.runOf("train").Results["accuracy"].(float64); accuracy < 0.9 {
		t.Errorf("accuracy of train = %v", accuracy)
	}
}
