package request

import (
	"sync/atomic"
	"time"
)

// Tally counts what an answer cost. The zero Tally is ready; its fields may be used by many goroutines.
type Tally struct {
	Calls      atomic.Int64 // HTTP requests sent upstream, retries included
	Rows       atomic.Int64 // rows that they brought
	Bytes      atomic.Int64 // bytes of their bodies, uncompressed
	MemoryHits atomic.Int64 // pages found in memory
	RedisHits  atomic.Int64 // pages found in Redis
	RedisBytes atomic.Int64 // bytes read from Redis
	Coalesced  atomic.Int64 // pages that another caller's fetch brought
	StaleHits  atomic.Int64 // kept pages that stood in for a failing upstream

	freshUntil atomic.Int64 // Unix time in milliseconds; 0: no page has been used
	bases      dependencies // see RestOn
}

// Add counts what another Tally has counted, for an answer that has parts with tallies of their own.
func (t *Tally) Add(part *Tally) {
	t.Calls.Add(part.Calls.Load())
	t.Rows.Add(part.Rows.Load())
	t.Bytes.Add(part.Bytes.Load())
	t.MemoryHits.Add(part.MemoryHits.Load())
	t.RedisHits.Add(part.RedisHits.Load())
	t.RedisBytes.Add(part.RedisBytes.Load())
	t.Coalesced.Add(part.Coalesced.Load())
	t.StaleHits.Add(part.StaleHits.Load())
}

// LimitFreshness notes that the answer contains a page that is fresh until t; the zero time is one that is not fresh.
func (t *Tally) LimitFreshness(until time.Time) {
	ms := max(until.UnixMilli(), 1)
	for {
		old := t.freshUntil.Load()
		if old != 0 && old <= ms || t.freshUntil.CompareAndSwap(old, ms) {
			return
		}
	}
}

// FreshUntil is the earliest of the times given to UseUntil; false where there was none.
func (t *Tally) FreshUntil() (time.Time, bool) {
	ms := t.freshUntil.Load()
	return time.UnixMilli(ms), ms != 0
}
