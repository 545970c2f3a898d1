package cache_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"scalegraph/cache/redistest"
	"scalegraph/upstream"
)

// Whether a caller has the right, how long the log is, and its rows: all of that is one trip.
func TestOneTrip(t *testing.T) {
	s := redistest.Start(t)
	b := openBench(t, 1000)
	deep := upstream.ListQuery{Group: group, Offset: 300, Limit: 150}
	first := b.replica(s.URL())
	b.list(b.as("a"), first, poll)
	b.list(b.as("a"), first, deep)
	kept(t, s, 5)
	took := func(trips *tripCounter, do func()) int64 {
		before := trips.n.Load()
		do()
		return trips.n.Load() - before
	}

	cold, trips := b.counted(s.URL())
	cold.Query(t.Context(), "connects")
	if n := took(trips, func() { b.list(b.as("a"), cold, poll) }); n != 1 {
		t.Errorf("the head on a cold replica: %d trips", n)
	}
	if n := took(trips, func() { b.list(b.as("a"), cold, deep) }); n != 1 {
		t.Errorf("blocks: %d trips", n)
	}
	bare, trips := b.counted(s.URL(), noMemory)
	bare.Query(t.Context(), "connects")
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

// What many ask at once travels together.
func TestManyTravelTogether(t *testing.T) {
	s := redistest.Start(t)
	b := openBench(t, 0)
	ask := func(n int) upstream.ListQuery {
		q := poll
		q.Group.ID = fmt.Sprint("g", n)
		return q
	}
	first := b.replica(s.URL())
	for n := range 50 {
		b.Insert(project, fmt.Sprint("g", n), b.Row(n, "SUCCESS"))
		b.list(b.as("a"), first, ask(n))
	}
	kept(t, s, 100)
	cold, trips := b.counted(s.URL())
	b.list(b.as("a"), cold, ask(0)) // connects
	before := trips.n.Load()
	var wg sync.WaitGroup
	for n := 1; n < 50; n++ {
		wg.Go(func() { b.list(b.as("a"), cold, ask(n)) })
	}
	wg.Wait()
	if n := trips.n.Load() - before; n > 25 {
		t.Errorf("%d trips for 49 reads at once", n)
	}
	if calls := b.Count(); calls != 50 {
		t.Errorf("%d upstream calls, want those of the first replica", calls)
	}
}

// A refusal that one replica hears counts at once wherever Redis is read for an answer, and within a second where memory answers.
func TestRefusalIsReadWithThePage(t *testing.T) {
	s := redistest.Start(t)
	b := closedBench(t, 100)
	one, two := b.replica(s.URL()), b.replica(s.URL(), noMemory)
	b.list(b.as("good"), one, poll)
	kept(t, s, 2)
	if calls := b.calls(func() { b.list(b.as("good"), two, poll) }); calls != 0 {
		t.Errorf("%d calls", calls)
	}
	b.RevokeToken("good")
	time.Sleep(1100 * time.Millisecond) // reads past the cache are made once a second
	b.list(b.as("other"), two, poll)
	if _, err := one.List(noCache(b.Context(), "good"), poll); err == nil {
		t.Fatal("a revoked token was let in")
	}
	if l, err := two.List(b.as("good"), poll); err == nil || len(l.Rows) > 0 {
		t.Errorf("%d rows after the refusal", len(l.Rows))
	}
}
