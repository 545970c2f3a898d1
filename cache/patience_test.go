package cache_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/cache"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// newNarrowCache returns a cache over a client that makes one call of a caller at a time.
func (b *fixture) newNarrowCache() *cache.Cache {
	b.Helper()
	client, err := upstream.New(upstream.Config{
		Endpoints: map[string]string{"r": "http://emulator.test"}, Transport: b.Transport(), Concurrency: 4,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	logs := cache.New(client, defaults())
	b.Cleanup(logs.Close)
	return logs
}

// listAll lists the rows of each type at once. It returns how many responses were stale, and how long the last one took.
func (b *fixture) listAll(logs *cache.Cache) (stale int, took time.Duration) {
	began := time.Now()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, kind := range upstream.Types() {
		wg.Go(func() {
			q := upstream.ListQuery{Group: group, Filter: upstream.NewFilter(upstream.Filter{Types: []upstream.Type{kind}}), Limit: 20}
			l := b.list(b.as("a"), logs, q)
			mu.Lock()
			defer mu.Unlock()
			if l.Stale {
				stale++
			}
		})
	}
	wg.Wait()
	return stale, time.Since(began)
}

// Calls that wait for each other's slot are no reason to serve stale rows, if the upstream responds. If it hangs, no call is waited for longer
// than a second, whether it was sent or not.
func TestPatienceCountsFromTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 50)
		logs := b.newNarrowCache()
		b.listAll(logs)
		b.Fault(emulator.Always(emulator.Fault{Delay: 400 * time.Millisecond}))
		time.Sleep(time.Minute)
		if stale, took := b.listAll(logs); stale > 0 || took < 3*time.Second {
			t.Errorf("%d of 10 responses are stale after %v, want none although it takes long", stale, took)
		}
		b.Fault(emulator.Always(emulator.Fault{Break: emulator.Hang}))
		time.Sleep(time.Minute)
		if stale, took := b.listAll(logs); stale != 10 || took != time.Second {
			t.Errorf("%d of 10 responses are stale after %v, want all after 1 s", stale, took)
		}
	})
}

// If a read fails, the rows that were cached before it are served, even if another read has meanwhile shown that the log is no longer the same.
func TestStaleRowsOutliveTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 500)
		logs, source := b.newHookedCache()
		deep := upstream.ListQuery{Group: group, Offset: 300, Limit: 20}
		b.list(b.as("a"), logs, poll)
		want := ids(b.list(b.as("a"), logs, deep).Rows)
		time.Sleep(time.Minute)
		source.before = func() {
			source.before = func() {}
			b.Grow(300)
			b.list(noCache(b.Context(), "a"), logs, poll)
			b.Fault(emulator.Always(emulator.Fault{Status: http.StatusInternalServerError}))
		}
		l, err := logs.List(b.as("a"), deep)
		if err != nil || !l.Stale {
			t.Fatalf("stale %v, error %v", l.Stale, err)
		}
		b.requireEqual("rows", ids(l.Rows), want)
	})
}

// A cached head is read again once a later read has shown that rows were added above it, although it is longer and still fresh.
func TestOutdatedHeadIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 500)
		logs := b.newCache(defaults())
		long := upstream.ListQuery{Group: group, Limit: 100}
		b.list(b.as("a"), logs, long)
		time.Sleep(1100 * time.Millisecond) // reads that bypass the cache are made once a second
		b.Grow(7)
		b.list(noCache(b.Context(), "a"), logs, poll)
		time.Sleep(time.Second)
		l := b.list(b.as("a"), logs, long)
		if l.Total != 507 || l.Rows[0].LogID != b.expected(emulator.Filter{})[0] {
			t.Errorf("total %d, newest row %s", l.Total, l.Rows[0].LogID)
		}
	})
}
