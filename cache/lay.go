package cache

import (
	"time"

	"scalegraph/upstream"
)

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
	a.catchUp()
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
	lo := max(h.first-n+1, h.expired)
	if l := a.cover(then, h.first, lo); len(l.need) == 0 {
		return a.outdated(l, h)
	}
	return missing(want{part: headPart, limit: max(a.q.Limit, a.limitToBlock(then, lo))})
}

// limitToBlock returns how many rows to read from the head on, so that the newest whole block continues them, if that begins
// above lo; else 0. Who reads on from a head that is too short will need those rows next.
func (a *asked) limitToBlock(t *track, lo int) int {
	parts := chain(t.top(), lo)
	if last := parts[len(parts)-1]; last.top() > t.top() {
		return a.whole(t, last).limit
	}
	return 0
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
	a.placeRange(t)
	for _, p := range a.extra {
		if p.gen == t.gen && a.hi >= p.expired && p.covers(a.hi, max(a.lo, p.expired)) {
			return a.told(p.between(a.hi, a.lo), p.total, p.expired, p)
		}
	}
	if l, ok := a.fromHead(t); ok {
		return l
	}
	l := a.cover(t, a.hi, max(a.lo, t.expired))
	if len(l.need) == 0 {
		a.age(&l, t.at, a.moving(t.at), a.justTotal())
	}
	return l
}

// fromHead answers from the newest rows alone while they are fresh, so that no block is read for rows that are cached already.
func (a *asked) fromHead(t *track) (laid, bool) {
	h, lo := t.head, max(a.lo, t.expired)
	if h == nil || a.hi < lo || !t.fits(h, a.settled) || !h.sections.Has(a.q.Sections) || !h.covers(a.hi, lo) {
		return laid{}, false
	}
	l := a.told(h.between(a.hi, lo), t.total, t.expired, h)
	a.age(&l, t.at, a.moving(t.at), a.justTotal())
	return l, l.state == fresh
}

// placeRange sets the places that the offset stands for. New rows at the head do not change them while places are confirmed. Places
// that are only presumed hold for one state of the log: if the log got shorter, the rows that expired may be above or below them.
func (a *asked) placeRange(t *track) {
	if a.placed == t.gen && a.placesConfirmed && t.confirmed {
		return
	}
	a.hi, a.placed, a.placesConfirmed = t.top()-a.q.Offset, t.gen, t.confirmed
	a.lo = a.hi - a.q.Limit + 1
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

// told makes an answer of a piece that was laid from pieces, in the coordinates of a log with so many rows.
func (a *asked) told(whole *piece, total, expired int, pieces ...*piece) laid {
	l := laid{listing: whole.listing(total, expired), pieces: pieces}
	for _, p := range pieces {
		a.age(&l, p.at, a.bound(p), a.again(p))
	}
	return l
}
