package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"scalegraph/cache/redistest"
	"scalegraph/internal/testkit"
	"scalegraph/upstream/emulator"
)

func TestCallersAreLimited(t *testing.T) {
	e, args, _ := signedUpstream(t, "a a-key *\nb b-key *")
	cost := 0
	for _, mode := range []string{"enforce", "measure"} {
		t.Run(mode, func(t *testing.T) {
			s := startServer(t, append(args, "-caller-cost=100", "-caller-cost-mode="+mode)...)
			ask := func(key string, more ...string) reply { // cached responses are charged, too
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

// The executions of the policies of many groups are rejected before any upstream call. What fits into the limit is answered, also just below it.
func TestUpstreamCallsAreEstimated(t *testing.T) {
	e, url := newUpstream(t)
	e.RemoveGroup(testProject, testGroup)
	var refs []string
	for i := range 100 {
		group := fmt.Sprintf("group-%03d", i)
		e.PutGroup(testProject, emulator.Group{ID: group, Name: group, Max: 1})
		for j := range 2 {
			policy := fmt.Sprintf("policy-%03d-%d", i, j)
			e.PutPolicies(testProject, emulator.Policy{ID: policy, Name: policy, Resource: group})
			e.PutExecutions(testProject, policy, emulator.Execution{Time: epoch, Old: 1, Desire: 2})
		}
		refs = append(refs, fmt.Sprintf(`{groupId: %q}`, group))
	}
	refs = append(refs, refs[0])
	const executions, count = `policyExecutions(first: 1) {totalCount}`, `"totalCount":2`
	groups := func(n int, fields string) string {
		return `{scalingGroups(groups: [` + strings.Join(refs[:n], " ") + `]) {` + fields + `}}`
	}
	for name, c := range map[string]struct {
		query    string
		estimate int // 0: answered
		calls    int // at most
		has      string
		times    int
	}{
		"a hundred groups":       {groups(100, executions), 201, 0, "", 0},
		"a page of the project":  {`{project {scalingGroups(first: 100) {nodes {` + executions + `}}}}`, 201, 0, "", 0},
		"in a fragment":          {groups(100, `...f`) + ` fragment f on ScalingGroup {x: ` + executions + `}`, 201, 0, "", 0},
		"each policy's":          {groups(100, `policies {executions {totalCount}}`), 201, 0, "", 0},
		"twenty groups":          {groups(20, executions), 0, 42, count, 20},
		"just below the limit":   {groups(98, executions), 0, 200, count, 98},
		"skipped":                {groups(100, `groupId `+strings.Replace(executions, " {", " @skip(if: true) {", 1)), 0, 0, `"groupId"`, 100},
		"details of all":         {groups(100, `details {name}`), 0, 1, `"name":"group-`, 100},
		"policies of all":        {groups(100, `policies {name}`), 0, 3, `"name":"policy-`, 200},
		"activities of all":      {groups(100, `activities {totalCount}`), 0, 100, `"totalCount":0`, 100},
		"all groups of the list": {`{project {scalingGroups(first: 500) {nodes {details {name}}}}}`, 0, 2, `"name":"group-`, 100},
		"too many references":    {groups(101, executions), 0, 0, `"BAD_USER_INPUT"`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, "-upstream", url, "-project", testProject)
			e.Reset()
			got := s.do(t, http.MethodPost, "/graphql", `{"query":`+strconv.Quote(c.query)+`}`, "X-Auth-Token", testToken, "Content-Type", "application/json")
			if n := e.Count(); n > c.calls {
				t.Errorf("%d upstream calls, want at most %d", n, c.calls)
			}
			if c.estimate == 0 {
				if n := strings.Count(got.body, c.has); n != c.times || strings.Contains(got.body, "QUERY_TOO_COMPLEX") {
					t.Errorf("%d times %s: %.500s", n, c.has, got.body)
				}
				return
			}
			want := fmt.Sprintf(`"The operation needs about %d upstream calls; at most 200 are allowed (SCALEGRAPH_MAX_UPSTREAM_CALLS)."`, c.estimate)
			if !strings.Contains(got.body, want) || !strings.Contains(got.body, `"code":"QUERY_TOO_COMPLEX"`) || strings.Contains(got.body, `"data"`) {
				t.Errorf("%.500s", got.body)
			}
		})
	}
}
