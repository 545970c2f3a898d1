// Package ratelimit bounds what each caller may ask for.
package ratelimit

import (
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"time"

	"scalegraph/internal/request"
)

// maxCallers is how many callers' buckets are kept. Beyond that the emptier half is forgotten, which harms nobody.
const maxCallers = 1 << 16

// Buckets holds one leaky bucket for each caller: what is spent runs in, and runs out evenly within a minute. It may be used by
// many goroutines.
type Buckets struct {
	perMinute float64
	seed      maphash.Seed
	now       func() time.Time

	mu    sync.Mutex
	kept  map[uint64]bucket
	limit int
}

type bucket struct {
	level float64
	at    time.Time // when it was at that level
	told  bool      // by Redis
}

// New returns buckets that hold what a caller may spend in a minute, at least 1.
func New(perMinute int) *Buckets {
	return &Buckets{perMinute: float64(perMinute), seed: maphash.MakeSeed(), now: time.Now, kept: map[uint64]bucket{}, limit: maxCallers}
}

// Take spends a cost and returns 0, or spends nothing and returns how long to wait until it would be had. An operation that costs more than
// a whole bucket is let in when the bucket is empty, and paid for by waiting afterwards: else it could never be asked.
func (b *Buckets) Take(who uint64, cost int) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	level := b.level(b.kept[who], now)
	over := level + min(float64(cost), b.perMinute) - b.perMinute
	if over > 0 {
		return time.Duration(over / b.perMinute * float64(time.Minute))
	}
	b.keep(who, bucket{level: level + float64(cost), at: now})
	return 0
}

// keep keeps a bucket. The lock is held.
func (b *Buckets) keep(who uint64, k bucket) {
	if len(b.kept) >= b.limit {
		b.forget(k.at)
	}
	b.kept[who] = k
}

func (b *Buckets) level(k bucket, now time.Time) float64 {
	return max(0, k.level-now.Sub(k.at).Minutes()*b.perMinute)
}

// forget drops the emptier half of the buckets.
func (b *Buckets) forget(now time.Time) {
	levels := make([]float64, 0, len(b.kept))
	for _, k := range b.kept {
		levels = append(levels, b.level(k, now))
	}
	slices.Sort(levels)
	middle := levels[len(levels)/2]
	before := len(b.kept)
	maps.DeleteFunc(b.kept, func(_ uint64, k bucket) bool {
		return b.level(k, now) <= middle && len(b.kept) > before/2
	})
}

// untold is the level of a bucket that was used without Redis since told was called last; else 0.
func (b *Buckets) untold(who uint64) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k := b.kept[who]; !k.told {
		return b.level(k, b.now())
	}
	return 0
}

// told notes at which level a bucket is in Redis, to go on from there where Redis fails.
func (b *Buckets) told(who uint64, level float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(who, bucket{level: level, at: b.now(), told: true})
}

// Of tells callers apart, in this process. All who bring nothing are one.
func (b *Buckets) Of(c *request.Caller) uint64 {
	var h maphash.Hash
	h.SetSeed(b.seed)
	identify(&h, c)
	return h.Sum64()
}
