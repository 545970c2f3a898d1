package cache

import (
	"context"
	"time"

	"scalegraph/cache/access"
	"scalegraph/cache/block"
	"scalegraph/cache/cachekey"
	"scalegraph/cache/redisstore"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// fetch makes one upstream call and caches the rows.
type fetch struct {
	*Cache
	spec      fetchSpec
	key       cachekey.Log
	sections  upstream.Sections // to decode
	settled   bool
	accessReq access.Request
	state     *block.State // at the start of the fetch; nil if the log is unknown
	known     []*block.Segment
	fromRedis *block.Segment // the block, if Redis had it
	bypass    bool
	probe     bool // of a search, which seldom needs the rows again
	shared    bool // by all callers that have access; false if the call must be made with the own credential
}

func (f *fetch) run(ctx context.Context, deliver func(fetchResult)) {
	if st := f.memory.state(f.key.Hash); st.NewerThan(f.state) {
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
		f.sizeHints.record(f.key.Hash, out.state)
	}
	deliver(out) // does not wait for Redis
	if f.store != nil && out.err == nil {
		if out.segment != nil {
			f.store.Save(ctx, f.key, f.targetBlock(out), out.state, out.segment)
		}
		f.grants.Publish(ctx, f.accessReq.ScopeKey()) // after the rows, so that other replicas that wait for the decision find them
	}
	end()
}

// acquireLease waits, for a limited time, while another replica reads the same block. Ok reports whether that brought the result;
// otherwise the fetch calls the upstream itself. End must be called afterwards in either case.
func (f *fetch) acquireLease(ctx context.Context) (end func(), out fetchResult, ok bool) {
	if f.store == nil || !f.shared || f.bypass || f.spec.id == block.PassThrough {
		return func() {}, fetchResult{}, false
	}
	end, ok = f.store.WaitForRows(ctx, f.key.Hash, f.spec.id, f.redisQuery, func(remote redisstore.Result) (ok bool) {
		out, ok = f.adoptRemote(remote)
		return ok
	})
	return end, out, ok
}

// redisQuery returns the query for rows that another replica may have read.
func (f *fetch) redisQuery() redisstore.Query {
	q := redisstore.Query{Key: f.key, Rows: true, Sections: upstream.AllSections}
	if f.spec.id >= 0 {
		q.Gen, q.Blocks = f.state.Gen, []block.ID{f.spec.id}
	}
	return q
}

// adoptRemote caches rows that another replica has read, and returns them if they suffice.
func (f *fetch) adoptRemote(result redisstore.Result) (fetchResult, bool) {
	if result.State.NewerThan(f.state) {
		f.state = result.State.WithHeadOf(f.state)
		f.memory.setState(f.key.Hash, f.state)
	}
	if seg := result.Segments[f.spec.id]; seg != nil {
		f.memory.setSegment(f.key.Hash, f.spec.id, seg)
		f.known = append(f.known, seg)
		f.fromRedis = seg
	}
	return f.recheck()
}

// targetBlock returns the block that the result fills, and a negative ID if there is none.
func (f *fetch) targetBlock(out fetchResult) block.ID {
	if id := f.spec.id; id >= 0 && out.segment.CoversBlock(id, out.state) {
		return id
	}
	return block.PassThrough
}

// recheck reads the cache a second time: another fetch may have ended since the caller's lookup.
func (f *fetch) recheck() (fetchResult, bool) {
	st := f.state
	if st == nil || !f.shared || f.bypass || f.spec.id == block.PassThrough {
		return fetchResult{}, false
	}
	seg := st.Head
	if f.spec.id >= 0 {
		if seg = f.memory.segment(f.key.Hash, st.Gen, f.spec.id); seg == nil {
			seg = f.fromRedis
		}
	}
	if seg == nil || !st.Compatible(seg, f.settled) || !time.Now().Before(seg.FreshUntil) {
		return fetchResult{}, false
	}
	if f.spec.id == block.Head && (!st.HeadCurrent(f.settled) || len(seg.Rows) < min(f.spec.limit, seg.Total)) {
		return fetchResult{}, false
	}
	if f.spec.id >= 0 && !seg.Covers(f.spec.newestRank, max(f.spec.newestRank-block.Rows+1, st.Expired)) {
		return fetchResult{}, false
	}
	return fetchResult{spec: f.spec, segment: seg, state: st}, seg.Sections == upstream.AllSections
}

func (f *fetch) read(ctx context.Context) fetchResult {
	final := f.finality.get(f.accessReq.Group).Before
	if !f.settled && f.spec.id >= 0 && !f.probe {
		final = f.finalBefore(ctx, f.key.Group, f.accessReq, f.state)
	}
	signer := f.grants.Signer(request.CallerFrom(ctx), f.key.Group.Project)
	got, err := f.source.List(ctx, f.query())
	f.counters.fetches.Add(1)
	f.grants.Record(ctx, f.accessReq, got.At, err)
	if err != nil {
		f.backoffs.record(f.key.Hash, signer, err)
		return fetchResult{err: err}
	}
	f.backoffs.clear(f.key.Hash, signer)
	if !block.WellOrdered(got.Rows) || len(got.Rows) > got.Total-got.Offset && len(got.Rows) > 0 || f.repeatsHead(got) {
		return fetchResult{spec: f.spec, listing: got}
	}
	seg, st := f.placeAndStore(block.Read{Listing: got, Sections: f.sections, AppendOnly: f.settled, FinalBefore: final, Now: time.Now(), Fresh: f.ttls.fresh})
	return fetchResult{spec: f.spec, segment: seg, state: st, listing: got}
}

// repeatsHead reports whether rows that were read below the head begin with the row that was last at the head of a log of the same length.
// Either as many rows were added as have expired, or the upstream ignores start_number; paging handles both.
func (f *fetch) repeatsHead(l upstream.Listing) bool {
	if l.Offset == 0 || len(l.Rows) == 0 || f.state == nil || f.state.Head == nil || len(f.state.Head.Rows) == 0 {
		return false
	}
	return l.Rows[0].LogID == f.state.Head.Rows[0].LogID && l.Total == f.state.Head.Total
}

// query returns the upstream call of the fetch.
func (f *fetch) query() upstream.ListQuery {
	q := upstream.ListQuery{Group: f.key.Group, Filter: f.key.Filter, Sections: f.sections}
	switch {
	case f.spec.id >= 0:
		q.Offset, q.Limit = max(0, f.state.NewestRank()-f.spec.newestRank), block.Rows
	default:
		q.Offset, q.Limit = f.spec.offset, f.spec.limit
	}
	return q
}

// placeAndStore finds the rank of the fetched rows in the log and caches them. Fetches of one log do this one after the other.
func (f *fetch) placeAndStore(r block.Read) (*block.Segment, *block.State) {
	mu := &f.placeMu[f.key.Hash[0]%byte(len(f.placeMu))]
	mu.Lock()
	defer mu.Unlock()
	prev := f.state
	if st := f.memory.state(f.key.Hash); st.NewerThan(prev) {
		prev = st
	}
	seg, st := r.Locate(prev, append(f.known, f.overlapping(prev, r)...))
	f.memory.setState(f.key.Hash, st)
	if id := f.spec.id; id >= 0 && seg.CoversBlock(id, st) {
		f.memory.setSegment(f.key.Hash, id, seg)
	}
	return seg, st
}

// overlapping returns the cached segments that may share rows with a read.
func (f *fetch) overlapping(st *block.State, r block.Read) []*block.Segment {
	var overlapping []*block.Segment
	if st == nil {
		return nil
	}
	newest := r.Total - 1 + st.Expired - r.Offset
	for id := block.LowestWith(newest - len(r.Rows) + 1); id.OldestRank() <= newest; id++ {
		if seg := f.memory.segment(f.key.Hash, st.Gen, id); seg != nil {
			overlapping = append(overlapping, seg)
		}
	}
	return overlapping
}
