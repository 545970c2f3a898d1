package telemetry_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"scalegraph/internal/telemetry"
)

// The linter is that of promtool check metrics.
func TestMetricsPassTheLinter(t *testing.T) {
	m := telemetry.NewMetrics("v1")
	m.Served(telemetry.Operation{Kind: "query", Trusted: "Console", Cost: 3})
	m.Served(telemetry.Operation{Code: "INTERNAL"})
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
