package e2e

import (
	"net/http"
	"strings"
	"testing"
)

func TestFrontLeadsToGraphiQL(t *testing.T) {
	s := startServer(t)
	got := s.do(t, "GET", "/", "")
	if got.StatusCode != 200 || got.Request.URL.Path != "/graphiql" {
		t.Errorf("/ led to %s with status %d", got.Request.URL.Path, got.StatusCode)
	}
	policy := got.Header.Get("Content-Security-Policy")
	for part := range strings.SplitSeq(policy, ";") {
		if strings.Contains(part, "script-src") && strings.TrimSpace(part) != "script-src 'self'" {
			t.Errorf("the page allows scripts by %q", part)
		}
	}
	if !strings.Contains(policy, "script-src 'self'") || strings.Contains(policy, "http") || strings.Contains(policy, "*") {
		t.Errorf("the policy is %q", policy)
	}
	if !strings.Contains(got.body, `"token":"demo-token","groups":[{"groupId":"e5d27f5c-dd76-4a61-b4bc-a67c5686719a","name":"sample"}`) {
		t.Errorf("the page is not told of the demo:\n%s", got.body)
	}
}

func TestPagesOfARealUpstreamTellNothing(t *testing.T) {
	s := startServer(t, "-upstream", "https://as.cloud.test", "-project", "secret-project")
	got := s.do(t, "GET", "/graphiql", "")
	if got.StatusCode != http.StatusOK || !strings.Contains(got.body, `id="settings">{}<`) || strings.Contains(got.body, "secret") {
		t.Errorf("status %d:\n%s", got.StatusCode, got.body)
	}
}

func TestNoGraphiQLWithoutIntrospection(t *testing.T) {
	s := startServer(t, "-introspection", "false")
	if got := s.do(t, "GET", "/graphiql", ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("GraphiQL is there, with status %d", got.StatusCode)
	}
	if got := s.do(t, "GET", "/", ""); got.StatusCode != http.StatusOK || strings.Contains(got.body, "graphiql") {
		t.Errorf("/ answers %d %q", got.StatusCode, got.body)
	}
}

// A proxy publishes the server below a prefix, and may remove it from the path or not.
func TestBasePath(t *testing.T) {
	s := startServer(t, "-base-path", "/team/scalegraph")
	s.base = strings.TrimSuffix(s.base, "/team/scalegraph")
	for path, led := range map[string]string{
		"/team/scalegraph":        "/team/scalegraph/graphiql",
		"/team/scalegraph/":       "/team/scalegraph/graphiql",
		"/":                       "/team/scalegraph/graphiql",
		"/healthz":                "/healthz",
		"/team/scalegraph/readyz": "/team/scalegraph/readyz",
		"/team/scalegraph/graphql?query={__typename}": "/team/scalegraph/graphql",
	} {
		if got := s.do(t, "GET", path, ""); got.StatusCode != 200 || got.Request.URL.Path != led {
			t.Errorf("%s led to %s with status %d", path, got.Request.URL.Path, got.StatusCode)
		}
	}
	if got := s.do(t, "GET", "/team/scalegraphs", ""); got.StatusCode != 404 {
		t.Errorf("another prefix: status %d", got.StatusCode)
	}
}
