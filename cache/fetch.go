package cache

import (
	"context"
	"time"

	"scalegraph/upstream"
)

// A fetch reads one want from the source and keeps it.
type fetch struct {
	*Logs
	want     want
	view     view
	sections upstream.Sections // to read
	settled  bool
	claim    claim
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
		f.grants.share(ctx, f.claim.grant()) // who waits for that finds the rows, too
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
	final := f.finals.of(f.claim.group).second
	if !f.settled && f.want.part >= 0 {
		final = f.finalBefore(ctx, f.view.group, f.claim, f.track)
	}
	got, err := f.source.List(ctx, f.query())
	f.counters.fetches.Add(1)
	f.grants.learn(ctx, f.claim, got.At, err)
	if err != nil {
		f.rests.failed(f.view.hash, err)
		return outcome{err: err}
	}
	f.rests.well(f.view.hash)
	if !orderly(got.Rows) || len(got.Rows) > got.Total-got.Offset && len(got.Rows) > 0 || f.repeatsHead(got) {
		return outcome{want: f.want, listing: got}
	}
	p, t := f.place(reading{Listing: got, sections: f.sections, settled: f.settled, final: final, now: time.Now(), ages: f.ages})
	return outcome{want: f.want, piece: p, track: t, listing: got}
}

// repeatsHead reports whether rows that were read below the head begin with the row that was last seen at the head of a log of
// the same length. Either as many rows were inserted as have expired, or the upstream ignores start_number; the caller finds out.
func (f *fetch) repeatsHead(l upstream.Listing) bool {
	if l.Offset == 0 || len(l.Rows) == 0 || f.track == nil || f.track.head == nil || len(f.track.head.rows) == 0 {
		return false
	}
	return l.Rows[0].LogID == f.track.head.rows[0].LogID && l.Total == f.track.head.total
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
