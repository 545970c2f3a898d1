package cache

import (
	"math"
	"time"

	"scalegraph/upstream"
)

// segment contains the rows of one upstream call. It is immutable, and so are its rows.
//
// The rank of a row is counted from the oldest row that the log ever had, which has rank 0. Neither new nor expired rows change it.
type segment struct {
	rows          []*upstream.Activity // as the upstream sent them; rows[i] has the rank newestRank-i
	sections      upstream.Sections    // heavy sections that all rows have
	gen           uint64               // generation; ranks of different generations are not comparable
	newestRank    int
	at            time.Time // when the call was sent
	freshUntil    time.Time // end of freshness
	total         int       // rows of the log according to this call
	expired       int       // rows that had expired by then
	atHead        bool      // the read began at the head
	atEnd         bool      // the read reached the end of the log
	immutable     bool      // no row will be added or removed between its rows, nor below them
	weight        uint32    // estimated bytes in memory
	rankConfirmed bool      // a known row confirmed the rank; otherwise it is valid as long as expired does not change
	writeID       uint64    // equal for all Redis values of the segment
}

// oldestRank returns the rank of the oldest row, and newestRank+1 if the segment has no rows.
func (seg *segment) oldestRank() int { return seg.newestRank - len(seg.rows) + 1 }

// second returns the start second of rows[i]. If that row could not be decoded, it is that of the next newer one that could.
func (seg *segment) second(i int) int64 {
	for ; i >= 0; i-- {
		if seg.rows[i] != nil {
			return seg.rows[i].StartTime.Unix()
		}
	}
	return math.MaxInt64
}

// wellOrdered reports whether start times never increase and the first and last row could be decoded. Other responses are served but not
// cached.
func wellOrdered(rows []*upstream.Activity) bool {
	if n := len(rows); n > 0 && (rows[0] == nil || rows[n-1] == nil) {
		return false
	}
	last := int64(math.MaxInt64)
	for _, row := range rows {
		if row == nil {
			continue
		}
		s := row.StartTime.Unix()
		if s > last {
			return false
		}
		last = s
	}
	return true
}

// allEnded reports whether no row can change any more.
func allEnded(rows []*upstream.Activity) bool {
	for _, row := range rows {
		if row == nil || row.Status == upstream.StatusDoing || row.EndTime.IsZero() {
			return false
		}
	}
	return true
}

// joinResult is the result of joining two neighbouring segments.
type joinResult int

const (
	joinOK       joinResult = iota
	joinTied                // rows of one second are on both sides, so neither segment has that second completely
	joinGap                 // rows are missing between them
	joinConflict            // they have the same rows at different ranks: the log changed between the two reads
)

// join appends the older segment b to a. Seconds newer than a's last one are complete in a; that second and older ones are complete in b.
func join(a, b *segment) (*segment, joinResult) {
	if len(a.rows) == 0 || len(b.rows) == 0 || a.oldestRank() > b.newestRank {
		return nil, joinGap
	}
	edge := a.second(len(a.rows) - 1)
	if edge >= b.second(0) {
		return nil, joinTied
	}
	i, j := a.firstAtOrBefore(edge), b.firstAtOrBefore(edge)
	if a.newestRank-i != b.newestRank-j {
		return nil, joinConflict
	}
	both := *a
	both.rows = make([]*upstream.Activity, 0, i+len(b.rows)-j)
	both.rows = append(append(both.rows, a.rows[:i]...), b.rows[j:]...)
	both.sections &= b.sections
	both.atEnd = b.atEnd
	if b.at.Before(both.at) {
		both.at = b.at
	}
	return &both, joinOK
}

// firstAtOrBefore returns the index of the first row that starts in second s or earlier, and len(rows) if there is none.
func (seg *segment) firstAtOrBefore(s int64) int {
	for i := range seg.rows {
		if seg.second(i) <= s {
			return i
		}
	}
	return len(seg.rows)
}

// covers reports whether the segment has the rows of the ranks from hi down to lo.
func (seg *segment) covers(hi, lo int) bool { return seg.newestRank >= hi && seg.oldestRank() <= lo }

// coversBlock reports whether the segment can be cached as the block.
func (seg *segment) coversBlock(id blockID, st *logState) bool {
	return seg.gen == st.gen && seg.covers(id.newestRank(), max(id.oldestRank()+slack, st.expired))
}

// slice returns the rows with the ranks from hi down to lo, and no more: from additional rows the paging could not tell that a second at
// the boundary was requested before.
func (seg *segment) slice(hi, lo int) *segment {
	cut := *seg
	cut.rows = seg.rows[max(0, seg.newestRank-hi):min(len(seg.rows), seg.newestRank-lo+1)]
	cut.newestRank = min(seg.newestRank, hi)
	return &cut
}

// toListing returns the segment with its offset in a log of total rows, after expired rows have left the log.
func (seg *segment) toListing(total, expired int) upstream.Listing {
	return upstream.Listing{Rows: seg.rows, Offset: total - 1 + expired - seg.newestRank, Total: total, At: seg.at}
}
