package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
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

// StartTracing reads the standard variables. Faulty ones are warnings in the log, and what they were to set has its default: a server
// does not fail for its traces. Stop the result.
func StartTracing(ctx context.Context, version string, log *slog.Logger) *Tracing {
	off := &Tracing{Tracer: noop.NewTracerProvider().Tracer(scope)}
	logSDK(log)
	if !enabled(log) {
		return off
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		log.Warn("tracing is off: the exporter cannot be made from the OTEL_ variables", "error", err)
		return off
	}
	// The variables come last, so that they win. A faulty one is left out.
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", scope), attribute.String("service.version", version)), resource.WithFromEnv())
	if err != nil {
		log.Warn("OTEL_RESOURCE_ATTRIBUTES is malformed, or one of its parts is", "error", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return &Tracing{Tracer: provider.Tracer(scope, trace.WithInstrumentationVersion(version)), provider: provider}
}

// enabled reports whether the variables turn tracing on. An endpoint alone does, as in the SDKs of other programs.
func enabled(log *slog.Logger) bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return false
	}
	switch exporter := os.Getenv("OTEL_TRACES_EXPORTER"); exporter {
	case "otlp":
		return true
	case "":
		return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
	case "none":
	default:
		log.Warn("tracing is off: OTEL_TRACES_EXPORTER must be otlp or none", "value", fmt.Sprintf("%.40q", exporter))
	}
	return false
}

// logSDK sends the messages of the OpenTelemetry SDK to log instead of stderr.
func logSDK(log *slog.Logger) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("tracing", "error", err) }))
	otel.SetLogger(logr.FromSlogHandler(messagesOnly{log.Handler()}))
}

// messagesOnly drops the attributes of log lines, and lines below warnings. The SDK's attributes repeat the values of variables, which
// may be secrets.
type messagesOnly struct{ slog.Handler }

func (messagesOnly) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (h messagesOnly) Handle(ctx context.Context, r slog.Record) error {
	return h.Handler.Handle(ctx, slog.NewRecord(r.Time, slog.LevelWarn, "OpenTelemetry, from OTEL_ variables: "+r.Message, 0))
}

func (h messagesOnly) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h messagesOnly) WithGroup(string) slog.Handler      { return h }

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
