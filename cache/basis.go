package cache

import (
	"time"

	"scalegraph/internal/request"
)

// A basis stands for a listing that was served fresh from what is kept, to one credential. It is what lets a whole answer be given again
// without laying it out anew.
type basis struct {
	logs  *Logs
	view  viewHash
	grant grantKey
	state viewState // as it was: every reading of the view changes it
	until time.Time // fresh until then
	hits  int64     // pieces that were kept
}

// A viewState tells one track of a view from all others. It stands in for the track, which would keep its rows in memory.
type viewState struct {
	gen uint64
	at  int64
	seq int
}

// state is zero for what is not known, as that of no track is.
func (t *track) state() viewState {
	if t == nil {
		return viewState{}
	}
	return viewState{t.gen, t.at.UnixNano(), t.seq}
}

// restsOn notes in the caller's tally what a listing was made of, where anything tells when that changes. What is noted of a listing that
// is not fresh never holds.
func (l *Logs) restsOn(a *asked, lay laid) {
	if l.memory == nil && l.store == nil || a.caller.NoCache {
		return
	}
	a.caller.Tally.AddDependency(&basis{
		logs: l, view: a.view.hash, grant: a.claim.grant(),
		state: a.track.state(), until: lay.until, hits: max(1, int64(len(lay.pieces))),
	})
}

// Valid reports whether the credential still has the right, and the view is as it was and fresh. Without memory that is not known.
func (b *basis) Valid(now time.Time) bool {
	return now.Before(b.until) && b.logs.memory.track(b.view).state() == b.state && b.logs.grants.certain(b.grant)
}

// RecordHit counts the pieces as found in memory.
func (b *basis) RecordHit(t *request.Tally) {
	t.MemoryHits.Add(b.hits)
	b.logs.counters.memoryHits.Add(b.hits)
	t.LimitFreshness(b.until)
}
