package telemetry_test

import (
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"scalegraph/internal/request"
	"scalegraph/internal/telemetry"
)

func TestDurationsHaveUnits(t *testing.T) {
	for _, form := range []string{"json", "text"} {
		var logs strings.Builder
		telemetry.NewLog(&logs, form).Info("x", "before", 1, "wait", 1500*time.Microsecond, "after", "y")
		if got := logs.String(); !strings.Contains(got, "1.5ms") || !strings.Contains(got, "before") || !strings.Contains(got, "after") {
			t.Errorf("%s: %s", form, got)
		}
	}
}

// The lines of a request have the ids of the request and of its trace.
func TestLinesHaveTheIDsOfTheirContext(t *testing.T) {
	ctx := request.WithCaller(t.Context(), &request.Caller{RequestID: "the-request"})
	ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}}))
	var logs strings.Builder
	log := telemetry.NewLog(&logs, "json")
	log.WarnContext(ctx, "x")
	log.WarnContext(ctx, "x", telemetry.RequestID, "own", telemetry.TraceID, "own")
	want := []string{`"requestId":"the-request","traceId":"01000000000000000000000000000000"`, `"requestId":"own","traceId":"own"`}
	for i, line := range strings.Split(strings.TrimSpace(logs.String()), "\n") {
		if !strings.HasSuffix(line, want[i]+"}") {
			t.Errorf("line %d is %s, want it to end with %s", i, line, want[i])
		}
	}
}
