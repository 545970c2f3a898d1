// Package telemetry provides the logger, the Prometheus metrics and the OpenTelemetry traces of the program. Clients cannot choose the
// values of labels and attributes: names of operations are included only if their documents are trusted.
package telemetry

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/trace"
)

// buckets are the bounds of latencies, in seconds: from 0.1 ms, for a response from memory, to 30 s, for a failing upstream.
var buckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// Metrics holds the metrics of the program and their registry. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	cost     *prometheus.CounterVec
	trusted  *prometheus.CounterVec
	cached   prometheus.Counter
	limited  *prometheus.CounterVec

	calls         *prometheus.CounterVec
	callSeconds   *prometheus.HistogramVec
	callsInFlight *prometheus.GaugeVec
}

// NewMetrics returns Metrics with a new registry. The version of the program becomes a label of build_info.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: counters("requests_total", "GraphQL operations by kind (unknown if rejected before the kind was known) and outcome: ok or the code of the first error.", "kind", "outcome"),
		seconds:  latencies("request_duration_seconds", "From a request's headers to the last byte of its response; for a stream, its whole duration.", "kind"),
		cost:     counters("request_cost_total", "Cost that operations were charged, executed or not.", "kind"),
		trusted:  counters("trusted_operations_total", "Operations of trusted documents by name and outcome.", "operation", "outcome"),
		cached:   prometheus.NewCounter(prometheus.CounterOpts{Name: name("response_cache_hits_total"), Help: "Operations that were not executed, because the whole response was cached."}),
		limited:  counters("limited_total", "Operations over their caller's limit; in measure mode they were executed nevertheless.", "mode"),

		calls:         counters("upstream_calls_total", "HTTP requests sent to the upstream by region and status; status none: no response arrived.", "region", "status"),
		callSeconds:   latencies("upstream_call_duration_seconds", "From sending a request to the last byte of its response, or to its failure.", "region"),
		callsInFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name("upstream_calls_in_flight"), Help: "HTTP requests to the upstream in flight."}, []string{"region"}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.cost, m.trusted, m.cached, m.limited, m.calls, m.callSeconds, m.callsInFlight,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.Gauge("build_info", "1, with the version of the program.", Labels{"version": version}, func() float64 { return 1 })
	return m
}

func name(s string) string { return "scalegraph_" + s }

func counters(short, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name(short), Help: help}, labels)
}

func latencies(short, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name(short), Help: help, Buckets: buckets}, labels)
}

// Labels are the constant labels of one series.
type Labels = prometheus.Labels

// Counter registers a counter with the value that read returns at each scrape. Series of one name must have the same help and the
// same label names. A second registration of the same series panics.
func (m *Metrics) Counter(short, help string, labels Labels, read func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name(short), Help: help, ConstLabels: labels}, read))
}

// Gauge registers a gauge with the value that read returns at each scrape, under the rules of Counter.
func (m *Metrics) Gauge(short, help string, labels Labels, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name(short), Help: help, ConstLabels: labels}, read))
}

// StateGauges registers one gauge for each state, with the label state: 1 for the state that read returns, 0 for the others.
func (m *Metrics) StateGauges(short, help string, labels Labels, states []string, read func() string) {
	for _, state := range states {
		with := Labels{"state": state}
		for name, value := range labels {
			with[name] = value
		}
		m.Gauge(short, help, with, func() float64 {
			if read() == state {
				return 1
			}
			return 0
		})
	}
}

// Handler serves all metrics in the exposition formats of Prometheus. Only OpenMetrics has exemplars.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, EnableOpenMetrics: true, MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// Registry returns the registry, for further collectors.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// Operation is the outcome of one GraphQL operation.
type Operation struct {
	Kind     string // query, mutation or subscription; empty: unknown
	Trusted  string // its name if its document is trusted, else empty
	Code     string // of the first error, one of the codes of package apierr; empty: none
	Cost     int
	Cached   bool // it was not executed, because the whole response was cached
	Duration time.Duration

	Calls, MemoryHits, RedisHits int64 // upstream calls, and cached pages
}

// Served counts an operation and observes its duration. ctx is that of the operation.
func (m *Metrics) Served(ctx context.Context, o Operation) {
	kind, outcome := o.Kind, o.Code
	if kind == "" {
		kind = "unknown"
	}
	if outcome == "" {
		outcome = "ok"
	}
	m.requests.WithLabelValues(kind, outcome).Inc()
	observe(m.seconds.WithLabelValues(kind), o.Duration, trace.SpanContextFromContext(ctx))
	m.cost.WithLabelValues(kind).Add(float64(o.Cost))
	if o.Trusted != "" {
		m.trusted.WithLabelValues(o.Trusted, outcome).Inc()
	}
	if o.Cached {
		m.cached.Inc()
	}
}

// observe records a duration. If the trace is sampled, its id becomes the exemplar, so that dashboards can link to it.
func observe(h prometheus.Observer, d time.Duration, span trace.SpanContext) {
	if with, ok := h.(prometheus.ExemplarObserver); ok && span.IsSampled() {
		with.ObserveWithExemplar(d.Seconds(), Labels{"trace_id": span.TraceID().String()})
		return
	}
	h.Observe(d.Seconds())
}

// Limited counts an operation that exceeded its caller's limit; mode is enforce or measure.
func (m *Metrics) Limited(mode string) { m.limited.WithLabelValues(mode).Inc() }
