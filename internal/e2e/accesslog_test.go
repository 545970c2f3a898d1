package e2e

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"scalegraph/internal/testkit"
	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/emulatortest"
)

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
						t.Errorf("the response to %s has it: %s", path, got.body)
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
	t.Parallel()
	e, url := newUpstream(t)
	s := startServer(t, "-upstream", url, "-project", testProject, "-poll=100ms")
	// The lines must have every upstream call.
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
