package telemetry

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

const scope = "scalegraph"

// Tracing makes spans and sends them by OTLP over HTTP, as the standard OTEL_ variables say. It is off unless they name an exporter or an
// endpoint; traces of callers are passed on all the same.
type Tracing struct {
	Tracer   trace.Tracer
	provider *sdktrace.TracerProvider // nil: off
}

// StartTracing reads the standard variables. Stop it.
func StartTracing(ctx context.Context, version string) (*Tracing, error) {
	if !wanted() {
		return &Tracing{Tracer: noop.NewTracerProvider().Tracer(scope)}, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	// The variables come last, so that they win.
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", scope), attribute.String("service.version", version)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return &Tracing{Tracer: provider.Tracer(scope, trace.WithInstrumentationVersion(version)), provider: provider}, nil
}

// wanted reads what turns tracing on and off. Endpoints alone turn it on, as in other programs' SDKs.
func wanted() bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return false
	}
	switch os.Getenv("OTEL_TRACES_EXPORTER") {
	case "otlp":
		return true
	case "":
		return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
	}
	return false
}

// On reports whether spans are made.
func (t *Tracing) On() bool { return t.provider != nil }

// Stop sends what is left until ctx ends.
func (t *Tracing) Stop(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Begin starts the span of a request, below the caller's where it brought one.
func (t *Tracing) Begin(r *http.Request) (context.Context, trace.Span) {
	if !t.On() && r.Header.Get("Traceparent") == "" {
		return r.Context(), noop.Span{} // as nearly all requests of a server without tracing
	}
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	return t.Tracer.Start(ctx, "GraphQL", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", known(r.Method))))
}

// Operation starts the span of an operation that is not a request of its own.
func (t *Tracing) Operation(ctx context.Context) context.Context {
	ctx, _ = t.Tracer.Start(ctx, "GraphQL operation")
	return ctx
}

// known keeps other words out of attributes.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions:
		return method
	}
	return "_OTHER"
}

// Finish ends the span of a request, or of an operation that is none.
func Finish(span trace.Span, o Operation, status int, requestID string) {
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.Int("http.response.status_code", status), attribute.String("graphql.operation.type", o.Kind),
		attribute.Int("scalegraph.cost", o.Cost), attribute.Int64("scalegraph.upstream_calls", o.Calls),
		attribute.Int64("scalegraph.hits.memory", o.MemoryHits), attribute.Int64("scalegraph.hits.redis", o.RedisHits), attribute.String("scalegraph.request_id", requestID))
	if o.Trusted != "" {
		span.SetAttributes(attribute.String("graphql.operation.name", o.Trusted))
	}
	if o.Code != "" {
		span.SetAttributes(attribute.String("error.type", o.Code))
		span.SetStatus(codes.Error, "")
	}
	span.End()
}
