// Package ratelimit bounds the cost that each caller may spend per minute, in one process or in Redis for all replicas together.
package ratelimit

import (
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"time"
)

// maxCallers bounds the cached buckets. Beyond it the emptier half is evicted, so that callers close to their limit stay limited.
const maxCallers = 1 << 16

// Buckets holds one leaky bucket for each caller: costs fill it, and it drains evenly within a minute. It is safe for concurrent use.
type Buckets struct {
	capacity float64
	seed     maphash.Seed
	now      func() time.Time

	mu      sync.Mutex
	buckets map[uint64]bucket
	limit   int
}

type bucket struct {
	level     float64
	updatedAt time.Time // when it had that level
	shared    bool      // whether the level is that of Redis
}

// New returns Buckets with a capacity of perMinute, which must be at least 1.
func New(perMinute int) *Buckets {
	return &Buckets{capacity: float64(perMinute), seed: maphash.MakeSeed(), now: time.Now, buckets: map[uint64]bucket{}, limit: maxCallers}
}

// Take spends a cost and returns 0, or spends nothing and returns how long to wait until the cost can be spent. A cost above the capacity
// is accepted if the bucket is empty, and delays later ones; otherwise it could never be spent.
func (b *Buckets) Take(key uint64, cost int) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	level := b.level(b.buckets[key], now)
	over := level + min(float64(cost), b.capacity) - b.capacity
	if over > 0 {
		return time.Duration(over / b.capacity * float64(time.Minute))
	}
	b.set(key, bucket{level: level + float64(cost), updatedAt: now})
	return 0
}

// set caches a bucket. The caller holds the lock.
func (b *Buckets) set(key uint64, k bucket) {
	if len(b.buckets) >= b.limit {
		b.evict(k.updatedAt)
	}
	b.buckets[key] = k
}

func (b *Buckets) level(k bucket, now time.Time) float64 {
	return max(0, k.level-now.Sub(k.updatedAt).Minutes()*b.capacity)
}

// evict drops the emptier half of the buckets.
func (b *Buckets) evict(now time.Time) {
	levels := make([]float64, 0, len(b.buckets))
	for _, k := range b.buckets {
		levels = append(levels, b.level(k, now))
	}
	slices.Sort(levels)
	middle := levels[len(levels)/2]
	before := len(b.buckets)
	maps.DeleteFunc(b.buckets, func(_ uint64, k bucket) bool {
		return b.level(k, now) <= middle && len(b.buckets) > before/2
	})
}

// unsharedLevel returns the cost that was spent without Redis since the last call of setShared, as far as it has not drained.
func (b *Buckets) unsharedLevel(key uint64) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k := b.buckets[key]; !k.shared {
		return b.level(k, b.now())
	}
	return 0
}

// setShared caches the level that a bucket has in Redis. It is the start level if Redis fails.
func (b *Buckets) setShared(key uint64, level float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(key, bucket{level: level, updatedAt: b.now(), shared: true})
}

// Key returns a key that stands for an identity in this process.
func (b *Buckets) Key(identity string) uint64 { return maphash.String(b.seed, identity) }
