package inventory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"scalegraph/internal/request"
	"scalegraph/upstream"
)

const (
	// staleWait is how long to wait for a hanging upstream if a cached value can be served instead.
	staleWait = time.Second
	// noCacheEvery is the minimum time between two reads of one value that bypass the cache.
	noCacheEvery = time.Second
)

// value is a cached snapshot. It is immutable.
type value struct {
	snapshot any // an upstream.Snapshot of the type that the key's kind of call lists
	at       time.Time
	weight   uint32 // estimated bytes in memory
}

// read returns the value under k. It serves a fresh one from the cache, and a stale one while it is revalidated in the background.
// Otherwise it calls load, or, if the upstream fails, serves a cached value within StaleIfError.
func read[T any](ctx context.Context, c *Cache, k key, load func(context.Context) (upstream.Snapshot[T], error)) (upstream.Snapshot[T], error) {
	caller := request.CallerFrom(ctx)
	if !caller.MayRead(k.group.Project) {
		return upstream.Snapshot[T]{}, fmt.Errorf("%w: %.40q", request.ErrProjectForbidden, k.group.Project)
	}
	cached := lookUp[T](ctx, c, k)
	age := cached.age()
	switch {
	case cached == nil:
	case isBypass(ctx):
		cached = nil
	case caller.NoCache && age >= min(c.cfg.Fresh, noCacheEvery):
		cached = nil // a failure must be reported, not an old value served
	case age < c.cfg.Fresh:
		return serve[T](c, k, caller, cached), nil
	case age < c.cfg.Fresh+c.cfg.Stale:
		c.fetch(ctx, k, newFetch(c, k, load))
		return serve[T](c, k, caller, cached), nil
	}
	got, err := c.wait(ctx, k, newFetch(c, k, load), cached != nil && age < c.cfg.StaleIfError)
	if err == nil {
		return serve[T](c, k, caller, got), nil
	}
	if cached == nil || age >= c.cfg.StaleIfError || !isUnavailable(err) || c.rejectedElsewhere(ctx, k, cached) {
		return upstream.Snapshot[T]{}, err
	}
	caller.Tally.StaleHits.Add(1)
	caller.Tally.LimitFreshness(time.Time{}) // the response must not be cached
	stale := cached.snapshot.(upstream.Snapshot[T])
	stale.Stale = true
	return stale, nil
}

type bypassKey struct{}

// withBypass returns a context in which no cached value is served, for cached parts of different ages that do not fit together.
func withBypass(ctx context.Context) context.Context {
	return context.WithValue(ctx, bypassKey{}, true)
}

func isBypass(ctx context.Context) bool { return ctx.Value(bypassKey{}) != nil }

// bypasses reports whether a read must call the upstream itself.
func bypasses(ctx context.Context) bool { return isBypass(ctx) || request.CallerFrom(ctx).NoCache }

// age returns the age of the data, and a very large one if v is nil.
func (v *value) age() time.Duration {
	if v == nil {
		return 1 << 62
	}
	return time.Since(v.at)
}

// serve records in the caller's tally until when the response is fresh, and its dependency on the value.
func serve[T any](c *Cache, k key, caller *request.Caller, v *value) upstream.Snapshot[T] {
	until := v.at.Add(c.cfg.Fresh)
	caller.Tally.LimitFreshness(until)
	caller.Tally.AddDependency(&dependency{c, k, v, until})
	return v.snapshot.(upstream.Snapshot[T])
}

// dependency lets a whole response be served again while the value is still the cached one and fresh.
type dependency struct {
	cache *Cache
	key   key
	value *value
	until time.Time
}

// Valid reports whether the same caller would be served the same value without a call.
func (d *dependency) Valid(now time.Time) bool {
	return now.Before(d.until) && d.cache.inMemory(d.key) == d.value
}

// RecordHit counts one more hit.
func (d *dependency) RecordHit(t *request.Tally) {
	t.MemoryHits.Add(1)
	t.LimitFreshness(d.until)
}

// lookUp returns the value cached under k, and nil if there is none. The newer one of memory and Redis is used, but Redis is read only if
// the value in memory is not fresh.
func lookUp[T any](ctx context.Context, c *Cache, k key) *value {
	caller := request.CallerFrom(ctx)
	v := c.inMemory(k)
	if v != nil && (v.age() < c.cfg.Fresh || c.shared == nil) {
		caller.Tally.MemoryHits.Add(1)
		return v
	}
	there := c.shared.get(ctx, k)
	if there.refusedAt.After(valueTime(v)) {
		c.forget(k)
		return nil
	}
	if there.at.After(valueTime(v)) {
		if decoded := decode[T](there); decoded != nil {
			caller.Tally.RedisHits.Add(1)
			c.remember(k, decoded)
			return decoded
		}
	}
	return v
}

func valueTime(v *value) time.Time {
	if v == nil {
		return time.Time{}
	}
	return v.at
}

func decode[T any](e envelope) *value {
	var s upstream.Snapshot[T]
	if json.Unmarshal(e.snapshot, &s) != nil {
		return nil // corrupt values are misses
	}
	s.AsOf = e.at
	return &value{snapshot: s, at: e.at, weight: weigh(len(e.snapshot))}
}

// weigh estimates the bytes that a value takes in memory from the length of its JSON.
func weigh(encoded int) uint32 { return uint32(500 + 3*encoded) }

// newFetch returns the read that fills the cache. It runs detached from the request; ctx has the caller's credentials. It makes no call if another
// read has filled the cache since the caller looked.
func newFetch[T any](c *Cache, k key, load func(context.Context) (upstream.Snapshot[T], error)) func(context.Context) (*value, error) {
	return func(ctx context.Context) (*value, error) {
		if v := c.inMemory(k); v.age() < c.cfg.Fresh && !bypasses(ctx) {
			return v, nil
		}
		end, v := leased[T](ctx, c, k)
		defer end()
		if v != nil {
			return v, nil
		}
		sent := time.Now()
		s, err := load(ctx)
		if isRejection(err) {
			c.forget(k)
			c.shared.refuse(ctx, k, sent, c.lifetime())
		}
		if err != nil {
			return nil, err
		}
		return store(ctx, c, k, s), nil
	}
}

// leased waits, for a short time, while another replica reads the same value, and returns it. If v is nil, this replica must read.
func leased[T any](ctx context.Context, c *Cache, k key) (end func(), v *value) {
	if c.shared == nil || bypasses(ctx) {
		return func() {}, nil
	}
	began := time.Now()
	for time.Since(began) < leaseWait && ctx.Err() == nil {
		release, mine := c.shared.lease(ctx, k)
		if mine {
			return release, nil
		}
		select {
		case <-time.After(leasePoll):
		case <-ctx.Done():
		}
		if there := c.shared.get(ctx, k); there.at.After(began.Add(-c.cfg.Fresh)) {
			if v := decode[T](there); v != nil {
				request.CallerFrom(ctx).Tally.RedisHits.Add(1)
				c.remember(k, v)
				return func() {}, v
			}
		}
	}
	return func() {}, nil
}

func store[T any](ctx context.Context, c *Cache, k key, s upstream.Snapshot[T]) *value {
	text, err := json.Marshal(s)
	if err != nil { // no field of these types can fail
		panic(err)
	}
	v := &value{snapshot: s, at: s.AsOf, weight: weigh(len(text))}
	c.remember(k, v)
	c.shared.set(ctx, k, envelope{at: s.AsOf, snapshot: text}, c.lifetime())
	return v
}

// lifetime returns how long a value can be served, with jitter so that values read together do not expire together.
func (c *Cache) lifetime() time.Duration {
	life := max(c.cfg.Fresh+c.cfg.Stale, c.cfg.StaleIfError, time.Second)
	return life + rand.N(life/10)
}

// wait returns the result of the fetch. If a cached value may be served instead, it waits for a hanging upstream at most for the duration
// staleWait.
func (c *Cache) wait(ctx context.Context, k key, fetch func(context.Context) (*value, error), fallback bool) (*value, error) {
	var limit <-chan time.Time
	if fallback {
		timer := time.NewTimer(staleWait)
		defer timer.Stop()
		limit = timer.C
	}
	for {
		select {
		case o := <-c.fetch(ctx, k, fetch):
			if o.coalesced {
				request.CallerFrom(ctx).Tally.Coalesced.Add(1)
			}
			if !o.own() {
				return o.value, o.err
			}
		case <-limit:
			return nil, fmt.Errorf("no response yet: %w", upstream.ErrTimeout)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *Cache) inMemory(k key) *value {
	if c.memory == nil {
		return nil
	}
	v, _ := c.memory.GetIfPresent(k)
	return v
}

// remember puts v into memory unless a newer value is there.
func (c *Cache) remember(k key, v *value) {
	if old := c.inMemory(k); c.memory != nil && !valueTime(old).After(v.at) {
		c.memory.Set(k, v)
	}
}

func (c *Cache) forget(k key) {
	if c.memory != nil {
		c.memory.Invalidate(k)
	}
}

// rejectedElsewhere reports whether the upstream has refused the credential after v was read, on this replica or another.
func (c *Cache) rejectedElsewhere(ctx context.Context, k key, v *value) bool {
	return c.shared.get(ctx, k).refusedAt.After(v.at)
}

// isRejection reports whether the upstream rejected the credential, or the resource is gone: no cached value may be served after that.
func isRejection(err error) bool {
	return errors.Is(err, upstream.ErrUnauthenticated) || errors.Is(err, upstream.ErrForbidden) || errors.Is(err, upstream.ErrNotFound)
}

// isUnavailable reports whether the upstream failed in a way that lets a cached value be served instead.
func isUnavailable(err error) bool {
	return errors.Is(err, upstream.ErrRateLimited) || errors.Is(err, upstream.ErrTimeout) ||
		errors.Is(err, upstream.ErrUnavailable) || errors.Is(err, upstream.ErrBadResponse)
}
