package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"scalegraph/cache/redistest"
	"scalegraph/internal/testkit"
	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/emulatortest"
)

// A tenancy is the program over an upstream in which some tokens may read a log and others may not.
type tenancy struct {
	*testing.T
	*emulator.Emulator
	url string
}

// tattle is in every row, and so in every response with rows.
const tattle = "nobody-else-may-read-this"

// outsiders are the tokens that the upstream rejects, with the codes.
var outsiders = map[string]string{
	"": "UNAUTHENTICATED", "wrong": "UNAUTHENTICATED", "gone": "UNAUTHENTICATED", "foreign": "FORBIDDEN", "frozen": "FORBIDDEN",
}

func newTenancy(t *testing.T) *tenancy {
	e := emulator.New(emulator.Switches{})
	for _, token := range []string{"good", "other", "frozen", "gone"} {
		e.AddToken(token, testProject)
	}
	e.AddToken("foreign", "another-project")
	e.RestrictToken("frozen", emulator.LacksRole)
	e.RevokeToken("gone")
	for i := range 300 {
		start := epoch.Add(time.Duration(i) * time.Minute)
		e.Insert(testProject, testGroup, emulator.Row{Status: emulator.Success, Type: "NORMAL", Start: start, End: start, Description: tattle})
	}
	return &tenancy{t, e, emulatortest.Serve(t, e)}
}

// replica starts the program with this freshness and this lifetime of grants.
func (x *tenancy) replica(fresh, grant time.Duration, args ...string) *server {
	x.Helper()
	return startServer(x.T, append([]string{
		"-upstream", x.url, "-project", testProject, "-fresh", fresh.String(), "-stale", "0s", "-grant", grant.String(),
	}, args...)...)
}

// The requested pages: the newest rows, and some of the history.
const (
	newestPage = `first: 20`
	deepPage   = `first: 20, offset: 200`
)

// ask requests a page with a token; without one if it is empty.
func (x *tenancy) ask(s *server, token, page string, headers ...string) string {
	x.Helper()
	query := fmt.Sprintf(`{ scalingGroup(groupId: %q) { activities(%s) { totalCount stale nodes { logId description } } } }`, testGroup, page)
	text, _ := json.Marshal(map[string]string{"query": query})
	headers = append(headers, "Content-Type", "application/json")
	if token != "" {
		headers = append(headers, "X-Auth-Token", token)
	}
	return s.do(x.T, http.MethodPost, "/graphql", string(text), headers...).body
}

// shown requests a page, which must be served.
func (x *tenancy) shown(s *server, token, page string) string {
	x.Helper()
	response := x.ask(s, token, page)
	if !strings.Contains(response, tattle) || strings.Contains(response, `"errors"`) {
		x.Fatalf("%q was not shown %s: %.300s", token, page, response)
	}
	return response
}

// cached requests a page until it is served without an upstream call.
func (x *tenancy) cached(s *server, token, page string) {
	x.Helper()
	testkit.Eventually(x.T, "the page is cached", func() bool {
		before := x.Count()
		x.shown(s, token, page)
		return x.Count() == before
	})
}

// rejected requests a page. The response must be one error with the code, and nothing of the page.
func (x *tenancy) rejected(s *server, token, page, code string) {
	x.Helper()
	response := x.ask(s, token, page)
	var result struct {
		Data   *struct{ ScalingGroup *struct{ Activities any } }
		Errors []struct{ Extensions struct{ Code string } }
	}
	if err := json.Unmarshal([]byte(response), &result); err != nil || len(result.Errors) != 1 || result.Errors[0].Extensions.Code != code {
		x.Errorf("%q asked for %s: %.300s; want %s", token, page, response, code)
	}
	leaks := result.Data != nil && result.Data.ScalingGroup != nil && result.Data.ScalingGroup.Activities != nil
	if leaks || strings.Contains(response, tattle) || strings.Contains(response, "totalCount") || strings.Contains(response, "logId") {
		x.Errorf("%q was shown some of %s: %.300s", token, page, response)
	}
}

// tiers are the places of cached pages. Each function returns a replica that has both pages there.
var tiers = map[string]func(x *tenancy, fresh, grant time.Duration, args ...string) *server{
	"memory": (*tenancy).replica,
	"Redis alone": func(x *tenancy, fresh, grant time.Duration, args ...string) *server {
		return x.replica(fresh, grant, append(args, patient, "-redis-url", redistest.Start(x.T).URL(), "-cache-memory", "0")...)
	},
	"both, on a cold replica": func(x *tenancy, fresh, grant time.Duration, args ...string) *server {
		url := redistest.Start(x.T).URL()
		x.warm(x.replica(fresh, grant, patient, "-redis-url", url, "-cache-memory", "0"))
		return x.replica(fresh, grant, append(args, patient, "-redis-url", url)...)
	},
}

// warm makes a replica cache the pages and the responses with them.
func (x *tenancy) warm(s *server) {
	x.Helper()
	for _, page := range []string{newestPage, deepPage} {
		for range 3 {
			x.cached(s, "good", page)
		}
	}
}

// well ends the faults, and waits until the circuit to the upstream is closed.
func (x *tenancy) well(s *server) {
	x.Helper()
	x.Fault(nil)
	testkit.Eventually(x.T, "the upstream is asked again", func() bool {
		return !strings.Contains(x.ask(s, "other", `first: 1, filter: {status: FAIL}`), `"errors"`)
	})
}

// Whichever tier has the pages, and however the upstream is: who may not read them gets the refusal and nothing else.
func TestOutsidersGetNothing(t *testing.T) {
	for name, tier := range tiers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTenancy(t)
			s := tier(x, time.Minute, time.Minute)
			all := func(want func(code string) string) {
				t.Helper()
				for token, code := range outsiders {
					x.rejected(s, token, newestPage, want(code))
					x.rejected(s, token, deepPage, want(code))
				}
			}
			byToken := func(code string) string { return code }
			if strings.HasPrefix(name, "both") {
				all(byToken) // what it has in memory by the end, it had in Redis at first
			}
			x.warm(s)
			all(byToken)

			x.Fault(emulator.Always(emulator.Fault{Status: http.StatusServiceUnavailable}))
			all(func(string) string { return "UPSTREAM_UNAVAILABLE" })
			x.rejected(s, "other", newestPage, "UPSTREAM_UNAVAILABLE") // may have access, but that cannot be verified
			x.shown(s, "good", newestPage)
			x.shown(s, "good", deepPage)
			all(func(string) string { return "UPSTREAM_UNAVAILABLE" })

			x.well(s)
			x.RevokeToken("good") // its grant ends with the first rejection
			x.rejected(s, "good", `first: 5, filter: {status: DOING}`, "UNAUTHENTICATED")
			x.rejected(s, "good", newestPage, "UNAUTHENTICATED")
			x.rejected(s, "good", deepPage, "UNAUTHENTICATED")
			x.shown(s, "other", newestPage)
		})
	}
}

// The fetch of a permitted caller gives no other caller access while it is in progress.
func TestOutsidersJoinNoFetch(t *testing.T) {
	for name, tier := range tiers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTenancy(t)
			s := tier(x, 300*time.Millisecond, time.Minute)
			x.shown(s, "good", newestPage)
			time.Sleep(400 * time.Millisecond) // until it is old
			x.Fault(func(r *http.Request) *emulator.Fault {
				if r.Header.Get("X-Auth-Token") == "good" {
					return &emulator.Fault{Late: 500 * time.Millisecond}
				}
				return nil
			})
			before := x.Count()
			var under sync.WaitGroup
			under.Go(func() { x.ask(s, "good", newestPage) })
			testkit.Eventually(t, "the fetch is under way", func() bool { return x.Count() > before })
			for token, code := range outsiders {
				x.rejected(s, token, newestPage, code)
			}
			under.Wait()
			x.shown(s, "good", newestPage)
		})
	}
}

// While the upstream is down, pages go to those whom it let in not too long ago, as stale ones. Once it refused somebody they get none.
func TestStalePagesGoToThoseWithAGrant(t *testing.T) {
	const ifError = 6 * time.Second
	for name, tier := range tiers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTenancy(t)
			down := emulator.Always(emulator.Fault{Status: http.StatusServiceUnavailable})
			s := tier(x, 300*time.Millisecond, 300*time.Millisecond, "-grant-if-error", ifError.String())
			x.shown(s, "good", newestPage)
			x.shown(s, "other", newestPage)
			x.RevokeToken("other")
			time.Sleep(400 * time.Millisecond) // until the grants lapse
			x.rejected(s, "other", newestPage, "UNAUTHENTICATED")

			x.Fault(down)
			lapsed := time.Now()
			if response := x.shown(s, "good", newestPage); !strings.Contains(response, `"stale":true`) {
				t.Errorf("not marked as stale: %.200s", response)
			}
			x.rejected(s, "other", newestPage, "UPSTREAM_UNAVAILABLE")
			for token := range outsiders {
				x.rejected(s, token, newestPage, "UPSTREAM_UNAVAILABLE")
			}
			time.Sleep(time.Until(lapsed.Add(ifError)))
			x.rejected(s, "good", newestPage, "UPSTREAM_UNAVAILABLE")
		})
	}
}

// A rejection at one replica applies to the other: at once if its pages come from Redis, and after a second if they or whole responses are
// in memory.
func TestRejectionAppliesToAllReplicas(t *testing.T) {
	t.Parallel()
	x := newTenancy(t)
	url := redistest.Start(t).URL()
	one := x.replica(time.Minute, time.Minute, patient, "-redis-url", url)
	bare := x.replica(time.Minute, time.Minute, patient, "-redis-url", url, "-cache-memory", "0")
	full := x.replica(time.Minute, time.Minute, patient, "-redis-url", url)
	for _, s := range []*server{one, bare, full} {
		x.warm(s)
	}
	x.RevokeToken("good")
	x.rejected(one, "good", `first: 5, filter: {status: DOING}`, "UNAUTHENTICATED")
	receivedChange := time.Now()
	x.rejected(bare, "good", newestPage, "UNAUTHENTICATED")
	x.rejected(bare, "good", deepPage, "UNAUTHENTICATED")
	time.Sleep(time.Until(receivedChange.Add(time.Second)))
	x.rejected(full, "good", newestPage, "UNAUTHENTICATED")
	x.rejected(full, "good", deepPage, "UNAUTHENTICATED")
}
