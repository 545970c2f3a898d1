package cache

import (
	"time"

	"scalegraph/cache/block"
	"scalegraph/upstream"
)

// assembly is a response assembled from cached segments, or the list of the calls that it still needs.
type assembly struct {
	listing    upstream.Listing
	freshness  freshnessState // the worst of all segments
	freshUntil time.Time      // when the first segment becomes stale
	missing    []fetchSpec    // calls to make first; if there are any, listing is empty
	stale      []fetchSpec    // revalidating calls
	segments   []*block.Segment
}

// assemble returns the response if the known segments suffice, or the calls that are missing.
func (l *lookup) assemble() assembly {
	l.refreshState()
	switch {
	case l.state == nil && l.q.Offset > 0:
		return incomplete(l.passThroughSpec())
	case l.state == nil:
		return incomplete(fetchSpec{id: block.Head, limit: l.q.Limit})
	case l.q.Offset > 0:
		return l.assembleRange()
	}
	return l.assembleHead()
}

// unjoinable reports whether the rows cannot be assembled from blocks, even if further blocks are fetched.
func (a assembly) unjoinable() bool {
	return len(a.missing) == 1 && a.missing[0].id == block.PassThrough
}

func incomplete(w ...fetchSpec) assembly { return assembly{freshness: stateMissing, missing: w} }

func (l *lookup) assembleHead() assembly {
	head := l.state.Head
	if head == nil || !head.Sections.Has(l.q.Sections) {
		return incomplete(fetchSpec{id: block.Head, limit: l.q.Limit})
	}
	n := min(l.q.Limit, head.Total)
	if len(head.Rows) >= n {
		a := l.newAssembly(head, head.Total, head.Expired, head)
		a.listing.Rows = a.listing.Rows[:n]
		return l.checkHead(a, head)
	}
	st := &block.State{Gen: head.Gen, Total: head.Total, Expired: head.Expired, At: head.At, Confirmed: l.state.Confirmed, Head: head}
	lo := max(head.NewestRank-n+1, head.Expired)
	if a := l.assembleBlocks(st, head.NewestRank, lo); len(a.missing) == 0 {
		return l.checkHead(a, head)
	}
	return incomplete(fetchSpec{id: block.Head, limit: max(l.q.Limit, l.limitToBlock(st, lo))})
}

// limitToBlock returns how many rows to read from the head so that the newest complete block continues them, if that block begins above
// lo; otherwise 0. A caller that reads on from a head that is too short will need those rows next.
func (l *lookup) limitToBlock(st *block.State, lo int) int {
	ids := block.Covering(st.NewestRank(), lo)
	if last := ids[len(ids)-1]; last.NewestRank() > st.NewestRank() {
		return l.blockSpec(st, last).limit
	}
	return 0
}

// checkHead downgrades a cached head if a later read has shown that rows were added above it. A caller that has seen those rows in one
// response must not miss them in the next.
func (l *lookup) checkHead(a assembly, head *block.Segment) assembly {
	if a.freshness <= stateStale && head.At.Before(l.start) && !l.state.HeadCurrent(l.settled) {
		a.freshness, a.stale = stateStaleIfError, []fetchSpec{l.refreshSpec(head)}
	}
	return a
}

func (l *lookup) assembleRange() assembly {
	st := l.state
	if l.q.Offset >= st.Total {
		a := assembly{listing: upstream.Listing{Offset: l.q.Offset, Total: st.Total, At: st.At}}
		l.addSource(&a, st.At, l.headFreshUntil(st.At), l.totalSpec())
		return a
	}
	if !st.Confirmed && !st.AnchorLost && len(l.fetched) == 0 {
		return incomplete(l.headSpec()) // locates all rows
	}
	l.setRanks(st)
	for _, seg := range l.fetched {
		if seg.Gen == st.Gen && l.newestRank >= seg.Expired && seg.Covers(l.newestRank, max(l.oldestRank, seg.Expired)) {
			return l.newAssembly(seg.Slice(l.newestRank, l.oldestRank), seg.Total, seg.Expired, seg)
		}
	}
	if a, ok := l.assembleFromHead(st); ok {
		return a
	}
	a := l.assembleBlocks(st, l.newestRank, max(l.oldestRank, st.Expired))
	if len(a.missing) == 0 {
		l.addSource(&a, st.At, l.headFreshUntil(st.At), l.totalSpec())
	}
	return a
}

// assembleFromHead uses only the newest rows while they are fresh, so that no block is fetched for rows that are cached already.
func (l *lookup) assembleFromHead(st *block.State) (assembly, bool) {
	head, lo := st.Head, max(l.oldestRank, st.Expired)
	if head == nil || l.newestRank < lo || !st.Compatible(head, l.settled) || !head.Sections.Has(l.q.Sections) || !head.Covers(l.newestRank, lo) {
		return assembly{}, false
	}
	a := l.newAssembly(head.Slice(l.newestRank, lo), st.Total, st.Expired, head)
	l.addSource(&a, st.At, l.headFreshUntil(st.At), l.totalSpec())
	return a, a.freshness == stateFresh
}

// setRanks sets the ranks that the offset stands for; of a probe, those of one block, because further ones would cost a call each. New rows at
// the head do not change them while ranks are confirmed. Presumed ranks hold for one state of the log: if the log got shorter, the expired rows
// may be above or below them.
func (l *lookup) setRanks(st *block.State) {
	if l.rankGen == st.Gen && l.ranksConfirmed && st.Confirmed {
		return
	}
	l.newestRank, l.rankGen, l.ranksConfirmed = st.NewestRank()-l.q.Offset, st.Gen, st.Confirmed
	l.oldestRank = l.newestRank - l.q.Limit + 1
	if l.q.Probe {
		id := block.With((l.newestRank + l.oldestRank) / 2)
		l.newestRank, l.oldestRank = min(l.newestRank, id.NewestRank()), max(l.oldestRank, id.OldestRank())
	}
}

// assembleBlocks assembles the ranks from hi down to lo.
func (l *lookup) assembleBlocks(st *block.State, hi, lo int) assembly {
	if hi < lo {
		return incomplete(l.passThroughSpec())
	}
	ids := block.Covering(hi, lo)
	if id := ids[0]; id.NewestRank() <= st.NewestRank() {
		if seg := l.find(st, id); seg != nil && seg.NewestRank < hi && seg.NewestRank >= id.NewestRank()-block.MaxShiftDown {
			ids = append([]block.ID{id + 2}, ids...) // the block below ends a little lower than its upper bound
		}
	}
	if id := ids[len(ids)-1]; id > 0 && id.NewestRank() <= st.NewestRank() {
		if seg := l.find(st, id); seg != nil && seg.OldestRank() > lo && seg.OldestRank() <= id.OldestRank()+block.Slack {
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
		case joint == block.JoinOK:
			return l.newAssembly(whole.Slice(hi, lo), st.Total, st.Expired, segs...)
		case joint == block.JoinGap:
			return incomplete(l.closeGap(st, ids, segs[at+1]))
		case joint == block.JoinConflict:
			return incomplete(l.dropOlder(st, ids, segs[at], segs[at+1])...)
		case len(segs) < len(ids) || ids[at]-ids[at+1] != 2:
			return incomplete(l.passThroughSpec())
		}
		ids = append(ids[:at+1], append([]block.ID{ids[at] - 1}, ids[at+1:]...)...)
	}
}

// joinSegments joins segments that are sorted from newest to oldest. If two do not join, at is the index of the newer one and joint the
// reason.
func joinSegments(segs []*block.Segment) (whole *block.Segment, at int, joint block.JoinResult) {
	whole = segs[0]
	for i, seg := range segs[1:] {
		if whole, joint = block.Join(whole, seg); joint != block.JoinOK {
			return nil, i, joint
		}
	}
	return whole, 0, block.JoinOK
}

// findBlocks returns the segments of the blocks, and the calls for missing ones.
func (l *lookup) findBlocks(st *block.State, ids []block.ID, hi, lo int) (segs []*block.Segment, missing []fetchSpec) {
	for i, id := range ids {
		from, to := id.NewestRank()-block.MaxShiftDown, id.OldestRank()+block.Slack
		if i == 0 {
			from = hi
		}
		if i == len(ids)-1 {
			to = max(lo, id.OldestRank())
		} else if id.NewestRank() > st.NewestRank() {
			to = id.OldestRank() + block.MaxShiftUp
		}
		seg := l.find(st, id)
		switch {
		case seg == nil || !seg.Covers(from, max(to, st.Expired)):
			missing = append(missing, l.blockSpec(st, id))
		case len(segs) == 0 || segs[len(segs)-1] != seg:
			segs = append(segs, seg)
		}
	}
	return segs, missing
}

// newAssembly returns the assembly of whole, which was joined from segs. Total and expired define the offsets of the log.
func (l *lookup) newAssembly(whole *block.Segment, total, expired int, segs ...*block.Segment) assembly {
	a := assembly{listing: whole.ToListing(total, expired), segments: segs}
	for _, seg := range segs {
		l.addSource(&a, seg.At, l.segmentFreshUntil(seg), l.refreshSpec(seg))
	}
	return a
}
