package block

import (
	"math"
	"math/rand/v2"
	"time"

	"scalegraph/upstream"
)

// Read is an upstream response to be converted into a segment.
type Read struct {
	upstream.Listing
	Sections    upstream.Sections // that its rows have
	AppendOnly  bool              // as upstream.Filter.AppendOnly
	FinalBefore int64             // all rows that start before this second had ended before the read; for logs that are not settled
	Now         time.Time
	Fresh       time.Duration // how long rows that may still change are fresh
}

// Locate finds the ranks of the rows, and returns their segment and the new state of the log. Old is the previous state, nil if there is
// none. Known are segments of old that may share rows with the read.
func (r Read) Locate(old *State, known []*Segment) (*Segment, *State) {
	seg := &Segment{
		Rows: r.Rows, Sections: r.Sections, At: r.At, Total: r.Total,
		AtHead: r.Offset == 0, AtEnd: r.Offset+len(r.Rows) >= r.Total,
		Weight: EstimateSize(r.Rows), WriteID: rand.Uint64() | 1,
	}
	if old == nil {
		return r.newGeneration(seg, old)
	}
	seg.Immutable = r.immutable(seg, old)
	expired, found := r.findAnchor(seg, old, known)
	switch {
	case found && expired < old.Expired && !r.At.Before(old.At):
		return r.newGeneration(seg, old) // rows were added below the known ones
	case !found && seg.AtHead && seg.AtEnd:
		return r.newGeneration(seg, old) // this is the whole log, and none of it is known
	case !found && old.AnchorLost && !seg.AtHead && (r.AppendOnly || seg.Immutable):
		return r.newGeneration(seg, old) // the known rows can no longer be located
	}
	next := *old
	next.Total, next.At = r.Total, r.At
	next.Confirmed = found || old.Confirmed && !(r.AppendOnly && seg.AtHead) && r.Total == old.Total
	next.AnchorLost = !next.Confirmed && (seg.AtHead || old.AnchorLost)
	seg.RankConfirmed = found
	if next.Expired = old.Expired; found {
		next.Expired = expired
	}
	if next.Confirmed != old.Confirmed || next.Total != old.Total || next.Expired != old.Expired {
		next.UnchangedSince = r.At
	}
	r.finish(seg, &next)
	if r.At.Before(old.At) { // a slow response contains nothing new about the log as a whole
		next = *old
	}
	if seg.AtHead && r.preferHead(seg, old.Head) {
		next.Head = seg
	}
	next.Seq = old.Seq + 1
	return seg, &next
}

// preferHead prefers the longer head while both are fresh.
func (r Read) preferHead(seg, head *Segment) bool {
	if head != nil && seg.At.Before(head.At) {
		return false
	}
	return head == nil || len(seg.Rows) >= len(head.Rows) || seg.AtEnd || !r.Now.Before(head.FreshUntil)
}

// newGeneration starts a generation: the oldest row of the log now has rank 0.
func (r Read) newGeneration(seg *Segment, old *State) (*Segment, *State) {
	st := &State{Gen: rand.Uint64() | 1, Total: r.Total, At: r.At, Confirmed: true, UnchangedSince: r.At, ExpiredConfirmedAt: r.At}
	seg.Immutable, seg.RankConfirmed = r.immutable(seg, nil), true
	r.finish(seg, st)
	if seg.AtHead {
		st.Head = seg
	}
	if old != nil {
		st.Seq = old.Seq + 1
	}
	return seg, st
}

func (r Read) finish(seg *Segment, st *State) {
	seg.Gen, seg.Expired = st.Gen, st.Expired
	seg.NewestRank = r.Total - 1 + st.Expired - r.Offset
	seg.FreshUntil = seg.At.Add(freshness(seg.Rows, seg.Immutable, r.Fresh, rand.Float64()))
}

// immutable reports whether no row will be added or removed between the rows of seg or below them. In a settled log they must be older
// than its newest second, which may still grow; otherwise they must be older than the oldest running activity.
func (r Read) immutable(seg *Segment, old *State) bool {
	if len(seg.Rows) == 0 {
		return false
	}
	first := seg.second(0)
	if !r.AppendOnly {
		return first < r.FinalBefore
	}
	newest, ok := old.NewestSecond()
	return ok && !seg.AtHead && first < newest
}

// findAnchor returns how many rows have expired, according to the newest segment with known ranks that shares rows with seg. If rows may
// be added anywhere, only final seconds count.
func (r Read) findAnchor(seg *Segment, old *State, known []*Segment) (expired int, found bool) {
	var source *Segment
	for _, k := range append(known, old.Head) {
		if k == nil || k.Gen != old.Gen || !old.rankKnown(k) || source != nil && !k.At.After(source.At) {
			continue
		}
		if i, rank, ok := r.commonBoundary(seg, k); ok {
			expired, found, source = rank+r.Offset+i+1-r.Total, true, k
		}
	}
	return expired, found
}

// secondBoundary is the boundary between one second and the next older one that has rows. It keeps its rank however the rows of a second
// are ordered.
type secondBoundary struct{ newer, older int64 }

// commonBoundary finds a boundary that both segments have. It returns the index in seg of the first row below it, and the rank of that row
// in k.
func (r Read) commonBoundary(seg, k *Segment) (i, rank int, ok bool) {
	limit := int64(math.MaxInt64)
	if !r.AppendOnly {
		limit = r.FinalBefore
	}
	known := k.boundaries(limit)
	for b, i := range seg.boundaries(limit) {
		if j, present := known[b]; present {
			return i, k.NewestRank - j, true
		}
	}
	return 0, 0, false
}

// boundaries returns the index of the first row below each boundary between seconds older than limit.
func (seg *Segment) boundaries(limit int64) map[secondBoundary]int {
	found := make(map[secondBoundary]int, len(seg.Rows))
	for i := 1; i < len(seg.Rows); i++ {
		if seg.Rows[i-1] == nil || seg.Rows[i] == nil {
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
