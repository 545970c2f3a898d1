package cache

import (
	"math"
	"time"

	"scalegraph/upstream"
)

// Blocks are aligned to the oldest end of the log, so that they keep their rows while the head grows. Even blocks begin
// 2*halfStride places apart and share overlap rows with the next one: a few rows that share a second, or that were inserted while
// a block was read, then do not cost a further call. Odd blocks lie across the seams and are read only if all shared rows start
// in one second.
const (
	blockRows  = upstream.MaxLimit
	overlap    = 6
	halfStride = (blockRows - overlap) / 2

	// Rows that are inserted while a block is read move it up: with up to so many it still counts as that block.
	slack = halfStride - 1
)

// bottom is the place of the oldest row of a block, top that of its newest.
func (p part) bottom() int { return int(p) * halfStride }
func (p part) top() int    { return p.bottom() + blockRows - 1 }

// lowest returns the lowest block that may have a place.
func lowest(place int) part { return part(max(0, (place-blockRows+1)/halfStride)) }

// chain returns the even blocks that cover the places from hi down to lo, the newest first.
func chain(hi, lo int) []part {
	last := part(lo / (2 * halfStride) * 2)
	first := last
	for first.top() < hi {
		first += 2
	}
	var parts []part
	for p := first; p >= last; p -= 2 {
		parts = append(parts, p)
	}
	return parts
}

// A piece is what one upstream call brought. It never changes, and neither do its rows.
//
// A row's place is counted from the oldest row that the view ever had, which is 0. So neither inserts nor expiry change it.
type piece struct {
	rows     []*upstream.Activity // as the upstream sent them; rows[i] has the place first-i
	sections upstream.Sections    // heavy parts that all rows have
	gen      uint64               // places of different generations have nothing in common
	first    int
	at       time.Time // when the call was sent
	until    time.Time // fresh until then
	total    int       // rows of the log as this call told
	expired  int       // rows that had expired by then
	newest   bool      // the read began at the head
	oldest   bool      // the read reached the end of the log
	fixed    bool      // no row will join or leave between its rows, nor before them
	weight   uint32    // bytes in memory, estimated
	sure     bool      // a row that was known already told the place; else it is right as long as no more rows prove to have expired
	stamp    uint64    // the same for all values under which the piece is kept in Redis
}

// last is the place of the oldest row; first+1 for a piece without rows.
func (p *piece) last() int { return p.first - len(p.rows) + 1 }

// second returns the start second of rows[i]; of a row that could not be read, that of the next newer one that could.
func (p *piece) second(i int) int64 {
	for ; i >= 0; i-- {
		if p.rows[i] != nil {
			return p.rows[i].StartTime.Unix()
		}
	}
	return math.MaxInt64
}

// orderly reports whether the rows are as the documents' samples have them: starts never rise, and the rims can be read.
// Anything else is handed on as it came and not kept.
func orderly(rows []*upstream.Activity) bool {
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

// ended reports whether no row can change any more.
func ended(rows []*upstream.Activity) bool {
	for _, row := range rows {
		if row == nil || row.Status == upstream.StatusDoing || row.EndTime.IsZero() {
			return false
		}
	}
	return true
}

// A seam says how two neighbouring pieces meet.
type seam int

const (
	joined   seam = iota
	tied          // rows of one second lie on both sides, so that neither piece has that second whole
	gap           // rows are missing between them
	disagree      // they have the same rows at different places: something happened between the two reads
)

// join lays b below a, whatever their ages: the seconds after a's last one are whole in a, that one and older ones in b.
func join(a, b *piece) (*piece, seam) {
	if len(a.rows) == 0 || len(b.rows) == 0 || a.last() > b.first {
		return nil, gap
	}
	edge := a.second(len(a.rows) - 1)
	if edge >= b.second(0) {
		return nil, tied
	}
	i, j := a.from(edge), b.from(edge)
	if a.first-i != b.first-j {
		return nil, disagree
	}
	both := *a
	both.rows = make([]*upstream.Activity, 0, i+len(b.rows)-j)
	both.rows = append(append(both.rows, a.rows[:i]...), b.rows[j:]...)
	both.sections &= b.sections
	both.oldest = b.oldest
	if b.at.Before(both.at) {
		both.at = b.at
	}
	return &both, joined
}

// from returns the index of the first row that starts in second s or earlier; len(rows) where there is none.
func (p *piece) from(s int64) int {
	for i := range p.rows {
		if p.second(i) <= s {
			return i
		}
	}
	return len(p.rows)
}

// covers reports whether the piece has the rows of the places from hi down to lo.
func (p *piece) covers(hi, lo int) bool { return p.first >= hi && p.last() <= lo }

// fills reports whether the piece may be kept as a block.
func (p *piece) fills(n part, t *track) bool {
	return p.gen == t.gen && p.covers(n.top(), max(n.bottom()+slack, t.expired))
}

// between returns the part of the piece from the places hi to lo. A walk counts on getting what it asked for: from more, it
// could not tell that a second at the rim has been asked for before.
func (p *piece) between(hi, lo int) *piece {
	cut := *p
	cut.rows = p.rows[max(0, p.first-hi):min(len(p.rows), p.first-lo+1)]
	cut.first = min(p.first, hi)
	return &cut
}

// listing tells the piece in the coordinates of a log with so many rows, of which so many had expired.
func (p *piece) listing(total, expired int) upstream.Listing {
	return upstream.Listing{Rows: p.rows, Offset: total - 1 + expired - p.first, Total: total, At: p.at}
}
