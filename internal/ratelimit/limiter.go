package ratelimit

import (
	"context"
	"time"

	"scalegraph/internal/request"
)

// Limiter bounds what each caller spends in a minute: in Redis, where all replicas count together, or in memory alone. It may be used by
// many goroutines.
type Limiter struct {
	own    *Buckets
	shared *shared // nil: this process alone
}

// NewLimiter returns a Limiter that counts in memory; perMinute is at least 1.
func NewLimiter(perMinute int) *Limiter { return &Limiter{own: New(perMinute)} }

// Share has all replicas count together, and must be called before the first Take. The secret keys the hashes under which callers stand in
// Redis; it must be the same for all replicas.
func (l *Limiter) Share(trips Trips, secret string) {
	l.shared = &shared{trips: trips, secret: []byte(secret), perMinute: l.own.perMinute}
}

// Take spends a cost and returns 0, or spends nothing and returns how long to wait until it would be had; see Buckets.Take. Where Redis does
// not answer, the caller's bucket goes on in memory at the level that was last seen.
func (l *Limiter) Take(ctx context.Context, c *request.Caller, cost int) time.Duration {
	who := l.own.Of(c)
	if l.shared == nil {
		return l.own.Take(who, cost)
	}
	wait, level, ok := l.shared.take(ctx, c, cost, l.own.untold(who))
	if !ok {
		return l.own.Take(who, cost)
	}
	l.own.told(who, level)
	return wait
}
