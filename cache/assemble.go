package cache

import (
	"time"

	"scalegraph/upstream"
)

// plan is a response assembled from cached segments, or the list of the calls that it still needs.
type plan struct {
	listing    upstream.Listing
	freshness  freshnessState // the worst of all segments
	freshUntil time.Time      // when the first segment becomes stale
	missing    []fetchSpec    // calls to make first; if there are any, listing is empty
	stale      []fetchSpec    // revalidating calls
	segments   []*segment
}

// assemble returns the response if the known segments suffice, or the calls that are missing.
func (l *lookup) assemble() plan {
	l.refreshState()
	switch {
	case l.state == nil && l.q.Offset > 0:
		return incomplete(l.passThroughSpec())
	case l.state == nil:
		return incomplete(fetchSpec{id: headID, limit: l.q.Limit})
	case l.q.Offset > 0:
		return l.assembleRange()
	}
	return l.assembleHead()
}

// passThroughOnly reports whether the query can only be passed to the source as it is.
func (p plan) passThroughOnly() bool { return len(p.missing) == 1 && p.missing[0].id == passThroughID }

func incomplete(w ...fetchSpec) plan { return plan{freshness: stateMissing, missing: w} }

func (l *lookup) assembleHead() plan {
	head := l.state.head
	if head == nil || !head.sections.Has(l.q.Sections) {
		return incomplete(fetchSpec{id: headID, limit: l.q.Limit})
	}
	n := min(l.q.Limit, head.total)
	if len(head.rows) >= n {
		p := l.newPlan(head, head.total, head.expired, head)
		p.listing.Rows = p.listing.Rows[:n]
		return l.checkHead(p, head)
	}
	st := &logState{gen: head.gen, total: head.total, expired: head.expired, at: head.at, confirmed: l.state.confirmed, head: head}
	lo := max(head.newestRank-n+1, head.expired)
	if p := l.assembleBlocks(st, head.newestRank, lo); len(p.missing) == 0 {
		return l.checkHead(p, head)
	}
	return incomplete(fetchSpec{id: headID, limit: max(l.q.Limit, l.limitToBlock(st, lo))})
}

// limitToBlock returns how many rows to read from the head so that the newest complete block continues them, if that block begins above
// lo; otherwise 0. A caller that reads on from a head that is too short will need those rows next.
func (l *lookup) limitToBlock(st *logState, lo int) int {
	ids := blocksCovering(st.newestRank(), lo)
	if last := ids[len(ids)-1]; last.newestRank() > st.newestRank() {
		return l.blockSpec(st, last).limit
	}
	return 0
}

// checkHead downgrades a cached head if a later read has shown that rows were added above it. A caller that has seen those rows in one
// response must not miss them in the next.
func (l *lookup) checkHead(p plan, head *segment) plan {
	st := l.state
	if p.freshness <= stateStale && head.at.Before(l.start) && (l.settled && st.newestRank() != head.newestRank || st.total != head.total) {
		p.freshness, p.stale = stateStaleIfError, []fetchSpec{l.refreshSpec(head)}
	}
	return p
}

func (l *lookup) assembleRange() plan {
	st := l.state
	if l.q.Offset >= st.total {
		p := plan{listing: upstream.Listing{Offset: l.q.Offset, Total: st.total, At: st.at}}
		l.addSource(&p, st.at, l.headFreshUntil(st.at), l.totalSpec())
		return p
	}
	if !st.confirmed && !st.anchorLost && len(l.fetched) == 0 {
		return incomplete(l.headSpec()) // locates all rows
	}
	l.setRanks(st)
	for _, seg := range l.fetched {
		if seg.gen == st.gen && l.newestRank >= seg.expired && seg.covers(l.newestRank, max(l.oldestRank, seg.expired)) {
			return l.newPlan(seg.slice(l.newestRank, l.oldestRank), seg.total, seg.expired, seg)
		}
	}
	if p, ok := l.assembleFromHead(st); ok {
		return p
	}
	p := l.assembleBlocks(st, l.newestRank, max(l.oldestRank, st.expired))
	if len(p.missing) == 0 {
		l.addSource(&p, st.at, l.headFreshUntil(st.at), l.totalSpec())
	}
	return p
}

// assembleFromHead uses only the newest rows while they are fresh, so that no block is fetched for rows that are cached already.
func (l *lookup) assembleFromHead(st *logState) (plan, bool) {
	head, lo := st.head, max(l.oldestRank, st.expired)
	if head == nil || l.newestRank < lo || !st.compatible(head, l.settled) || !head.sections.Has(l.q.Sections) || !head.covers(l.newestRank, lo) {
		return plan{}, false
	}
	p := l.newPlan(head.slice(l.newestRank, lo), st.total, st.expired, head)
	l.addSource(&p, st.at, l.headFreshUntil(st.at), l.totalSpec())
	return p, p.freshness == stateFresh
}

// setRanks sets the ranks that the offset stands for. New rows at the head do not change them while ranks are confirmed. Presumed ranks
// hold for one state of the log: if the log got shorter, the expired rows may be above or below them.
func (l *lookup) setRanks(st *logState) {
	if l.rankGen == st.gen && l.ranksConfirmed && st.confirmed {
		return
	}
	l.newestRank, l.rankGen, l.ranksConfirmed = st.newestRank()-l.q.Offset, st.gen, st.confirmed
	l.oldestRank = l.newestRank - l.q.Limit + 1
}

// assembleBlocks assembles the ranks from hi down to lo.
func (l *lookup) assembleBlocks(st *logState, hi, lo int) plan {
	if hi < lo {
		return incomplete(l.passThroughSpec())
	}
	ids := blocksCovering(hi, lo)
	if id := ids[len(ids)-1]; id > 0 && id.newestRank() <= st.newestRank() {
		if seg := l.find(st, id); seg != nil && seg.oldestRank() > lo && seg.oldestRank() <= id.oldestRank()+slack {
			ids = append(ids, id-2) // the block above ends a little higher than its lower bound
		}
	}
	for {
		segs, missing := l.findBlocks(st, ids, hi, lo)
		switch {
		case len(missing) > 1 && !l.settled, len(missing) > 0 && len(l.fetched) > 0 && !l.settled:
			return incomplete(l.passThroughSpec()) // rows may be added anywhere, so separate reads seldom join
		case len(missing) > 0:
			return incomplete(missing...)
		}
		whole, at, joint := joinSegments(segs)
		switch {
		case joint == joinOK:
			return l.newPlan(whole.slice(hi, lo), st.total, st.expired, segs...)
		case joint == joinGap:
			return incomplete(l.alignedSpec(st, ids[at]))
		case joint == joinConflict:
			return incomplete(l.dropOlder(st, ids, segs[at], segs[at+1])...)
		case len(segs) < len(ids) || ids[at]-ids[at+1] != 2:
			return incomplete(l.passThroughSpec())
		}
		ids = append(ids[:at+1], append([]blockID{ids[at] - 1}, ids[at+1:]...)...)
	}
}

// joinSegments joins segments that are sorted from newest to oldest. If two do not join, at is the index of the newer one and joint the
// reason.
func joinSegments(segs []*segment) (whole *segment, at int, joint joinResult) {
	whole = segs[0]
	for i, seg := range segs[1:] {
		if whole, joint = join(whole, seg); joint != joinOK {
			return nil, i, joint
		}
	}
	return whole, 0, joinOK
}

// findBlocks returns the segments of the blocks, and the calls for missing ones.
func (l *lookup) findBlocks(st *logState, ids []blockID, hi, lo int) (segs []*segment, missing []fetchSpec) {
	for i, id := range ids {
		from, to := id.newestRank(), id.oldestRank()+slack
		if i == 0 {
			from = hi
		}
		if i == len(ids)-1 {
			to = max(lo, id.oldestRank())
		} else if id.newestRank() > st.newestRank() {
			to = id.oldestRank()
		}
		seg := l.find(st, id)
		switch {
		case seg == nil || !seg.covers(from, max(to, st.expired)):
			missing = append(missing, l.blockSpec(st, id))
		case len(segs) == 0 || segs[len(segs)-1] != seg:
			segs = append(segs, seg)
		}
	}
	return segs, missing
}

// newPlan returns the plan that serves whole, which was joined from segs. Total and expired define the offsets of the log.
func (l *lookup) newPlan(whole *segment, total, expired int, segs ...*segment) plan {
	p := plan{listing: whole.toListing(total, expired), segments: segs}
	for _, seg := range segs {
		l.addSource(&p, seg.at, l.segmentFreshUntil(seg), l.refreshSpec(seg))
	}
	return p
}
