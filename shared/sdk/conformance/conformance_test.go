package conformance_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlhost/mlhost/internal/left"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
	"github.com/mlhost/mlhost/shared/sdk/conformance"
)

// TestMain lets the test binary be the plugin, too.
func TestMain(m *testing.M) {
	switch os.Getenv("MLHOST_TEST_PLUGIN") {
	case "good":
		sdk.Serve(good{})
	case "bad default":
		sdk.Serve(bad{})
	case "prints first":
		_, _ = os.Stdout.WriteString("loading…\n")
		sdk.Serve(good{})
	case "dies":
		_, _ = os.Stderr.WriteString("no licence\n")
		os.Exit(3)
	}
	left.Main(m)
}

type good struct{}

func (good) Describe() script.Description {
	return script.Description{
		Name: "good",
		Parameters: []script.ParameterSpec{
			{Name: "lr", Type: script.TypeFloat, Default: script.Float(0.1), Min: script.Float(0), Max: script.Float(1)},
			{Name: "data", Type: script.TypeString, Required: true, Mutability: script.Fixed},
		},
		Variables: []script.VariableSpec{{Name: "loss", ReadOnly: true}},
	}
}

// Run takes its time between steps, as real work does: all that it says is
// asked for a second time.
func (good) Run(ctx context.Context, s *sdk.Session) error {
	work := time.NewTicker(time.Millisecond)
	defer work.Stop()
	for {
		s.Set("loss", 1)
		if err := s.Step(ctx); err != nil {
			return err
		}
		select {
		case <-work.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

type bad struct{ good }

func (bad) Describe() script.Description {
	return script.Description{Parameters: []script.ParameterSpec{
		{Name: "lr", Type: script.TypeFloat, Default: script.Float(3), Max: script.Float(1)},
	}}
}

// play runs the kit on this test binary and returns what was reported.
func play(t *testing.T, name string) (reports map[string]error, ok bool) {
	t.Helper()
	t.Setenv("MLHOST_TEST_PLUGIN", name)
	reports = map[string]error{}
	ok = conformance.Run(t.Context(), os.Args[0], func(check string, err error) { reports[check] = err })
	return reports, ok
}

func TestGoodPlugin(t *testing.T) {
	reports, ok := play(t, "good")
	for check, err := range reports {
		if err != nil {
			t.Errorf("%s: %v", check, err)
		}
	}
	if !ok || len(reports) != 19 {
		t.Errorf("ok %v, %d checks", ok, len(reports))
	}
}

func TestBadPlugins(t *testing.T) {
	for name, want := range map[string]struct{ check, text string }{
		"bad default":  {"describe", "parameter lr has a default that does not fit: 3.0 is above the maximum 1.0"},
		"prints first": {"handshake", `the first line on standard output is "loading…"`},
		"dies":         {"handshake", "no licence"},
	} {
		t.Run(name, func(t *testing.T) {
			reports, ok := play(t, name)
			err := reports[want.check]
			if ok || err == nil || errors.Is(err, conformance.ErrSkipped) || !strings.Contains(err.Error(), want.text) {
				t.Errorf("ok %v, %s reports %v", ok, want.check, err)
			}
		})
	}
}

func TestNoPlugin(t *testing.T) {
	var got error
	ok := conformance.Run(t.Context(), filepath.Join(t.TempDir(), "nothing"), func(_ string, err error) { got = err })
	if ok || !errors.Is(got, os.ErrNotExist) {
		t.Errorf("ok %v, %v", ok, got)
	}
}
