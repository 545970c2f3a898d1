package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"scalegraph/cache/redistest"
	"scalegraph/internal/testkit"
	"scalegraph/upstream/emulator"
)

// TestDeniedChannelsAreReported runs the program as the Redis user of the documentation without its right to channels. Queries and subscriptions
// work, /readyz names the denied commands, and the log has one line for each. Once the user has the right, /readyz says so.
func TestDeniedChannelsAreReported(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	url := redis.DocumentedUser()
	redis.Do("ACL", "SETUSER", "scalegraph", "resetchannels")
	e, upstream := newUpstream(t)
	s := startServer(t, "-upstream", upstream, "-project", testProject, "-poll=100ms", "-redis-url", url, patient, "-log=text")
	changes := byEvents(t, s.base, changesOf("", testGroup))
	defer changes.leave()

	next := 0
	changeArrives := func() {
		t.Helper()
		next++
		start := time.Date(2026, 1, 3, 0, 0, next, 0, time.UTC)
		e.Insert(testProject, testGroup, emulator.Row{ID: emulator.ID(next), Status: emulator.Success, Type: "NORMAL", Start: start, End: start})
		if h, ok := changes.next(); !ok || h.String() != "FINISHED "+emulator.ID(next) {
			t.Fatalf("change %d: %v %v", next, h, ok)
		}
	}
	redisIs := func(state, cause string) {
		t.Helper()
		testkit.Eventually(t, "/readyz reports Redis as "+state+" "+cause, func() bool {
			changeArrives()
			var got struct {
				Ready             bool
				Redis, RedisCause string
			}
			response := s.do(t, http.MethodGet, "/readyz", "")
			if err := json.Unmarshal([]byte(response.body), &got); err != nil || response.StatusCode != http.StatusOK || !got.Ready {
				t.Fatalf("%d %s: %v", response.StatusCode, response.body, err)
			}
			return got.Redis == state && got.RedisCause == cause
		})
	}
	pageArrives := func() {
		t.Helper()
		response := s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", testToken)
		if strings.Contains(response.body, "errors") {
			t.Fatal(response.body)
		}
	}

	redisIs("failing", "NOPERM publish, subscribe")
	for range 5 {
		changeArrives()
		pageArrives()
	}
	for _, command := range []string{"publish", "subscribe"} {
		if n := strings.Count(s.logs.String(), "command="+command); n != 1 {
			t.Errorf("%d log lines about %s, want 1\n%s", n, command, s.logs)
		}
	}
	redis.Do("ACL", "SETUSER", "scalegraph", "&sg1:*")
	redisIs("ok", "")
	pageArrives()
}

// TestDocumentedRedisUser runs the program as the Redis user of the documentation, with the functions that use Redis, and finds the keys of
// each. No command is denied.
func TestDocumentedRedisUser(t *testing.T) {
	t.Parallel()
	for name, servers := range map[string][]*redistest.Server{"one server": {redistest.Start(t)}, "a cluster": redistest.Cluster(t)} {
		t.Run(name, func(t *testing.T) {
			url := servers[0].DocumentedUser()
			for _, server := range servers[1:] {
				url += "," + strings.SplitAfter(server.DocumentedUser(), "@")[1]
			}
			for _, server := range servers {
				if len(servers) > 1 {
					server.Do("ACL", "SETUSER", "scalegraph", "+cluster|slots", "+cluster|shards")
				}
			}
			e, upstream := newUpstream(t)
			s := startServer(t, "-upstream", upstream, "-project", testProject, "-poll=100ms", "-caller-cost=2000", "-redis-url", url, patient, "-log=text")
			query := func(query string) {
				t.Helper()
				hash := sha256.Sum256([]byte(query))
				body, _ := json.Marshal(map[string]any{"query": query, "extensions": map[string]any{"persistedQuery": map[string]any{
					"version": 1, "sha256Hash": hex.EncodeToString(hash[:]),
				}}})
				response := s.do(t, http.MethodPost, "/graphql", string(body), "Content-Type", "application/json", "X-Auth-Token", testToken)
				if response.StatusCode != http.StatusOK {
					t.Errorf("%d %s", response.StatusCode, response.body)
				}
			}
			query(fmt.Sprintf(`{ scalingGroup(groupId: %q) { activities(first: 2) { nodes { logId } } activitySummary { total } policies { id } } }`, testGroup))
			query(`{ project { scalingGroups { totalCount } } scalingGroup(groupId: "unknown") { activities { totalCount } } }`)
			changes := byEvents(t, s.base, changesOf("", testGroup))
			defer changes.leave()
			e.Insert(testProject, testGroup, emulator.Row{Status: emulator.Doing, Type: "NORMAL", Start: time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)})
			if h, ok := changes.next(); !ok || h.Data.Change.Kind != "STARTED" {
				t.Errorf("%v %v", h, ok)
			}
			nothingIsDenied := func() {
				t.Helper()
				got := s.do(t, http.MethodGet, "/readyz", "")
				if !strings.Contains(got.body, `"redis":"ok"`) || strings.Contains(s.logs.String(), "Redis denies") {
					t.Fatalf("%s\n%s", got.body, s.logs)
				}
			}
			nothingIsDenied()
			for _, kind := range []string{"{*}:t", "u:*", "i:*", "g:*", "c:*", "q:*", "changes:*"} {
				testkit.Eventually(t, "a key sg1:"+kind, func() bool {
					s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", testToken) // sg1:c:* lives only until its cost is regained
					return slices.ContainsFunc(servers, func(server *redistest.Server) bool { return fmt.Sprint(server.Do("KEYS", "sg1:"+kind)) != "[]" })
				})
			}
			nothingIsDenied()
		})
	}
}

// TestWrongRedisPassword runs the program after the password of Redis was rotated. Requests go on as if there were no Redis, few connections are
// made, /readyz names the cause, and the log has one line about it.
func TestWrongRedisPassword(t *testing.T) {
	redis := redistest.Start(t)
	redis.Do("ACL", "SETUSER", "server", "on", ">rotated", "~*", "&*", "+@all")
	_, upstream := newUpstream(t)
	s := startServer(t, "-upstream", upstream, "-project", testProject, "-caller-cost=100000", "-redis-url", "redis://server:old@"+redis.Addr(), patient, "-log=text")
	connections := func() int {
		t.Helper()
		found := regexp.MustCompile(`total_connections_received:(\d+)`).FindStringSubmatch(fmt.Sprint(redis.Do("INFO", "stats")))
		if found == nil {
			t.Fatal("Redis does not report its connections")
		}
		n, _ := strconv.Atoi(found[1])
		return n
	}
	before := connections()
	const requests = 200
	for range requests {
		if got := s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", testToken, "Cache-Control", "no-cache"); got.body != counted {
			t.Fatalf("%d %s", got.StatusCode, got.body)
		}
	}
	if n := connections() - before; n > requests/4 {
		t.Errorf("%d connections for %d requests", n, requests)
	}
	if got := s.do(t, http.MethodGet, "/readyz", ""); got.StatusCode != http.StatusOK || !strings.Contains(got.body, `"redis":"failing","redisCause":"WRONGPASS"`) {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	if n := strings.Count(s.logs.String(), "Redis fails"); n != 1 {
		t.Errorf("%d log lines about Redis, want 1\n%s", n, s.logs)
	}
}
