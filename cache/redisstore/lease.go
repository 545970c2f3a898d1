package redisstore

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/cache/block"
	"scalegraph/cache/cachekey"
	"scalegraph/internal/redisx"
)

const (
	leaseTTL  = 3 * time.Second        // after which the lease of a replica that died expires
	leaseWait = 500 * time.Millisecond // how long the other replicas wait for the owner's rows
	leasePoll = 25 * time.Millisecond  // interval of their lookups
)

// releaseScript deletes a lease if it still belongs to the owner.
var releaseScript = redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

// lease is an attempt to acquire a lease.
type lease struct {
	key, owner string
	set        *redis.BoolCmd
}

func newLease(key string) *lease { return &lease{key: key, owner: rand.Text()} }

// send adds the attempt to a pipeline.
func (l *lease) send(ctx context.Context, p redis.Pipeliner) {
	l.set = p.SetNX(ctx, l.key, l.owner, leaseTTL)
}

// result returns whether the lease was acquired after the pipeline was sent, and what releases it. If Redis failed, every replica gets it.
func (l *lease) result(ctx context.Context, client *redisx.Client, ok bool) (end func(), mine bool) {
	if !ok || !l.set.Val() {
		return func() {}, !ok
	}
	return func() { _, _ = client.Run(ctx, releaseScript, []string{l.key}, l.owner) }, true
}

// AcquireLease tries once to acquire a lease, which expires if its owner dies. If Redis fails, every replica gets it. End releases it and must
// be called in any case.
func AcquireLease(ctx context.Context, client *redisx.Client, key string) (end func(), mine bool) {
	l := newLease(key)
	err := client.Pipelined(ctx, func(p redis.Pipeliner) { l.send(ctx, p) })
	return l.result(ctx, client, err == nil)
}

// queryAndLease executes a query and tries to acquire a lease in the same round trip. End must be called in any case.
func (s *Store) queryAndLease(ctx context.Context, q Query, key string) (result Result, end func(), mine bool) {
	l := newLease(key)
	q.lease = func(p redis.Pipeliner) { l.send(ctx, p) }
	result = s.Query(ctx, q)
	end, mine = l.result(ctx, s.redis, result.OK)
	return result, end, mine
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
