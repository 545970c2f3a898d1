package cache

import (
	"context"
	"errors"
	"slices"
	"time"

	"scalegraph/upstream"
)

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
		key.who = a.claim.who
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
	if !slices.Contains(a.answered, out.piece) {
		a.answered = append(a.answered, out.piece)
	}
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
	key := flightKey{view: a.claim.scope, part: proofPart, who: a.claim.who, past: a.caller.NoCache}
	fetch := l.fetcher(a, w)
	under, joined := l.flights.board(ctx, key, func(ctx context.Context, land func(outcome)) {
		end, proven := l.grants.turn(ctx, a.caller, a.claim.grant())
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
		a.right = l.grants.of(ctx, a.claim.grant())
		if a.right == granted {
			return nil
		}
	case errors.Is(err, errSlow), ctx.Err() != nil, refusal(err), failing(err):
		return err
	}
	own := l.key(a, w) // the other call failed for its own question
	own.who = a.claim.who
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
		key.who = a.claim.who
	}
	return key
}

// fetcher returns the fetch of a want. It knows what this work knows at the start.
func (l *Logs) fetcher(a *asked, w want) func(context.Context, func(outcome)) {
	f := &fetch{Logs: l, want: w, view: a.view, settled: a.settled, claim: a.claim, track: a.track, sections: l.worthReading(a), past: a.caller.NoCache}
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
