package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
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
