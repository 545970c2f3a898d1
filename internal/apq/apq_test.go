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
	if text, ok := other.Get(t.Context(), "a"); ok {
		t.Errorf("before it was stored: %q", text)
	}
	one.Put(t.Context(), "a", "{ __typename }")
	one.Put(t.Context(), "long", strings.Repeat(" ", maxText+1))
	if text, ok := other.Get(t.Context(), "a"); !ok || text != "{ __typename }" {
		t.Errorf("stored by the other replica: %q, %v", text, ok)
	}
	if _, ok := other.Get(t.Context(), "long"); ok {
		t.Error("a text over the bound was shared")
	}
	server.Kill()
	one.Put(t.Context(), "b", "{ b }")
	if _, ok := other.Get(t.Context(), "a"); ok {
		t.Error("answered without Redis")
	}
	none := New(nil)
	none.Put(t.Context(), "a", "{ a }")
	if _, ok := none.Get(t.Context(), "a"); ok {
		t.Error("answered although no Redis is configured")
	}
}
