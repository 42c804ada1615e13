package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/mlhost/mlhost/shared/script"
)

// maxMetricVariables bounds the series that one script's variables make.
const maxMetricVariables = 100

// metrics are what /metrics shows. Labels are names of scripts and of their
// variables, both bounded; runs are none.
type metrics struct {
	registry *prometheus.Registry
	events   *prometheus.CounterVec
	samples  *prometheus.CounterVec
	restarts *prometheus.CounterVec
	append   prometheus.Histogram
	refused  *prometheus.CounterVec
}

func newMetrics(a *API) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mlhost_events_total", Help: "Events that were taken in, by kind.",
		}, []string{"kind"}),
		samples: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mlhost_samples_total", Help: "Samples of variables that were taken in.",
		}, []string{"script"}),
		restarts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mlhost_run_restarts_total", Help: "Runs that were started because the one before had failed.",
		}, []string{"script"}),
		append: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "mlhost_store_append_seconds", Help: "How long the store took to keep events.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 9),
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mlhost_http_refused_total", Help: "HTTP requests that were not let in, by why.",
		}, []string{"reason"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "mlhost_build_info", Help: "The version of the host.", ConstLabels: prometheus.Labels{"version": a.Version},
	})
	info.Set(1)
	m.registry.MustRegister(info, m.events, m.samples, m.restarts, m.append, m.refused, &scriptMetrics{a},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if a.Notified != nil {
		m.registry.MustRegister(&notifiedMetrics{a})
	}
	if a.Bus != nil {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "mlhost_bus_dropped_total", Help: "Events that viewers lost because they read too slowly.",
		}, func() float64 { return float64(a.Bus.Dropped()) }))
	}
	return m
}

// metricsRoute registers what Prometheus reads.
func (a *API) metricsRoute() {
	h := promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{ErrorLog: promLog{a}})
	a.mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) })
}

// promLog hands promhttp's complaints to the logger.
type promLog struct{ api *API }

// Println implements promhttp.Logger.
func (l promLog) Println(v ...any) { l.api.Logger.Warn("metrics", "problem", v) }

// Count counts events that were kept.
func (a *API) Count(events ...script.Event) {
	for i := range events {
		e := &events[i]
		a.metrics.events.WithLabelValues(script.KindOf(e.Body)).Inc()
		switch b := e.Body.(type) {
		case script.MessageRouted:
			a.traffic.count(e, b)
		case script.Samples:
			a.metrics.samples.WithLabelValues(e.Script).Add(float64(len(b.Samples)))
		case script.RunStarted:
			if b.Attempt > 0 {
				a.metrics.restarts.WithLabelValues(e.Script).Inc()
			}
		}
	}
}

// Appended counts how long it took to keep events.
func (a *API) Appended(took time.Duration) { a.metrics.append.Observe(took.Seconds()) }

// Notified is what has become of the notifications for one address.
type Notified struct {
	Name    string            // of its block
	Fates   map[string]uint64 // by outcome
	Waiting int
}

// notifiedMetrics tells what has become of notifications.
type notifiedMetrics struct{ api *API }

var (
	notifiedDesc = prometheus.NewDesc("mlhost_notifications_total", "Notifications of a notify block, by what has become of them.", []string{"notify", "outcome"}, nil)
	waitingDesc  = prometheus.NewDesc("mlhost_notifications_waiting", "Notifications that are still to be told.", []string{"notify"}, nil)
)

// Describe implements prometheus.Collector.
func (m *notifiedMetrics) Describe(c chan<- *prometheus.Desc) { c <- notifiedDesc; c <- waitingDesc }

// Collect implements prometheus.Collector.
func (m *notifiedMetrics) Collect(c chan<- prometheus.Metric) {
	all, err := m.api.Notified(context.Background())
	if err != nil {
		c <- prometheus.NewInvalidMetric(notifiedDesc, err)
		return
	}
	for _, n := range all {
		for outcome, count := range n.Fates {
			c <- prometheus.MustNewConstMetric(notifiedDesc, prometheus.CounterValue, float64(count), n.Name, outcome)
		}
		c <- prometheus.MustNewConstMetric(waitingDesc, prometheus.GaugeValue, float64(n.Waiting), n.Name)
	}
}

// scriptMetrics tells what is true of the scripts at the moment.
type scriptMetrics struct{ api *API }

var (
	stateDesc    = prometheus.NewDesc("mlhost_script_state", "1 for the state that the script is in, 0 for the others.", []string{"script", "state"}, nil)
	stepDesc     = prometheus.NewDesc("mlhost_script_step", "The step that the script has reached.", []string{"script"}, nil)
	startDesc    = prometheus.NewDesc("mlhost_script_start_time_seconds", "When the script's last run began, since 1970.", []string{"script"}, nil)
	variableDesc = prometheus.NewDesc("mlhost_variable", "The last value of a variable that is a number.", []string{"script", "name"}, nil)
	hiddenDesc   = prometheus.NewDesc("mlhost_variables_not_shown", "Variables that are numbers and beyond the bound of mlhost_variable.", []string{"script"}, nil)
)

// scriptStates are the states that mlhost_script_state has a series for.
var scriptStates = append([]string{string(script.Waiting), string(script.Backoff)}, runStates...)

// Describe implements prometheus.Collector.
func (m *scriptMetrics) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{stateDesc, stepDesc, startDesc, variableDesc, hiddenDesc} {
		c <- d
	}
}

// Collect implements prometheus.Collector.
func (m *scriptMetrics) Collect(c chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for _, s := range m.api.Registry.Snapshot() {
		for _, state := range scriptStates {
			value := 0.0
			if string(s.State) == state {
				value = 1
			}
			gauge(stateDesc, value, s.Name, state)
		}
		if s.Step >= 0 {
			gauge(stepDesc, float64(s.Step), s.Name)
		}
		if !s.Started.IsZero() {
			gauge(startDesc, float64(s.Started.UnixNano())/1e9, s.Name)
		}
		shown, more := 0, 0
		for _, v := range s.Variables {
			n, ok := number(v.Value)
			switch {
			case !ok:
			case shown == maxMetricVariables:
				more++
			default:
				shown++
				gauge(variableDesc, n, s.Name, strings.ToValidUTF8(v.Name, "\uFFFD"))
			}
		}
		gauge(hiddenDesc, float64(more), s.Name)
	}
}

// number returns a value that Prometheus can hold.
func number(v script.Value) (float64, bool) {
	if b, ok := v.Bool(); ok {
		if b {
			return 1, true
		}
		return 0, true
	}
	return v.Float()
}
