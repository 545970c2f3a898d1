package cache

import (
	"math"
	"math/rand/v2"
	"time"

	"scalegraph/upstream"
)

// A track is what is known of a view as a whole. It never changes; a newer one takes its place.
type track struct {
	gen       uint64
	total     int       // rows of the log
	expired   int       // rows that are known to have left at its old end since the generation began
	at        time.Time // when total was read
	seq       int       // tells tracks of one moment apart
	confirmed bool      // whether places are known to be what total and expired make of them
	lost      bool      // the newest rows were read and none of them was known
	since     time.Time // when total, expired and confirmed were first read as they are
	proven    time.Time // when expired was last told by a row whose place is known
	head      *piece    // the newest rows, maybe older than at; nil where they were not read
}

// top is the place of the newest row.
func (t *track) top() int { return t.total - 1 + t.expired }

// fits reports whether a piece may be told in the coordinates of the track.
func (t *track) fits(p *piece, settled bool) bool {
	switch {
	case p == nil || p.gen != t.gen:
		return false
	case !t.confirmed && (p.total != t.total || p.at.Before(t.since)):
		return false
	case t.confirmed && !p.sure && p.expired != t.expired:
		return false
	case !settled && !p.fixed && p.total != t.total:
		return false // rows may have joined below
	}
	return t.agreesOnEnds(p)
}

// placed reports whether the place of a piece of the track's generation is known: it was read next to rows that were known, or
// no more rows have expired from what was presumed then to what was proven later.
func (t *track) placed(p *piece) bool {
	return p.sure || p.expired == t.expired && !p.at.After(t.proven)
}

// agreesOnEnds reports whether the ends of the log are where the piece's own read saw them, so that no page ends early
// and none shows what is known to have expired.
func (t *track) agreesOnEnds(p *piece) bool {
	if len(p.rows) == 0 {
		return t.total == 0
	}
	if p.first > t.top() || p.first == t.top() && !p.newest {
		return false
	}
	return p.last() >= t.expired && p.oldest == (p.last() == t.expired)
}

// younger reports whether t came after u; nil is older than everything.
func (t *track) younger(u *track) bool {
	if t == nil || u == nil {
		return t != nil
	}
	return t.at.After(u.at) || t.at.Equal(u.at) && t.seq > u.seq
}

// newestSecond is the start of the newest row that is known; false where none is.
func (t *track) newestSecond() (int64, bool) {
	if t == nil || t.head == nil || len(t.head.rows) == 0 {
		return 0, false
	}
	return t.head.second(0), true
}

// A reading is an answer of the upstream on its way to become a piece.
type reading struct {
	upstream.Listing
	sections upstream.Sections // that its rows have
	settled  bool              // as upstream.Filter.Settled
	final    int64             // rows that start before this second had all ended before the read; for views that are not settled
	now      time.Time
	ages     ages
}

// place finds the places of the rows and with them what the view is like now. Old is what was known of it; nil: nothing.
// Known are pieces of old that may share rows with the reading.
func (r reading) place(old *track, known []*piece) (*piece, *track) {
	p := &piece{
		rows: r.Rows, sections: r.sections, at: r.At, total: r.Total,
		newest: r.Offset == 0, oldest: r.Offset+len(r.Rows) >= r.Total,
		weight: weigh(r.Rows), stamp: rand.Uint64() | 1,
	}
	if old == nil {
		return r.begin(p, old)
	}
	p.fixed = r.fixed(p, old)
	expired, found := r.anchor(p, old, known)
	switch {
	case found && expired < old.expired && !r.At.Before(old.at):
		return r.begin(p, old) // rows joined below what was known
	case !found && p.newest && p.oldest:
		return r.begin(p, old) // this is all there is, and nothing of it is known
	case !found && old.lost && !p.newest && (r.settled || p.fixed):
		return r.begin(p, old) // where they are now nobody can tell
	}
	next := *old
	next.total, next.at = r.Total, r.At
	next.confirmed = found || old.confirmed && !(r.settled && p.newest) && r.Total == old.total
	next.lost = !next.confirmed && (p.newest || old.lost)
	p.sure = found
	if next.expired = old.expired; found {
		next.expired = expired
	}
	if next.confirmed != old.confirmed || next.total != old.total || next.expired != old.expired {
		next.since = r.At
	}
	r.finish(p, &next)
	if r.At.Before(old.at) { // a slow answer tells nothing new of the whole
		next = *old
	}
	if p.newest && r.betterHead(p, old.head) {
		next.head = p
	}
	next.seq = old.seq + 1
	return p, &next
}

// betterHead prefers the longer one while both are fresh.
func (r reading) betterHead(p, head *piece) bool {
	if head != nil && p.at.Before(head.at) {
		return false
	}
	return head == nil || len(p.rows) >= len(head.rows) || p.oldest || !r.now.Before(head.until)
}

// begin starts a generation: the oldest row there is now has place 0.
func (r reading) begin(p *piece, old *track) (*piece, *track) {
	t := &track{gen: rand.Uint64() | 1, total: r.Total, at: r.At, confirmed: true, since: r.At, proven: r.At}
	p.fixed, p.sure = r.fixed(p, nil), true
	r.finish(p, t)
	if p.newest {
		t.head = p
	}
	if old != nil {
		t.seq = old.seq + 1
	}
	return p, t
}

func (r reading) finish(p *piece, t *track) {
	p.gen, p.expired = t.gen, t.expired
	p.first = r.Total - 1 + t.expired - r.Offset
	p.until = p.at.Add(freshness(p.rows, p.fixed, r.ages.fresh, rand.Float64()))
}

// fixed reports whether nothing will join or leave between the rows of p or before them: the log is older there than its
// newest second, which may still grow, and where rows join late all of p is older than the oldest that runs.
func (r reading) fixed(p *piece, old *track) bool {
	if len(p.rows) == 0 {
		return false
	}
	first := p.second(0)
	if !r.settled {
		return first < r.final
	}
	newest, ok := old.newestSecond()
	return ok && !p.newest && first < newest
}

// anchor returns how many rows have expired, as the youngest piece tells that has rows of p and whose place is known. Where rows
// join late, only seconds that are final count.
func (r reading) anchor(p *piece, old *track, known []*piece) (expired int, found bool) {
	var told *piece
	for _, k := range append(known, old.head) {
		if k == nil || k.gen != old.gen || !old.placed(k) || told != nil && !k.at.After(told.at) {
			continue
		}
		if i, place, ok := r.common(p, k); ok {
			expired, found, told = place+r.Offset+i+1-r.Total, true, k
		}
	}
	return expired, found
}

// A border is where one second ends and the next older one that has rows begins. However the rows of a second are ordered,
// its border keeps its place.
type border struct{ newer, older int64 }

// common finds a border that p and k both have: the index in p of the first row after it, and the place of that row in k.
func (r reading) common(p, k *piece) (i, place int, ok bool) {
	limit := int64(math.MaxInt64)
	if !r.settled {
		limit = r.final
	}
	known := k.borders(limit)
	for b, i := range p.borders(limit) {
		if j, there := known[b]; there {
			return i, k.first - j, true
		}
	}
	return 0, 0, false
}

// borders returns the index of the first row after each border between seconds older than a limit.
func (p *piece) borders(limit int64) map[border]int {
	found := make(map[border]int, len(p.rows))
	for i := 1; i < len(p.rows); i++ {
		if p.rows[i-1] == nil || p.rows[i] == nil {
			continue
		}
		b := border{p.second(i - 1), p.second(i)}
		if b.older < b.newer && b.newer < limit {
			found[b] = i
		}
	}
	return found
}
