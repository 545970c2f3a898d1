package redisstore

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/cache/block"
	"scalegraph/cache/cachekey"
)

const (
	leaseTTL  = 3 * time.Second        // after which the lease of a replica that died expires
	leaseWait = 500 * time.Millisecond // how long the other replicas wait for the owner's rows
	leasePoll = 25 * time.Millisecond  // interval of their lookups
)

// releaseScript deletes a lease if it still belongs to the owner.
var releaseScript = redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

// queryAndLease executes a query and tries to acquire a lease in the same round trip. If Redis fails, every replica gets the lease. End
// must be called in any case.
func (s *Store) queryAndLease(ctx context.Context, q Query, key string) (result Result, end func(), mine bool) {
	owner := rand.Text()
	var lease *redis.BoolCmd
	q.lease = func(p redis.Pipeliner) { lease = p.SetNX(ctx, key, owner, leaseTTL) }
	result = s.Query(ctx, q)
	if !result.OK || !lease.Val() {
		return result, func() {}, !result.OK
	}
	return result, func() { _, _ = s.redis.Run(ctx, releaseScript, []string{key}, owner) }, true
}

// WaitForRows waits, for a limited time, while another replica reads a block or the head. It passes the results of the query, which may
// change between round trips, to accept. Ok is the value that accept returned last; if it is false, the caller reads the rows itself. End
// must be called afterwards in any case.
func (s *Store) WaitForRows(ctx context.Context, log cachekey.Hash, id block.ID, q func() Query, accept func(Result) bool) (end func(), ok bool) {
	return s.waitForLease(ctx, leaseKey(log, id), q, accept)
}

// waitForLease repeats the query until accept returns true, or the lease is acquired, or leaseWait is over. Ok is the value that accept
// returned last. End releases the lease and must be called in any case.
func (s *Store) waitForLease(ctx context.Context, key string, q func() Query, accept func(Result) bool) (end func(), ok bool) {
	for began := time.Now(); time.Since(began) < leaseWait && ctx.Err() == nil; time.Sleep(leasePoll) {
		remote, end, mine := s.queryAndLease(ctx, q(), key)
		if ok := accept(remote); ok || mine {
			return end, ok
		}
	}
	return func() {}, false
}
