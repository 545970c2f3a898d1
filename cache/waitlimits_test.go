package cache_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/cache"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// newNarrowCache returns a cache over a client that makes so many calls of a caller at a time.
func (b *fixture) newNarrowCache(calls int) *cache.Cache {
	b.Helper()
	client, err := upstream.New(upstream.Config{
		Endpoints: map[string]string{"r": "http://emulator.test"}, Transport: b.Transport(), Concurrency: 4 * calls,
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
func TestStaleWaitCountsFromTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 50)
		logs := b.newNarrowCache(1)
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

// A read of two calls, the rows in progress and a block, serves no stale rows because the second one waits for a slot.
func TestStaleWaitEndsWithTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 300)
		b.Insert(project, groupID, b.Row(-1, emulator.Doing)) // so that no row is final
		logs := b.newNarrowCache(1)
		deep := upstream.ListQuery{Group: group, Filter: upstream.NewFilter(upstream.Filter{Status: upstream.StatusSuccess}), Offset: 120, Limit: 20} // in the middle of a block
		head := deep
		head.Offset = 0
		for _, q := range []upstream.ListQuery{head, deep} {
			b.list(b.as("a"), logs, q)
		}
		time.Sleep(time.Minute)
		b.Fault(emulator.Always(emulator.Fault{Delay: 400 * time.Millisecond}))
		b.list(b.as("a"), logs, head) // so that only the block is not fresh
		var wg sync.WaitGroup
		wg.Go(func() {
			if l := b.list(b.as("a"), logs, deep); l.Stale {
				t.Error("stale rows")
			}
		})
		synctest.Wait() // the rows in progress are being read
		wg.Go(func() { b.listAll(logs) })
		wg.Wait()
	})
}

// A caller whose calls wait for its slots makes no other caller wait that reads the same rows.
func TestNobodyWaitsForTheSlotsOfAnotherCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 50)
		logs := b.newNarrowCache(2)
		for _, token := range []string{"busy", "quick", "quick too"} {
			b.list(b.as(token), logs, poll)
		}
		time.Sleep(30 * time.Second)
		b.Fault(emulator.Always(emulator.Fault{Delay: 400 * time.Millisecond}))
		var busy, quick sync.WaitGroup
		for n := range 20 {
			other := upstream.Group{Region: "r", Project: project, ID: fmt.Sprint("other-", n)}
			b.AddGroup(project, other.ID)
			busy.Go(func() { b.list(b.as("busy"), logs, upstream.ListQuery{Group: other, Limit: 20}) })
		}
		synctest.Wait()
		busy.Go(func() { b.list(b.as("busy"), logs, poll) })
		synctest.Wait()
		began := time.Now()
		calls := b.calls(func() {
			for _, token := range []string{"quick", "quick too"} {
				quick.Go(func() {
					if l := b.list(b.as(token), logs, poll); l.Stale {
						t.Error("stale rows")
					}
				})
			}
			quick.Wait()
		})
		if took := time.Since(began); took != 500*time.Millisecond {
			t.Errorf("%v, want 100 ms for the other caller's call and 400 ms for one that both share", took)
		}
		if calls > 4 {
			t.Errorf("%d calls, want one and those of the busy caller", calls)
		}
		busy.Wait()
	})
}
