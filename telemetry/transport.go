package telemetry

import (
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Transport counts, times and traces what goes to the upstream, and passes the trace on. Regions are named by the host of their base URL.
type Transport struct {
	Next    http.RoundTripper
	Regions map[string]string // host to region
	Metrics *Metrics
	Tracing *Tracing
}

// RoundTrip sends one request. It is over when its answer's body is closed.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	c := &call{began: time.Now(), region: t.Regions[req.URL.Host], metrics: t.Metrics, span: noop.Span{}}
	if ctx := req.Context(); t.Tracing.On() || trace.SpanContextFromContext(ctx).IsValid() {
		req = t.traced(req, c)
	}
	t.Metrics.callsFlying.WithLabelValues(c.region).Inc()
	resp, err := t.Next.RoundTrip(req)
	if err != nil {
		c.end("none", codes.Error)
		return nil, err
	}
	resp.Body = &watchedBody{ReadCloser: resp.Body, call: c, status: resp.StatusCode}
	return resp, nil
}

// traced gives a call its span, and the request what tells the upstream of it.
func (t *Transport) traced(req *http.Request, c *call) *http.Request {
	ctx, span := t.Tracing.Tracer.Start(req.Context(), "GET scaling_activity_log", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("http.request.method", req.Method), attribute.String("server.address", req.URL.Hostname()), attribute.String("scalegraph.region", c.region)))
	c.span = span
	req = req.Clone(ctx)
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(req.Header))
	return req
}

// CloseIdleConnections is what http.Client looks for.
func (t *Transport) CloseIdleConnections() {
	(&http.Client{Transport: t.Next}).CloseIdleConnections()
}

// call is one request under way.
type call struct {
	began   time.Time
	region  string
	metrics *Metrics
	span    trace.Span
}

func (c *call) end(status string, code codes.Code) {
	c.metrics.callsFlying.WithLabelValues(c.region).Dec()
	c.metrics.calls.WithLabelValues(c.region, status).Inc()
	c.metrics.callSeconds.WithLabelValues(c.region).Observe(time.Since(c.began).Seconds())
	c.span.SetStatus(code, "")
	c.span.End()
}

// watchedBody ends a call when it is closed.
type watchedBody struct {
	io.ReadCloser
	call   *call
	status int
	once   sync.Once
}

func (b *watchedBody) Close() error {
	b.once.Do(func() {
		if b.call.span.IsRecording() {
			b.call.span.SetAttributes(attribute.Int("http.response.status_code", b.status))
		}
		code := codes.Unset
		if b.status >= http.StatusBadRequest {
			code = codes.Error
		}
		b.call.end(statusLabel(b.status), code)
	})
	return b.ReadCloser.Close()
}

// statusLabel bounds what an upstream can make of a label.
func statusLabel(status int) string {
	if status < 100 || status > 599 {
		return "other"
	}
	return strconv.Itoa(status)
}
