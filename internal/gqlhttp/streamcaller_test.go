package gqlhttp_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scalegraph/graph"
	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/request"
	"scalegraph/resolvers"
)

// TestCallersOfStreams have to be recognised again and again.
func TestCallersOfStreams(t *testing.T) {
	f := newFeed()
	var mu sync.Mutex
	var fault error
	target := serveFeed(t, f, gqlhttp.Config{
		KeepAlive: time.Hour, ReauthInterval: time.Millisecond,
		Authenticate: func(context.Context, *request.Caller) error {
			mu.Lock()
			defer mu.Unlock()
			return fault
		},
	})
	r := bufio.NewReader(open(t, http.MethodGet, target+"?query="+url.QueryEscape(subscription), "", "Accept", "text/event-stream").Body)
	f.say("one")
	upTo(t, r, singleEvent+"\n\n")
	mu.Lock()
	fault = errors.New("expired")
	mu.Unlock()
	wait(t, "the subscription", f.subscribed(t).Done())
	text, err := io.ReadAll(r)
	if want := "event: next\ndata: {\"errors\":[{\"message\":\"The caller is not recognised any more.\",\"extensions\":{\"code\":\"UNAUTHENTICATED\",\"retryable\":false}}]}\n\nevent: complete\ndata: \n\n"; string(text) != want || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// TestNarrowedCallerOfAStream may read less than when the stream began, so the stream ends.
func TestNarrowedCallerOfAStream(t *testing.T) {
	f := newFeed()
	var narrowed atomic.Bool
	target := serveFeed(t, f, gqlhttp.Config{KeepAlive: time.Hour, ReauthInterval: time.Millisecond, Authenticate: func(_ context.Context, c *request.Caller) error {
		c.ProjectsOnly = narrowed.Load()
		return nil
	}})
	r := bufio.NewReader(open(t, http.MethodGet, target+"?query="+url.QueryEscape(subscription), "", "Accept", "text/event-stream").Body)
	f.say("one")
	upTo(t, r, singleEvent+"\n\n")
	narrowed.Store(true)
	wait(t, "the subscription", f.subscribed(t).Done())
	if text, err := io.ReadAll(r); !strings.Contains(string(text), "UNAUTHENTICATED") || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// TestHeadHasNoStream, because it has no body.
func TestHeadHasNoStream(t *testing.T) {
	f := newFeed()
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: f, Complexity: resolvers.Complexity()})
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodHead, "/graphql?query="+url.QueryEscape(subscription), nil)
	r.Header.Set("Accept", "text/event-stream")
	gqlhttp.NewHandler(schema, gqlhttp.Config{}).ServeHTTP(w, r)
	if w.Code != http.StatusNotAcceptable {
		t.Errorf("%d", w.Code)
	}
}

// What a subscription's deferred fragments cost is charged once, as everything is.
func TestSubscriptionsAreChargedOnce(t *testing.T) {
	f := newFeed()
	var charged []int
	target := serveFeed(t, f, gqlhttp.Config{Admit: func(_ context.Context, _ *request.Caller, cost int) time.Duration {
		charged = append(charged, cost)
		return 0
	}})
	query := `subscription { scalingActivityChanged(groups: []) { cursor ... @defer { kind } } }`
	resp := open(t, http.MethodGet, target+"?query="+url.QueryEscape(query), "", "Accept", `multipart/mixed;subscriptionSpec="1.0", multipart/mixed;deferSpec=20220824`)
	f.subscribed(t)
	f.say("one")
	upTo(t, bufio.NewReader(resp.Body), singleEvent)
	if len(charged) != 1 || charged[0] == 0 {
		t.Errorf("charged %v", charged)
	}
}
