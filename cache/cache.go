// Package cache serves reads of activity logs from memory, from Redis, or from its source. A cached response states when its rows were
// read, and its offsets are those of the log as it is now.
//
// Cache.List assembles the response from cached segments (assemble.go), and plans the next action (plan.go): serve it, load missing segments
// from Redis (redislookup.go), fetch them from the source (fill.go), or pass the query through. Concurrent fetches of the same rows are
// coalesced (flight.go, fetch.go). Fetched rows get their rank in the log, counted from its oldest end, and are cached in blocks (package
// block).
//
// Cached rows belong to a group and a filter. They are shared by all callers that may read the group, which the upstream decides
// (package access).
package cache

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"scalegraph/cache/access"
	"scalegraph/cache/cachekey"
	"scalegraph/cache/redisstore"
	"scalegraph/internal/redisx"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// Source lists rows by offset, as the upstream does.
type Source interface {
	List(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error)
}

// Config configures a Cache. A zero duration switches its feature off.
type Config struct {
	Fresh        time.Duration // how long rows that may still change are fresh
	Stale        time.Duration // how much longer they are served while they are revalidated in the background
	StaleIfError time.Duration // how long after the read they may be served if the upstream fails
	Grant        time.Duration // how long an accepted credential may be served from the cache without asking the upstream again
	GrantScope   string        // scope of the access that an accepted call grants: ScopeGroup (default) or ScopeProject
	GrantIfError time.Duration // how long an accepted credential may be served stale rows if the upstream fails
	Secret       string        // keys the hash of credentials; if empty, they are hashed without a key
	Memory       int64         // bytes of the in-process tier; 0 for none
	Timeout      time.Duration // of one fetch; default 30 s
	Log          *slog.Logger  // nil for no logging
	Tracer       trace.Tracer  // nil for no spans

	Redis *redisx.Client // the tier shared by replicas; nil for none. Close does not close it.
}

// Cache is a Source that caches the rows it read. It is safe for concurrent use. Close it when it is no longer needed.
type Cache struct {
	source    Source
	ttls      ttls
	memory    *memory
	store     *redisstore.Store
	grants    *access.Grants
	finality  *finalityCache
	sizeHints *sizeHints
	flights   *flights
	backoffs  *failureBackoff
	counters  Counters
	spans     spans
	log       *slog.Logger
	placeMu   [64]sync.Mutex // serializes locating the rows of one log
}

// New returns a Cache over source.
func New(source Source, cfg Config) *Cache {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Cache{
		source:   source,
		ttls:     ttls{cfg.Fresh, cfg.Stale, cfg.StaleIfError},
		memory:   newMemory(cfg.Memory),
		finality: newFinalityCache(),
		flights:  newFlights(cfg.Timeout),
		backoffs: newFailureBackoff(),
		spans:    spans{cfg.Tracer},
		log:      cfg.Log,
	}
	grants := access.Config{Lifetime: cfg.Grant, StaleIfError: cfg.GrantIfError, Scope: cfg.GrantScope, Secret: cfg.Secret}
	if cfg.Redis != nil {
		c.store = redisstore.New(cfg.Redis, max(cfg.StaleIfError, cfg.Fresh+cfg.Stale, time.Second))
		c.sizeHints = newSizeHints()
		grants.Shared = c.store
	}
	c.grants = access.New(grants)
	return c
}

// Close cancels all fetches in flight and waits for them. A later List may still be served from the cache.
func (c *Cache) Close() {
	c.flights.close()
	c.store.Close()
}

// List returns the rows of the query, possibly more than requested, or fewer if paging can continue from them. Errors are those of the
// source, and may be cached ones of upstream.ErrNotFound.
func (c *Cache) List(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error) {
	if c.spans.tracer != nil {
		return c.listWithSpan(ctx, q)
	}
	return c.serve(ctx, c.newLookup(ctx, q))
}

// serve plans and acts until there is a response.
func (c *Cache) serve(ctx context.Context, l *lookup) (upstream.Listing, error) {
	if err := c.grants.CachedNotFound(l.accessReq); err != nil && !l.caller.NoCache {
		return upstream.Listing{}, err
	}
	a := l.assemble()
	for {
		s := c.situation(l, a)
		switch action := plan(s); action {
		case serve:
			return c.finish(l, a), nil
		case serveAndRevalidate:
			c.refreshAsync(ctx, l, a.stale)
			return c.finish(l, a), nil
		case serveStale:
			a.listing.Stale = true
			return c.finish(l, a), nil
		case lookInRedis:
			if err := c.lookupRedis(ctx, l, a, s.needsRedisRows()); err != nil {
				return upstream.Listing{}, err
			}
		case fetchBlocks, checkAccess:
			if err := c.fill(ctx, l, a, s); err != nil {
				c.recordFailure(ctx, l, err)
			}
		case passThrough:
			out, err := c.fetchOne(ctx, l, l.passThroughSpec(), false)
			if err == nil {
				l.caller.Tally.LimitFreshness(time.Time{})
				return out.listing, nil
			}
			c.recordFailure(ctx, l, err)
		case fail:
			return upstream.Listing{}, l.err
		}
		a = l.reassemble(a)
	}
}

// reassemble assembles again after an action. If the upstream failed, and meanwhile the log has changed so that the cached rows no longer
// suffice, it returns the rows that could be served before.
func (l *lookup) reassemble(before assembly) assembly {
	a := l.assemble()
	if l.failure == upstreamFailed && a.freshness > stateStaleIfError && before.freshness <= stateStaleIfError {
		return before
	}
	return a
}

// situation returns the situation of a lookup now.
func (c *Cache) situation(l *lookup, a assembly) situation {
	return situation{
		rows: a.freshness, unjoinable: l.unlocatable || a.unjoinable(), access: l.access, outdated: l.needsAccessCheck,
		noBlocks: l.q.BypassCache, bypass: l.caller.NoCache, redis: c.store != nil && !l.caller.ForceAuthCheck,
		redisReads: l.redisReads, nothingNew: l.nothingNew, fetches: l.fetches, failure: l.failure,
	}
}

// recordFailure ends the lookup with an error, unless the upstream failed and there are rows that the caller may still see.
func (c *Cache) recordFailure(ctx context.Context, l *lookup, err error) {
	l.failure, l.err = requestFailed, err
	if isUnavailable(err) && !l.caller.NoCache && ctx.Err() == nil {
		l.failure, l.access = upstreamFailed, c.grants.Level(ctx, l.accessReq.ScopeKey())
	}
}

// newLookup returns the lookup for a query of the caller in ctx.
func (c *Cache) newLookup(ctx context.Context, q upstream.ListQuery) *lookup {
	caller := request.CallerFrom(ctx)
	l := &lookup{
		q: q, key: cachekey.NewLog(q.Group, q.Filter), settled: q.Filter.AppendOnly(),
		accessReq: c.grants.NewRequest(caller, q.Group), caller: caller, start: time.Now(), ttls: c.ttls, memory: c.memory,
	}
	if !caller.ForceAuthCheck {
		l.access, l.needsAccessCheck = c.grants.LocalLevel(l.accessReq.ScopeKey()), c.grants.NeedsCheck(l.accessReq.ScopeKey())
	}
	return l
}

// finish records hits, freshness and dependencies of the response, and returns it.
func (c *Cache) finish(l *lookup, a assembly) upstream.Listing {
	for _, seg := range a.segments {
		if !slices.Contains(l.fetched, seg) && !slices.Contains(l.fromRedis, seg) {
			l.memoryHits++
		}
	}
	if len(a.segments) == 0 && len(l.fetched)+len(l.fromRedis) == 0 {
		l.memoryHits++
	}
	l.caller.Tally.MemoryHits.Add(int64(l.memoryHits))
	c.counters.memoryHits.Add(int64(l.memoryHits))
	if a.listing.Stale {
		l.caller.Tally.StaleHits.Add(1)
		c.counters.stale.Add(1)
		a.freshUntil = time.Time{}
	}
	l.caller.Tally.LimitFreshness(a.freshUntil)
	c.recordDependency(l, a)
	return a.listing
}
