package cache

import (
	"time"

	"scalegraph/cache/access"
	"scalegraph/cache/block"
	"scalegraph/cache/cachekey"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// lookup is the state of one List call.
type lookup struct {
	q                      upstream.ListQuery
	key                    cachekey.Log
	settled                bool
	accessReq              access.Request
	caller                 *request.Caller
	start                  time.Time // segments read later than this are fresh for this lookup
	access                 access.Level
	needsAccessCheck       bool // whether another replica may know a newer decision
	ttls                   ttls
	memory                 *memory
	state                  *block.State                // the newest one seen by this lookup; nil if none
	segments               map[block.ID]*block.Segment // fetched or found for this lookup, even if memory evicts them
	newestRank, oldestRank int                         // the requested ranks when the lookup began
	rankGen                uint64                      // generation of those ranks; 0 if not set
	ranksConfirmed         bool                        // whether the state was confirmed when the ranks were set
	unlocatable            bool                        // a response has no rank in the known log
	fetched                []*block.Segment            // from its own fetches; not all of them are cached as a block, because the log may have moved
	fromRedis              []*block.Segment            // segments loaded from Redis
	redisReads             int                         // reads of rows in Redis
	nothingNew             bool                        // the last read of Redis, since the last fetch, found nothing
	fetches                int                         // rounds of fetches
	failure                failure
	err                    error // of the failure

	memoryHits, coalesced int // segments in memory, and waits for other callers' fetches
}

// refreshState adopts a newer state from memory.
func (l *lookup) refreshState() {
	if st := l.memory.state(l.key.Hash); st.NewerThan(l.state) {
		l.state = st
	}
}

// find returns the cached segment of a block, and nil if there is none that is compatible. Above the newest complete block it returns the
// head.
func (l *lookup) find(st *block.State, id block.ID) *block.Segment {
	seg := st.Head
	if id.NewestRank() <= st.NewestRank() {
		if seg = l.segments[id]; seg == nil || seg.Gen != st.Gen {
			seg = l.memory.segment(l.key.Hash, st.Gen, id)
		}
	}
	if seg == nil || !st.Compatible(seg, l.settled) || !seg.Sections.Has(l.q.Sections) {
		return nil
	}
	return seg
}

// addSource includes the freshness of one source in that of the assembly.
func (l *lookup) addSource(a *assembly, at, until time.Time, refresh fetchSpec) {
	s := l.ttls.stateAt(time.Now(), at, until)
	switch {
	case !at.Before(l.start):
		s = stateFresh
	case s == stateStale && l.caller.NoCache:
		s = stateStaleIfError
	}
	if s != stateFresh {
		a.stale = append(a.stale, refresh)
	}
	a.freshness = max(a.freshness, s)
	if a.freshUntil.IsZero() || until.Before(a.freshUntil) {
		a.freshUntil = until
	}
}

// headFreshUntil returns the end of freshness of rows that may still change.
func (l *lookup) headFreshUntil(at time.Time) time.Time {
	if l.caller.NoCache {
		return at.Add(min(l.ttls.fresh, bypassInterval))
	}
	return at.Add(l.ttls.fresh)
}

func (l *lookup) segmentFreshUntil(seg *block.Segment) time.Time {
	if until := seg.At.Add(bypassInterval); l.caller.NoCache && until.Before(seg.FreshUntil) {
		return until
	}
	return seg.FreshUntil
}
