package gqlhttp_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"scalegraph/internal/gqlhttp"
	"scalegraph/upstream"
)

// The cost of queries in flight is bounded over all transports, and released when they end. Rejections are retryable.
func TestCostInFlightIsBounded(t *testing.T) {
	const deferred = `{ scalingGroup(groupId: "g") { id ... @defer { region } } }`
	f, entered, leave := newFeed(), make(chan struct{}), make(chan struct{})
	var running atomic.Int32
	f.group = func(_ context.Context, id string) (*upstream.Group, error) {
		defer running.Add(-1)
		if n := running.Add(1); n > 4 {
			return nil, fmt.Errorf("%d operations at once", n)
		}
		entered <- struct{}{}
		<-leave
		return &upstream.Group{ID: id}, nil
	}
	target := serveFeed(t, f, gqlhttp.Config{CostInFlight: 4}) // so that each caller may have one operation
	s := connectAndInit(t, target)                             // a caller without a token
	s.send(subscribe("s", subscription))
	f.subscribed(t)
	s.send(subscribe("one", groupQuery))
	<-entered
	done := make(chan reply, 3)
	for token, query := range map[string]string{"a": groupQuery, "b": deferred, "c": groupQuery} {
		go func() {
			done <- post(t, target, query, "Accept", "multipart/mixed;deferSpec=20220824, application/json", "X-Auth-Token", token)
		}()
		<-entered
	}

	for token, status := range map[string]int{"a": http.StatusTooManyRequests, "d": http.StatusServiceUnavailable} {
		got := post(t, target, groupQuery, "X-Auth-Token", token)
		if got.StatusCode != status || got.Header.Get("Retry-After") != "1" || !strings.Contains(got.text, `"code":"RATE_LIMITED","retryAfterSeconds":1,"retryable":true`) {
			t.Errorf("%s: %d %s", token, got.StatusCode, got.text)
		}
	}
	s.send(subscribe("two", groupQuery))
	if got := s.receive(); !strings.Contains(got, `"id":"two"`) || !strings.Contains(got, "RATE_LIMITED") {
		t.Error(got)
	}

	close(leave)
	for range 3 {
		if got := <-done; got.StatusCode != http.StatusOK || strings.Contains(got.text, "RATE_LIMITED") {
			t.Errorf("%d %s", got.StatusCode, got.text)
		}
	}
	go func() {
		for range entered { // the retries
		}
	}()
	defer close(entered)
	for _, token := range []string{"a", "b", "c", "d"} {
		if got := post(t, target, groupQuery, "X-Auth-Token", token); got.StatusCode != http.StatusOK {
			t.Errorf("afterwards: %d %s", got.StatusCode, got.text)
		}
	}
}
