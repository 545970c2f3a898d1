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

// lookAndLease looks, and on the way takes a lease. Where Redis does not answer, everybody has it. End it in any case.
func (s *store) lookAndLease(ctx context.Context, q sought, key string) (out found, end func(), mine bool) {
	owner := rand.Text()
	var lease *redis.BoolCmd
	q.lease = func(p redis.Pipeliner) { lease = p.SetNX(ctx, key, owner, leaseLife) }
	out = s.look(ctx, q)
	if !out.answered || !lease.Val() {
		return out, func() {}, !out.answered
	}
	return out, func() { _, _ = s.redis.Run(ctx, release, []string{key}, owner) }, true
}

// turns looks again and again, until one of all replicas' work has what it looks for, or it is the turn of this one, or that takes
// too long. The turn ends with end, which is to be called in any case.
func (s *store) turns(ctx context.Context, key string, q func() sought, found func(found) bool) (end func(), ok bool) {
	for began := time.Now(); time.Since(began) < leaseWait && ctx.Err() == nil; time.Sleep(leasePoll) {
		there, end, mine := s.lookAndLease(ctx, q(), key)
		if ok := found(there); ok || mine {
			return end, ok
		}
	}
	return func() {}, false
}
