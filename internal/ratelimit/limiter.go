package ratelimit

import (
	"context"
	"maps"
	"slices"
	"time"

	"scalegraph/internal/redisx"
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
func (l *Limiter) Share(redis *redisx.Client, secret string) {
	l.shared = &shared{redis: redis, secret: []byte(secret), perMinute: l.own.perMinute}
}

// Take spends a cost and returns 0, or spends nothing and returns how long to wait until it would be had; see Buckets.Take. Where Redis does
// not answer, the caller's bucket goes on in memory at the level that was last seen.
//
// A caller without a name spends from the bucket of each of its tokens, so that a further token, which nobody has checked yet, is no new budget.
func (l *Limiter) Take(ctx context.Context, c *request.Caller, cost int) time.Duration {
	var wait time.Duration
	for _, credential := range credentials(c) {
		wait = max(wait, l.take(ctx, credential, cost))
	}
	return wait
}

// credentials returns a caller for each bucket that a caller spends from.
func credentials(c *request.Caller) []*request.Caller {
	if c.Name != "" || len(c.Tokens) == 0 {
		return []*request.Caller{c}
	}
	tokens := slices.Collect(maps.Values(c.Tokens))
	if c.Token != "" {
		tokens = append(tokens, c.Token)
	}
	slices.Sort(tokens)
	var each []*request.Caller
	for _, token := range slices.Compact(tokens) {
		each = append(each, &request.Caller{Token: token, RequestID: c.RequestID})
	}
	return each
}

func (l *Limiter) take(ctx context.Context, c *request.Caller, cost int) time.Duration {
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
