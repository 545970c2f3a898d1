package ratelimit

import (
	"context"
	"time"

	"scalegraph/internal/redisx"
	"scalegraph/internal/request"
)

// Limiter bounds the cost that each caller spends per minute, in Redis for all replicas together or in memory for this process. It is safe for
// concurrent use.
type Limiter struct {
	local  *Buckets
	shared *sharedBuckets // nil if there is no Redis
}

// NewLimiter returns a Limiter that counts in memory. The capacity perMinute must be at least 1.
func NewLimiter(perMinute int) *Limiter { return &Limiter{local: New(perMinute)} }

// UseRedis makes all replicas count together. It must be called before the first Take. The secret keys the hashes that identify callers in
// Redis, and must be the same for all replicas.
func (l *Limiter) UseRedis(redis *redisx.Client, secret string) {
	l.shared = &sharedBuckets{redis: redis, secret: []byte(secret), capacity: l.local.capacity}
}

// Take spends a cost and returns 0, or returns how long to wait until the cost can be spent; see Buckets.Take. If Redis fails, the caller's
// bucket continues in memory from the last known level.
//
// A caller without a name spends from the bucket of each of its tokens, so that an additional token, which nothing has verified yet, adds
// no budget. If only some of these buckets are full, the cost is spent from the others. All of them take one round trip to Redis together.
func (l *Limiter) Take(ctx context.Context, c *request.Caller, cost int) time.Duration {
	var wait time.Duration
	identities := c.Identities()
	if l.shared == nil {
		for _, identity := range identities {
			wait = max(wait, l.local.Take(l.local.Key(identity), cost))
		}
		return wait
	}
	charges := make([]charge, len(identities))
	for i, identity := range identities {
		charges[i] = charge{identity, l.local.unsharedLevel(l.local.Key(identity))}
	}
	for i, result := range l.shared.take(ctx, cost, charges) {
		key := l.local.Key(identities[i])
		if !result.ok {
			wait = max(wait, l.local.Take(key, cost))
			continue
		}
		l.local.setShared(key, result.level)
		wait = max(wait, result.wait)
	}
	return wait
}
