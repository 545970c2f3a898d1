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

// Tracing creates spans and exports them by OTLP over HTTP, configured by the standard OTEL_ variables. It is off unless they name an
// exporter or an endpoint. Even then the trace context of a request is passed on to the upstream. It is safe for concurrent use.
type Tracing struct {
	Tracer   trace.Tracer
	provider *sdktrace.TracerProvider // nil: off
}

// StartTracing configures tracing from the OTEL_ variables of the environment. It never fails: invalid variables are logged as warnings
// and replaced by their defaults. The caller must call Stop on the result.
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
	// Later options override earlier ones. An invalid variable is skipped.
	res, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", scope), attribute.String("service.version", version)), resource.WithFromEnv())
	if err != nil {
		log.Warn("OTEL_RESOURCE_ATTRIBUTES is malformed, or one of its parts is", "error", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(res))
	return &Tracing{Tracer: provider.Tracer(scope, trace.WithInstrumentationVersion(version)), provider: provider}
}

// enabled reports whether the OTEL_ variables turn tracing on. An endpoint is sufficient.
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

// logSDK redirects the messages of the OpenTelemetry SDK from stderr to log.
func logSDK(log *slog.Logger) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("tracing", "error", err) }))
	otel.SetLogger(logr.FromSlogHandler(messagesOnly{log.Handler()}))
}

// messagesOnly drops the attributes of log lines, and lines below the level of warnings. The attributes of the SDK contain the values of
// OTEL_ variables, which may be secrets.
type messagesOnly struct{ slog.Handler }

func (messagesOnly) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (h messagesOnly) Handle(ctx context.Context, r slog.Record) error {
	return h.Handler.Handle(ctx, slog.NewRecord(r.Time, slog.LevelWarn, "OpenTelemetry, from OTEL_ variables: "+r.Message, 0))
}

func (h messagesOnly) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h messagesOnly) WithGroup(string) slog.Handler      { return h }

// Enabled reports whether spans are exported.
func (t *Tracing) Enabled() bool { return t.provider != nil }

// Stop exports the remaining spans and stops tracing. It gives up when ctx ends.
func (t *Tracing) Stop(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// StartRequest starts the span of an HTTP request, as a child of the span in its Traceparent header if it has one.
func (t *Tracing) StartRequest(r *http.Request) (context.Context, trace.Span) {
	if !t.Enabled() && r.Header.Get("Traceparent") == "" {
		return r.Context(), noop.Span{} // the fast path of a server without tracing
	}
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	return t.Tracer.Start(ctx, "GraphQL", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", methodAttr(r.Method))))
}

// StartOperation starts the span of an operation that shares its connection with others, such as one of a WebSocket.
func (t *Tracing) StartOperation(ctx context.Context) context.Context {
	ctx, _ = t.Tracer.Start(ctx, "GraphQL operation")
	return ctx
}

// methodAttr returns the method if it is a known one, otherwise _OTHER, as the semantic conventions of OpenTelemetry require.
func methodAttr(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions:
		return method
	}
	return "_OTHER"
}

// Finish sets the attributes of the span of a request or of an operation, and ends it. It does nothing if the span is not recorded.
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
