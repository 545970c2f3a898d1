package e2e

import (
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"scalegraph/cache/redistest"
	"scalegraph/internal/testkit"
	"scalegraph/upstream/emulator"
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
