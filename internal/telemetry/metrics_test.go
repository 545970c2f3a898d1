package telemetry_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.opentelemetry.io/otel/trace"

	"scalegraph/internal/telemetry"
)

// The linter is that of promtool check metrics.
func TestMetricsPassTheLinter(t *testing.T) {
	m := telemetry.NewMetrics("v1")
	m.Served(t.Context(), telemetry.Operation{Kind: "query", Trusted: "Console", Cost: 3})
	m.Served(t.Context(), telemetry.Operation{Code: "INTERNAL"})
	m.Limited("measure")
	m.StateGauges("thing", "Which state a thing is in.", telemetry.Labels{"region": "r"}, []string{"on", "off"}, func() string { return "on" })
	problems, err := testutil.GatherAndLint(m.Registry())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	count, err := testutil.GatherAndCount(m.Registry(), "scalegraph_requests_total", "scalegraph_thing", "scalegraph_trusted_operations_total")
	if err != nil || count != 5 {
		t.Errorf("%d series, %v", count, err)
	}
}

// TestExemplars checks that durations in sampled traces have the trace's id, and that others do not.
func TestExemplars(t *testing.T) {
	m := telemetry.NewMetrics("v1")
	id := trace.TraceID{1, 2, 3}
	for kind, flags := range map[string]trace.TraceFlags{"query": trace.FlagsSampled, "subscription": 0} {
		span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: trace.SpanID{4}, TraceFlags: flags})
		m.Served(trace.ContextWithSpanContext(t.Context(), span), telemetry.Operation{Kind: kind})
	}
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text")
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, r)
	for line := range strings.Lines(w.Body.String()) {
		exemplar := strings.Contains(line, `# {trace_id="`+id.String()+`"}`)
		if exemplar && !strings.HasPrefix(line, `scalegraph_request_duration_seconds_bucket{kind="query"`) {
			t.Error(line)
		}
	}
	if n := strings.Count(w.Body.String(), id.String()); n != 1 {
		t.Errorf("%d exemplars", n)
	}
}
