package router

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// nextSet waits for the route's next set and returns the value.
func (w *world) nextSet(t *testing.T) float64 {
	t.Helper()
	m := <-w.sets
	if m.Batch.Author != "route:r" {
		t.Errorf("author %q", m.Batch.Author)
	}
	f, _ := m.Batch.Values["lr"].Float()
	return f
}

const halve = `
route "r" {
  from   = script.trainer.variable.loss
  to     = script.trainer.parameter.lr
  window = 10
  %s
}
`

// The routes below end with a sample that must fire, so that a route that
// fired too often or too seldom before is seen by the value that it sets.
func TestRouteFiresWhenItsConditionTurnsTrue(t *testing.T) {
	w := newWorld(t, fmt.Sprintf(halve, `when  = from > 5
  value = to * 0.5`))
	w.runs("trainer")
	w.reports("trainer", "r1", "loss", 1, 6, 7, 8)
	if got := w.nextSet(t); got != 0.5 {
		t.Errorf("first: %v", got)
	}
	w.reports("trainer", "r1", "loss", 9, 1, 6)
	if got := w.nextSet(t); got != 0.25 {
		t.Errorf("second: %v", got)
	}
}

func TestRoutePlateau(t *testing.T) {
	w := newWorld(t, fmt.Sprintf(halve, `when  = plateau(history, 3)
  value = step`))
	w.runs("trainer")
	w.reports("trainer", "r1", "loss", 5, 4, 3, 4, 4, 4, 4, 4)
	if got := w.nextSet(t); got != 5 {
		t.Errorf("fired at step %v, want 5", got)
	}
	// A new run starts with an empty history and may fire again.
	w.runs("trainer")
	w.reports("trainer", "r2", "loss", 5, 5, 5, 5)
	if got := w.nextSet(t); got != 3 {
		t.Errorf("in the next run it fired at step %v, want 3", got)
	}
}

func TestRouteCooldownHoldsTheEdgeBack(t *testing.T) {
	w := newWorld(t, fmt.Sprintf(halve, `when     = from > 5
  value    = to * 0.5
  cooldown = "10s"`))
	w.runs("trainer")
	w.reports("trainer", "r1", "loss", 6)
	if got := w.nextSet(t); got != 0.5 {
		t.Fatalf("first: %v", got)
	}
	w.reports("trainer", "r1", "loss", 1, 7)
	w.observed(t)
	w.pass(10 * time.Second)
	w.reports("trainer", "r1", "loss", 7)
	if got := w.nextSet(t); got != 0.25 {
		t.Errorf("second: %v", got)
	}
}

// observed waits until the route has looked at all samples so far.
func (w *world) observed(t *testing.T) {
	t.Helper()
	for range 1000 {
		f := w.rules.Load().flows[0]
		f.mu.Lock()
		idle := len(f.queue) == 0 && !f.busy
		f.mu.Unlock()
		if idle {
			return
		}
		time.Sleep(time.Millisecond) //nolint:forbidigo // polls a state without a signal
	}
	t.Fatal("the route does not come to rest")
}

func TestRouteAndNaN(t *testing.T) {
	w := newWorld(t, fmt.Sprintf(halve, `when  = from > 5
  value = step`))
	w.runs("trainer")
	w.reports("trainer", "r1", "loss", math.NaN(), math.NaN(), 1, 6)
	if got := w.nextSet(t); got != 3 {
		t.Errorf("with skip it fired at step %v, want 3", got)
	}
	w = newWorld(t, fmt.Sprintf(halve, `when   = from > 5
  value  = to * 0.5
  on_nan = "fire"`))
	w.runs("trainer")
	w.reports("trainer", "r1", "loss", 1, math.NaN(), math.NaN(), 2, 6)
	if got := w.nextSet(t); got != 0.5 {
		t.Errorf("on the NaN: %v", got)
	}
	if got := w.nextSet(t); got != 0.25 {
		t.Errorf("after it: %v", got)
	}
}

func TestRouteWithoutConditionFollows(t *testing.T) {
	w := newWorld(t, fmt.Sprintf(halve, `value      = from
  min_change = 0.5`))
	w.runs("trainer")
	w.reports("trainer", "r1", "loss", 1.2, 1.6, 1.7, 3)
	for _, want := range []float64{1.6, 3} {
		if got := w.nextSet(t); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestRouteReportsThatItsSetWasRefused(t *testing.T) {
	w := newWorld(t, fmt.Sprintf(halve, `value = 0 - from`))
	w.runs("trainer")
	w.reports("trainer", "r1", "loss", 3)
	<-w.sets
	for body := range w.emitted {
		if fired, ok := body.(script.RouteFired); ok {
			if fired.Route != "r" || fired.Target != "trainer.lr" || !strings.Contains(fired.Problem, "below the minimum") {
				t.Errorf("got %+v", fired)
			}
			return
		}
	}
}

func TestRouteWaitsWhileSomethingItReadsIsNull(t *testing.T) {
	w := newWorld(t, fmt.Sprintf(halve, `value = script.evaluator.variable.score * 2`))
	w.runs("trainer")
	w.runs("evaluator")
	w.reports("trainer", "r1", "loss", 1, 2)
	w.observed(t)
	w.reports("evaluator", "r1", "score", 21)
	w.reports("trainer", "r1", "loss", 3)
	if got := w.nextSet(t); got != 42 {
		t.Errorf("got %v", got)
	}
	select {
	case body := <-w.emitted:
		if fired, ok := body.(script.RouteFired); ok && fired.Problem != "" {
			t.Errorf("a null was reported as a problem: %+v", fired)
		}
	default:
	}
}
