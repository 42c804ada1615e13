package api_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/shared/script"
)

func (w *web) metrics(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	status, _, data := w.ask(t, "GET", "/metrics", "", bearer(token))
	if status != 200 {
		t.Fatalf("got %d %s", status, data)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	out, err := parser.TextToMetricFamilies(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// value returns the value of the series with these label values, NaN without one.
func value(f *dto.MetricFamily, labels ...string) float64 {
	for _, m := range f.GetMetric() {
		var got []string
		for _, l := range m.GetLabel() {
			got = append(got, l.GetValue())
		}
		if fmt.Sprint(got) == fmt.Sprint(labels) {
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return math.NaN()
}

func TestMetrics(t *testing.T) {
	w := newWeb(t, api.TCPOptions{})
	w.train(t)
	var many []script.Sample
	for i := range 300 {
		many = append(many, script.Sample{Name: fmt.Sprintf("v%03d", i), Step: 9, Time: time.Now(), Value: script.Int(int64(i))})
	}
	many = append(many, script.Sample{Name: "accuracy", Step: 9, Time: time.Now(), Value: script.Float(math.NaN())},
		script.Sample{Name: "text", Step: 9, Time: time.Now(), Value: script.String("x")})
	w.emit(t, script.Event{Time: time.Now(), Seq: 4, Script: "trainer", Run: "k3f9a2bqx7", Body: script.Samples{Samples: many}})
	w.api.Count(script.Event{Script: "trainer", Body: script.Samples{Samples: many}},
		script.Event{Script: "trainer", Body: script.RunStarted{Attempt: 2}})
	w.api.Appended(time.Millisecond)
	w.ask(t, "GET", "/api/v1/scripts", "")

	got := w.metrics(t)
	for _, c := range []struct {
		name   string
		want   float64
		labels []string
	}{
		{"mlhost_script_state", 1, []string{"trainer", "running"}},
		{"mlhost_script_state", 0, []string{"trainer", "failed"}},
		{"mlhost_variable", 0.5, []string{"loss", "trainer"}},
		{"mlhost_samples_total", 302, []string{"trainer"}},
		{"mlhost_run_restarts_total", 1, []string{"trainer"}},
		{"mlhost_events_total", 1, []string{"samples"}},
		{"mlhost_http_refused_total", 1, []string{"token"}},
		{"mlhost_bus_dropped_total", 0, nil},
		{"mlhost_build_info", 1, []string{"1.2.3"}},
	} {
		if v := value(got[c.name], c.labels...); v != c.want {
			t.Errorf("%s%v is %v, want %v", c.name, c.labels, v, c.want)
		}
	}
	if n := len(got["mlhost_variable"].GetMetric()); n != 100 {
		t.Errorf("there are %d variables", n)
	}
	for _, name := range []string{"go_goroutines", "mlhost_store_append_seconds", "mlhost_variables_not_shown"} {
		if got[name] == nil {
			t.Errorf("there is no %s", name)
		}
	}
}
