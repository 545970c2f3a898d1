package telemetry_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"scalegraph/internal/telemetry"
)

// Faulty OTEL_ variables are warnings, and the log does not repeat what may be a secret.
func TestFaultyTracingVariables(t *testing.T) {
	const endpoint = "http://127.0.0.1:1"
	for name, c := range map[string]struct {
		variables map[string]string
		on        bool
	}{
		"no attribute":         {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_RESOURCE_ATTRIBUTES": "nonsense"}, true},
		"undecodable":          {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_RESOURCE_ATTRIBUTES": "a=%zz"}, true},
		"endpoint":             {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://hunter2:x y"}, true},
		"headers":              {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_HEADERS": "hunter2"}, true},
		"timeout":              {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_TIMEOUT": "hunter2"}, true},
		"certificate":          {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_CERTIFICATE": "/no/such/file"}, true},
		"sampler":              {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_TRACES_SAMPLER": "sometimes"}, true},
		"unsupported exporter": {map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range c.variables {
				t.Setenv(variable, value)
			}
			var logs strings.Builder
			tracing := telemetry.StartTracing(t.Context(), "v", telemetry.NewLog(&logs, "json"))
			if tracing.Enabled() != c.on {
				t.Errorf("tracing on: %v, want %v", tracing.Enabled(), c.on)
			}
			if !strings.Contains(logs.String(), `"WARN"`) || strings.Contains(logs.String(), "hunter2") {
				t.Errorf("want a warning without the value, got %q", logs.String())
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_ = tracing.Stop(ctx)
			_ = telemetry.StartTracing(t.Context(), "v", telemetry.NewLog(io.Discard, "json")) // no later line for logs
		})
	}
}
