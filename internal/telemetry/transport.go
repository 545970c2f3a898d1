package telemetry

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Transport counts, times and traces the HTTP requests to the upstream, and passes the trace context on. It identifies a region by the
// host of its base URL. It is safe for concurrent use.
type Transport struct {
	Next    http.RoundTripper
	Regions map[string]string // host to region
	Metrics *Metrics
	Tracing *Tracing

	reached sync.Map // host to bool: whether it has ever responded; absent: it has not been tried
}

// Reached reports whether requests were sent to a host, and whether any of them had a response.
func (t *Transport) Reached(host string) (tried, reached bool) {
	state, tried := t.reached.Load(host)
	return tried, tried && state.(bool)
}

// noteReached records the outcome of a request. A host that responded once stays reached.
func (t *Transport) noteReached(host string, reached bool) {
	if state, ok := t.reached.Load(host); ok && (state.(bool) || !reached) {
		return
	}
	t.reached.Store(host, reached)
}

// RoundTrip implements http.RoundTripper. The call counts as in flight until the response body is closed.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	c := &call{began: time.Now(), region: t.Regions[req.URL.Host], metrics: t.Metrics, span: noop.Span{}}
	if ctx := req.Context(); t.Tracing.Enabled() || trace.SpanContextFromContext(ctx).IsValid() {
		req = t.traced(req, c)
	}
	t.Metrics.callsInFlight.WithLabelValues(c.region).Inc()
	resp, err := t.Next.RoundTrip(req)
	t.noteReached(req.URL.Host, err == nil)
	if err != nil {
		c.end("none", codes.Error)
		return nil, err
	}
	c.ReadCloser, c.status, resp.Body = resp.Body, resp.StatusCode, c
	return resp, nil
}

// traced starts the span of a call, and returns a copy of the request with the span's trace context in its headers.
func (t *Transport) traced(req *http.Request, c *call) *http.Request {
	ctx, span := t.Tracing.Tracer.Start(req.Context(), spanName(req.URL.Path), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("http.request.method", req.Method), attribute.String("server.address", req.URL.Hostname()), attribute.String("scalegraph.region", c.region)))
	c.span = span
	req = req.Clone(ctx)
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(req.Header))
	return req
}

// resources are the resources of the upstream that spans are named by.
var resources = []string{"scaling_activity_log", "scaling_group", "scaling_group_instance", "scaling_policy", "scaling_policy_execute_log"}

// spanName names a call by its resource. It contains no ids, because tracing systems count the different names.
func spanName(path string) string {
	for part := range strings.SplitSeq(path, "/") {
		if slices.Contains(resources, part) {
			return http.MethodGet + " " + part
		}
	}
	return http.MethodGet
}

// CloseIdleConnections closes the idle connections of Next. http.Client.CloseIdleConnections calls it.
func (t *Transport) CloseIdleConnections() {
	(&http.Client{Transport: t.Next}).CloseIdleConnections()
}

// call is one request in flight. It is also the body of its response, so that closing the body ends the call.
type call struct {
	io.ReadCloser

	began   time.Time
	region  string
	metrics *Metrics
	span    trace.Span
	status  int
	closed  atomic.Bool
}

func (c *call) end(status string, code codes.Code) {
	c.metrics.callsInFlight.WithLabelValues(c.region).Dec()
	c.metrics.calls.WithLabelValues(c.region, status).Inc()
	observe(c.metrics.callSeconds.WithLabelValues(c.region), time.Since(c.began), c.span.SpanContext())
	c.span.SetStatus(code, "")
	c.span.End()
}

// Close closes the response body and ends the call. Further calls only close the body.
func (c *call) Close() error {
	if c.closed.Swap(true) {
		return c.ReadCloser.Close()
	}
	if c.span.IsRecording() {
		c.span.SetAttributes(attribute.Int("http.response.status_code", c.status))
	}
	code := codes.Unset
	if c.status >= http.StatusBadRequest {
		code = codes.Error
	}
	c.end(statusLabel(c.status), code)
	return c.ReadCloser.Close()
}

// statusLabel maps invalid status codes to "other", which bounds the number of label values that an upstream can cause.
func statusLabel(status int) string {
	if status < 100 || status > 599 {
		return "other"
	}
	return strconv.Itoa(status)
}
