package cache

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Trip makes a trip to Redis for somebody else, within the same bound of time and behind the same breaker as those of the cache. It
// reports whether Redis answered; never where there is none.
func (l *Logs) Trip(ctx context.Context, trip func(context.Context, redis.UniversalClient) error) bool {
	return l.store != nil && l.store.do(ctx, func(ctx context.Context) error { return trip(ctx, l.store.rdb) })
}
