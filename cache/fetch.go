package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/maypok86/otter/v2"

	"scalegraph/upstream"
)

var errResting = fmt.Errorf("failed a moment ago: %w", upstream.ErrUnavailable)

// patience is how long a hanging upstream is waited for with a kept copy at hand.
const patience = time.Second

// get fetches what an answer lacks. A caller whose right is not known makes one call of its own first.
func (l *Logs) get(ctx context.Context, a *asked, lay laid) error {
	wants := lay.need
	if len(wants) == 0 {
		wants = lay.renew
	}
	if len(wants) == 0 {
		wants = []want{a.freshHead()}
	}
	var limit <-chan time.Time
	if lay.state <= old && a.right != denied && !a.caller.NoCache {
		if l.rests.now(a) {
			return errResting
		}
		timer := time.NewTimer(patience)
		defer timer.Stop()
		limit = timer.C
	}
	if a.right != granted {
		return l.prove(ctx, a, wants[0], limit)
	}
	return l.getAll(ctx, a, distinct(wants), limit)
}

// distinct leaves one want of each part, and none for the total where another tells it.
func distinct(wants []want) []want {
	var out []want
	for _, w := range wants {
		i := slices.IndexFunc(out, func(o want) bool { return o.part == w.part || o.total })
		switch {
		case i < 0:
			out = append(out, w)
		case w.total:
		case out[i].total:
			out[i] = w
		default:
			out[i].limit = max(out[i].limit, w.limit)
		}
	}
	return slices.DeleteFunc(out, func(w want) bool { return w.total && len(out) > 1 })
}

// getAll fetches all wants at once.
func (l *Logs) getAll(ctx context.Context, a *asked, wants []want, limit <-chan time.Time) error {
	if len(wants) == 1 {
		_, err := l.fetched(ctx, a, wants[0], limit)
		return err
	}
	under := make([]*flight, len(wants))
	joined := make([]bool, len(wants))
	for i, w := range wants {
		under[i], joined[i] = l.start(ctx, a, w)
	}
	for i, w := range wants {
		if _, err := l.landed(ctx, a, w, under[i], joined[i], limit); err != nil {
			return err
		}
	}
	return nil
}

func (l *Logs) fetched(ctx context.Context, a *asked, w want, limit <-chan time.Time) (outcome, error) {
	under, joined := l.start(ctx, a, w)
	return l.landed(ctx, a, w, under, joined, limit)
}

// landed waits for a flight. Where it was another caller's and failed for a reason of that caller's, this one asks itself.
func (l *Logs) landed(ctx context.Context, a *asked, w want, under *flight, joined bool, limit <-chan time.Time) (outcome, error) {
	if joined {
		l.joined(a)
	}
	err := under.wait(ctx, limit)
	if err != nil && joined && personal(err) && under.owner != a.caller {
		key := l.key(a, w)
		key.who = a.who
		under, _ = l.flights.board(ctx, key, l.fetcher(a, w))
		err = under.wait(ctx, limit)
	}
	if err != nil {
		return outcome{}, err
	}
	a.take(under.out)
	return under.out, nil
}

// joined counts a wait for another caller's fetch.
func (l *Logs) joined(a *asked) {
	a.coalesced++
	a.caller.Tally.Coalesced.Add(1)
	l.counters.coalesced.Add(1)
}

// take makes what a fetch brought part of the work.
func (a *asked) take(out outcome) {
	a.right = granted
	if out.piece == nil {
		a.foreign = a.foreign || out.track == nil && out.want.part != proofPart
		return
	}
	if a.answered == nil {
		a.answered = map[*piece]bool{}
	}
	a.answered[out.piece] = true
	if out.piece.at.Before(a.began) {
		a.began = out.piece.at
	}
	a.extra = append(a.extra, out.piece)
	if out.want.part >= 0 {
		a.keep(out.want.part, out.piece)
	}
	if out.track.younger(a.track) {
		a.track = out.track
	}
}

// prove fetches with the caller's own credential what decides about its right. Calls of one credential wait for each other.
func (l *Logs) prove(ctx context.Context, a *asked, w want, limit <-chan time.Time) error {
	key := flightKey{view: l.grants.key(a.who, a.q.Group).what, part: proofPart, who: a.who, past: a.caller.NoCache}
	fetch := l.fetcher(a, w)
	under, joined := l.flights.board(ctx, key, func(ctx context.Context, land func(outcome)) {
		end, proven := l.grants.turn(ctx, a.caller, a.who, a.q.Group)
		defer end()
		if proven {
			land(outcome{want: want{part: proofPart}})
			return
		}
		fetch(ctx, land)
	})
	if !joined {
		_, err := l.landed(ctx, a, w, under, false, limit)
		return err
	}
	l.joined(a)
	err := under.wait(ctx, limit)
	switch {
	case err == nil:
		a.right = l.grants.of(ctx, a.who, a.q.Group)
		if a.right == granted {
			return nil
		}
	case errors.Is(err, errSlow), ctx.Err() != nil, refusal(err), failing(err):
		return err
	}
	own := l.key(a, w) // the other call failed for its own question
	own.who = a.who
	under, _ = l.flights.board(ctx, own, fetch)
	_, err = l.landed(ctx, a, w, under, false, limit)
	return err
}

// behind fetches what is aging after the answer has gone out.
func (l *Logs) behind(ctx context.Context, a *asked, wants []want) {
	if len(wants) == 0 || l.rests.now(a) {
		return
	}
	for _, w := range distinct(wants) {
		if _, joined := l.start(ctx, a, w); !joined {
			l.counters.refreshes.Add(1)
		}
	}
}

func (l *Logs) start(ctx context.Context, a *asked, w want) (*flight, bool) {
	return l.flights.board(ctx, l.key(a, w), l.fetcher(a, w))
}

func (l *Logs) key(a *asked, w want) flightKey {
	key := flightKey{view: a.view.hash, part: w.part, offset: w.offset, limit: w.limit, sections: l.worthReading(a), past: a.caller.NoCache}
	if a.right != granted {
		key.who = a.who
	}
	return key
}

// fetcher returns the fetch of a want. It knows what this work knows at the start.
func (l *Logs) fetcher(a *asked, w want) func(context.Context, func(outcome)) {
	f := &fetch{Logs: l, want: w, view: a.view, settled: a.settled, who: a.who, track: a.track, sections: l.worthReading(a), past: a.caller.NoCache}
	f.shared = a.right == granted
	for _, p := range a.got {
		f.known = append(f.known, p)
	}
	return f.run
}

// worthReading returns the sections to read for some work. Where something is kept those are all: the upstream sends them anyway,
// and to take them apart once is cheaper than to read them again. Otherwise they are those that the work needs.
func (l *Logs) worthReading(a *asked) upstream.Sections {
	if l.memory == nil && l.store == nil {
		return a.q.Sections
	}
	return upstream.AllSections
}

// A fetch reads one want from the source and keeps it.
type fetch struct {
	*Logs
	want     want
	view     view
	sections upstream.Sections // to read
	settled  bool
	who      credential
	track    *track // what was known when the fetch was caused; nil: nothing
	known    []*piece
	block    *piece // found in Redis
	past     bool
	shared   bool // for all who have the right, not for one caller
}

func (f *fetch) run(ctx context.Context, land func(outcome)) {
	if t := f.memory.track(f.view.hash); t.younger(f.track) {
		f.track = t
	}
	if out, ok := f.kept(); ok {
		land(out)
		return
	}
	end, out, ok := f.turn(ctx)
	if ok {
		land(out)
		end()
		return
	}
	out = f.read(ctx)
	if out.track != nil {
		f.seen.note(f.view.hash, out.track)
	}
	land(out) // nobody waits for Redis
	if f.store != nil && out.err == nil {
		if out.piece != nil {
			f.store.save(ctx, f.view, f.placedPart(out), out.track, out.piece)
		}
		f.grants.share(ctx, f.who, f.view.group) // who waits for that finds the rows, too
	}
	end()
}

// turn looks whether another replica has read the part or is at it. Where it brings the part in time, that is the outcome;
// else the turn is this replica's, until it calls end.
func (f *fetch) turn(ctx context.Context) (end func(), out outcome, ok bool) {
	if f.store == nil || !f.shared || f.past || f.want.part == directPart {
		return func() {}, outcome{}, false
	}
	end, ok = f.store.turns(ctx, leaseKey(f.view.hash, f.want.part), f.sought, func(there found) (ok bool) {
		out, ok = f.elsewhere(there)
		return ok
	})
	return end, out, ok
}

// sought is what another replica may have read.
func (f *fetch) sought() sought {
	q := sought{view: f.view, rows: true, sections: upstream.AllSections}
	if f.want.part >= 0 {
		q.gen, q.parts = f.track.gen, []part{f.want.part}
	}
	return q
}

// elsewhere takes over what another replica has read.
func (f *fetch) elsewhere(found found) (outcome, bool) {
	if found.track.younger(f.track) {
		f.track = found.track
		f.memory.setTrack(f.view.hash, f.track)
	}
	if p := found.pieces[f.want.part]; p != nil {
		f.memory.setPiece(f.view.hash, f.want.part, p)
		f.known = append(f.known, p)
		f.block = p
	}
	return f.kept()
}

// placedPart is the block that the outcome fills; a negative part where it fills none.
func (f *fetch) placedPart(out outcome) part {
	if n := f.want.part; n >= 0 && out.piece.fills(n, out.track) {
		return n
	}
	return directPart
}

// kept looks once more at what is kept: between its caller's look and now another fetch may have ended.
func (f *fetch) kept() (outcome, bool) {
	t := f.track
	if t == nil || !f.shared || f.past || f.want.part == directPart {
		return outcome{}, false
	}
	p := t.head
	if f.want.part >= 0 {
		if p = f.memory.piece(f.view.hash, t.gen, f.want.part); p == nil {
			p = f.block
		}
	}
	if p == nil || !t.fits(p, f.settled) || !time.Now().Before(p.until) {
		return outcome{}, false
	}
	if f.want.part == headPart && len(p.rows) < min(f.want.limit, p.total) {
		return outcome{}, false
	}
	if f.want.part >= 0 && !p.covers(f.want.top, max(f.want.top-blockRows+1, t.expired)) {
		return outcome{}, false
	}
	return outcome{want: f.want, piece: p, track: t}, p.sections == upstream.AllSections
}

func (f *fetch) read(ctx context.Context) outcome {
	final := f.finals.of(hashOf(f.view.group.Region, f.view.group.Project, f.view.group.ID)).second
	if !f.settled && f.want.part >= 0 {
		final = f.finalBefore(ctx, f.view, f.track)
	}
	got, err := f.source.List(ctx, f.query())
	f.counters.fetches.Add(1)
	f.grants.learn(ctx, f.who, f.view.group, got.At, err)
	if err != nil {
		f.rests.failed(f.view.hash, err)
		return outcome{err: err}
	}
	f.rests.well(f.view.hash)
	if !orderly(got.Rows) || len(got.Rows) > got.Total-got.Offset && len(got.Rows) > 0 {
		return outcome{want: f.want, listing: got}
	}
	p, t := f.place(reading{Listing: got, sections: f.sections, settled: f.settled, final: final, now: time.Now(), ages: f.ages})
	return outcome{want: f.want, piece: p, track: t, listing: got}
}

// query is the upstream call for a want.
func (f *fetch) query() upstream.ListQuery {
	q := upstream.ListQuery{Group: f.view.group, Filter: f.view.filter, Sections: f.sections}
	switch {
	case f.want.part >= 0:
		q.Offset, q.Limit = max(0, f.track.top()-f.want.top), blockRows
	default:
		q.Offset, q.Limit = f.want.offset, f.want.limit
	}
	return q
}

// place finds the place of what was read and keeps it. Readings of one view do so one after the other.
func (f *fetch) place(r reading) (*piece, *track) {
	mu := &f.placing[f.view.hash[0]%byte(len(f.placing))]
	mu.Lock()
	defer mu.Unlock()
	was := f.track
	if t := f.memory.track(f.view.hash); t.younger(was) {
		was = t
	}
	p, t := r.place(was, append(f.known, f.neighbours(was, r)...))
	f.memory.setTrack(f.view.hash, t)
	if n := f.want.part; n >= 0 && p.fills(n, t) {
		f.memory.setPiece(f.view.hash, n, p)
	}
	return p, t
}

// neighbours returns the kept pieces that may share rows with a reading.
func (f *fetch) neighbours(t *track, r reading) []*piece {
	var near []*piece
	if t == nil {
		return nil
	}
	newest := r.Total - 1 + t.expired - r.Offset
	for n := lowest(newest - len(r.Rows) + 1); n.bottom() <= newest; n++ {
		if p := f.memory.piece(f.view.hash, t.gen, n); p != nil {
			near = append(near, p)
		}
	}
	return near
}

// rests remembers for a moment that a view could not be read, so that kept copies are served without asking a failing
// upstream once for every caller.
type rests struct {
	until *otter.Cache[viewHash, time.Time]
}

// rest is how long a failing upstream is left alone where kept copies stand in.
const rest = time.Second

func newRests() *rests {
	return &rests{otter.Must(&otter.Options[viewHash, time.Time]{MaximumSize: maxGroups})}
}

func (r *rests) failed(v viewHash, err error) {
	if failing(err) {
		r.until.Set(v, time.Now().Add(rest))
	}
}

func (r *rests) well(v viewHash) {
	if _, ok := r.until.GetIfPresent(v); ok {
		r.until.Invalidate(v)
	}
}

// now reports whether the view could not be read a moment ago.
func (r *rests) now(a *asked) bool {
	until, ok := r.until.GetIfPresent(a.view.hash)
	return ok && time.Now().Before(until)
}
