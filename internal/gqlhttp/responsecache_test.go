package gqlhttp_test

import (
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/cache"
	"scalegraph/graph"
	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/paging"
	"scalegraph/resolvers"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/emulatortest"
)

// executions counts the operations that gqlgen executes.
type executions struct{ atomic.Int64 }

func (*executions) ExtensionName() string                   { return "Executions" }
func (*executions) Validate(graphql.ExecutableSchema) error { return nil }

func (n *executions) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	n.Add(1)
	return next(ctx)
}

// cachingHandler is a handler that caches responses, over one group of 3 rows that are fresh for an hour.
type cachingHandler struct {
	testing.TB
	*emulator.Emulator
	handler http.Handler
	target  string // its URL
	ran     executions
}

func newCachingHandler(t testing.TB, also ...func(*gqlhttp.Config)) *cachingHandler {
	t.Helper()
	k := &cachingHandler{TB: t, Emulator: emulator.New(emulator.Switches{})}
	for _, name := range []string{"one", "two"} {
		k.AddToken(name, project)
	}
	for i := range 3 {
		k.insert(i)
	}
	client, err := upstream.New(upstream.Config{Endpoints: map[string]string{"default": emulatortest.Serve(t, k.Emulator)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	logs := cache.New(client, cache.Config{Fresh: time.Hour, Grant: time.Hour, Memory: 1 << 20})
	t.Cleanup(logs.Close)
	pages, log := paging.New(logs), slog.New(slog.DiscardHandler)
	schema := graph.NewExecutableSchema(graph.Config{
		Resolvers:  resolvers.New(resolvers.Config{Pages: pages, Counts: pages, Feeds: pages, Region: "default", DefaultProject: project}),
		Complexity: resolvers.Complexity(),
	})
	cfg := gqlhttp.Config{
		ResponseCacheBytes: 1 << 20, ErrorPresenter: resolvers.ErrorPresenter(log), RecoverFunc: resolvers.Recover(log),
		Extensions: []graphql.HandlerExtension{resolvers.Extension{}, &k.ran},
	}
	for _, more := range also {
		more(&cfg)
	}
	k.handler = gqlhttp.NewHandler(schema, cfg)
	k.target = start(t, k.handler)
	return k
}

func (k *cachingHandler) insert(i int) {
	at := time.Date(2026, 11, 20, 12, i, 0, 0, time.UTC)
	k.Insert(project, realGroup, emulator.Row{ID: emulator.ID(i), Type: emulator.Normal, Status: emulator.Success, Start: at, End: at.Add(time.Second)})
}

var sameQuery = body(inRealGroup(`activities { totalCount nodes { logId description } }`), nil)

// ask posts the same query and reports whether it was executed.
func (k *cachingHandler) ask(headers ...string) (got reply, executed bool) {
	k.Helper()
	before := k.ran.Load()
	got = send(k, http.MethodPost, k.target, sameQuery, append([]string{"Content-Type", "application/json"}, headers...)...)
	return got, k.ran.Load() > before
}

// cached requests the response until it is cached. The first request reads the page, the second one is served from the cached page, and the third
// one shows that the request repeats.
func (k *cachingHandler) cached(token string) reply {
	k.Helper()
	for range 3 {
		k.ask("X-Auth-Token", token)
	}
	got, executed := k.ask("X-Auth-Token", token)
	if executed || got.StatusCode != http.StatusOK {
		k.Fatalf("executed %v: %d %s", executed, got.StatusCode, got.text)
	}
	return got
}

func TestCachedResponseIsServed(t *testing.T) {
	k := newCachingHandler(t)
	first, _ := k.ask("X-Auth-Token", "one")
	again := k.cached("one")
	if again.text != first.text || again.Header.Get("Content-Type") != first.Header.Get("Content-Type") {
		t.Errorf("%s %s\nwas %s %s", again.Header.Get("Content-Type"), again.text, first.Header.Get("Content-Type"), first.text)
	}
	if a, b := again.Header.Get("X-Request-Id"), first.Header.Get("X-Request-Id"); a == b || a == "" {
		t.Errorf("request ids %q and %q", a, b)
	}
	if n := k.Count(); n != 1 {
		t.Errorf("%d upstream calls", n)
	}
}

// A request that differs, or comes from another caller, is not served the cached response.
func TestCachedResponseIsForEqualRequests(t *testing.T) {
	for name, headers := range map[string][]string{
		"another token":          {"X-Auth-Token", "two"},
		"a token of the project": {"X-Auth-Token", "one", "Scalegraph-Token", project + "=two"},
		"a bearer":               {"X-Auth-Token", "one", "Authorization", "Bearer me"},
		"another form":           {"X-Auth-Token", "one", "Accept", "application/graphql-response+json"},
		"no cache":               {"X-Auth-Token", "one", "Cache-Control", "no-cache"},
		"explain":                {"X-Auth-Token", "one", "Scalegraph-Explain", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newCachingHandler(t)
			k.cached("one")
			if got, executed := k.ask(headers...); !executed || got.StatusCode != http.StatusOK {
				t.Errorf("executed %v: %d %s", executed, got.StatusCode, got.text)
			}
		})
	}
}

func TestCachedResponseExpiresWithTheGrant(t *testing.T) {
	k := newCachingHandler(t)
	k.cached("one")
	k.RevokeToken("one")
	other := body(inRealGroup(`activities(filter: { status: FAIL }) { totalCount }`), nil)
	if got := send(t, http.MethodPost, k.target, other, "Content-Type", "application/json", "X-Auth-Token", "one"); !strings.Contains(got.text, "UNAUTHENTICATED") {
		t.Fatal(got.text)
	}
	if got, _ := k.ask("X-Auth-Token", "one"); !strings.Contains(got.text, "UNAUTHENTICATED") || strings.Contains(got.text, "logId") {
		t.Errorf("after a refusal: %s", got.text)
	}
	if got, _ := k.ask("X-Auth-Token", "wrong"); !strings.Contains(got.text, "UNAUTHENTICATED") {
		t.Errorf("a wrong token: %s", got.text)
	}
}

// A read that bypasses the caches contains a new row, and so does every later read.
func TestCachedResponseExpiresWithItsPages(t *testing.T) {
	k := newCachingHandler(t)
	k.cached("one")
	k.insert(3)
	if got, _ := k.ask("X-Auth-Token", "one"); !strings.Contains(got.text, `"totalCount":3`) {
		t.Errorf("within an hour: %s", got.text)
	}
	if got, _ := k.ask("X-Auth-Token", "two", "Cache-Control", "no-cache"); !strings.Contains(got.text, `"totalCount":4`) {
		t.Errorf("bypassing the caches: %s", got.text)
	}
	if got, _ := k.ask("X-Auth-Token", "one"); !strings.Contains(got.text, `"totalCount":4`) {
		t.Errorf("after that: %s", got.text)
	}
}

func TestFailedResponseIsNotCached(t *testing.T) {
	k := newCachingHandler(t)
	k.cached("one")
	half, before := body(inRealGroup(`activities { totalCount } wrong: activities(first: -1) { totalCount }`), nil), k.ran.Load()
	for range 5 {
		if got := send(t, http.MethodPost, k.target, half, "Content-Type", "application/json", "X-Auth-Token", "one"); !strings.Contains(got.text, "BAD_USER_INPUT") {
			t.Errorf("%d %s", got.StatusCode, got.text)
		}
	}
	if n := k.ran.Load() - before; n != 5 {
		t.Errorf("%d executions", n)
	}
}

// By GET a cached response has its validator, and its compressed form.
func TestCachedResponseByGet(t *testing.T) {
	k := newCachingHandler(t)
	target := k.target + "?query=" + url.QueryEscape(inRealGroup(`activities { nodes { `+strings.Repeat("logId ", 200)+` } } more: activities { nodes { a: logId b: logId c: logId d: logId e: logId f: logId g: logId } }`))
	get := func(headers ...string) reply {
		return send(t, http.MethodGet, target, "", append(headers, "X-Auth-Token", "one")...)
	}
	first := get("Accept-Encoding", "identity")
	for range 3 {
		get("Accept-Encoding", "identity")
	}
	before := k.ran.Load()
	again := get("Accept-Encoding", "identity")
	if again.Header.Get("ETag") != first.Header.Get("ETag") || !strings.HasPrefix(again.Header.Get("Cache-Control"), "private, max-age=3") {
		t.Errorf("%v\nwas %v", again.Header, first.Header)
	}
	if got := get("Accept-Encoding", "identity", "If-None-Match", first.Header.Get("ETag")); got.StatusCode != http.StatusNotModified {
		t.Errorf("with its validator: %d", got.StatusCode)
	}
	for range 2 {
		zipped := get("Accept-Encoding", "gzip")
		r, err := gzip.NewReader(strings.NewReader(zipped.text))
		if err != nil {
			t.Fatal(err, zipped.text)
		}
		if text, err := io.ReadAll(r); err != nil || string(text) != first.text {
			t.Errorf("%v %s", err, text)
		}
	}
	if n := k.ran.Load() - before; n != 0 {
		t.Errorf("%d executions", n)
	}
}
