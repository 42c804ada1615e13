package examples_test

import (
	"strings"
	"testing"
)

func TestSeedSimpleML(t *testing.T) {
	s := finishes(t, "seed-simple-ml/config.hcl")
	if log := s.mlhost("logs", "simple_ml"); !strings.Contains(log, "Training with learning rate: 0.1") {
		t.Errorf("log: %q", log)
	}
	line, _ := s.runOf("simple_ml").Results["line"].(map[string]any)
	if slope, _ := line["slope"].(float64); slope < 2.9 || slope > 3.1 {
		t.Errorf("line = %v", line)
	}
}

func TestSeedCollabTrainer(t *testing.T) {
	s := finishes(t, "seed-collab-trainer/config.hcl")
	loss := s.runOf("collab_trainer").Results["final_loss"]
	if heard := s.runOf("listener").Results; heard["updates"] != 10.0 || heard["last_loss"] != loss {
		t.Errorf("the listener heard %v; the trainer's last loss was %v", heard, loss)
	}
}

func TestSeedLongAnalysis(t *testing.T) {
	s := finishes(t, "seed-long-analysis/config.hcl")
	if progress := s.variable("long_analysis", "progress"); progress != 99.9 {
		t.Errorf("progress = %v", progress)
	}
	counts, _ := s.runOf("long_analysis").Results["digit_counts"].([]any)
	if len(counts) != 10 || counts[0] != 93.0 {
		t.Errorf("digit_counts = %v", counts)
	}
}
