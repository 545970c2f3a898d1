package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
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
	response := s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", testToken)
	if want := `{"data":{"scalingGroup":{"activities":{"totalCount":3}}}}`; response.body != want {
		t.Errorf("got %s, want %s", response.body, want)
	}
	requests := e.Requests()
	if len(requests) != 1 || requests[0].Header.Get("X-Auth-Token") != testToken {
		t.Errorf("the upstream got %d requests", len(requests))
	}

	for name, headers := range map[string][]string{"no token": nil, "a wrong token": {"X-Auth-Token", "wrong-token"}} {
		response := s.do(t, http.MethodGet, countQuery, "", headers...)
		if !strings.Contains(response.body, `"code":"UNAUTHENTICATED"`) || !strings.Contains(response.body, "X-Auth-Token") || strings.Contains(response.body, "totalCount") {
			t.Errorf("%s: %s", name, response.body)
		}
		for _, secret := range []string{strings.TrimPrefix(url, "http://"), "wrong-token"} {
			if strings.Contains(response.body, secret) {
				t.Errorf("%s: the response tells %q: %s", name, secret, response.body)
			}
		}
	}
	s.stop()
	if strings.Contains(s.logs.String(), testToken) || strings.Contains(s.logs.String(), "wrong-token") {
		t.Errorf("a token was logged:\n%s", s.logs)
	}
}

func TestRegionsAreSeparate(t *testing.T) {
	_, first := newUpstream(t)
	other, second := newUpstream(t)
	other.Expire(testProject, testGroup, 1)
	s := startServer(t, "-upstream", first, "-region", "one", "-regions", "two="+second+"/", "-project", testProject)
	const query = "/graphql?query={a:scalingGroup(groupId:%22" + testGroup + "%22){activities{totalCount}}" +
		"b:scalingGroup(groupId:%22" + testGroup + "%22,region:%22two%22){activities{totalCount}}}"
	response := s.do(t, http.MethodGet, query, "", "X-Auth-Token", testToken)
	if want := `{"data":{"a":{"activities":{"totalCount":3}},"b":{"activities":{"totalCount":2}}}}`; response.body != want {
		t.Errorf("got %s, want %s", response.body, want)
	}
	if response := s.do(t, http.MethodGet, "/readyz", ""); response.body != `{"ready":true,"upstream":"ok","regions":{"one":"ok","two":"ok"},"redis":"off"}`+"\n" {
		t.Error(response.body)
	}
}

// A base URL that leads to another server is distinguished from a group that does not exist, and the cause is in the log.
func TestWrongBaseURL(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	s := startServer(t, "-upstream", other.URL, "-project", testProject)
	response := s.do(t, http.MethodGet, countQuery, "", "X-Auth-Token", testToken)
	if !strings.Contains(response.body, `"code":"UPSTREAM_BAD_RESPONSE"`) {
		t.Error(response.body)
	}
	if logs := s.logs.String(); !strings.Contains(logs, `"level":"WARN","msg":"an upstream call failed"`) || !strings.Contains(logs, "HTTP 404") {
		t.Errorf("the log has no cause:\n%s", logs)
	}
}

func TestDemoIsMarked(t *testing.T) {
	s := startServer(t)
	for _, path := range []string{"/graphql?query={__typename}", "/readyz", "/nothing"} {
		if got := s.do(t, http.MethodGet, path, ""); got.Header.Get("Scalegraph-Demo") != "true" {
			t.Errorf("%s has no Scalegraph-Demo header", path)
		}
	}
	if !strings.Contains(s.out.String(), "This is the demo") {
		t.Errorf("the banner does not say demo:\n%s", s.out)
	}
	_, url := newUpstream(t)
	real := startServer(t, "-upstream", url)
	if got := real.do(t, http.MethodGet, "/readyz", ""); got.Header.Get("Scalegraph-Demo") != "" || strings.Contains(got.body, "demo") {
		t.Errorf("an upstream is called demo: %v %s", got.Header, got.body)
	}
}

// Operation names are chosen by clients, so the log bounds them.
func TestOperationNamesAreLogged(t *testing.T) {
	s := startServer(t)
	long := strings.Repeat("A", 200)
	s.do(t, http.MethodGet, "/graphql?query=query+Console_1{__typename}", "")
	s.do(t, http.MethodGet, "/graphql?query=query+"+long+"{__typename}", "")
	s.stop()
	if logs := s.logs.String(); !strings.Contains(logs, `"operationName":"Console_1"`) || !strings.Contains(logs, `"operationName":"`+long[:64]+`"`) ||
		strings.Contains(logs, `"operationName":"`+long[:65]) {
		t.Errorf("the log is\n%s", logs)
	}
}

// An upstream that fails for different groups and callers is named, and the server stays ready.
func TestFailingUpstreamIsNamed(t *testing.T) {
	e, url := newUpstream(t)
	e.Fault(emulator.Always(emulator.Fault{Status: http.StatusInternalServerError, Code: "AS.0001"}))
	s := startServer(t, "-upstream", url, "-project", testProject)
	for i := range 100 {
		token := fmt.Sprint(testToken, i%4)
		e.AddToken(token, testProject)
		query := strings.Replace(countQuery, testGroup, fmt.Sprint("group-", i%4), 1)
		response := s.do(t, http.MethodGet, query, "", "X-Auth-Token", token)
		if !strings.Contains(response.body, `"code":"UPSTREAM_UNAVAILABLE"`) {
			t.Fatal(response.body)
		}
		if response := s.do(t, http.MethodGet, "/readyz", ""); strings.Contains(response.body, `"upstream":"failing"`) {
			if response.StatusCode != http.StatusOK {
				t.Errorf("status %d: %s", response.StatusCode, response.body)
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
	response := s.do(t, http.MethodGet, countQuery, "", headers...)
	if want := `{"data":{"scalingGroup":{"activities":{"totalCount":3}}}}`; response.body != want {
		t.Errorf("status %d: %s, want %s", response.StatusCode, response.body, want)
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
