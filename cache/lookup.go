package cache

import (
	"time"

	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// lookup is the state of one List call.
type lookup struct {
	q                      upstream.ListQuery
	key                    logKey
	settled                bool
	accessReq              accessRequest
	caller                 *request.Caller
	start                  time.Time // segments read later than this are fresh for this lookup
	access                 accessLevel
	needsAccessCheck       bool  // whether another replica may know a newer decision
	notFoundErr            error // the group does not exist, according to another replica
	ttls                   ttls
	memory                 *memory
	state                  *logState            // the newest one seen by this lookup; nil if none
	segments               map[blockID]*segment // fetched or found for this lookup, even if memory evicts them
	newestRank, oldestRank int                  // the requested ranks when the lookup began
	rankGen                uint64               // generation of those ranks; 0 if not set
	ranksConfirmed         bool                 // whether the state was confirmed when the ranks were set
	unlocatable            bool                 // a response has no rank in the known log
	fetched                []*segment           // from its own fetches; not all of them are cached as a block, because the log may have moved
	fromRedis              []*segment           // segments loaded from Redis
	redisLookups           int                  // number of lookups in Redis

	memoryHits, coalesced int // segments in memory, and waits for other callers' fetches
}

// refreshState adopts a newer state from memory.
func (l *lookup) refreshState() {
	if st := l.memory.state(l.key.hash); st.newerThan(l.state) {
		l.state = st
	}
}

// find returns the cached segment of a block, and nil if there is none that is compatible. Above the newest complete block it returns the
// head.
func (l *lookup) find(st *logState, id blockID) *segment {
	seg := st.head
	if id.newestRank() <= st.newestRank() {
		if seg = l.segments[id]; seg == nil || seg.gen != st.gen {
			seg = l.memory.segment(l.key.hash, st.gen, id)
		}
	}
	if seg == nil || !st.compatible(seg, l.settled) || !seg.sections.Has(l.q.Sections) {
		return nil
	}
	return seg
}

// addSource includes the freshness of one source in that of the plan.
func (l *lookup) addSource(p *plan, at, until time.Time, refresh fetchSpec) {
	s := l.ttls.stateAt(time.Now(), at, until)
	switch {
	case !at.Before(l.start):
		s = stateFresh
	case s == stateStale && l.caller.NoCache:
		s = stateStaleIfError
	}
	if s != stateFresh {
		p.stale = append(p.stale, refresh)
	}
	p.freshness = max(p.freshness, s)
	if p.freshUntil.IsZero() || until.Before(p.freshUntil) {
		p.freshUntil = until
	}
}

// headFreshUntil returns the end of freshness of rows that may still change.
func (l *lookup) headFreshUntil(at time.Time) time.Time {
	if l.caller.NoCache {
		return at.Add(min(l.ttls.fresh, bypassInterval))
	}
	return at.Add(l.ttls.fresh)
}

func (l *lookup) segmentFreshUntil(seg *segment) time.Time {
	if until := seg.at.Add(bypassInterval); l.caller.NoCache && until.Before(seg.freshUntil) {
		return until
	}
	return seg.freshUntil
}
