package cache

import "sync/atomic"

// Counters counts since the start. Read them with Logs.Stats.
type Counters struct {
	memoryHits, redisHits, fetches, refreshes, coalesced, stale atomic.Int64
	redisBytes, unreadable                                      atomic.Int64
}

// Stats is what Counters had counted at one moment.
type Stats struct {
	MemoryHits  int64 // pieces of answers that came from memory
	RedisHits   int64 // pieces that came from Redis
	Fetches     int64 // reads from the source
	Refreshes   int64 // reads begun behind an answer
	Coalesced   int64 // waits for another caller's read
	StaleHits   int64 // answers that stood in for a failing upstream
	RedisBytes  int64 // read from Redis
	Unreadable  int64 // values in Redis that could not be read
	MemoryBytes int64 // in memory now, estimated
}

// Stats returns what was counted so far.
func (l *Logs) Stats() Stats {
	c := &l.counters
	return Stats{
		MemoryHits: c.memoryHits.Load(), RedisHits: c.redisHits.Load(), Fetches: c.fetches.Load(), Refreshes: c.refreshes.Load(),
		Coalesced: c.coalesced.Load(), StaleHits: c.stale.Load(), RedisBytes: c.redisBytes.Load(),
		Unreadable: c.unreadable.Load(), MemoryBytes: int64(l.memory.bytes()),
	}
}
