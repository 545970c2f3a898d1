package cache_test

import (
	"errors"
	"testing"

	"scalegraph/cache/redistest"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// A response that a group does not exist is shared by replicas, for the same credential.
func TestReplicasShareNotFound(t *testing.T) {
	s := redistest.Start(t)
	b := newOpenFixture(t, 50)
	one, two := b.replica(s.URL()), b.replica(s.URL())
	q := poll
	q.Group.ID = "none"
	_, first := one.List(b.as("a"), q)
	redistest.Eventually(t, "Redis has it", func() bool { return len(s.Do("KEYS", "sg1:u:*").([]any)) == 1 })
	var there error
	if calls := b.calls(func() { _, there = two.List(b.as("a"), q) }); calls != 0 {
		t.Errorf("%d calls of the same credential, want none", calls)
	}
	var was, is *upstream.StatusError
	if !errors.Is(there, upstream.ErrNotFound) || !errors.As(first, &was) || !errors.As(there, &is) ||
		was.Status != is.Status || was.Code != is.Code || was.RequestID != is.RequestID {
		t.Errorf("%v, want %v", there, first)
	}
	if calls := b.calls(func() { _, there = two.List(b.as("b"), q) }); calls != 1 || !errors.Is(there, upstream.ErrNotFound) {
		t.Errorf("%d calls of another credential: %v", calls, there)
	}
	if calls := b.calls(func() { _, there = two.List(noCache(b.Context(), "a"), q) }); calls != 1 {
		t.Errorf("%d calls bypassing the cache", calls)
	}
	s.Do("SET", s.Do("KEYS", "sg1:u:*").([]any)[0], "garbage")
	if _, err := b.replica(s.URL()).List(b.as("c"), q); !errors.Is(err, upstream.ErrNotFound) {
		t.Error(err)
	}
}

// Running activities are read once for all replicas and all filters of a group.
func TestReplicasShareRunningActivities(t *testing.T) {
	s := redistest.Start(t)
	b := newOpenFixture(t, 1000)
	reads := func() (n int) {
		for _, r := range b.Requests() {
			if r.Query.Get("status") == emulator.Doing {
				n++
			}
		}
		return n
	}
	deep := upstream.ListQuery{Group: group, Filter: upstream.Filter{Status: upstream.StatusSuccess}, Offset: 340, Limit: 20} // in the middle of a block
	first, head := b.replica(s.URL()), deep
	head.Offset = 0
	b.list(b.as("a"), first, head)
	b.list(b.as("a"), first, deep)
	redistest.Eventually(t, "Redis has it", func() bool { return len(s.Do("KEYS", "sg1:d:*").([]any)) == 1 })
	if reads() != 1 {
		t.Fatalf("%d reads of running activities, want 1", reads())
	}
	for key := range 3 { // other blocks, through replicas with empty memory
		deep.Offset = 340 + 96*(key+1)
		b.list(b.as("a"), b.replica(s.URL()), deep)
	}
	if n := reads(); n != 1 || b.Count() < 5 {
		t.Errorf("%d reads of running activities in %d calls, want 1", n, b.Count())
	}
}
