package cache

import (
	"context"
	"errors"
	"slices"

	"scalegraph/cache/access"
	"scalegraph/cache/block"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// fill fetches the rows that the assembly lacks. If the caller's access is unknown, it makes one call, with the caller's own credential. Stale,
// here and below, is whether cached rows can be served if the upstream hangs.
func (c *Cache) fill(ctx context.Context, l *lookup, a assembly, s situation) error {
	l.fetches++
	l.nothingNew = false
	stale := s.mayServeIfError()
	if stale && c.backingOff(l) {
		return errBackoff
	}
	specs := a.missing
	if len(specs) == 0 {
		specs = a.stale
	}
	if len(specs) == 0 {
		specs = []fetchSpec{l.headSpec()}
	}
	if s.access != access.Granted {
		return c.fetchWithOwnCredential(ctx, l, specs[0], stale)
	}
	return c.fetchAll(ctx, l, dedupe(specs), stale)
}

// fetchAll fetches concurrently and waits for all.
func (c *Cache) fetchAll(ctx context.Context, l *lookup, specs []fetchSpec, stale bool) error {
	if len(specs) == 1 {
		_, err := c.fetchOne(ctx, l, specs[0], stale)
		return err
	}
	inFlight := make([]*flight, len(specs))
	joined := make([]bool, len(specs))
	for i, spec := range specs {
		inFlight[i], joined[i] = c.joinOrStart(ctx, l, spec)
	}
	for i, spec := range specs {
		if _, err := c.waitFor(ctx, l, spec, inFlight[i], joined[i], stale); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cache) fetchOne(ctx context.Context, l *lookup, spec fetchSpec, stale bool) (fetchResult, error) {
	fl, joined := c.joinOrStart(ctx, l, spec)
	return c.waitFor(ctx, l, spec, fl, joined, stale)
}

// backingOff reports whether the log could not be read a moment ago for a reason that concerns the caller.
func (c *Cache) backingOff(l *lookup) bool {
	return c.backoffs.active(l.key.Hash, c.grants.Signer(l.caller, l.key.Group.Project))
}

// concernsOnly reports whether an error concerns the caller that started a fetch, and not the one of l.
func (c *Cache) concernsOnly(starter *request.Caller, l *lookup, err error) bool {
	if errors.Is(err, upstream.ErrRateLimited) {
		project := l.key.Group.Project
		return c.grants.Signer(starter, project) != c.grants.Signer(l.caller, project)
	}
	return starter != l.caller && callerSpecific(err)
}

// differentShares reports whether the caller that started a fetch and the one of l have different shares of the upstream slots.
func (c *Cache) differentShares(starter *request.Caller, l *lookup) bool {
	return starter != l.caller && c.grants.NewRequest(starter, l.key.Group).Credential != l.accessReq.Credential
}

// waitFor waits for a fetch. If another caller started it and it failed for a reason that concerns only that caller, this one fetches
// itself. If it waits for the slot of that caller, the callers who wait for it make a second call.
func (c *Cache) waitFor(ctx context.Context, l *lookup, spec fetchSpec, fl *flight, joined bool, stale bool) (fetchResult, error) {
	if joined {
		c.recordCoalesced(l)
	}
	err := c.flights.wait(ctx, fl, waitLimits{stale: stale, queued: joined && c.differentShares(fl.caller, l)})
	if err != nil && joined && c.concernsOnly(fl.caller, l, err) {
		key := c.flightKeyFor(l, spec)
		if key.second = errors.Is(err, errQueued); !key.second {
			key.credential = l.accessReq.Credential
		}
		fl, _ = c.flights.do(ctx, key, c.newFetch(l, spec))
		err = c.flights.wait(ctx, fl, waitLimits{stale: stale})
	}
	if err != nil {
		return fetchResult{}, err
	}
	l.merge(fl.result)
	return fl.result, nil
}

func (c *Cache) recordCoalesced(l *lookup) {
	l.coalesced++
	l.caller.Tally.Coalesced.Add(1)
	c.counters.coalesced.Add(1)
}

// merge adds the result of a fetch to the lookup.
func (l *lookup) merge(out fetchResult) {
	l.access = access.Granted
	if out.segment == nil {
		l.unlocatable = l.unlocatable || out.state == nil && out.spec.id != block.AccessCheck
		return
	}
	if !slices.Contains(l.fetched, out.segment) {
		l.fetched = append(l.fetched, out.segment)
	}
	if out.segment.At.Before(l.start) {
		l.start = out.segment.At
	}
	if out.spec.id >= 0 {
		l.setSegment(out.spec.id, out.segment)
	}
	if out.state.NewerThan(l.state) {
		l.state = out.state
	}
}

// fetchWithOwnCredential makes the call that decides whether the caller has access. Concurrent calls of one credential wait for the first.
func (c *Cache) fetchWithOwnCredential(ctx context.Context, l *lookup, spec fetchSpec, stale bool) error {
	key := flightKey{log: l.accessReq.Scope, block: block.AccessCheck, credential: l.accessReq.Credential, bypass: l.caller.NoCache}
	fetch := c.newFetch(l, spec)
	fl, joined := c.flights.do(ctx, key, func(ctx context.Context, deliver func(fetchResult)) {
		end, proven := c.grants.AcquireLease(ctx, l.caller, l.accessReq.ScopeKey())
		defer end()
		if proven {
			deliver(fetchResult{spec: fetchSpec{id: block.AccessCheck}})
			return
		}
		fetch(ctx, deliver)
	})
	if !joined {
		_, err := c.waitFor(ctx, l, spec, fl, false, stale)
		return err
	}
	c.recordCoalesced(l)
	err := c.flights.wait(ctx, fl, waitLimits{stale: stale})
	switch {
	case err == nil:
		l.access = c.grants.Level(ctx, l.accessReq.ScopeKey())
		if l.access == access.Granted {
			return nil
		}
	case errors.Is(err, errStaleWait), ctx.Err() != nil, isAuthError(err), isUnavailable(err):
		return err
	}
	own := c.flightKeyFor(l, spec) // the other call failed for a reason of its own query
	own.credential = l.accessReq.Credential
	fl, _ = c.flights.do(ctx, own, fetch)
	_, err = c.waitFor(ctx, l, spec, fl, false, stale)
	return err
}

// refreshAsync revalidates stale segments in the background.
func (c *Cache) refreshAsync(ctx context.Context, l *lookup, specs []fetchSpec) {
	if len(specs) == 0 || c.backingOff(l) {
		return
	}
	for _, spec := range dedupe(specs) {
		if _, joined := c.joinOrStart(ctx, l, spec); !joined {
			c.counters.refreshes.Add(1)
		}
	}
}

func (c *Cache) joinOrStart(ctx context.Context, l *lookup, spec fetchSpec) (*flight, bool) {
	return c.flights.do(ctx, c.flightKeyFor(l, spec), c.newFetch(l, spec))
}

func (c *Cache) flightKeyFor(l *lookup, spec fetchSpec) flightKey {
	key := flightKey{log: l.key.Hash, block: spec.id, offset: spec.offset, limit: spec.limit, sections: c.sectionsToFetch(l), bypass: l.caller.NoCache}
	if l.access != access.Granted {
		key.credential = l.accessReq.Credential
	}
	return key
}

// newFetch returns the fetch of a spec. It starts from the lookup's current knowledge.
func (c *Cache) newFetch(l *lookup, spec fetchSpec) func(context.Context, func(fetchResult)) {
	f := &fetch{Cache: c, spec: spec, key: l.key, settled: l.settled, accessReq: l.accessReq, state: l.state, sections: c.sectionsToFetch(l), bypass: l.caller.NoCache, probe: l.q.Probe}
	f.shared = l.access == access.Granted
	for _, seg := range l.segments {
		f.known = append(f.known, seg)
	}
	return f.run
}

// sectionsToFetch returns the sections to decode: all if rows are cached, since the upstream sends them anyway and decoding once is
// cheaper than fetching again; otherwise those that the query needs.
func (c *Cache) sectionsToFetch(l *lookup) upstream.Sections {
	if c.memory == nil && c.store == nil {
		return l.q.Sections
	}
	return upstream.AllSections
}
