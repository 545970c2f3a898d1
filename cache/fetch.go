package cache

import (
	"context"
	"time"

	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// fetch makes one upstream call and caches the rows.
type fetch struct {
	*Cache
	spec      fetchSpec
	key       logKey
	sections  upstream.Sections // to decode
	settled   bool
	accessReq accessRequest
	state     *logState // at the start of the fetch; nil if the log is unknown
	known     []*segment
	fromRedis *segment // the block, if Redis had it
	bypass    bool
	shared    bool // by all callers that have access; false if the call must be made with the own credential
}

func (f *fetch) run(ctx context.Context, deliver func(fetchResult)) {
	if st := f.memory.state(f.key.hash); st.newerThan(f.state) {
		f.state = st
	}
	if out, ok := f.recheck(); ok {
		deliver(out)
		return
	}
	end, out, ok := f.acquireLease(ctx)
	if ok {
		deliver(out)
		end()
		return
	}
	out = f.read(ctx)
	if out.state != nil {
		f.sizeHints.record(f.key.hash, out.state)
	}
	deliver(out) // does not wait for Redis
	if f.store != nil && out.err == nil {
		if out.segment != nil {
			f.store.save(ctx, f.key, f.targetBlock(out), out.state, out.segment)
		}
		f.grants.publish(ctx, f.accessReq.scopeKey()) // after the rows, so that other replicas that wait for the decision find them
	}
	end()
}

// acquireLease waits, for a limited time, while another replica reads the same block. Ok reports whether that brought the result;
// otherwise the fetch calls the upstream itself. End must be called afterwards in either case.
func (f *fetch) acquireLease(ctx context.Context) (end func(), out fetchResult, ok bool) {
	if f.store == nil || !f.shared || f.bypass || f.spec.id == passThroughID {
		return func() {}, fetchResult{}, false
	}
	end, ok = f.store.waitForLease(ctx, leaseKey(f.key.hash, f.spec.id), f.redisQuery, func(remote redisResult) (ok bool) {
		out, ok = f.adoptRemote(remote)
		return ok
	})
	return end, out, ok
}

// redisQuery returns the query for rows that another replica may have read.
func (f *fetch) redisQuery() redisQuery {
	q := redisQuery{key: f.key, rows: true, sections: upstream.AllSections}
	if f.spec.id >= 0 {
		q.gen, q.blocks = f.state.gen, []blockID{f.spec.id}
	}
	return q
}

// adoptRemote caches rows that another replica has read, and returns them if they suffice.
func (f *fetch) adoptRemote(result redisResult) (fetchResult, bool) {
	if result.state.newerThan(f.state) {
		f.state = result.state
		f.memory.setState(f.key.hash, f.state)
	}
	if seg := result.segments[f.spec.id]; seg != nil {
		f.memory.setSegment(f.key.hash, f.spec.id, seg)
		f.known = append(f.known, seg)
		f.fromRedis = seg
	}
	return f.recheck()
}

// targetBlock returns the block that the result fills, and a negative ID if there is none.
func (f *fetch) targetBlock(out fetchResult) blockID {
	if id := f.spec.id; id >= 0 && out.segment.coversBlock(id, out.state) {
		return id
	}
	return passThroughID
}

// recheck looks into the cache once more: another fetch may have ended since the caller's lookup.
func (f *fetch) recheck() (fetchResult, bool) {
	st := f.state
	if st == nil || !f.shared || f.bypass || f.spec.id == passThroughID {
		return fetchResult{}, false
	}
	seg := st.head
	if f.spec.id >= 0 {
		if seg = f.memory.segment(f.key.hash, st.gen, f.spec.id); seg == nil {
			seg = f.fromRedis
		}
	}
	if seg == nil || !st.compatible(seg, f.settled) || !time.Now().Before(seg.freshUntil) {
		return fetchResult{}, false
	}
	if f.spec.id == headID && len(seg.rows) < min(f.spec.limit, seg.total) {
		return fetchResult{}, false
	}
	if f.spec.id >= 0 && !seg.covers(f.spec.newestRank, max(f.spec.newestRank-blockRows+1, st.expired)) {
		return fetchResult{}, false
	}
	return fetchResult{spec: f.spec, segment: seg, state: st}, seg.sections == upstream.AllSections
}

func (f *fetch) read(ctx context.Context) fetchResult {
	final := f.finality.get(f.accessReq.group).before
	if !f.settled && f.spec.id >= 0 {
		final = f.finalBefore(ctx, f.key.group, f.accessReq, f.state)
	}
	signer := f.grants.signer(request.CallerFrom(ctx), f.key.group.Project)
	got, err := f.source.List(ctx, f.query())
	f.counters.fetches.Add(1)
	f.grants.record(ctx, f.accessReq, got.At, err)
	if err != nil {
		f.backoffs.record(f.key.hash, signer, err)
		return fetchResult{err: err}
	}
	f.backoffs.clear(f.key.hash, signer)
	if !wellOrdered(got.Rows) || len(got.Rows) > got.Total-got.Offset && len(got.Rows) > 0 || f.repeatsHead(got) {
		return fetchResult{spec: f.spec, listing: got}
	}
	seg, st := f.placeAndStore(upstreamRead{Listing: got, sections: f.sections, settled: f.settled, finalBefore: final, now: time.Now(), fresh: f.ttls.fresh})
	return fetchResult{spec: f.spec, segment: seg, state: st, listing: got}
}

// repeatsHead reports whether rows that were read below the head begin with the row that was last at the head of a log of the same length.
// Either as many rows were added as have expired, or the upstream ignores start_number; paging handles both.
func (f *fetch) repeatsHead(l upstream.Listing) bool {
	if l.Offset == 0 || len(l.Rows) == 0 || f.state == nil || f.state.head == nil || len(f.state.head.rows) == 0 {
		return false
	}
	return l.Rows[0].LogID == f.state.head.rows[0].LogID && l.Total == f.state.head.total
}

// query returns the upstream call of the fetch.
func (f *fetch) query() upstream.ListQuery {
	q := upstream.ListQuery{Group: f.key.group, Filter: f.key.filter, Sections: f.sections}
	switch {
	case f.spec.id >= 0:
		q.Offset, q.Limit = max(0, f.state.newestRank()-f.spec.newestRank), blockRows
	default:
		q.Offset, q.Limit = f.spec.offset, f.spec.limit
	}
	return q
}

// placeAndStore finds the rank of the fetched rows in the log and caches them. Fetches of one log do this one after the other.
func (f *fetch) placeAndStore(r upstreamRead) (*segment, *logState) {
	mu := &f.placeMu[f.key.hash[0]%byte(len(f.placeMu))]
	mu.Lock()
	defer mu.Unlock()
	prev := f.state
	if st := f.memory.state(f.key.hash); st.newerThan(prev) {
		prev = st
	}
	seg, st := r.locate(prev, append(f.known, f.overlapping(prev, r)...))
	f.memory.setState(f.key.hash, st)
	if id := f.spec.id; id >= 0 && seg.coversBlock(id, st) {
		f.memory.setSegment(f.key.hash, id, seg)
	}
	return seg, st
}

// overlapping returns the cached segments that may share rows with a read.
func (f *fetch) overlapping(st *logState, r upstreamRead) []*segment {
	var overlapping []*segment
	if st == nil {
		return nil
	}
	newest := r.Total - 1 + st.expired - r.Offset
	for id := lowestBlockWith(newest - len(r.Rows) + 1); id.oldestRank() <= newest; id++ {
		if seg := f.memory.segment(f.key.hash, st.gen, id); seg != nil {
			overlapping = append(overlapping, seg)
		}
	}
	return overlapping
}
