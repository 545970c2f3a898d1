package app

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/demo"
	"scalegraph/upstream/emulator/emulatortest"
)

const (
	testProject = "0123456789abcdef0123456789abcdef"
	testGroup   = "11111111-2222-3333-4444-555555555555"
	testToken   = "token-of-the-test"
)

// newUpstream returns an upstream with one group of three rows, and its base URL.
func newUpstream(t *testing.T) (*emulator.Emulator, string) {
	t.Helper()
	e := emulator.New(emulator.Switches{})
	e.AddToken(testToken, testProject)
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range 3 {
		start := began.Add(time.Duration(i) * time.Hour)
		e.Insert(testProject, testGroup, emulator.Row{Status: emulator.Success, Type: "NORMAL", Start: start, End: start.Add(time.Minute)})
	}
	return e, emulatortest.Serve(t, e)
}

const countQuery = "/graphql?query={scalingGroup(groupId:%22" + testGroup + "%22){activities{totalCount}}}"

func TestAgainstAnUpstream(t *testing.T) {
	e, url := newUpstream(t)
	s := startServer(t, "-upstream", url, "-project", testProject)
	answer := s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", testToken)
	if want := `{"data":{"scalingGroup":{"activities":{"totalCount":3}}}}`; answer.body != want {
		t.Errorf("got %s, want %s", answer.body, want)
	}
	requests := e.Requests()
	if len(requests) != 1 || requests[0].Header.Get("X-Auth-Token") != testToken {
		t.Errorf("the upstream got %d requests", len(requests))
	}

	for name, headers := range map[string][]string{"no token": nil, "a wrong token": {"X-Auth-Token", "wrong-token"}} {
		answer := s.do(t, http.MethodGet, countQuery, "", headers...)
		if !strings.Contains(answer.body, `"code":"UNAUTHENTICATED"`) || strings.Contains(answer.body, "totalCount") {
			t.Errorf("%s: %s", name, answer.body)
		}
		for _, secret := range []string{strings.TrimPrefix(url, "http://"), "wrong-token"} {
			if strings.Contains(answer.body, secret) {
				t.Errorf("%s: the answer tells %q: %s", name, secret, answer.body)
			}
		}
	}
	s.stop()
	if strings.Contains(s.logs.String(), testToken) || strings.Contains(s.logs.String(), "wrong-token") {
		t.Errorf("a token was logged:\n%s", s.logs)
	}
}

func TestRegionsAreKeptApart(t *testing.T) {
	_, first := newUpstream(t)
	other, second := newUpstream(t)
	other.Expire(testProject, testGroup, 1)
	s := startServer(t, "-upstream", first, "-region", "one", "-regions", "two="+second+"/", "-project", testProject)
	const query = "/graphql?query={a:scalingGroup(groupId:%22" + testGroup + "%22){activities{totalCount}}" +
		"b:scalingGroup(groupId:%22" + testGroup + "%22,region:%22two%22){activities{totalCount}}}"
	answer := s.do(t, http.MethodGet, query, "", "X-Auth-Token", testToken)
	if want := `{"data":{"a":{"activities":{"totalCount":3}},"b":{"activities":{"totalCount":2}}}}`; answer.body != want {
		t.Errorf("got %s, want %s", answer.body, want)
	}
	if answer := s.do(t, http.MethodGet, "/readyz", ""); answer.body != `{"ready":true,"upstream":"ok","regions":{"one":"ok","two":"ok"},"redis":"off"}`+"\n" {
		t.Error(answer.body)
	}
}

// An upstream that fails is named, and the server stays ready.
func TestFailingUpstreamIsNamed(t *testing.T) {
	e, url := newUpstream(t)
	e.Fault(emulator.Always(emulator.Fault{Status: http.StatusInternalServerError, Code: "AS.0001"}))
	s := startServer(t, "-upstream", url, "-project", testProject)
	for range 100 {
		answer := s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", testToken)
		if !strings.Contains(answer.body, `"code":"UPSTREAM_UNAVAILABLE"`) {
			t.Fatal(answer.body)
		}
		if answer := s.do(t, http.MethodGet, "/readyz", ""); strings.Contains(answer.body, `"upstream":"failing"`) {
			if answer.StatusCode != http.StatusOK {
				t.Errorf("status %d: %s", answer.StatusCode, answer.body)
			}
			return
		}
	}
	t.Error("a hundred failures are not told on /readyz")
}

// IAM tokens have several kilobytes, and a caller may send one for each of its projects.
func TestManyLongTokens(t *testing.T) {
	e, url := newUpstream(t)
	long := strings.Repeat("x", 8<<10)
	e.AddToken(long, testProject)
	s := startServer(t, "-upstream", url, "-project", testProject)
	headers := []string{"X-Auth-Token", "wrong", "Scalegraph-Token", testProject + "=" + long}
	for _, project := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		headers = append(headers, "Scalegraph-Token", project+"="+strings.Repeat(project, 8<<10))
	}
	answer := s.do(t, http.MethodGet, countQuery, "", headers...)
	if want := `{"data":{"scalingGroup":{"activities":{"totalCount":3}}}}`; answer.body != want {
		t.Errorf("status %d: %s, want %s", answer.StatusCode, answer.body, want)
	}
}

func TestLimitsArrive(t *testing.T) {
	_, url := newUpstream(t)
	s := startServer(t, "-upstream", url, "-project", testProject, "-max-body", "200", "-max-cost", "5", "-introspection", "false")
	json := []string{"Content-Type", "application/json"}
	if got := s.do(t, http.MethodPost, "/graphql", `{"query":"{__typename}"`+strings.Repeat(" ", 300)+"}", json...); got.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body over the limit: %d %s", got.StatusCode, got.body)
	}
	if got := s.do(t, http.MethodPost, "/graphql", `{"query":"{scalingGroup(groupId:\"x\"){activities(first:9){nodes{logId}}}}"}`, json...); !strings.Contains(got.body, "QUERY_TOO_COMPLEX") {
		t.Errorf("a query over the cost: %s", got.body)
	}
	if got := s.do(t, http.MethodPost, "/graphql", `{"query":"{__schema{queryType{name}}}"}`, json...); strings.Contains(got.body, `"Query"`) {
		t.Errorf("introspection: %s", got.body)
	}
}

// In the demo a missing token stands for the demo's own, and only a missing one.
func TestDemoToken(t *testing.T) {
	s := startServer(t)
	const query = "/graphql?query={scalingGroup(groupId:%22" + demo.SampleGroup + "%22){activities{totalCount}}}"
	if got := s.do(t, http.MethodGet, query, ""); got.body != `{"data":{"scalingGroup":{"activities":{"totalCount":2}}}}` {
		t.Errorf("no token: %s", got.body)
	}
	if got := s.do(t, http.MethodGet, query, "", "X-Auth-Token", "wrong"); !strings.Contains(got.body, `"code":"UNAUTHENTICATED"`) {
		t.Errorf("a wrong token: %s", got.body)
	}
}
