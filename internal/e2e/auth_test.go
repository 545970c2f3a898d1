package e2e

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scalegraph/internal/testkit"
	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/demo"
)

const (
	testAK = "AK-OF-THE-TEST"
	testSK = "sk-of-the-test"
)

// signedUpstream is newUpstream for a server that signs; its callers are those of the file, whose name it returns.
func signedUpstream(t *testing.T, callers string) (e *emulator.Emulator, args []string, file string) {
	t.Helper()
	e, url := newUpstream(t)
	e.AddKey(emulator.Key{AK: testAK, SK: testSK})
	args = []string{"-upstream", url, "-project", testProject, "-auth=aksk", "-ak", testAK, "-sk", testSK}
	if callers == "" {
		return e, args, ""
	}
	file = keysFile(t, callers)
	return e, append(args, "-client-keys-file", file), file
}

// keysFile writes a file and returns its name.
func keysFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const counted = `{"data":{"scalingGroup":{"activities":{"totalCount":3}}}}`

func TestCallersOfASigningServer(t *testing.T) {
	e, args, file := signedUpstream(t, "console key-of-console "+testProject+"\nother key-of-other p2\nops key-of-ops *\n")
	s := startServer(t, args...)
	count := func(headers ...string) reply { return s.do(t, http.MethodGet, countQuery, "", headers...) }

	for _, key := range []string{"key-of-console", "key-of-ops"} {
		if got := count("Authorization", "Bearer "+key); got.StatusCode != 200 || got.body != counted {
			t.Errorf("%s: %d %s", key, got.StatusCode, got.body)
		}
	}
	if sent := e.Requests()[0].Header; sent.Get("X-Project-Id") != testProject || !strings.Contains(sent.Get("Authorization"), testAK) {
		t.Errorf("upstream got %v", sent)
	}
	before := e.Count()
	for name, headers := range map[string][]string{
		"nothing":             nil,
		"an unknown key":      {"Authorization", "Bearer key-of-nobody"},
		"a key of no scheme":  {"Authorization", "key-of-console"},
		"another scheme":      {"Authorization", "Basic key-of-console"},
		"a token of IAM":      {"X-Auth-Token", testToken},
		"a name for a key":    {"Authorization", "Bearer console"},
		"the beginning":       {"Authorization", "Bearer key-of-consol"},
		"two credentials":     {"Authorization", "Bearer key-of-nobody", "X-Auth-Token", testToken},
		"a key in the cookie": {"Cookie", "Authorization=Bearer key-of-console"},
	} {
		got := count(headers...)
		if got.StatusCode != 401 || !strings.Contains(got.body, `"code":"UNAUTHENTICATED"`) || strings.Contains(got.body, "data") || got.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
	}
	got := count("Authorization", "Bearer key-of-other")
	if got.StatusCode != 200 || !strings.Contains(got.body, `"code":"FORBIDDEN"`) || strings.Contains(got.body, "totalCount") {
		t.Errorf("a foreign project: %d %s", got.StatusCode, got.body)
	}
	if n := e.Count() - before; n != 0 {
		t.Errorf("%d calls for callers who may not ask", n)
	}

	// Console's key is revoked, other's projects change; both by a rename over the file.
	next := filepath.Join(filepath.Dir(file), "next")
	if err := os.WriteFile(next, []byte("other key-of-other p2,"+testProject+"\nbroken line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, file); err != nil {
		t.Fatal(err)
	}
	for key, status := range map[string]int{"key-of-console": 401, "key-of-ops": 401, "key-of-other": 200} {
		if got := count("Authorization", "Bearer "+key); got.StatusCode != status || (got.body == counted) != (status == 200) {
			t.Errorf("%s after the change: %d %s", key, got.StatusCode, got.body)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if got := count("Authorization", "Bearer key-of-other"); got.StatusCode != 401 {
		t.Errorf("without a file: %d", got.StatusCode)
	}
	for _, secret := range []string{"key-of-", testSK, testToken} {
		if strings.Contains(s.logs.String(), secret) {
			t.Errorf("%s is in the log:\n%s", secret, s.logs)
		}
	}
}

// A merged feed names the groups of foreign projects as it does those that the upstream refuses.
func TestFeedExcludesForbiddenProjects(t *testing.T) {
	_, args, _ := signedUpstream(t, "console key-of-console "+testProject)
	s := startServer(t, args...)
	query := `{"query":"{ scalingActivities(groups: [{groupId: \"` + testGroup + `\"}, {groupId: \"g\", projectId: \"p2\"}]) { totalCount unavailableGroups { code group { projectId } } } }"}`
	got := s.do(t, http.MethodPost, "/graphql", query, "Authorization", "Bearer key-of-console", "Content-Type", "application/json")
	if want := `{"data":{"scalingActivities":{"totalCount":3,"unavailableGroups":[{"code":"FORBIDDEN","group":{"projectId":"p2"}}]}}}`; got.body != want {
		t.Errorf("got %s", got.body)
	}
}

func TestKeysAreRotatedWhileItRuns(t *testing.T) {
	e, url := newUpstream(t)
	access, secret := keysFile(t, testAK+"\n"), keysFile(t, testSK+"\n")
	e.AddKey(emulator.Key{AK: testAK, SK: testSK})
	s := startServer(t, "-upstream", url, "-project", testProject, "-auth=aksk", "-ak-file", access, "-sk-file", secret, "-cache-memory=0")
	if got := s.do(t, http.MethodGet, "/readyz", ""); !strings.Contains(got.body, `"signing":{"state":"untried"}`) {
		t.Errorf("readyz says %s", got.body)
	}
	if got := s.do(t, http.MethodGet, countQuery, ""); got.body != counted {
		t.Fatal(got.body)
	}
	e.RemoveKey(testAK)
	for range 8 {
		if got := s.do(t, http.MethodGet, countQuery, ""); !strings.Contains(got.body, `"code":"UNAUTHENTICATED"`) {
			t.Error(got.body)
		}
	}
	if got := e.Count(); got != 5 {
		t.Errorf("%d calls, want one that was accepted and four that were not", got)
	}
	if got := s.do(t, http.MethodGet, "/readyz", ""); got.StatusCode != 200 || !strings.Contains(got.body, `"signing":{"state":"stopped","until":`) {
		t.Errorf("readyz says %s", got.body)
	}
	e.AddKey(emulator.Key{AK: "AK2", SK: "SK2"})
	for file, text := range map[string]string{access: "AK2", secret: "SK2"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.do(t, http.MethodGet, countQuery, ""); got.body != counted {
		t.Error(got.body)
	}
	if got := s.do(t, http.MethodGet, "/readyz", ""); !strings.Contains(got.body, `"signing":{"state":"ok"}`) {
		t.Errorf("readyz says %s", got.body)
	}
}

// Without callers' keys the loopback address is all there is, and pages of the web must not reach it through a browser.
func TestOwnHostAndOriginOnly(t *testing.T) {
	_, args, _ := signedUpstream(t, "")
	s := startServer(t, args...)
	port := s.base[strings.LastIndex(s.base, ":"):]
	for _, c := range []struct {
		host, origin string
		status       int
	}{
		{"127.0.0.1" + port, "", 200},
		{"localhost" + port, "", 200},
		{"LOCALHOST" + port, "http://localhost" + port, 200},
		{"[::1]" + port, "http://127.0.0.1" + port, 200},
		{"rebound.example.com" + port, "", 421},
		{"rebound.example.com" + port, "http://rebound.example.com" + port, 421},
		{"localhost.example.com" + port, "", 421},
		{"127.0.0.1:1", "", 421},
		{"127.0.0.1", "", 421},
		{"localhost" + port, "https://localhost" + port, 403},
		{"localhost" + port, "http://localhost:3000", 403},
		{"localhost" + port, "http://evil.example.com", 403},
		{"localhost" + port, "null", 403},
	} {
		for _, path := range []string{countQuery, "/readyz", "/schema.graphql"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = c.host
			if c.origin != "" {
				req.Header.Set("Origin", c.origin)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != c.status {
				t.Errorf("%s of %s from %q: %d, want %d", path, c.host, c.origin, resp.StatusCode, c.status)
			}
		}
	}
}

func TestDemoAcceptsSignedRequests(t *testing.T) {
	s := startServer(t, "-auth=aksk", "-ak=any", "-sk=thing")
	query := "/graphql?query={scalingGroup(groupId:%22" + demo.SampleGroup + "%22){activities{totalCount}}}"
	if got := s.do(t, http.MethodGet, query, ""); got.body != `{"data":{"scalingGroup":{"activities":{"totalCount":2}}}}` {
		t.Error(got.body)
	}
}

// A key that is revoked must not be served what it read before, not even from the response cache.
func TestCachedResponseNeedsAValidKey(t *testing.T) {
	_, args, file := signedUpstream(t, "console key-of-console "+testProject+"\n")
	s := startServer(t, args...)
	key := []string{"Authorization", "Bearer key-of-console"}
	for range 5 {
		s.do(t, http.MethodGet, countQuery, "", key...)
	}
	if hits := testkit.Metrics(t, s.do(t, http.MethodGet, "/metrics", "").body)["scalegraph_response_cache_hits_total"]; hits == 0 {
		t.Fatal("no response came from the cache")
	}
	if err := os.Rename(keysFile(t, "console key-of-others "+testProject+"\n"), file); err != nil {
		t.Fatal(err)
	}
	if got := s.do(t, http.MethodGet, countQuery, "", key...); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
}

// A page of another site must not cause requests, not even by images and links, which have no Origin.
func TestCrossSiteRequestsAreRejected(t *testing.T) {
	_, signing, _ := signedUpstream(t, "")
	const allowed = "https://console.test"
	for mode, args := range map[string][]string{"aksk": signing, "demo": nil, "with CORS": {"-cors-origins=" + allowed}} {
		s := startServer(t, args...)
		for _, test := range []struct {
			site, origin string
			status       int
		}{
			{"cross-site", "", 403}, {"same-site", "", 403}, {"cross-site", "https://evil.test", 403}, {"same-origin", "", 200}, {"none", "", 200}, {"", "", 200},
		} {
			headers := []string{"Sec-Fetch-Site", test.site}
			if test.origin != "" {
				headers = append(headers, "Origin", test.origin)
			}
			if got := s.do(t, http.MethodGet, typenameQuery, "", headers...); got.StatusCode != test.status {
				t.Errorf("%s: %q from %q: %d, want %d", mode, test.site, test.origin, got.StatusCode, test.status)
			}
		}
		if mode == "with CORS" {
			if got := s.do(t, http.MethodGet, typenameQuery, "", "Sec-Fetch-Site", "cross-site", "Origin", allowed); got.StatusCode != 200 {
				t.Errorf("an allowed origin: %d", got.StatusCode)
			}
		}
		if mode != "aksk" {
			if got := s.do(t, http.MethodGet, "/console", "", "Sec-Fetch-Site", "cross-site"); got.StatusCode != 200 {
				t.Errorf("%s: a link to the console: %d", mode, got.StatusCode)
			}
		}
	}
}

const typenameQuery = "/graphql?query=%7B__typename%7D"

// A name that another site lets point at this machine must not reach the profiles, whatever the listener's address is. Prometheus uses IP
// addresses and configured names.
func TestAdminListenerChecksHost(t *testing.T) {
	for _, test := range []struct {
		args  []string
		hosts map[string]int
	}{
		{[]string{"-admin-listen=127.0.0.1:0"}, map[string]int{"evil.example": 421, "10.1.2.3:9090": 421, "": 200}},
		{[]string{"-admin-listen=0.0.0.0:0", "-admin-hosts=metrics.test"}, map[string]int{
			"evil.example": 421, "evil.example:9090": 421, "10.1.2.3:9090": 200, "[fd00::1]:9090": 200, "localhost:9090": 200, "metrics.test:9090": 200, "": 200,
		}},
		{[]string{"-admin-listen=0.0.0.0:0"}, map[string]int{"metrics.test": 421, "10.1.2.3": 200, "": 200}},
	} {
		s := startServer(t, append(test.args, "-log=text")...)
		_, port, _ := net.SplitHostPort(adminAddress.FindStringSubmatch(s.logs.String())[1])
		for host, status := range test.hosts {
			for site, want := range map[string]int{"": status, "cross-site": max(status, 403)} {
				if got := adminStatus(t, "127.0.0.1:"+port, host, site); got != want {
					t.Errorf("%v: %q, %q: %d, want %d", test.args, host, site, got, want)
				}
			}
		}
	}
}

// adminStatus returns the status of /metrics for a Host (empty: the address) and a value of Sec-Fetch-Site.
func adminStatus(t *testing.T, address, host, site string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	req.Header.Set("Sec-Fetch-Site", site)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
