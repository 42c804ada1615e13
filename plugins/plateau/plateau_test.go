package main

import (
	"errors"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/mlhost/mlhost/internal/left"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk/conformance"
	"github.com/mlhost/mlhost/shared/sdk/sdktest"
	"github.com/mlhost/mlhost/shared/wire"
)

// TestMain lets the test binary be the plugin, too.
func TestMain(m *testing.M) {
	if os.Getenv(wire.Handshake.MagicCookieKey) != "" {
		main()
	}
	left.Main(m)
}

func TestKeepsTheProtocol(t *testing.T) {
	conformance.Run(t.Context(), os.Args[0], func(check string, err error) {
		if err != nil && !errors.Is(err, conformance.ErrSkipped) {
			t.Errorf("%s: %v", check, err)
		}
	})
}

func TestDetector(t *testing.T) {
	nan := math.NaN()
	three := settings{patience: 3, factor: 0.5, threshold: 1e-4}
	one := settings{patience: 1, factor: 0.5}
	tests := map[string]struct {
		settings settings
		losses   []float64
		fires    []int // indexes of the losses that complete a plateau
		rate     float64
		best     float64
	}{
		"falling":                       {three, []float64{5, 4, 3, 2, 1}, nil, 1, 1},
		"flat":                          {three, []float64{1, 1, 1, 1}, []int{3}, 0.5, 1},
		"flat twice as long":            {three, []float64{1, 1, 1, 1, 1, 1, 1}, []int{3, 6}, 0.25, 1},
		"better in time":                {three, []float64{1, 1, 1, 0.5, 1, 1}, nil, 1, 0.5},
		"less than the threshold":       {three, []float64{1, 0.99999, 0.99998, 0.99997}, []int{3}, 0.5, 1},
		"not a number":                  {three, []float64{1, nan, nan, nan}, []int{3}, 0.5, 1},
		"not a number first":            {three, []float64{nan, 2, 1}, nil, 1, 1},
		"minus infinity is not a loss":  {three, []float64{1, math.Inf(-1), 0.5}, nil, 1, 0.5},
		"cooldown":                      {settings{patience: 1, factor: 0.5, cooldown: 2}, []float64{1, 1, 1, 1, 1}, []int{1, 4}, 0.25, 1},
		"least rate":                    {settings{patience: 1, factor: 0.5, minimum: 0.4}, []float64{1, 1, 1, 1}, []int{1, 2, 3}, 0.4, 1},
		"a rate below the least stays":  {settings{patience: 1, factor: 0.5, minimum: 4}, []float64{1, 1}, []int{1}, 1, 1},
		"negative losses may get lower": {one, []float64{-1, -2, -3, -2}, []int{3}, 0.5, -3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := detector{settings: test.settings, rate: 1}
			var fires []int
			for i, loss := range test.losses {
				if d.add(loss) {
					fires = append(fires, i)
				}
			}
			if !slices.Equal(fires, test.fires) || d.rate != test.rate || d.best != test.best {
				t.Errorf("fires at %v, rate %v, best %v; want %v, %v, %v", fires, d.rate, d.best, test.fires, test.rate, test.best)
			}
		})
	}
}

func message(loss any) map[string]any {
	return map[string]any{"type": "training_update", "loss": loss}
}

func TestLossesMakeASuggestion(t *testing.T) {
	run := sdktest.Start(t, newPlateau(), sdktest.Options{Parameters: map[string]any{"patience": 2, "learning_rate": 0.4}})
	for _, loss := range []any{1.0, 0.5, 0.5} {
		if err := run.Tell("training_update", message(loss)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := run.Ask("training_update", message("NaN"))
	if err != nil || got.String() != `{"best":0.5,"learning_rate":0.2,"plateaus":1}` {
		t.Errorf("answer %s, %v", got, err)
	}
	if err := run.Tell("training_done", nil); err != nil {
		t.Fatal(err)
	}
	run.Wait(script.Finished)
	rates, plateaus, losses := run.Samples("suggested_learning_rate"), run.Samples("plateaus"), run.Samples("loss")
	if len(rates) != 1 || !rates[0].Value.Equal(script.Float(0.2)) || rates[0].Step != 3 {
		t.Errorf("suggestions %+v", rates)
	}
	if len(plateaus) != 1 || !plateaus[0].Value.Equal(script.Int(1)) {
		t.Errorf("plateaus %+v", plateaus)
	}
	if len(losses) != 4 || !losses[3].Value.Equal(script.Float(math.NaN())) {
		t.Errorf("losses %+v", losses)
	}
	if a, b := run.Result("plateaus"), run.Result("best"); !a.Equal(script.Int(1)) || !b.Equal(script.Float(0.5)) {
		t.Errorf("results %s and %s", a, b)
	}
}

func TestTheRateInUseGoesBeforeOurs(t *testing.T) {
	run := sdktest.Start(t, newPlateau(), sdktest.Options{Parameters: map[string]any{"patience": 1}})
	data := map[string]any{"loss": 1, "learning_rate": 0.01}
	for range 2 {
		if err := run.Tell("training_update", data); err != nil {
			t.Fatal(err)
		}
	}
	run.WaitSample("suggested_learning_rate", func(v script.Value) bool { return v.Equal(script.Float(0.005)) })
}

func TestBadMessages(t *testing.T) {
	run := sdktest.Start(t, newPlateau(), sdktest.Options{})
	for name, data := range map[string]any{"null": nil, "no loss": map[string]any{"los": 1}, "text": message("low")} {
		if err := run.Tell("training_update", data); script.CodeOf(err) != script.CodeRejected {
			t.Errorf("%s gives %v", name, err)
		}
	}
	if _, err := run.Ask("training_updates", nil); script.CodeOf(err) != script.CodeNoAnswerer {
		t.Errorf("an unknown topic gives %v", err)
	}
}

func TestPausesWhileItWaits(t *testing.T) {
	run := sdktest.Start(t, newPlateau(), sdktest.Options{})
	run.Pause()
	run.Resume()
	if err := run.Tell("training_update", message(1)); err != nil {
		t.Error(err)
	}
	run.Stop()
	run.Wait(script.Stopped)
}

func TestFactorIsBetweenNoughtAndOne(t *testing.T) {
	for _, factor := range []float64{0, 1, -0.5, 2} {
		run := sdktest.Start(t, newPlateau(), sdktest.Options{Parameters: map[string]any{"factor": factor}, Unstarted: true})
		if err := run.TryBegin(); script.CodeOf(err) != script.CodeRejected {
			t.Errorf("factor %v gives %v", factor, err)
		}
	}
}
