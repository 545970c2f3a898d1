package cache

import (
	"time"

	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// asked is the work on one List.
type asked struct {
	q               upstream.ListQuery
	view            view
	settled         bool
	claim           claim
	caller          *request.Caller
	began           time.Time // what was read later than this is fresh for this work
	right           right
	unsure          bool  // whether other replicas know better
	unknown         error // what another replica was told of a group that does not exist
	ages            ages
	memory          *memory
	track           *track          // the youngest that this work has seen; nil: none
	got             map[part]*piece // fetched or found for this work, whatever memory keeps
	extra           []*piece        // fetched for this work; maybe in no block's place, because the log moved
	hi, lo          int             // the places that are asked for, as seen when the work began
	placed          uint64          // the generation of those places; 0: none yet
	placesConfirmed bool            // whether the track was confirmed when hi and lo were set
	foreign         bool            // an answer came that has no place among what is kept
	answered        []*piece        // what this work's own fetches brought
	found           []*piece        // what came from Redis
	looks           int             // how often it looked there

	memoryHits, coalesced int // pieces that were in memory, and waits for others' fetches
}

// catchUp takes over a younger track that memory has by now.
func (a *asked) catchUp() {
	if t := a.memory.track(a.view.hash); t.younger(a.track) {
		a.track = t
	}
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
