package cache

import (
	"math"
	"math/rand/v2"
	"time"

	"scalegraph/upstream"
)

// upstreamRead is an upstream response to be converted into a segment.
type upstreamRead struct {
	upstream.Listing
	sections    upstream.Sections // that its rows have
	settled     bool              // as upstream.Filter.Settled
	finalBefore int64             // all rows that start before this second had ended before the read; for logs that are not settled
	now         time.Time
	fresh       time.Duration // how long rows that may still change are fresh
}

// locate finds the ranks of the rows, and returns their segment and the new state of the log. Old is the previous state, nil if there is
// none. Known are segments of old that may share rows with the read.
func (r upstreamRead) locate(old *logState, known []*segment) (*segment, *logState) {
	seg := &segment{
		rows: r.Rows, sections: r.sections, at: r.At, total: r.Total,
		atHead: r.Offset == 0, atEnd: r.Offset+len(r.Rows) >= r.Total,
		weight: estimateSize(r.Rows), writeID: rand.Uint64() | 1,
	}
	if old == nil {
		return r.newGeneration(seg, old)
	}
	seg.immutable = r.immutable(seg, old)
	expired, found := r.findAnchor(seg, old, known)
	switch {
	case found && expired < old.expired && !r.At.Before(old.at):
		return r.newGeneration(seg, old) // rows were added below the known ones
	case !found && seg.atHead && seg.atEnd:
		return r.newGeneration(seg, old) // this is the whole log, and none of it is known
	case !found && old.anchorLost && !seg.atHead && (r.settled || seg.immutable):
		return r.newGeneration(seg, old) // the known rows can no longer be located
	}
	next := *old
	next.total, next.at = r.Total, r.At
	next.confirmed = found || old.confirmed && !(r.settled && seg.atHead) && r.Total == old.total
	next.anchorLost = !next.confirmed && (seg.atHead || old.anchorLost)
	seg.rankConfirmed = found
	if next.expired = old.expired; found {
		next.expired = expired
	}
	if next.confirmed != old.confirmed || next.total != old.total || next.expired != old.expired {
		next.unchangedSince = r.At
	}
	r.finish(seg, &next)
	if r.At.Before(old.at) { // a slow response contains nothing new about the log as a whole
		next = *old
	}
	if seg.atHead && r.preferHead(seg, old.head) {
		next.head = seg
	}
	next.seq = old.seq + 1
	return seg, &next
}

// preferHead prefers the longer head while both are fresh.
func (r upstreamRead) preferHead(seg, head *segment) bool {
	if head != nil && seg.at.Before(head.at) {
		return false
	}
	return head == nil || len(seg.rows) >= len(head.rows) || seg.atEnd || !r.now.Before(head.freshUntil)
}

// newGeneration starts a generation: the oldest row of the log now has rank 0.
func (r upstreamRead) newGeneration(seg *segment, old *logState) (*segment, *logState) {
	st := &logState{gen: rand.Uint64() | 1, total: r.Total, at: r.At, confirmed: true, unchangedSince: r.At, expiredConfirmedAt: r.At}
	seg.immutable, seg.rankConfirmed = r.immutable(seg, nil), true
	r.finish(seg, st)
	if seg.atHead {
		st.head = seg
	}
	if old != nil {
		st.seq = old.seq + 1
	}
	return seg, st
}

func (r upstreamRead) finish(seg *segment, st *logState) {
	seg.gen, seg.expired = st.gen, st.expired
	seg.newestRank = r.Total - 1 + st.expired - r.Offset
	seg.freshUntil = seg.at.Add(freshness(seg.rows, seg.immutable, r.fresh, rand.Float64()))
}

// immutable reports whether no row will be added or removed between the rows of seg or below them. In a settled log they must be older
// than its newest second, which may still grow; otherwise they must be older than the oldest running activity.
func (r upstreamRead) immutable(seg *segment, old *logState) bool {
	if len(seg.rows) == 0 {
		return false
	}
	first := seg.second(0)
	if !r.settled {
		return first < r.finalBefore
	}
	newest, ok := old.newestSecond()
	return ok && !seg.atHead && first < newest
}

// findAnchor returns how many rows have expired, according to the newest segment with known ranks that shares rows with seg. If rows may
// be added anywhere, only final seconds count.
func (r upstreamRead) findAnchor(seg *segment, old *logState, known []*segment) (expired int, found bool) {
	var source *segment
	for _, k := range append(known, old.head) {
		if k == nil || k.gen != old.gen || !old.rankKnown(k) || source != nil && !k.at.After(source.at) {
			continue
		}
		if i, place, ok := r.commonBoundary(seg, k); ok {
			expired, found, source = place+r.Offset+i+1-r.Total, true, k
		}
	}
	return expired, found
}

// secondBoundary is the boundary between one second and the next older one that has rows. It keeps its rank however the rows of a second
// are ordered.
type secondBoundary struct{ newer, older int64 }

// commonBoundary finds a boundary that both segments have. It returns the index in seg of the first row below it, and the rank of that row
// in k.
func (r upstreamRead) commonBoundary(seg, k *segment) (i, place int, ok bool) {
	limit := int64(math.MaxInt64)
	if !r.settled {
		limit = r.finalBefore
	}
	known := k.boundaries(limit)
	for b, i := range seg.boundaries(limit) {
		if j, present := known[b]; present {
			return i, k.newestRank - j, true
		}
	}
	return 0, 0, false
}

// boundaries returns the index of the first row below each boundary between seconds older than limit.
func (seg *segment) boundaries(limit int64) map[secondBoundary]int {
	found := make(map[secondBoundary]int, len(seg.rows))
	for i := 1; i < len(seg.rows); i++ {
		if seg.rows[i-1] == nil || seg.rows[i] == nil {
			continue
		}
		b := secondBoundary{seg.second(i - 1), seg.second(i)}
		if b.older < b.newer && b.newer < limit {
			found[b] = i
		}
	}
	return found
}

// finalTTL is how long rows that cannot change any more are served without asking the upstream, before jitter.
const finalTTL = 6 * time.Hour

// freshness returns how long rows stay fresh. Rows that have ended, and between which none can be added or removed, stay fresh for hours,
// spread by jitter, which is from 0 to 1.
func freshness(rows []*upstream.Activity, fixed bool, moving time.Duration, jitter float64) time.Duration {
	if !fixed || !allEnded(rows) {
		return moving
	}
	return max(moving, time.Duration(float64(finalTTL)*(0.75+0.5*jitter)))
}
