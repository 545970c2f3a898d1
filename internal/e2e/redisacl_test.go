package e2e

import (
	"encoding/json"
	"net/http"
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
