package gqlhttp_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

const groupQuery = `{ scalingGroup(groupId: "g") { id region } }`

const groupResponse = `{"data":{"scalingGroup":{"id":"id-g","region":"r"}}}`

func TestPostAndGetAreEqual(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{})
	got := post(t, target, groupQuery)
	if got.StatusCode != http.StatusOK || got.text != groupResponse {
		t.Errorf("POST: %d %s", got.StatusCode, got.text)
	}
	got = send(t, http.MethodGet, target+"?query="+url.QueryEscape(groupQuery), "")
	if got.StatusCode != http.StatusOK || got.text != groupResponse {
		t.Errorf("GET: %d %s", got.StatusCode, got.text)
	}
}

func TestCallerIsReadFromHeaders(t *testing.T) {
	var caller *request.Caller
	seen := root{group: func(ctx context.Context, id string) (*upstream.Group, error) {
		caller = request.CallerFrom(ctx)
		caller.Tally.Calls.Add(2)
		return &upstream.Group{ID: id}, nil
	}}
	target := serve(t, seen, gqlhttp.Config{DemoToken: "demo"})

	got := post(t, target, groupQuery,
		"X-Auth-Token", "t0", "Scalegraph-Token", "p1=t1==", "Scalegraph-Token", "p2=t2, p3=t3", "Authorization", "bearer who",
		"Cache-Control", "max-age=0, No-Cache", "Scalegraph-Explain", "1", "X-Request-Id", "mine-1", "Cookie", "X-Auth-Token=no")
	if caller.Bearer != "who" || !caller.NoCache || caller.RequestID != "mine-1" {
		t.Errorf("caller: %+v", caller)
	}
	for project, want := range map[string]string{"p1": "t1==", "p2": "t2", "p3": "t3", "other": "t0"} {
		if token := caller.TokenFor(project); token != want {
			t.Errorf("token for %s is %q, want %q", project, token, want)
		}
	}
	if id := got.Header.Get("X-Request-Id"); id != "mine-1" {
		t.Errorf("X-Request-Id is %q", id)
	}
	cost, ok := got.body.Extensions["explain"].(map[string]any)
	if !ok || cost["upstreamCalls"] != 2.0 || cost["cost"] != 3.0 {
		t.Errorf("explain: %v", got.body.Extensions)
	}

	got = post(t, target, groupQuery, "X-Request-Id", "not good")
	if caller.Token != "demo" || caller.NoCache || caller.Tokens != nil {
		t.Errorf("caller without headers: %+v", caller)
	}
	if id := got.Header.Get("X-Request-Id"); id == "not good" || id == "" {
		t.Errorf("X-Request-Id is %q", id)
	}
	if got.body.Extensions != nil {
		t.Errorf("extensions nobody asked for: %s", got.text)
	}
}

func TestMalformedProjectTokenIsRejected(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{})
	for _, token := range []string{"secret-without-project", "=token", "p1=", "../p1=token", "p 1=token", strings.Repeat("p", 65) + "=token"} {
		got := post(t, target, groupQuery, "Scalegraph-Token", token)
		if got.StatusCode != http.StatusBadRequest || got.code() != "BAD_USER_INPUT" {
			t.Errorf("%.20s: %d %s", token, got.StatusCode, got.text)
		}
	}
}

func TestTooManyProjectTokensAreRejected(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{})
	for n, status := range map[int]int{256: http.StatusOK, 257: http.StatusBadRequest} {
		var tokens []string
		for i := range n {
			tokens = append(tokens, fmt.Sprintf("p%d=t", i))
		}
		if got := post(t, target, groupQuery, "Scalegraph-Token", strings.Join(tokens, ",")); got.StatusCode != status {
			t.Errorf("%d tokens: %d %s", n, got.StatusCode, got.text)
		}
	}
}

func TestEveryResponseHasVary(t *testing.T) {
	target := serve(t, root{}, gqlhttp.Config{})
	for _, got := range []reply{post(t, target, groupQuery), post(t, target, "{"), send(t, http.MethodPut, target, "")} {
		if vary := got.Header.Get("Vary"); vary != "X-Auth-Token, Scalegraph-Token, Authorization, Accept, Accept-Encoding" {
			t.Errorf("Vary of a %d is %q", got.StatusCode, vary)
		}
		if got.Header.Get("X-Request-Id") == "" {
			t.Errorf("a %d has no request id", got.StatusCode)
		}
	}
}
