package cache_test

import (
	"testing"
	"time"

	"scalegraph/cache/redistest"
	"scalegraph/upstream"
)

// The decision about access, the length of the log, and its rows are read in one round trip.
func TestColdPageIsOneRoundTrip(t *testing.T) {
	s := redistest.Start(t)
	b := newOpenFixture(t, 1000)
	deep := upstream.ListQuery{Group: group, Offset: 300, Limit: 150}
	first := b.replica(s.URL())
	b.list(b.as("a"), first, poll)
	b.list(b.as("a"), first, deep)
	waitUntilStored(t, s, 5)
	took := func(trips *redistest.TripCounter, do func()) int64 {
		before := trips.N.Load()
		do()
		return trips.N.Load() - before
	}

	cold, trips := b.replicaWithCounter(s.URL())
	if n := took(trips, func() { b.list(b.as("a"), cold, poll) }); n != 1 {
		t.Errorf("the head on a cold replica: %d trips", n)
	}
	if n := took(trips, func() { b.list(b.as("a"), cold, deep) }); n != 1 {
		t.Errorf("blocks: %d trips", n)
	}
	bare, trips := b.replicaWithCounter(s.URL(), noMemory)
	if n := took(trips, func() { b.list(b.as("a"), bare, deep) }); n > 2 {
		t.Errorf("blocks of a log that the process never saw: %d trips", n)
	}
	if n := took(trips, func() { b.list(b.as("a"), bare, deep) }); n != 1 {
		t.Errorf("blocks without a memory tier: %d trips", n)
	}
	if calls := b.Count(); calls > 4 {
		t.Errorf("%d upstream calls", calls)
	}
}

// A rejection that one replica received is effective at once if Redis is read for a response, and within a second if memory suffices.
func TestRejectionIsReadInTheSameRoundTrip(t *testing.T) {
	s := redistest.Start(t)
	b := newClosedFixture(t, 100)
	one, two := b.replica(s.URL()), b.replica(s.URL(), noMemory)
	b.list(b.as("good"), one, poll)
	waitUntilStored(t, s, 2)
	if calls := b.calls(func() { b.list(b.as("good"), two, poll) }); calls != 0 {
		t.Errorf("%d calls", calls)
	}
	b.RevokeToken("good")
	time.Sleep(1100 * time.Millisecond) // reads that bypass the cache are made once a second
	b.list(b.as("other"), two, poll)
	if _, err := one.List(noCache(b.Context(), "good"), poll); err == nil {
		t.Fatal("a revoked token was let in")
	}
	if l, err := two.List(b.as("good"), poll); err == nil || len(l.Rows) > 0 {
		t.Errorf("%d rows after the refusal", len(l.Rows))
	}
}
