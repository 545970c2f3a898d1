package request

import (
	"sync/atomic"
	"time"
)

// Tally counts the work that was done for one response. The zero value is ready to use; it is safe for concurrent use.
type Tally struct {
	Calls      atomic.Int64 // HTTP requests sent upstream, retries included
	Rows       atomic.Int64 // rows in their responses
	Bytes      atomic.Int64 // bytes of their response bodies, uncompressed
	MemoryHits atomic.Int64 // pages found in memory
	RedisHits  atomic.Int64 // pages found in Redis
	RedisBytes atomic.Int64 // bytes read from Redis
	Coalesced  atomic.Int64 // pages from a fetch that another request had started
	StaleHits  atomic.Int64 // stale pages that were served because the upstream failed

	freshUntil atomic.Int64 // Unix time in milliseconds; 0: no page has been used
	deps       dependencies
}

// Add adds the counts of part to t, for a response whose parts have tallies of their own. It adds neither dependencies nor freshness.
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

// LimitFreshness records that the response contains a page that is fresh until the given time; the zero time stands for a page that
// is not fresh.
func (t *Tally) LimitFreshness(until time.Time) {
	ms := max(until.UnixMilli(), 1)
	for {
		old := t.freshUntil.Load()
		if old != 0 && old <= ms || t.freshUntil.CompareAndSwap(old, ms) {
			return
		}
	}
}

// FreshUntil returns the earliest of the times given to LimitFreshness; false if there was none.
func (t *Tally) FreshUntil() (time.Time, bool) {
	ms := t.freshUntil.Load()
	return time.UnixMilli(ms), ms != 0
}
