package cache

import (
	"time"

	"scalegraph/cache/access"
	"scalegraph/cache/block"
	"scalegraph/cache/cachekey"
	"scalegraph/internal/request"
)

// dependency records that a response contains a fresh cached listing, served to one credential. While it is valid, the whole response can
// be served again. It implements request.Dependency.
type dependency struct {
	cache      *Cache
	log        cachekey.Hash
	access     access.Key
	version    block.Version // changes with every read of the log
	freshUntil time.Time     // end of freshness
	hits       int64         // number of cached segments
}

// recordDependency adds a dependency on the listing to the caller's tally, if its changes can be detected. The dependency on a listing
// that is not fresh is never valid.
func (c *Cache) recordDependency(l *lookup, a assembly) {
	if c.memory == nil && c.store == nil || l.caller.NoCache {
		return
	}
	l.caller.Tally.AddDependency(&dependency{
		cache: c, log: l.key.Hash, access: l.accessReq.ScopeKey(),
		version: l.state.Version(), freshUntil: a.freshUntil, hits: max(1, int64(len(a.segments))),
	})
}

// Valid reports whether the credential still has access, and the log is unchanged and fresh. Without the in-process tier it returns false.
func (b *dependency) Valid(now time.Time) bool {
	return now.Before(b.freshUntil) && b.cache.memory.state(b.log).Version() == b.version && b.cache.grants.Confirmed(b.access)
}

// RecordHit counts the segments as memory hits.
func (b *dependency) RecordHit(t *request.Tally) {
	t.MemoryHits.Add(b.hits)
	b.cache.counters.memoryHits.Add(b.hits)
	t.LimitFreshness(b.freshUntil)
}
