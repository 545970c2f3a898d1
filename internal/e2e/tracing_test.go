package e2e

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"scalegraph/cache/redistest"
	"scalegraph/upstream/emulator"
)

// receiver takes traces as an OpenTelemetry collector does.
type receiver struct {
	mu    sync.Mutex
	spans []*traces.Span
}

func (c *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(r.Body)
	}
	text, _ := io.ReadAll(body)
	var got collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(text, &got); err != nil || r.URL.Path != "/v1/traces" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range got.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
}

// under returns the spans of a name by the name of the span that they are below; that of one from outside is its id.
func (c *receiver) under(name string) map[string][]*traces.Span {
	names := map[string]string{}
	for _, span := range c.spans {
		names[hexOf(span.SpanId)] = span.Name
	}
	found := map[string][]*traces.Span{}
	for _, span := range c.spans {
		if span.Name == name {
			above := hexOf(span.ParentSpanId)
			found[cmp.Or(names[above], above)] = append(found[cmp.Or(names[above], above)], span)
		}
	}
	return found
}

// number returns an attribute of a span; -1 where it has none of that name.
func number(span *traces.Span, name string) int64 {
	for _, a := range span.Attributes {
		if a.Key == name {
			return a.Value.GetIntValue()
		}
	}
	return -1
}

// The caller's trace, its span, and the header that names both.
const (
	callersTrace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	callersSpan   = "00f067aa0ba902b7"
	callersParent = "00-" + callersTrace + "-" + callersSpan + "-01"
)

// collect returns a receiver that servers send their traces to from now on.
func collect(t *testing.T) *receiver {
	t.Helper()
	c := new(receiver)
	collecting := httptest.NewServer(c)
	t.Cleanup(collecting.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collecting.URL)
	return c
}

// The program starts and serves although OTEL_ variables are malformed.
func TestFaultyTracingVariablesAreWarnings(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "nonsense")
	s := startServer(t, "-log=text")
	if got := s.do(t, http.MethodGet, "/readyz", ""); got.StatusCode != http.StatusOK || !strings.Contains(s.logs.String(), "OTEL_RESOURCE_ATTRIBUTES is malformed") {
		t.Errorf("%d\n%s", got.StatusCode, s.logs)
	}
}

// tracedTwice sends the same query to two replicas, one after the other.
func tracedTwice(t *testing.T) (e *emulator.Emulator, got [2]*receiver) {
	t.Helper()
	shared := redistest.Start(t)
	e, url := newUpstream(t)
	for i := range got {
		got[i] = collect(t)
		s := startServer(t, "-upstream", url, "-project", testProject, "-caller-cost=1000", patient, "-redis-url", shared.URL())
		response := s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", testToken, "traceparent", callersParent, "X-Request-Id", "the-request")
		if response.body != counted {
			t.Fatal(response.body)
		}
		s.stop() // sends what is left
		if traced := `"traceId":"` + callersTrace + `"`; !strings.Contains(s.logs.String(), traced) {
			t.Errorf("no line of the log has %s: %s", traced, s.logs)
		}
	}
	return e, got
}

// A query is traced in two replicas that share a Redis: the first one calls the upstream, the second one finds the page in Redis.
func TestTraceParents(t *testing.T) {
	e, got := tracedTwice(t)
	if n := e.Count(); n != 1 {
		t.Fatalf("%d upstream calls", n)
	}
	for i, c := range got {
		for _, span := range c.spans {
			if id := hexOf(span.TraceId); id != callersTrace {
				t.Errorf("%s belongs to trace %s", span.Name, id)
			}
		}
		request, field, read := c.under("GraphQL")[callersSpan], c.under("ScalingGroup.activities")["GraphQL"], c.under("cache read")["ScalingGroup.activities"]
		if len(request) != 1 || len(field) != 1 || len(read) != 1 {
			t.Fatalf("replica %d: %d requests, %d fields, %d reads among %v", i, len(request), len(field), len(read), c.spans)
		}
		trips := c.under("Redis")
		if len(trips["GraphQL"]) != 1 || len(trips["cache read"]) == 0 || len(trips) != 2 { // the caller's limit; the rest
			t.Errorf("replica %d: trips to Redis %v", i, trips)
		}
		for name, want := range map[string]int64{"scalegraph.hits.memory": 0, "scalegraph.hits.redis": int64(i), "scalegraph.fetched": 1 - int64(i), "scalegraph.coalesced": 0} {
			if value := number(read[0], name); value != want {
				t.Errorf("replica %d: %s is %d, want %d", i, name, value, want)
			}
		}
		if hits, calls := number(request[0], "scalegraph.hits.redis"), number(request[0], "scalegraph.upstream_calls"); hits != int64(i) || calls != 1-int64(i) {
			t.Errorf("replica %d: the request has %d hits and %d calls", i, hits, calls)
		}
		if calls := c.under("GET scaling_activity_log"); len(calls["cache read"]) != 1-i || len(calls) != 1-i {
			t.Errorf("replica %d: upstream calls %v", i, calls)
		}
		var text bytes.Buffer
		for _, span := range c.spans {
			text.WriteString(span.String())
		}
		if strings.Contains(text.String(), testToken) || strings.Contains(text.String(), "sg1:") || !strings.Contains(text.String(), "the-request") {
			t.Errorf("spans: %s", text.String())
		}
	}
	call := got[0].under("GET scaling_activity_log")["cache read"][0]
	if header := e.Requests()[0].Header.Get("traceparent"); header != "00-"+callersTrace+"-"+hexOf(call.SpanId)+"-01" {
		t.Errorf("the upstream got traceparent %q", header)
	}
}

// Operations of one WebSocket are apart, and below its connection.
func TestOperationsOfAWebSocketHaveSpans(t *testing.T) {
	c := collect(t)
	_, url := newUpstream(t)
	s := startServer(t, "-upstream", url, "-project", testProject)
	for range 2 {
		l := bySocket(t, s.base, `{ scalingGroup(groupId: "`+testGroup+`") { activities { totalCount } } }`)
		l.next()
		l.leave()
	}
	s.stop()
	if connections, operations, fields := c.under("GraphQL")[""], c.under("GraphQL operation")["GraphQL"], c.under("ScalingGroup.activities")["GraphQL operation"]; len(connections) != 2 || len(operations) != 2 || len(fields) != 2 {
		t.Errorf("%d connections, %d operations, %d fields among %v", len(connections), len(operations), len(fields), c.spans)
	}
}

func hexOf(id []byte) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, c := range id {
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// Without tracing of our own, the caller's trace goes on to the upstream all the same.
func TestTraceparentIsPassedOn(t *testing.T) {
	e, url := newUpstream(t)
	s := startServer(t, "-upstream", url, "-project", testProject)
	s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", testToken, "traceparent", callersParent)
	if got := e.Requests()[0].Header.Get("traceparent"); got != callersParent {
		t.Errorf("the upstream got %q", got)
	}
	s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", testToken)
	s.stop()
	if traced := strings.Count(s.logs.String(), `"traceId":"`+callersTrace+`"`); traced != 1 || strings.Count(s.logs.String(), `"traceId"`) != 1 {
		t.Errorf("%d lines of the log belong to the trace of one of two requests: %s", traced, s.logs)
	}
}
