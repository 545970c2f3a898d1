package cache_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/cache"
	"scalegraph/internal/request"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

var poll = upstream.ListQuery{Group: group, Limit: 21}

func (b *fixture) list(ctx context.Context, logs *cache.Cache, q upstream.ListQuery) upstream.Listing {
	b.Helper()
	l, err := logs.List(ctx, q)
	if err != nil {
		b.Fatalf("list: %v", err)
	}
	return l
}

func noCache(ctx context.Context, token string) context.Context {
	return request.WithCaller(ctx, &request.Caller{Token: token, NoCache: true})
}

// The responses to polls of the head as the cached copy ages.
func TestHeadFreshness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 50)
		logs, ctx := b.newCache(defaults()), b.as("a")
		began := time.Now()
		first := b.list(ctx, logs, poll)
		b.Grow(1)

		time.Sleep(5*time.Second - 1)
		if calls := b.calls(func() { b.list(ctx, logs, poll) }); calls != 0 {
			t.Errorf("fresh: %d calls, want none", calls)
		}
		time.Sleep(2 * time.Nanosecond)
		aging := b.list(ctx, logs, poll)
		if !aging.At.Equal(first.At) || aging.Stale {
			t.Errorf("aging: read at %v, stale %v; want the first copy, not stale", aging.At.Sub(began), aging.Stale)
		}
		synctest.Wait()
		renewed := b.list(ctx, logs, poll)
		if renewed.Total != 51 || b.Count() != 2 {
			t.Errorf("revalidated in the background: total %d after %d calls, want 51 after 2", renewed.Total, b.Count())
		}

		b.Grow(1)
		time.Sleep(20 * time.Second)
		if l := b.list(ctx, logs, poll); l.Total != 52 || b.Count() != 3 {
			t.Errorf("old: total %d after %d calls, want 52 after 3", l.Total, b.Count())
		}
	})
}

// While a revalidation is in flight the stale copy is served, and there is only one revalidation.
func TestOneBackgroundRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 50)
		logs, ctx := b.newCache(defaults()), b.as("a")
		b.list(ctx, logs, poll)
		b.Fault(emulator.Always(emulator.Fault{Delay: 3 * time.Second}))
		time.Sleep(6 * time.Second)
		for range 20 {
			before := time.Now()
			b.list(ctx, logs, poll)
			if waited := time.Since(before); waited > 0 {
				t.Fatalf("waited %v for a refresh", waited)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if b.Count() != 2 {
			t.Errorf("%d calls, want 2", b.Count())
		}
		synctest.Wait()
		time.Sleep(3 * time.Second)
	})
}

// Stale rows are served for a failing upstream up to StaleIfError, and are marked as stale.
func TestStaleIfError(t *testing.T) {
	faults := map[string]emulator.Fault{
		"500": {Status: http.StatusInternalServerError}, "429": emulator.Throttled(0), "408": {Status: http.StatusRequestTimeout},
		"unreadable": {Break: emulator.NotJSON}, "no connection": {Break: emulator.CloseConnection},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newOpenFixture(t, 500)
				cfg := defaults()
				cfg.StaleIfError, cfg.GrantIfError = 10*time.Minute, time.Hour
				logs, ctx := b.newCache(cfg), b.as("a")
				deep := upstream.ListQuery{Group: group, Offset: 300, Limit: 20}
				b.list(ctx, logs, poll)
				b.list(ctx, logs, deep)
				b.Fault(emulator.Always(fault))
				time.Sleep(9 * time.Minute)
				for _, q := range []upstream.ListQuery{poll, deep} {
					l := b.list(ctx, logs, q)
					if !l.Stale || time.Since(l.At) < 9*time.Minute {
						t.Errorf("offset %d: stale %v, %v old", q.Offset, l.Stale, time.Since(l.At))
					}
				}
				if _, err := logs.List(noCache(b.Context(), "a"), poll); err == nil {
					t.Error("a read bypassing the cache was answered from it")
				}
				time.Sleep(2 * time.Minute)
				if _, err := logs.List(ctx, poll); err == nil {
					t.Error("served beyond the bound")
				}
				b.Fault(nil)
				time.Sleep(time.Minute)
				if l := b.list(ctx, logs, poll); l.Stale {
					t.Error("stale although the upstream has recovered")
				}
			})
		})
	}
}

// A failing upstream is not called for every caller that can be served stale rows.
func TestBackoffAfterFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 50)
		logs, ctx := b.newCache(defaults()), b.as("a")
		b.list(ctx, logs, poll)
		b.Fault(emulator.Always(emulator.Throttled(0)))
		time.Sleep(30 * time.Second)
		before := b.Count()
		for range 1000 {
			b.list(ctx, logs, poll)
			time.Sleep(10 * time.Millisecond)
		}
		if calls := b.Count() - before; calls > 11 {
			t.Errorf("%d calls in 10 s", calls)
		}
	})
}

// A hanging upstream is waited for a second if stale rows can be served.
func TestStaleResponseWhenUpstreamHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 50)
		logs, ctx := b.newCache(defaults()), b.as("a")
		b.list(ctx, logs, poll)
		b.Fault(emulator.Always(emulator.Fault{Break: emulator.Hang}))
		time.Sleep(time.Minute - time.Second)
		before := time.Now()
		if l := b.list(ctx, logs, poll); !l.Stale || time.Since(before) != time.Second {
			t.Errorf("stale %v after %v, want a stale response after 1 s", l.Stale, time.Since(before))
		}
		time.Sleep(time.Minute)
		before = time.Now()
		if l := b.list(ctx, logs, poll); !l.Stale || time.Since(before) != time.Second {
			t.Errorf("grant lapsed: stale %v after %v, want a stale response after 1 s", l.Stale, time.Since(before))
		}
	})
}

// Many callers cause one call. If the caller that started it leaves, the others still get the response.
func TestCoalescing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 50)
		logs := b.newCache(defaults())
		b.Fault(emulator.Always(emulator.Fault{Delay: time.Second}))
		first, leave := context.WithCancel(b.as("a"))
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := logs.List(first, poll); !errors.Is(err, context.Canceled) {
				t.Errorf("the first caller got %v, want its own cancellation", err)
			}
		})
		synctest.Wait()
		for range 199 {
			wg.Go(func() { b.list(b.as("a"), logs, poll) })
		}
		synctest.Wait()
		leave()
		wg.Wait()
		if b.Count() != 1 {
			t.Errorf("%d calls, want 1", b.Count())
		}
		if n := logs.Stats().Coalesced; n != 199 {
			t.Errorf("%d coalesced, want 199", n)
		}
	})
}

// The tally of a request counts the calls that it caused.
func TestTally(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 50)
		logs := b.newCache(defaults())
		one, two := &request.Caller{Token: "a"}, &request.Caller{Token: "a"}
		b.list(request.WithCaller(b.Context(), one), logs, poll)
		b.list(request.WithCaller(b.Context(), two), logs, poll)
		if one.Tally.Calls.Load() != 1 || one.Tally.MemoryHits.Load() != 0 {
			t.Errorf("first: %d calls, %d hits", one.Tally.Calls.Load(), one.Tally.MemoryHits.Load())
		}
		if two.Tally.Calls.Load() != 0 || two.Tally.MemoryHits.Load() != 1 {
			t.Errorf("second: %d calls, %d hits", two.Tally.Calls.Load(), two.Tally.MemoryHits.Load())
		}
		if until, ok := two.Tally.FreshUntil(); !ok || time.Until(until) != 5*time.Second {
			t.Errorf("fresh for %v, %v", time.Until(until), ok)
		}
	})
}

// Reads that bypass the cache fill it, and are made at most once a second.
func TestNoCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 500)
		logs := b.newCache(defaults())
		deep := upstream.ListQuery{Group: group, Offset: 330, Limit: 20}
		b.list(b.as("a"), logs, poll)
		b.list(b.as("a"), logs, deep)
		for _, q := range []upstream.ListQuery{poll, deep} {
			time.Sleep(2 * time.Second)
			calls := b.calls(func() {
				for range 100 {
					if l := b.list(noCache(b.Context(), "a"), logs, q); time.Since(l.At) > time.Second {
						t.Errorf("offset %d: %v old", q.Offset, time.Since(l.At))
					}
					time.Sleep(20 * time.Millisecond)
				}
			})
			if calls != 2 {
				t.Errorf("offset %d: %d calls in 2 s, want 2", q.Offset, calls)
			}
			if calls := b.calls(func() { b.list(b.as("a"), logs, q) }); calls != 0 {
				t.Errorf("offset %d: the read bypassing the cache did not fill it", q.Offset)
			}
		}
	})
}

// A response that a group does not exist is cached for a moment, for the same credential.
func TestUnknownGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 50)
		logs := b.newCache(defaults())
		q := upstream.ListQuery{Group: upstream.Group{Region: "r", Project: project, ID: "none"}, Limit: 21}
		ask := func(token string) {
			t.Helper()
			var refused *upstream.StatusError
			if _, err := logs.List(b.as(token), q); !errors.Is(err, upstream.ErrNotFound) || !errors.As(err, &refused) {
				t.Fatalf("%v, want ErrNotFound with the code of the upstream", err)
			}
		}
		for _, c := range []struct {
			token string
			after time.Duration
			calls int
		}{{"a", 0, 1}, {"a", time.Second, 0}, {"b", 0, 1}, {"a", 5 * time.Second, 1}} {
			time.Sleep(c.after)
			if calls := b.calls(func() { ask(c.token) }); calls != c.calls {
				t.Errorf("%s after %v: %d calls, want %d", c.token, c.after, calls, c.calls)
			}
		}
		b.AddGroup(project, "none")
		time.Sleep(5 * time.Second)
		if _, err := logs.List(b.as("a"), q); err != nil {
			t.Errorf("the group is there now: %v", err)
		}
	})
}

// Cached rows are never changed.
func TestCachedRowsAreImmutable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 300)
		logs := b.newCache(defaults())
		q := upstream.ListQuery{Group: group, Offset: 100, Limit: 100}
		one := b.list(b.as("a"), logs, q)
		before := ids(one.Rows)
		b.list(b.as("a"), logs, upstream.ListQuery{Group: group, Offset: 50, Limit: 100})
		if !slices.Equal(before, ids(one.Rows)) {
			t.Error("rows of a response changed")
		}
	})
}
