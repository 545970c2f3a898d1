package block

import (
	"math"
	"time"

	"scalegraph/upstream"
)

// Segment contains the rows of one upstream call. It is immutable, and so are its rows.
//
// The rank of a row is counted from the oldest row that the log ever had, which has rank 0. Neither new nor expired rows change it.
type Segment struct {
	Rows          []*upstream.Activity // as the upstream sent them; Rows[i] has the rank NewestRank-i
	Sections      upstream.Sections    // heavy sections that all rows have
	Gen           uint64               // generation; ranks of different generations are not comparable
	NewestRank    int
	At            time.Time // when the call was sent
	FreshUntil    time.Time // end of freshness
	Total         int       // rows of the log according to this call
	Expired       int       // rows that had expired by then
	AtHead        bool      // the read began at the head
	AtEnd         bool      // the read reached the end of the log
	Immutable     bool      // no row will be added or removed between its rows, nor below them
	Weight        uint32    // estimated bytes in memory
	RankConfirmed bool      // a known row confirmed the rank; otherwise it is valid as long as expired does not change
	WriteID       uint64    // equal for all Redis values of the segment
}

// OldestRank returns the rank of the oldest row, and NewestRank+1 if the segment has no rows.
func (seg *Segment) OldestRank() int { return seg.NewestRank - len(seg.Rows) + 1 }

// second returns the start second of rows[i]. If that row could not be decoded, it is that of the next newer one that could.
func (seg *Segment) second(i int) int64 {
	for ; i >= 0; i-- {
		if seg.Rows[i] != nil {
			return seg.Rows[i].StartTime.Unix()
		}
	}
	return math.MaxInt64
}

// WellOrdered reports whether start times never increase and the first and last row could be decoded. Other responses are served but not
// cached.
func WellOrdered(rows []*upstream.Activity) bool {
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

// JoinResult is the result of joining two neighbouring segments.
type JoinResult int

// The results.
const (
	JoinOK       JoinResult = iota
	JoinTied                // rows of one second are on both sides, so neither segment has that second completely
	JoinGap                 // rows are missing between them
	JoinConflict            // they have the same rows at different ranks: the log changed between the two reads
)

// Join appends the older segment b to a. Seconds newer than a's last one are complete in a; that second and older ones are complete in b.
func Join(a, b *Segment) (*Segment, JoinResult) {
	if len(a.Rows) == 0 || len(b.Rows) == 0 || a.OldestRank() > b.NewestRank {
		return nil, JoinGap
	}
	edge := a.second(len(a.Rows) - 1)
	if edge >= b.second(0) {
		return nil, JoinTied
	}
	i, j := a.firstAtOrBefore(edge), b.firstAtOrBefore(edge)
	if a.NewestRank-i != b.NewestRank-j {
		return nil, JoinConflict
	}
	both := *a
	both.Rows = make([]*upstream.Activity, 0, i+len(b.Rows)-j)
	both.Rows = append(append(both.Rows, a.Rows[:i]...), b.Rows[j:]...)
	both.Sections &= b.Sections
	both.AtEnd = b.AtEnd
	if b.At.Before(both.At) {
		both.At = b.At
	}
	return &both, JoinOK
}

// LowerJoin returns the highest rank from which an older segment must begin to join this one: that of the row before its oldest second. It
// is false if all rows start in one second.
func (seg *Segment) LowerJoin() (rank int, ok bool) {
	i := seg.firstAtOrBefore(seg.second(len(seg.Rows) - 1))
	return seg.NewestRank - i + 1, i > 0
}

// UpperJoin returns the lowest rank to which a newer segment must reach to join this one: that of the row after its newest second. It is
// false if all rows start in one second.
func (seg *Segment) UpperJoin() (rank int, ok bool) {
	i := seg.firstAtOrBefore(seg.second(0) - 1)
	return seg.NewestRank - i, i < len(seg.Rows)
}

// firstAtOrBefore returns the index of the first row that starts in second s or earlier, and len(rows) if there is none.
func (seg *Segment) firstAtOrBefore(s int64) int {
	for i := range seg.Rows {
		if seg.second(i) <= s {
			return i
		}
	}
	return len(seg.Rows)
}

// Covers reports whether the segment has the rows of the ranks from hi down to lo.
func (seg *Segment) Covers(hi, lo int) bool { return seg.NewestRank >= hi && seg.OldestRank() <= lo }

// CoversBlock reports whether the segment can be cached as the block.
func (seg *Segment) CoversBlock(id ID, st *State) bool {
	return seg.Gen == st.Gen && seg.Covers(id.NewestRank()-MaxShiftDown, max(id.OldestRank()+Slack, st.Expired))
}

// Slice returns the rows with the ranks from hi down to lo, and no more: with additional rows, package paging could not recognise that it
// has requested a second at the boundary before.
func (seg *Segment) Slice(hi, lo int) *Segment {
	cut := *seg
	cut.Rows = seg.Rows[max(0, seg.NewestRank-hi):min(len(seg.Rows), seg.NewestRank-lo+1)]
	cut.NewestRank = min(seg.NewestRank, hi)
	return &cut
}

// ToListing returns the segment with its offset in a log of total rows, after expired rows have left the log.
func (seg *Segment) ToListing(total, expired int) upstream.Listing {
	return upstream.Listing{Rows: seg.Rows, Offset: total - 1 + expired - seg.NewestRank, Total: total, At: seg.At}
}
