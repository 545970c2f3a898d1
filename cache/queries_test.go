package cache

import (
	"strings"
	"testing"
	"time"

	"scalegraph/cache/redistest"
)

// TestQueriesAreShared has one replica keep a text that another one finds, and neither mind when Redis is gone.
func TestQueriesAreShared(t *testing.T) {
	server := redistest.Start(t)
	open := func() *Logs {
		rdb, err := OpenRedis(server.URL(), 80*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		l := New(nil, Config{Redis: rdb})
		t.Cleanup(l.Close)
		return l
	}
	one, other := open(), open()
	if text, ok := other.Query(t.Context(), "a"); ok {
		t.Errorf("before it was kept: %q", text)
	}
	one.KeepQuery(t.Context(), "a", "{ __typename }")
	one.KeepQuery(t.Context(), "long", strings.Repeat(" ", maxQuery+1))
	if text, ok := other.Query(t.Context(), "a"); !ok || text != "{ __typename }" {
		t.Errorf("kept by the other replica: %q, %v", text, ok)
	}
	if _, ok := other.Query(t.Context(), "long"); ok {
		t.Error("a text over the bound was shared")
	}
	server.Kill()
	one.KeepQuery(t.Context(), "b", "{ b }")
	if _, ok := other.Query(t.Context(), "a"); ok {
		t.Error("answered without Redis")
	}
	alone := New(nil, Config{})
	t.Cleanup(alone.Close)
	alone.KeepQuery(t.Context(), "a", "{ a }")
	if _, ok := alone.Query(t.Context(), "a"); ok {
		t.Error("answered where no Redis is configured")
	}
}
