package cache_test

import (
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/cache"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// dependencies lists and returns the dependencies of the response.
func (b *fixture) dependencies(logs *cache.Cache, c *request.Caller, q upstream.ListQuery) []request.Dependency {
	b.Helper()
	b.list(request.WithCaller(b.Context(), c), logs, q)
	return c.Tally.Dependencies()
}

// dependency lists as a caller that has access.
func (b *fixture) dependency(logs *cache.Cache) request.Dependency {
	b.Helper()
	bases := b.dependencies(logs, &request.Caller{Token: "good"}, poll)
	if len(bases) != 1 {
		b.Fatalf("rests on %d", len(bases))
	}
	return bases[0]
}

// A dependency is valid as long as the cache would serve the same without any call, and no longer.
func TestDependencyEndsWithItsPages(t *testing.T) {
	ends := map[string]func(b *fixture, logs *cache.Cache){
		"freshness": func(*fixture, *cache.Cache) { time.Sleep(defaults().Fresh) },
		"a read that bypasses the caches": func(b *fixture, logs *cache.Cache) {
			b.Grow(1)
			b.list(request.WithCaller(b.Context(), &request.Caller{Token: "other", NoCache: true}), logs, poll)
		},
		"a refusal": func(b *fixture, logs *cache.Cache) {
			b.RevokeToken("good")
			_, _ = logs.List(b.as("good"), upstream.ListQuery{Group: group, Filter: upstream.Filter{Status: upstream.StatusFail}, Limit: 5})
		},
		"the group": func(b *fixture, logs *cache.Cache) {
			b.RemoveGroup(project, groupID)
			_, _ = logs.List(b.as("good"), upstream.ListQuery{Group: group, Filter: upstream.Filter{Status: upstream.StatusFail}, Limit: 5})
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newClosedFixture(t, 50)
				logs := b.newCache(defaults())
				time.Sleep(time.Hour) // so that no time is the zero time
				b.list(b.as("good"), logs, poll)
				basis := b.dependency(logs)
				if time.Sleep(time.Second); !basis.Valid(time.Now()) {
					t.Error("does not hold")
				}
				if end(b, logs); basis.Valid(time.Now()) {
					t.Error("still holds")
				}
			})
		})
	}
}

// Access ends before the pages are stale.
func TestDependencyEndsWithAccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newClosedFixture(t, 50)
		cfg := defaults()
		cfg.Fresh, cfg.Grant = time.Hour, time.Minute
		logs := b.newCache(cfg)
		b.list(b.as("good"), logs, poll)
		basis := b.dependency(logs)
		if time.Sleep(59 * time.Second); !basis.Valid(time.Now()) {
			t.Error("does not hold within GRANT")
		}
		if time.Sleep(2 * time.Second); basis.Valid(time.Now()) {
			t.Error("holds after GRANT")
		}
	})
}

// No dependency is valid for responses that were just fetched, bypass the cache, are stale, or were made without memory.
func TestNoDependencyWithoutCachedPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newClosedFixture(t, 50)
		logs := b.newCache(defaults())
		if n := len(b.dependencies(logs, &request.Caller{Token: "good"}, poll)); n != 0 {
			t.Errorf("just read: %d", n)
		}
		if n := len(b.dependencies(logs, &request.Caller{Token: "good", NoCache: true}, poll)); n != 0 {
			t.Errorf("bypassing the caches: %d", n)
		}
		time.Sleep(defaults().Fresh)
		// None is listed if the revalidation in the background has begun, which is a call of the same request.
		for _, basis := range b.dependencies(logs, &request.Caller{Token: "good"}, poll) {
			if basis.Valid(time.Now()) {
				t.Error("stale, and holds")
			}
		}
		cfg := defaults()
		cfg.Memory = 0
		bare := b.newCache(cfg)
		b.list(b.as("good"), bare, poll)
		if n := len(b.dependencies(bare, &request.Caller{Token: "good"}, poll)); n != 0 {
			t.Errorf("without memory: %d", n)
		}
	})
}

// A response that is served again counts as memory hits.
func TestDependencyCountsMemoryHits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newClosedFixture(t, 50)
		logs := b.newCache(defaults())
		b.list(b.as("good"), logs, poll)
		basis, before := b.dependency(logs), logs.Stats().MemoryHits
		var tally request.Tally
		basis.RecordHit(&tally)
		if tally.MemoryHits.Load() != 1 || logs.Stats().MemoryHits != before+1 {
			t.Errorf("%d hits, and %d in all after %d", tally.MemoryHits.Load(), logs.Stats().MemoryHits, before)
		}
		if until, ok := tally.FreshUntil(); !ok || !until.After(time.Now()) {
			t.Errorf("fresh until %v", until)
		}
	})
}

// If nothing is cached, only the requested sections are decoded.
func TestUncachedReadDecodesOnlyRequestedSections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 5)
		for memory, want := range map[int64]upstream.Sections{0: upstream.SectionFailures, 1 << 20: upstream.AllSections} {
			cfg := defaults()
			cfg.Memory = memory
			q := poll
			q.Sections = upstream.SectionFailures
			if l := b.list(b.as("a"), b.newCache(cfg), q); l.Rows[0].Details.Sections != want {
				t.Errorf("%d bytes of memory: sections %v, want %v", memory, l.Rows[0].Details.Sections, want)
			}
		}
	})
}
