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

// lease takes the right to fetch a part for all replicas. Where Redis does not answer, everybody has it. End it in any case.
func (s *store) lease(ctx context.Context, v viewHash, p part) (end func(), ok bool) {
	key, owner := leaseKey(v, p), rand.Text()
	var cmd *redis.StatusCmd
	if !s.do(ctx, func(ctx context.Context) error {
		cmd = s.rdb.SetArgs(ctx, key, owner, redis.SetArgs{Mode: "NX", TTL: leaseLife})
		return cmd.Err()
	}) {
		return func() {}, true
	}
	if cmd.Val() != "OK" {
		return func() {}, false
	}
	return func() {
		s.do(ctx, func(ctx context.Context) error { return release.Run(ctx, s.rdb, []string{key}, owner).Err() })
	}, true
}
