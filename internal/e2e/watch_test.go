package e2e

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"scalegraph/cache/redistest"
	"scalegraph/internal/testkit"
	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/emulatortest"
)

func TestMetricsCountWhatHappened(t *testing.T) {
	e, url := newUpstream(t)
	s := startServer(t, "-upstream", url, "-project", testProject, "-cache-memory=0")
	for range 3 {
		s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", testToken)
	}
	s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", "wrong-token")
	s.do(t, http.MethodGet, "/graphql?query={nonsense}", "")
	s.do(t, http.MethodPost, "/graphql", "{", "Content-Type", "application/json")
	e.Fault(func(*http.Request) *emulator.Fault { return &emulator.Fault{Status: 503} })
	s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", testToken)

	got := testkit.Metrics(t, s.do(t, http.MethodGet, "/metrics", "").body)
	for name, want := range map[string]float64{
		`scalegraph_requests_total{kind="query",outcome="ok"}`:                          3,
		`scalegraph_requests_total{kind="query",outcome="UNAUTHENTICATED"}`:             1,
		`scalegraph_requests_total{kind="query",outcome="UPSTREAM_UNAVAILABLE"}`:        1,
		`scalegraph_requests_total{kind="unknown",outcome="GRAPHQL_VALIDATION_FAILED"}`: 1,
		`scalegraph_requests_total{kind="unknown",outcome="BAD_USER_INPUT"}`:            1,
		`scalegraph_request_duration_seconds_count{kind="query"}`:                       5,
		`scalegraph_upstream_calls_total{region="default",status="200"}`:                3,
		`scalegraph_upstream_calls_total{region="default",status="401"}`:                1,
		`scalegraph_upstream_calls_total{region="default",status="503"}`:                3,
		`scalegraph_upstream_call_duration_seconds_count{region="default"}`:             7,
		`scalegraph_upstream_calls_in_flight{region="default"}`:                         0,
		`scalegraph_upstream_retries_total`:                                             2,
		`scalegraph_upstream_rows_left_out_total`:                                       0,
		`scalegraph_upstream_circuit{region="default",state="closed"}`:                  1,
		`scalegraph_upstream_circuit{region="default",state="open"}`:                    0,
		`scalegraph_cache_hits_total{tier="memory"}`:                                    0,
		`scalegraph_cache_hits_total{tier="redis"}`:                                     0,
		`scalegraph_upstream_calls_in_flight_max`:                                       64,
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s is %v, want %v", name, value, want)
		}
	}
	if n := e.Count(); n != 7 {
		t.Errorf("the upstream counted %d calls", n)
	}
}

// The pool's numbers add up, also when Redis is gone.
func TestMetricsOfTheRedisPool(t *testing.T) {
	shared := redistest.Start(t)
	_, url := newUpstream(t)
	s := startServer(t, "-upstream", url, "-project", testProject, "-redis-url", shared.URL())
	read := func() map[string]float64 { return testkit.Metrics(t, s.do(t, http.MethodGet, "/metrics", "").body) }
	const pool = "scalegraph_redis_pool_"
	if got := read(); got[pool+`connections{state="idle"}`] != 0 || got[pool+`requests_total{result="miss"}`] != 0 {
		t.Errorf("before anything was asked: %v", got)
	}
	s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", testToken)
	testkit.Eventually(t, "all connections to be idle", func() bool {
		got := read()
		made := got[pool+`requests_total{result="miss"}`]
		return made > 0 && got[pool+`connections{state="idle"}`] > 0 && got[pool+`connections{state="used"}`] == 0
	})
	shared.Kill()
	for range 3 {
		s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", testToken, "Cache-Control", "no-cache")
	}
	if got, ok := read()[pool+`requests_total{result="timeout"}`]; !ok {
		t.Errorf("without Redis: %v", got)
	}
	without := startServer(t, "-upstream", url, "-project", testProject)
	if page := without.do(t, http.MethodGet, "/metrics", "").body; strings.Contains(page, pool) {
		t.Error("a server without Redis has a pool")
	}
}

// Operations are named only where their documents are trusted, and nothing else that a stranger sends becomes a label.
func TestClientsCannotCreateSeries(t *testing.T) {
	s := startServer(t)
	before := len(testkit.Metrics(t, s.do(t, http.MethodGet, "/metrics", "").body))
	for i := range 50 {
		n := strconv.Itoa(i)
		s.do(t, "GET", "/graphql?query=query+Stranger"+n+"{__typename}", "", "X-Auth-Token", n, "X-Request-Id", "r"+n)
		s.do(t, "GET", "/stranger"+n, "")
		s.do(t, "STRANGE"+n, "/graphql", "")
	}
	page := s.do(t, http.MethodGet, "/metrics", "").body
	if after := len(testkit.Metrics(t, page)); after > before+60 || strings.Contains(strings.ToLower(page), "stranger") {
		t.Errorf("%d series became %d", before, after)
	}
}

func TestMetricsFollowTheRules(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed; telemetry's test has its rules")
	}
	_, args, _ := signedUpstream(t, "a a-key *")
	s := startServer(t, append(args, "-redis-url=redis://127.0.0.1:1")...)
	s.do(t, http.MethodGet, countQuery, "", "Authorization", "Bearer a-key")
	cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(s.do(t, http.MethodGet, "/metrics", "").body)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAdminAddress(t *testing.T) {
	s := startServer(t, "-admin-listen=127.0.0.1:0")
	if got := s.do(t, http.MethodGet, "/metrics", ""); got.StatusCode != 404 {
		t.Errorf("the main address has metrics: %d", got.StatusCode)
	}
	found := regexp.MustCompile(`serving metrics and pprof","address":"([^"]+)"`).FindStringSubmatch(s.logs.String())
	if found == nil {
		t.Fatalf("the log does not say where:\n%s", s.logs)
	}
	admin := &server{base: "http://" + found[1]}
	for path, want := range map[string]string{"/metrics": "scalegraph_build_info", "/debug/pprof/": "goroutine", "/debug/pprof/goroutine?debug=1": "goroutine profile"} {
		if got := admin.do(t, http.MethodGet, path, ""); got.StatusCode != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	if got := admin.do(t, http.MethodGet, "/graphql?query={__typename}", ""); got.StatusCode != 404 {
		t.Errorf("the admin address serves GraphQL: %d", got.StatusCode)
	}
	if got := s.do(t, http.MethodGet, "/debug/pprof/", ""); got.StatusCode != 404 {
		t.Errorf("the main address has pprof: %d", got.StatusCode)
	}
}

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

// The caller's trace, and the span in it that asks.
const callersTrace, callersSpan = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

// collect returns a receiver that servers send their traces to from now on.
func collect(t *testing.T) *receiver {
	t.Helper()
	c := new(receiver)
	collecting := httptest.NewServer(c)
	t.Cleanup(collecting.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collecting.URL)
	return c
}

// tracedTwice asks the same query of two replicas, one after the other.
func tracedTwice(t *testing.T) (e *emulator.Emulator, got [2]*receiver) {
	t.Helper()
	shared := redistest.Start(t)
	e, url := newUpstream(t)
	for i := range got {
		got[i] = collect(t)
		s := startServer(t, "-upstream", url, "-project", testProject, "-caller-cost=1000", patient, "-redis-url", shared.URL())
		answer := s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", testToken, "traceparent", "00-"+callersTrace+"-"+callersSpan+"-01", "X-Request-Id", "the-request")
		if answer.body != counted {
			t.Fatal(answer.body)
		}
		s.stop() // sends what is left
	}
	return e, got
}

// A query is traced in two replicas that share a Redis: the first one asks the upstream, the second one finds the page in Redis.
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
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", testToken, "traceparent", parent)
	if got := e.Requests()[0].Header.Get("traceparent"); got != parent {
		t.Errorf("the upstream got %q", got)
	}
}

func TestCallersAreLimited(t *testing.T) {
	e, args, _ := signedUpstream(t, "a a-key *\nb b-key *")
	cost := 0
	for _, mode := range []string{"enforce", "measure"} {
		t.Run(mode, func(t *testing.T) {
			s := startServer(t, append(args, "-caller-cost=100", "-caller-cost-mode="+mode)...)
			ask := func(key string, more ...string) reply { // also answers that are kept whole are paid for
				return s.do(t, http.MethodGet, countQuery, "", append(more, "Authorization", "Bearer "+key)...)
			}
			first := ask("a-key", "Scalegraph-Explain", "1")
			found := regexp.MustCompile(`"cost":(\d+)`).FindStringSubmatch(first.body)
			if found == nil {
				t.Fatal(first.body)
			}
			cost, _ = strconv.Atoi(found[1])
			refused := 0
			for range 20 {
				got := ask("a-key")
				if got.StatusCode == 200 {
					continue
				}
				refused++
				wait, err := strconv.Atoi(got.Header.Get("Retry-After"))
				if got.StatusCode != 429 || err != nil || wait < 1 || wait > 60 || !strings.Contains(got.body, `"code":"RATE_LIMITED","retryAfterSeconds":`+strconv.Itoa(wait)+`,"retryable":true`) || strings.Contains(got.body, "data") {
					t.Fatalf("%d %v %s", got.StatusCode, got.Header, got.body)
				}
			}
			if want := 21 - 100/cost; mode == "enforce" && refused != want || mode == "measure" && refused != 0 {
				t.Errorf("%d were refused at a cost of %d", refused, cost)
			}
			if got := ask("b-key"); got.StatusCode != 200 {
				t.Errorf("another caller: %d", got.StatusCode)
			}
			limited := testkit.Metrics(t, s.do(t, http.MethodGet, "/metrics", "").body)[`scalegraph_limited_total{mode="`+mode+`"}`]
			if int(limited) != 21-100/cost {
				t.Errorf("%v were counted", limited)
			}
		})
	}
	if e.Count() == 0 {
		t.Error("nothing was asked")
	}
}

// Two replicas share what a caller may spend. When their Redis is lost nothing fails, and each goes on by itself from where the caller was.
func TestReplicasLimitCallersTogether(t *testing.T) {
	shared := redistest.Start(t)
	_, args, _ := signedUpstream(t, "a a-key *")
	args = append(args, "-caller-cost=1000", "-secret=hunter2", patient, "-redis-url", shared.URL())
	both := []*server{startServer(t, args...), startServer(t, args...)}
	began := time.Now()
	ask := func(replica int) (refused bool) {
		t.Helper()
		got := both[replica].do(t, http.MethodGet, countQuery, "", "Authorization", "Bearer a-key")
		if got.StatusCode != 200 && got.StatusCode != 429 {
			t.Fatalf("%d %s", got.StatusCode, got.body)
		}
		return got.StatusCode == 429
	}
	runOut := func() int { return int(1000 * time.Since(began).Minutes()) }
	quick := func() bool { // all trips to Redis were answered in time, on a machine that may have other things to do
		for _, s := range both {
			if testkit.Metrics(t, s.do(t, http.MethodGet, "/metrics", "").body)["scalegraph_redis_faults_total"] > 0 {
				return false
			}
		}
		return true
	}
	cost := callCost(t, both[0])
	spent := cost
	for !ask(spent / cost % 2) {
		spent += cost
	}
	if most := 1000 + runOut(); spent <= 1000-cost || quick() && spent > most || spent > 2*most {
		t.Errorf("%d were spent of 1000", spent)
	}
	if refused := ask(0) && ask(1); quick() && !refused {
		t.Error("one of the replicas counts by itself")
	}
	exact := quick()
	shared.Kill()
	for !ask(0) || !ask(1) {
		spent += cost
	}
	if most := 1000 + 2*runOut() + 2*cost; exact && spent > most || spent > 2*most {
		t.Errorf("%d were spent without Redis, at most %d could be", spent, most)
	}
	testkit.Eventually(t, "some of it runs out", func() bool { return !ask(0) })
}

// callCost returns what countQuery costs, and pays for it.
func callCost(t *testing.T, s *server) int {
	t.Helper()
	got := s.do(t, http.MethodGet, countQuery, "", "Authorization", "Bearer a-key", "Scalegraph-Explain", "1")
	found := regexp.MustCompile(`"cost":(\d+)`).FindStringSubmatch(got.body)
	if found == nil {
		t.Fatal(got.body)
	}
	cost, _ := strconv.Atoi(found[1])
	return cost
}

func TestRequestsInFlightAreBounded(t *testing.T) {
	e, url := newUpstream(t)
	inside, let := make(chan struct{}), make(chan struct{})
	e.Fault(func(r *http.Request) *emulator.Fault {
		inside <- struct{}{}
		select {
		case <-let:
		case <-r.Context().Done():
		}
		return nil
	})
	s := startServer(t, "-upstream", url, "-project", testProject, "-max-in-flight=2", "-cache-memory=0")
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			query := strings.Replace(countQuery, testGroup, testGroup[:len(testGroup)-1]+strconv.Itoa(i), 1) // so that none waits for the other
			if got := s.do(t, http.MethodGet, query, "", "X-Auth-Token", testToken); got.StatusCode != 200 {
				t.Errorf("%d %s", got.StatusCode, got.body)
			}
		})
	}
	for range 2 {
		<-inside
	}
	got := s.do(t, http.MethodGet, "/graphql?query={__typename}", "")
	if got.StatusCode != 503 || got.Header.Get("Retry-After") != "1" || !strings.Contains(got.body, `"code":"RATE_LIMITED"`) {
		t.Errorf("%d %v %s", got.StatusCode, got.Header, got.body)
	}
	close(let)
	wg.Wait()
	if got := s.do(t, http.MethodGet, "/graphql?query={__typename}", ""); got.StatusCode != 200 {
		t.Errorf("afterwards: %d", got.StatusCode)
	}
}

// Whatever a caller puts a secret into, and however the upstream repeats it, the log does not have it.
func TestSecretsStayOutOfTheLog(t *testing.T) {
	const secret = "hunter2-hunter2"
	e := emulator.New(emulator.Switches{})
	e.AddKey(emulator.Key{AK: "AK" + secret, SK: "other", SecurityToken: "st" + secret})
	e.AddGroup(testProject, testGroup)
	e.Fault(func(r *http.Request) *emulator.Fault {
		if r.URL.Query().Get("limit") == "2" {
			return &emulator.Fault{Status: 400, Code: "AS.9004", Message: "token " + r.Header.Get("X-Auth-Token") + " is no good"}
		}
		return nil
	})
	url := emulatortest.Serve(t, e)
	file := keysFile(t, "a key"+secret+" *")
	for name, args := range map[string][]string{
		"passthrough": nil,
		"aksk":        {"-auth=aksk", "-ak=AK" + secret, "-sk=sk" + secret, "-security-token=st" + secret, "-client-keys-file", file},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, append(args, "-upstream", url, "-project", testProject, "-caller-cost=5", "-caller-cost-mode=measure", "-secret="+secret)...)
			for _, headers := range [][]string{
				{"X-Auth-Token", secret},
				{"X-Auth-Token", secret + "\x80"},
				{"X-Auth-Token", secret + "\tx"},
				{"Scalegraph-Token", testProject + "=" + secret},
				{"Scalegraph-Token", secret},
				{"Authorization", "Bearer " + secret},
				{"Authorization", "Bearer key" + secret},
				{"Authorization", "Basic " + secret},
				{"Authorization", secret},
				{"Cookie", secret},
				{"X-Request-Id", secret + " with spaces"},
			} {
				for _, path := range []string{
					countQuery,
					"/graphql?query={scalingGroup(groupId:%22" + testGroup + "%22){activities(first:1){nodes{logId}}}}",
					"/graphql?query={nonsense}&token=" + secret,
					"/nothing?token=" + secret,
					"/graphql?query=" + secret,
				} {
					got := s.do(t, http.MethodGet, path, "", headers...)
					if !strings.Contains(path, secret) && strings.Contains(got.body, secret) {
						t.Errorf("the answer to %s has it: %s", path, got.body)
					}
				}
				s.do(t, http.MethodPost, "/graphql", `{"query":"`+secret+`","variables":`, headers...)
			}
			s.stop()
			if logs := s.logs.String() + s.out.String(); strings.Contains(logs, secret) || !strings.Contains(logs, `"msg":"request"`) {
				at := max(0, strings.Index(logs, secret)-200)
				t.Errorf("the log has it: …%s", logs[at:min(len(logs), at+500)])
			}
		})
	}
}

// lineWith returns the line of the log that has all of these texts.
func (s *server) lineWith(texts ...string) (string, bool) {
	for line := range strings.SplitSeq(s.logs.String(), "\n") {
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
			return line, line != ""
		}
	}
	return "", false
}

// A client that repeats a request gets the cached response without executing anything, and every response is counted and logged.
func TestCachedResponsesAreCountedAndLogged(t *testing.T) {
	_, url := newUpstream(t)
	s := startServer(t, "-upstream", url, "-project", testProject, "-fresh=60s")
	query := `{"query":"{ scalingGroup(groupId: \"` + testGroup + `\") { activities(first: 5) { totalCount nodes { logId } } } }"}`
	var first reply
	ids := map[string]bool{}
	const times = 20
	for i := range times {
		got := s.do(t, http.MethodPost, "/graphql", query, "Content-Type", "application/json", "X-Auth-Token", testToken)
		if i == 0 {
			first = got
		}
		if got.StatusCode != http.StatusOK || got.body != first.body || strings.Contains(got.body, "errors") {
			t.Fatalf("%d: %d %s\nwas %s", i, got.StatusCode, got.body, first.body)
		}
		ids[got.Header.Get("X-Request-Id")] = true
	}
	if got := s.do(t, http.MethodPost, "/graphql", query, "Content-Type", "application/json", "X-Auth-Token", "wrong-token"); !strings.Contains(got.body, "UNAUTHENTICATED") {
		t.Errorf("another token: %s", got.body)
	}
	if len(ids) != times {
		t.Errorf("%d ids", len(ids))
	}
	got := testkit.Metrics(t, s.do(t, http.MethodGet, "/metrics", "").body)
	if n := got[`scalegraph_requests_total{kind="query",outcome="ok"}`]; n != times {
		t.Errorf("%v operations are counted", n)
	}
	if n := got[`scalegraph_cache_hits_total{tier="memory"}`]; n < times/2 {
		t.Errorf("%v pages came from memory", n)
	}
	if n := got["scalegraph_response_cache_hits_total"]; n < times/2 {
		t.Errorf("%v responses came from the cache", n)
	}
	s.stop()
	for id := range ids {
		if _, ok := s.lineWith(`"requestId":"`+id+`"`, `"msg":"request"`, `"operation":"query"`, `"status":200`); !ok {
			t.Errorf("no line of %s", id)
		}
	}
}

func TestAccessLogOfRequest(t *testing.T) {
	_, args, _ := signedUpstream(t, "console a-key *")
	s := startServer(t, args...)
	s.do(t, http.MethodGet, countQuery, "", "Authorization", "Bearer a-key", "X-Request-Id", "the-request")
	s.stop()
	line, ok := s.lineWith(`"requestId":"the-request"`, `"msg":"request"`)
	if !ok {
		t.Fatalf("no line:\n%s", s.logs)
	}
	for _, want := range []string{`"operation":"query"`, `"code":""`, `"cost":`, `"caller":"console"`, `"upstreamCalls":1`, `"memoryHits":0`, `"status":200`, `"name":""`} {
		if !strings.Contains(line, want) {
			t.Errorf("%s is missing in %s", want, line)
		}
	}
}

// A stream has one line, when it ends, with what it cost in all; each operation of a WebSocket has one.
func TestAccessLogOfStreams(t *testing.T) {
	e, url := newUpstream(t)
	s := startServer(t, "-upstream", url, "-project", testProject, "-poll=100ms")
	// The lines must have all that was asked of the upstream.
	asked := func(listen func(query string) listener) int {
		t.Helper()
		e.Reset()
		l := listen(changesOf("", testGroup))
		calls, hits, later := 0, 0.0, 0
		testkit.Eventually(t, "a few calls, and polls from memory after the last", func() bool { // so that its poll is over, and counted
			now := testkit.Metrics(t, s.do(t, http.MethodGet, "/metrics", "").body)[`scalegraph_cache_hits_total{tier="memory"}`]
			if n := e.Count(); n != calls {
				calls, hits, later = n, now, 0
			} else if now > hits {
				hits, later = now, later+1
			}
			return calls > 2 && later > 1
		})
		l.leave()
		last, quiet := e.Count(), 0
		testkit.Eventually(t, "the polls to end", func() bool {
			if n := e.Count(); n != last {
				last, quiet = n, 0
			}
			quiet++
			return quiet > 20
		})
		return last
	}
	calls := regexp.MustCompile(`"cost":(\d+),.*"upstreamCalls":(\d+)`)
	check := func(what string, want int, texts ...string) {
		t.Helper()
		testkit.Eventually(t, what, func() bool { _, ok := s.lineWith(texts...); return ok })
		line, _ := s.lineWith(texts...)
		found := calls.FindStringSubmatch(line)
		if found == nil || found[1] == "0" || found[2] != strconv.Itoa(want) {
			t.Errorf("%s: %d calls were made: %s", what, want, line)
		}
	}
	n := asked(func(query string) listener { return byEvents(t, s.base, query) })
	check("the stream's line", n, `"msg":"request"`, `"operation":"subscription"`, `"status":200`)
	n = asked(func(query string) listener { return bySocket(t, s.base, query) })
	check("the subscription's line", n, `"msg":"operation"`, `"operation":"subscription"`)
	e.Reset()
	question := bySocket(t, s.base, `{ scalingGroup(groupId: "`+testGroup+`") { activities(first: 1) { nodes { logId description addedInstances { instanceId } } } } }`)
	question.next()
	question.leave()
	check("the query's line", e.Count(), `"msg":"operation"`, `"operation":"query"`)
	if line, ok := s.lineWith(`"status":101`, `"operation"`); ok {
		t.Errorf("the line of a connection speaks of an operation: %s", line)
	}
}
