package cache

import "sync/atomic"

// Counters counts events since the start. Read them with Cache.Stats.
type Counters struct {
	memoryHits, redisHits, fetches, refreshes, coalesced, stale atomic.Int64
}

// Stats is a snapshot of Counters.
type Stats struct {
	MemoryHits  int64 // segments served from memory
	RedisHits   int64 // segments served from Redis
	Fetches     int64 // upstream calls
	Refreshes   int64 // background revalidations
	Coalesced   int64 // waits for another caller's fetch
	StaleHits   int64 // responses served stale because the upstream failed
	RedisBytes  int64 // read from Redis
	Unreadable  int64 // corrupt values in Redis
	MemoryBytes int64 // estimated size of the in-process tier now
}

// Stats returns the counters as they are now.
func (c *Cache) Stats() Stats {
	n := &c.counters
	redisBytes, unreadable := c.store.Stats()
	return Stats{
		MemoryHits: n.memoryHits.Load(), RedisHits: n.redisHits.Load(), Fetches: n.fetches.Load(), Refreshes: n.refreshes.Load(),
		Coalesced: n.coalesced.Load(), StaleHits: n.stale.Load(), RedisBytes: redisBytes,
		Unreadable: unreadable, MemoryBytes: int64(c.memory.bytes()),
	}
}
