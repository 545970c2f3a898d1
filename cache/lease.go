package cache

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	leaseLife = 3 * time.Second        // an owner that dies is waited for no longer
	leaseWait = 500 * time.Millisecond // how long the others wait for the owner's page
	leasePoll = 25 * time.Millisecond  // how often they look
)

// release deletes a lease only where it still is the owner's.
var release = redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

// lookAndLease looks, and on the way takes the right to fetch a part for all replicas. Where Redis does not answer, everybody has it.
// End it in any case.
func (s *store) lookAndLease(ctx context.Context, q sought, p part) (out found, end func(), mine bool) {
	key, owner := leaseKey(q.view.hash, p), rand.Text()
	q.lease = redis.NewStatusCmd(ctx, "set", key, owner, "px", leaseLife.Milliseconds(), "nx")
	out = s.look(ctx, q)
	if !out.answered || q.lease.Val() != "OK" {
		return out, func() {}, !out.answered
	}
	return out, func() {
		s.do(ctx, func(ctx context.Context) error { return release.Run(ctx, s.rdb, []string{key}, owner).Err() })
	}, true
}
