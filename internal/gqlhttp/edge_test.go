package gqlhttp_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"scalegraph/graph"
	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/httpserver"
	"scalegraph/resolvers"
	"scalegraph/upstream"
)

// root resolves every id to a group, so that tests of the protocol need no upstream.
type root struct {
	graph.ResolverRoot
	group func(ctx context.Context, id string) (*upstream.Group, error) // nil: a group of that id
}

func (r root) Query() graph.QueryResolver               { return query{root: r} }
func (r root) ScalingGroup() graph.ScalingGroupResolver { return group{root: r} }

type query struct {
	graph.QueryResolver
	root root
}

func (q query) ScalingGroup(ctx context.Context, id string, _, _ *string) (*upstream.Group, error) {
	if q.root.group != nil {
		return q.root.group(ctx, id)
	}
	return &upstream.Group{ID: id, Project: "p", Region: "r"}, nil
}

type group struct {
	graph.ScalingGroupResolver
	root root
}

func (g group) ID(_ context.Context, obj *upstream.Group) (string, error) { return "id-" + obj.ID, nil }

// handler returns the handler under test.
func handler(r root, cfg gqlhttp.Config) http.Handler {
	return gqlhttp.NewHandler(graph.NewExecutableSchema(graph.Config{Resolvers: r, Complexity: resolvers.Complexity()}), cfg)
}

// serve starts the handler over real HTTP.
func serve(t testing.TB, r root, cfg gqlhttp.Config) string {
	t.Helper()
	return start(t, handler(r, cfg))
}

// start serves a handler and returns its URL.
func start(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(httpserver.Middleware(h, slog.New(slog.DiscardHandler)))
	t.Cleanup(s.Close)
	return s.URL + "/graphql"
}

// quoted is a text as JSON.
func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// reply is a response with its body read and decoded.
type reply struct {
	*http.Response
	text string
	body struct {
		Data       json.RawMessage
		Errors     []replyError
		Extensions map[string]any
	}
}

type replyError struct {
	Message    string
	Path       []any
	Extensions map[string]any
}

// code is that of the first error; empty where there is none.
func (r reply) code() string {
	if len(r.body.Errors) == 0 {
		return ""
	}
	code, _ := r.body.Errors[0].Extensions["code"].(string)
	return code
}

// newRequest returns a request; headers are pairs of name and value.
func newRequest(ctx context.Context, t testing.TB, method, url, body string, headers []string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	return req
}

// send sends one request; headers are pairs of name and value.
func send(t testing.TB, method, url, body string, headers ...string) reply {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(newRequest(context.Background(), t, method, url, body, headers))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	r := reply{Response: resp, text: string(text)}
	if len(text) > 0 && resp.Header.Get("Content-Encoding") == "" {
		if err := json.Unmarshal(text, &r.body); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return r
}

// post sends a query as most clients do.
func post(t testing.TB, url, query string, headers ...string) reply {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	return send(t, http.MethodPost, url, string(body), append([]string{"Content-Type", "application/json"}, headers...)...)
}
