package apq

import (
	"strings"
	"testing"

	"scalegraph/cache/redistest"
	"scalegraph/internal/redisx"
)

// One replica stores a text that another one finds; a loss of Redis makes both behave as if there were none.
func TestTextsAreShared(t *testing.T) {
	server := redistest.Start(t)
	open := func() *Store {
		client, err := redisx.Open(redisx.Config{URL: server.URL()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		return New(client)
	}
	one, other := open(), open()
	if text, ok := other.Query(t.Context(), "a"); ok {
		t.Errorf("before it was stored: %q", text)
	}
	one.KeepQuery(t.Context(), "a", "{ __typename }")
	one.KeepQuery(t.Context(), "long", strings.Repeat(" ", maxText+1))
	if text, ok := other.Query(t.Context(), "a"); !ok || text != "{ __typename }" {
		t.Errorf("stored by the other replica: %q, %v", text, ok)
	}
	if _, ok := other.Query(t.Context(), "long"); ok {
		t.Error("a text over the bound was shared")
	}
	server.Kill()
	one.KeepQuery(t.Context(), "b", "{ b }")
	if _, ok := other.Query(t.Context(), "a"); ok {
		t.Error("answered without Redis")
	}
	none := New(nil)
	none.KeepQuery(t.Context(), "a", "{ a }")
	if _, ok := none.Query(t.Context(), "a"); ok {
		t.Error("answered although no Redis is configured")
	}
}
