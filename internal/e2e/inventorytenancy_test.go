package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scalegraph/cache/redistest"
	"scalegraph/internal/testkit"
	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/emulatortest"
)

// inventoryTenancy is an upstream whose every object contains a marker that names the kind of call and the group.
type inventoryTenancy struct {
	*testing.T
	*emulator.Emulator
	url    string
	groups []string
	rng    *rand.Rand
}

// marker matches the markers: names of groups, instances and policies, reasons of failed executions, and descriptions of activities.
var marker = regexp.MustCompile(`mark-(group|instance|policy|execution|activity)-[a-z0-9]+`)

// newInventoryTenancy starts an upstream with this many groups, of which those with an even number are in the enterprise project "even", and the
// first three in "few" instead.
func newInventoryTenancy(t *testing.T, groups int) *inventoryTenancy {
	seed := rand.Uint64()
	t.Log("seed", seed)
	x := &inventoryTenancy{T: t, Emulator: emulator.New(emulator.Switches{}), rng: rand.New(rand.NewPCG(seed, 0))}
	for i := range groups {
		id := fmt.Sprintf("g%02d", i)
		x.groups = append(x.groups, id)
		g := emulator.Group{ID: id, Name: "mark-group-" + id, Max: 9, Desire: 1, EnterpriseProject: "odd"}
		if i%2 == 0 {
			g.EnterpriseProject = "even"
		}
		if i < 3 {
			g.EnterpriseProject = "few"
		}
		x.PutGroup(testProject, g)
		x.SetMembers(testProject, id, emulator.Member{ID: "i-" + id, Name: "mark-instance-" + id, Joined: epoch})
		x.PutPolicies(testProject, emulator.Policy{ID: "p-" + id, Name: "mark-policy-" + id, Resource: id})
		x.PutExecutions(testProject, "p-"+id, emulator.Execution{Time: epoch, Status: emulator.ExecutionFail, FailedReason: "AS.0050: mark-execution-" + id})
		failed := emulator.Instance{Name: "i", FailedReason: "mark-activity-" + id}
		x.Insert(testProject, id, emulator.Row{Status: emulator.Fail, Type: emulator.Normal, Start: epoch, End: epoch, Failed: []emulator.Instance{failed}})
	}
	x.url = emulatortest.Serve(t, x.Emulator)
	return x
}

// replica starts the program over the upstream. With these durations most values expire between two requests, but not all.
func (x *inventoryTenancy) replica(fresh time.Duration, args ...string) *server {
	x.Helper()
	return startServer(x.T, append([]string{
		"-upstream", x.url, "-project", testProject, "-fresh", fresh.String(), "-stale", "0s", "-grant", fresh.String(), "-grant-if-error", "10m",
	}, args...)...)
}

// sent returns the markers in all that the upstream sends to a token, for every call that there is.
func (x *inventoryTenancy) sent(token string) map[string]bool {
	x.Helper()
	paths := []string{"/v1/%s/scaling_group?limit=100", "/v2/%s/scaling_policy?limit=100"}
	for _, g := range x.groups {
		paths = append(paths, "/v1/%s/scaling_group/"+g, "/v1/%s/scaling_group_instance/"+g+"/list", "/v2/%s/scaling_policy/"+g+"/list",
			"/v1/%s/scaling_policy_execute_log/p-"+g, "/v2/%s/scaling_activity_log/"+g)
	}
	found := map[string]bool{}
	for _, path := range paths {
		r := httptest.NewRequest(http.MethodGet, "/autoscaling-api"+fmt.Sprintf(path, testProject), nil)
		r.Header.Set("X-Auth-Token", token)
		response := httptest.NewRecorder()
		x.ServeHTTP(response, r)
		for _, m := range marker.FindAllString(response.Body.String(), -1) {
			found[m] = true
		}
	}
	return found
}

// query sends a query and returns the markers in the response, and whether it has errors.
func (x *inventoryTenancy) query(s *server, token, query string) (found []string, body string) {
	x.Helper()
	text, _ := json.Marshal(map[string]string{"query": query})
	headers := []string{"Content-Type", "application/json"}
	if token != "" {
		headers = append(headers, "X-Auth-Token", token)
	}
	body = s.do(x.T, http.MethodPost, "/graphql", string(text), headers...).body
	found = marker.FindAllString(body, -1)
	slices.Sort(found)
	return slices.Compact(found), body
}

// The queries of a project, by what they read.
var projectQueries = map[string]string{
	"groups":   `{project {scalingGroups(first: 100) {totalCount nodes {name details {name}}}}}`,
	"feed":     `{project {scalingActivities(first: 100) {totalCount nodes {failureReasons}}}}`,
	"insights": `{project {scalingInsights {activityCount failures(first: 100) {reason}}}}`,
}

// groupFields are what is read of one group.
var groupFields = map[string]string{
	"group":     `name details {name}`,
	"instance":  `instances {totalCount nodes {instanceName activities {nodes {failureReasons}}}}`,
	"policy":    `policies {name}`,
	"execution": `policyExecutions {totalCount nodes {failureReason policy {name}}}`,
	"activity":  `activities {totalCount nodes {failureReasons}}`,
	"blockers":  `scalingBlockers {code policy {name}}`,
}

func groupQuery(group, fields string) string {
	return fmt.Sprintf(`{scalingGroup(groupId: %q) {%s}}`, group, fields)
}

// queries returns every query that the test makes.
func (x *inventoryTenancy) queries() []string {
	list := slices.Collect(maps.Values(projectQueries))
	all := strings.Join(slices.Collect(maps.Values(groupFields)), " ")
	for _, g := range x.groups {
		for _, fields := range groupFields {
			list = append(list, groupQuery(g, fields))
		}
		list = append(list, groupQuery(g, all))
	}
	return append(list, fmt.Sprintf(`{scalingGroups(groups: [{groupId: %q}, {groupId: %q}]) {%s}}`, x.groups[0], x.groups[1], all))
}

// calls are the kinds of calls, each of which has its own permission.
var calls = []emulator.Call{
	emulator.ActivityLog, emulator.Groups, emulator.ShowGroup, emulator.Instances, emulator.GroupPolicies, emulator.ProjectPolicies, emulator.Executions,
}

// token makes a token with random rights: all groups or those of one enterprise project, without some kinds of calls; or none.
func (x *inventoryTenancy) token(name string) string {
	if x.rng.IntN(6) == 0 {
		return name // unknown to the upstream
	}
	x.AddToken(name, testProject)
	if of := []string{"", "few", "even", "odd", "none"}[x.rng.IntN(5)]; of != "" {
		x.LimitToken(name, of)
	}
	for _, c := range calls {
		if x.rng.IntN(4) == 0 {
			x.RestrictToken(name, emulator.LacksPermission, c)
		}
	}
	return name
}

// TestNoTokenIsSentWhatTheUpstreamDoesNotSendIt makes random queries with tokens of random rights through replicas with each tier, while values are
// fresh, expired, revoked and, in the end, while the upstream fails: nothing in any response is missing in what the upstream sends to the token.
func TestNoTokenIsSentWhatTheUpstreamDoesNotSendIt(t *testing.T) {
	t.Parallel()
	x := newInventoryTenancy(t, 5)
	redis := redistest.Start(t).URL()
	replicas := []*server{
		x.replica(100*time.Millisecond, "-redis-url", redis, patient),
		x.replica(100*time.Millisecond, "-redis-url", redis, patient, "-cache-memory=0"),
		x.replica(100 * time.Millisecond),
	}
	queries := x.queries()
	pick := func(token string, permitted map[string]bool) int {
		t.Helper()
		query, replica := queries[x.rng.IntN(len(queries))], x.rng.IntN(len(replicas))
		found, body := x.query(replicas[replica], token, query)
		for _, m := range found {
			if !permitted[m] {
				t.Fatalf("%s is sent %s by replica %d for %s: %s", token, m, replica, query, body)
			}
		}
		return len(found)
	}
	permitted := map[string]map[string]bool{} // by token
	shown := 0
	for round := range 5 {
		for i := range 3 {
			token := x.token(fmt.Sprintf("token-%d-%d", round, i))
			permitted[token] = x.sent(token)
		}
		tokens := slices.Sorted(maps.Keys(permitted))
		for range 60 {
			token := tokens[x.rng.IntN(len(tokens))]
			shown += pick(token, permitted[token])
		}
		revoked := tokens[x.rng.IntN(len(tokens))]
		x.RevokeToken(revoked)
		permitted[revoked] = nil
		x.expire(replicas, revoked, queries)
	}
	x.Fault(emulator.Always(emulator.Fault{Status: http.StatusServiceUnavailable}))
	stale := 0
	tokens := slices.Sorted(maps.Keys(permitted))
	for range 200 {
		token := tokens[x.rng.IntN(len(tokens))]
		stale += pick(token, permitted[token])
	}
	if shown == 0 || stale == 0 {
		t.Errorf("%d markers were shown, and %d while the upstream failed", shown, stale)
	}
}

// expire repeats every query with a revoked token on every replica until nothing is served any more.
func (x *inventoryTenancy) expire(replicas []*server, token string, queries []string) {
	x.Helper()
	for _, s := range replicas {
		for _, query := range queries {
			testkit.Eventually(x.T, "what was cached for a revoked token expires", func() bool {
				found, _ := x.query(s, token, query)
				return len(found) == 0
			})
		}
	}
}

// TestTokenThatSeesThreeOfThirtyGroups lists three groups: cold, warm, through another replica, from Redis alone, and while the upstream fails.
func TestTokenThatSeesThreeOfThirtyGroups(t *testing.T) {
	t.Parallel()
	x := newInventoryTenancy(t, 30)
	x.AddToken("all", testProject)
	x.AddToken("few", testProject)
	x.LimitToken("few", "few")
	redis := redistest.Start(t).URL()
	both := []string{"-redis-url", redis, patient}
	warm, other, bare := x.replica(time.Minute, both...), x.replica(time.Minute, both...), x.replica(time.Minute, append(both, "-cache-memory=0")...)
	brief := x.replica(10*time.Millisecond, both...)
	few := []string{"mark-group-g00", "mark-group-g01", "mark-group-g02"}
	list := func(s *server, state string) {
		t.Helper()
		for token, want := range map[string]int{"all": 30, "few": 3} {
			found, body := x.query(s, token, projectQueries["groups"])
			if len(found) != want || !strings.Contains(body, fmt.Sprintf(`"totalCount":%d,`, want)) || token == "few" && !slices.Equal(found, few) {
				t.Errorf("%s: %q lists %v", state, token, found)
			}
		}
	}
	for _, state := range []string{"cold", "warm"} {
		list(warm, state)
	}
	list(other, "another replica")
	list(bare, "from Redis")
	list(brief, "expired")
	x.Fault(emulator.Always(emulator.Fault{Status: http.StatusServiceUnavailable}))
	for name, s := range map[string]*server{"warm": warm, "another replica": other, "from Redis": bare, "expired": brief} {
		list(s, name+", while the upstream fails")
	}
}

// TestEachKindOfCallIsPermittedAlone denies one kind of call after the other: the others are served, warm or cold, and that one is not, also if
// another token has filled the cache.
func TestEachKindOfCallIsPermittedAlone(t *testing.T) {
	x := newInventoryTenancy(t, 2)
	s := x.replica(time.Minute, "-redis-url", redistest.Start(t).URL(), patient)
	x.AddToken("all", testProject)
	everything := strings.Join(slices.Collect(maps.Values(groupFields)), " ")
	if found, body := x.query(s, "all", groupQuery("g00", everything)); len(found) != 5 {
		t.Fatal(body)
	}
	denied := map[string][]emulator.Call{
		"group": {emulator.Groups, emulator.ShowGroup}, "instance": {emulator.Instances}, "policy": {emulator.GroupPolicies, emulator.ProjectPolicies},
		"execution": {emulator.Executions}, "activity": {emulator.ActivityLog},
	}
	for kind, lacking := range denied {
		x.AddToken(kind, testProject)
		x.RestrictToken(kind, emulator.LacksPermission, lacking...)
		for range 2 {
			for other := range denied {
				needsPolicies := kind == "policy" && other == "execution"
				found, body := x.query(s, kind, groupQuery("g00", groupFields[other]))
				has := slices.Contains(found, "mark-"+other+"-g00")
				if want := other != kind && !needsPolicies; has != want || !want && !strings.Contains(body, "FORBIDDEN") {
					t.Errorf("without the right to %s, %s: %s", kind, other, body)
				}
			}
		}
	}
	// A denied list takes the project's fields with it, and nothing else.
	for name, query := range projectQueries {
		if found, body := x.query(s, "group", query); len(found) != 0 || !strings.Contains(body, "FORBIDDEN") {
			t.Errorf("%s without the list: %s", name, body)
		}
	}
	// With the list and without the logs, the feed names the groups that it lacks.
	if found, body := x.query(s, "activity", projectQueries["feed"]); len(found) != 0 || !strings.Contains(body, "FORBIDDEN") {
		t.Errorf("the feed without logs: %s", body)
	}
	if found, body := x.query(s, "activity", projectQueries["groups"]); len(found) != 2 || strings.Contains(body, "errors") {
		t.Errorf("the list without logs: %s", body)
	}
}

// TestCallsForDetails counts the calls for the details of 30 groups with many callers and with two replicas, and of an activity page.
func TestCallsForDetails(t *testing.T) {
	x := newInventoryTenancy(t, 30)
	x.AddToken("all", testProject)
	redis := redistest.Start(t).URL()
	args := []string{"-redis-url", redis, patient}
	replicas := []*server{x.replica(time.Minute, args...), x.replica(time.Minute, args...)}
	var refs []string
	for _, g := range x.groups {
		refs = append(refs, fmt.Sprintf("{groupId: %q}", g))
	}
	read := func(callers, groups int) int {
		t.Helper()
		details := `{scalingGroups(groups: [` + strings.Join(refs[:groups], ",") + `]) {name details {name status}}}`
		before := x.Count()
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				found, body := x.query(replicas[i%2], "all", details)
				if len(found) != groups || strings.Contains(body, "errors") {
					t.Errorf("...%s", body[max(0, len(body)-300):]) // the errors are at the end
				}
			})
		}
		wg.Wait()
		return x.Count() - before
	}
	if n := read(200, 5); n < 1 || n > 2 || x.Calls(emulator.Groups) != n {
		t.Errorf("%d calls, %d of them lists; want at most one list a replica", n, x.Calls(emulator.Groups))
	}
	if n := read(10, 30); n != 0 {
		t.Errorf("%d calls for what is fresh", n)
	}
	x.Reset()
	if found, body := x.query(replicas[0], "all", groupQuery("g07", groupFields["activity"])); len(found) != 1 {
		t.Fatal(body)
	}
	if x.Count() != 1 || x.Calls(emulator.ActivityLog) != 1 {
		t.Errorf("a page of activities takes %d calls, %d of them for the log", x.Count(), x.Calls(emulator.ActivityLog))
	}
}
