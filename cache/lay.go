package cache

import (
	"time"

	"scalegraph/upstream"
)

// asked is the work on one List.
type asked struct {
	q        upstream.ListQuery
	view     view
	settled  bool
	who      credential
	caller   *upstream.Caller
	began    time.Time // what was read later than this is fresh for this work
	right    right
	unsure   bool  // whether other replicas know better
	unknown  error // what another replica was told of a group that does not exist
	ages     ages
	memory   *memory
	track    *track          // the youngest that this work has seen; nil: none
	got      map[part]*piece // fetched or found for this work, whatever memory keeps
	extra    []*piece        // fetched for this work; maybe in no block's place, because the log moved
	hi, lo   int             // the places that are asked for, as seen when the work began
	placed   uint64          // the generation of those places; 0: none yet
	foreign  bool            // an answer came that has no place among what is kept
	answered map[*piece]bool // what this work's own fetches brought
	found    map[*piece]bool // what came from Redis
	looks    int             // how often it looked there

	memoryHits, coalesced int // pieces that were in memory, and waits for others' fetches
}

// A want names something to fetch.
type want struct {
	part   part
	top    int  // of a block: the place of the first row to ask for
	offset int  // of directPart
	limit  int  // of headPart and directPart
	total  bool // wanted only for the total, which any other read tells as well
}

// laid is an answer laid out from what is at hand.
type laid struct {
	listing upstream.Listing
	state   state     // the worst of all that it is made of
	until   time.Time // fresh until then
	need    []want    // what is missing; the listing is empty then
	renew   []want    // what is no longer fresh
	pieces  []*piece
}

// lay answers the question from what is at hand, or says what is missing.
func (a *asked) lay() laid {
	a.look()
	switch {
	case a.track == nil && a.q.Offset > 0:
		return missing(a.asIs())
	case a.track == nil:
		return missing(want{part: headPart, limit: a.q.Limit})
	case a.q.Offset > 0:
		return a.layHistory()
	}
	return a.layHead()
}

// look takes over a younger track that memory has by now.
func (a *asked) look() {
	if t := a.memory.track(a.view.hash); t.younger(a.track) {
		a.track = t
	}
}

// asAsked reports whether the question can only be passed on.
func (l laid) asAsked() bool { return len(l.need) == 1 && l.need[0].part == directPart }

func missing(w ...want) laid { return laid{state: absent, need: w} }

func (a *asked) layHead() laid {
	h := a.track.head
	if h == nil || !h.sections.Has(a.q.Sections) {
		return missing(want{part: headPart, limit: a.q.Limit})
	}
	n := min(a.q.Limit, h.total)
	if len(h.rows) >= n {
		l := a.told(h, h.total, h.expired, h)
		l.listing.Rows = l.listing.Rows[:n]
		return a.outdated(l, h)
	}
	then := &track{gen: h.gen, total: h.total, expired: h.expired, at: h.at, confirmed: a.track.confirmed, head: h}
	if l := a.cover(then, h.first, max(h.first-n+1, h.expired)); len(l.need) == 0 {
		return a.outdated(l, h)
	}
	return missing(want{part: headPart, limit: a.q.Limit})
}

// outdated keeps a head from being served of which a later read has told that rows came above it: who is shown those rows by
// the one answer must not be told by the next that they are not there.
func (a *asked) outdated(l laid, h *piece) laid {
	t := a.track
	if l.state <= aging && h.at.Before(a.began) && (a.settled && t.top() != h.first || t.total != h.total) {
		l.state, l.renew = old, []want{a.again(h)}
	}
	return l
}

func (a *asked) layHistory() laid {
	t := a.track
	if a.q.Offset >= t.total {
		l := laid{listing: upstream.Listing{Offset: a.q.Offset, Total: t.total, At: t.at}}
		a.age(&l, t.at, a.moving(t.at), a.justTotal())
		return l
	}
	if !t.confirmed && !t.lost && len(a.extra) == 0 {
		return missing(a.freshHead()) // it tells where everything is
	}
	if a.placed != t.gen { // rows that come meanwhile do not move what is asked for
		a.hi, a.placed = t.top()-a.q.Offset, t.gen
		a.lo = a.hi - a.q.Limit + 1
	}
	for _, p := range a.extra {
		if p.gen == t.gen && a.hi >= p.expired && p.covers(a.hi, max(a.lo, p.expired)) {
			return a.told(p.between(a.hi, a.lo), p.total, p.expired, p)
		}
	}
	l := a.cover(t, a.hi, max(a.lo, t.expired))
	if len(l.need) == 0 {
		a.age(&l, t.at, a.moving(t.at), a.justTotal())
	}
	return l
}

// cover lays out the places from hi down to lo.
func (a *asked) cover(t *track, hi, lo int) laid {
	if hi < lo {
		return missing(a.asIs())
	}
	parts := chain(hi, lo)
	if n := parts[len(parts)-1]; n > 0 && n.top() <= t.top() {
		if p := a.kept(t, n); p != nil && p.last() > lo && p.last() <= n.bottom()+slack {
			parts = append(parts, n-2) // it ended a little higher than it should
		}
	}
	for {
		pieces, need := a.resolve(t, parts, hi, lo)
		switch {
		case len(need) > 1 && !a.settled, len(need) > 0 && len(a.extra) > 0 && !a.settled:
			return missing(a.asIs()) // rows may join anywhere: reads that are made apart seldom fit
		case len(need) > 0:
			return missing(need...)
		}
		whole, at, seam := joinAll(pieces)
		switch {
		case seam == joined:
			return a.told(whole.between(hi, lo), t.total, t.expired, pieces...)
		case seam == gap:
			return missing(a.aligned(t, parts[at]))
		case seam == disagree:
			return missing(a.older(t, parts, pieces[at], pieces[at+1])...)
		case len(pieces) < len(parts) || parts[at]-parts[at+1] != 2:
			return missing(a.asIs())
		}
		parts = append(parts[:at+1], append([]part{parts[at] - 1}, parts[at+1:]...)...)
	}
}

// joinAll lays pieces one below the other; where two do not meet it says which.
func joinAll(pieces []*piece) (whole *piece, at int, how seam) {
	whole = pieces[0]
	for i, p := range pieces[1:] {
		if whole, how = join(whole, p); how != joined {
			return nil, i, how
		}
	}
	return whole, 0, joined
}

// resolve finds the pieces of some parts, or what is to be fetched for those that are missing.
func (a *asked) resolve(t *track, parts []part, hi, lo int) (pieces []*piece, need []want) {
	for i, n := range parts {
		from, to := n.top(), n.bottom()+slack
		if i == 0 {
			from = hi
		}
		if i == len(parts)-1 {
			to = max(lo, n.bottom())
		} else if n.top() > t.top() {
			to = n.bottom()
		}
		p := a.kept(t, n)
		switch {
		case p == nil || !p.covers(from, max(to, t.expired)):
			need = append(need, a.whole(t, n))
		case len(pieces) == 0 || pieces[len(pieces)-1] != p:
			pieces = append(pieces, p)
		}
	}
	return pieces, need
}

// kept returns what is at hand of a part; nil: nothing that fits. What lies above the newest whole block is the head's.
func (a *asked) kept(t *track, n part) *piece {
	p := t.head
	if n.top() <= t.top() {
		if p = a.got[n]; p == nil || p.gen != t.gen {
			p = a.memory.piece(a.view.hash, t.gen, n)
		}
	}
	if p == nil || !t.fits(p, a.settled) || !p.sections.Has(a.q.Sections) {
		return nil
	}
	return p
}

// whole is the want of a part. Where rows came while the part above it was read, that one ends a little higher than it
// should, and this one is asked for from there on.
func (a *asked) whole(t *track, n part) want {
	if n.top() > t.top() {
		return want{part: headPart, limit: min(upstream.MaxLimit, t.top()-max(n.bottom(), t.expired)+1+headSlack)}
	}
	w := want{part: n, top: n.top()}
	if n == 0 || (n+2).top() > t.top() {
		return w
	}
	if above := a.kept(t, n+2); above != nil && above.last() > n.top()-1 && above.last() <= n.top()-1+slack-headSlack {
		w.top = above.last() + 1
	}
	return w
}

// older forgets the older one of two pieces that disagree, and returns what to fetch in its place.
func (a *asked) older(t *track, parts []part, x, y *piece) []want {
	if y.at.Before(x.at) {
		x = y
	}
	if a.answered[x] { // both were read just now: the log is not what we take it for
		return []want{a.asIs()}
	}
	for _, n := range parts {
		if n.top() <= t.top() && a.kept(t, n) == x {
			delete(a.got, n)
			a.memory.dropPiece(a.view.hash, t.gen, n)
			return []want{{part: n, top: n.top()}}
		}
	}
	return []want{{part: headPart, limit: min(upstream.MaxLimit, len(x.rows))}}
}

// aligned is the want of a part that ended too high.
func (a *asked) aligned(t *track, n part) want {
	if n.top() > t.top() {
		return a.whole(t, n)
	}
	return want{part: n, top: n.top()}
}

// told makes an answer of a piece that was laid from pieces, in the coordinates of a log with so many rows.
func (a *asked) told(whole *piece, total, expired int, pieces ...*piece) laid {
	l := laid{listing: whole.listing(total, expired), pieces: pieces}
	for _, p := range pieces {
		a.age(&l, p.at, a.bound(p), a.again(p))
	}
	return l
}

// again says how a piece is fetched anew.
func (a *asked) again(p *piece) want {
	if p.newest || a.track.head == p {
		w := a.freshHead()
		if a.q.Offset > 0 {
			w.limit = max(w.limit, min(upstream.MaxLimit, len(p.rows)))
		}
		return w
	}
	return want{part: part((p.first - blockRows + 1) / halfStride), top: p.first}
}

// age lets something that the answer leans on count for its state.
func (a *asked) age(l *laid, at, until time.Time, again want) {
	s := a.ages.of(time.Now(), at, until)
	switch {
	case !at.Before(a.began):
		s = fresh
	case s == aging && a.caller.NoCache:
		s = old
	}
	if s != fresh {
		l.renew = append(l.renew, again)
	}
	l.state = max(l.state, s)
	if l.until.IsZero() || until.Before(l.until) {
		l.until = until
	}
}

// moving returns until when something that may move is fresh.
func (a *asked) moving(at time.Time) time.Time {
	if a.caller.NoCache {
		return at.Add(min(a.ages.fresh, pastPause))
	}
	return at.Add(a.ages.fresh)
}

func (a *asked) bound(p *piece) time.Time {
	if until := p.at.Add(pastPause); a.caller.NoCache && until.Before(p.until) {
		return until
	}
	return p.until
}

// freshHead is the call that tells how long the log is now: what the caller asks for itself where it asks for the head, and
// enough to find the rows that are known. It never asks for many more rows than a poll does.
func (a *asked) freshHead() want {
	limit := 20
	if a.q.Offset == 0 {
		limit = a.q.Limit
	}
	if a.track != nil && a.track.head != nil {
		limit = max(limit, min(maxReadAhead, len(a.track.head.rows)))
	}
	return want{part: headPart, limit: limit}
}

func (a *asked) justTotal() want {
	w := a.freshHead()
	w.total = true
	return w
}

const (
	headSlack    = 8           // rows that may come while the newest rows are read down to a block
	maxReadAhead = 40          // rows that a look at the head asks for at most, where its caller wants fewer
	pastPause    = time.Second // reads past the cache are made once in this time
)

// asIs passes the question on as it was asked.
func (a *asked) asIs() want { return want{part: directPart, offset: a.q.Offset, limit: a.q.Limit} }
