// Package telemetry shows what the program does: metrics for Prometheus, traces by OpenTelemetry. No label and no attribute is up to
// a stranger: names of operations only where their documents are trusted.
package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// buckets are the bounds of latencies, in seconds: an answer from memory takes a tenth of a millisecond, one of an ailing
// upstream half a minute.
var buckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// Metrics counts. It may be used by many goroutines.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	cost     *prometheus.CounterVec
	trusted  *prometheus.CounterVec
	cached   prometheus.Counter
	limited  *prometheus.CounterVec

	calls       *prometheus.CounterVec
	callSeconds *prometheus.HistogramVec
	callsFlying *prometheus.GaugeVec
}

// NewMetrics returns metrics of their own registry; version is that of the program.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: counters("requests_total", "GraphQL operations by kind (unknown where refused before that was known) and outcome: ok or the code of the first error.", "kind", "outcome"),
		seconds:  latencies("request_duration_seconds", "From a request's headers to its answer's last byte; of a stream, its whole life.", "kind"),
		cost:     counters("request_cost_total", "Cost that operations were charged, executed or not.", "kind"),
		trusted:  counters("trusted_operations_total", "Operations of trusted documents by name and outcome.", "operation", "outcome"),
		cached:   prometheus.NewCounter(prometheus.CounterOpts{Name: name("response_cache_hits_total"), Help: "Operations that were not executed, because the whole response was cached."}),
		limited:  counters("limited_total", "Operations over their caller's limit; in measure mode they were executed all the same.", "mode"),

		calls:       counters("upstream_calls_total", "HTTP requests sent to the upstream by region and status; none where no answer came.", "region", "status"),
		callSeconds: latencies("upstream_call_duration_seconds", "From sending a request to the last byte of its answer, whatever came.", "region"),
		callsFlying: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name("upstream_calls_in_flight"), Help: "HTTP requests to the upstream under way."}, []string{"region"}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.cost, m.trusted, m.cached, m.limited, m.calls, m.callSeconds, m.callsFlying,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.Gauge("build_info", "1, with the version of the program.", Labels{"version": version}, func() float64 { return 1 })
	return m
}

func name(s string) string { return "scalegraph_" + s }

func counters(what, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name(what), Help: help}, labels)
}

func latencies(what, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name(what), Help: help, Buckets: buckets}, labels)
}

// Labels are fixed labels of one series.
type Labels = prometheus.Labels

// Counter shows a count that is kept elsewhere. Series of one name must have the same help and label names.
func (m *Metrics) Counter(what, help string, labels Labels, read func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name(what), Help: help, ConstLabels: labels}, read))
}

// Gauge shows a value that is kept elsewhere.
func (m *Metrics) Gauge(what, help string, labels Labels, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name(what), Help: help, ConstLabels: labels}, read))
}

// States shows which of some states something is in: 1 for that one, 0 for the others.
func (m *Metrics) States(what, help string, labels Labels, states []string, read func() string) {
	for _, state := range states {
		with := Labels{"state": state}
		for name, value := range labels {
			with[name] = value
		}
		m.Gauge(what, help, with, func() float64 {
			if read() == state {
				return 1
			}
			return 0
		})
	}
}

// Handler answers with all metrics as text.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// Registry is where further collectors go.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// Operation is what became of one.
type Operation struct {
	Kind    string // query, mutation, subscription; empty: unknown
	Trusted string // its name, where its document is trusted; else empty
	Code    string // of the first error; empty: none. One of a closed list
	Cost    int
	Cached  bool // it was not executed, because the whole response was cached
	Took    time.Duration

	Calls, MemoryHits, RedisHits int64 // upstream calls, and pages that were kept
}

// Served counts an operation.
func (m *Metrics) Served(o Operation) {
	kind, outcome := o.Kind, o.Code
	if kind == "" {
		kind = "unknown"
	}
	if outcome == "" {
		outcome = "ok"
	}
	m.requests.WithLabelValues(kind, outcome).Inc()
	m.seconds.WithLabelValues(kind).Observe(o.Took.Seconds())
	m.cost.WithLabelValues(kind).Add(float64(o.Cost))
	if o.Trusted != "" {
		m.trusted.WithLabelValues(o.Trusted, outcome).Inc()
	}
	if o.Cached {
		m.cached.Inc()
	}
}

// Limited counts an operation that was over its caller's limit; mode is enforce or measure.
func (m *Metrics) Limited(mode string) { m.limited.WithLabelValues(mode).Inc() }
