package cache

import (
	"context"
	"slices"

	"scalegraph/cache/block"
	"scalegraph/cache/redisstore"
)

// lookupRedis loads the decision about the caller's access, and with rows also the rows that the assembly lacks, in one round trip. It returns
// an error if another replica knows that the group does not exist.
func (c *Cache) lookupRedis(ctx context.Context, l *lookup, a assembly, rows bool) error {
	key := l.accessReq.ScopeKey()
	q := redisstore.Query{Key: l.key, Access: &key}
	if rows {
		l.redisReads++
		q.Rows, q.Sections = true, l.q.Sections
		q.Gen, q.Blocks = c.predictBlocks(l, a)
		if _, seen := c.sizeHints.get(l.key.Hash); !seen { // the group may not exist
			unknown := l.accessReq.GroupKey()
			q.NotFound = &unknown
		}
	}
	result := c.store.Query(ctx, q)
	l.needsAccessCheck = false
	if result.OK {
		c.grants.MergeRemote(key, result.Decision)
		l.access = c.grants.LocalLevel(key)
	}
	var notFound error
	if result.NotFound != nil {
		c.grants.RecordNotFound(l.accessReq, *result.NotFound)
		notFound = c.grants.CachedNotFound(l.accessReq)
	}
	l.caller.Tally.RedisBytes.Add(result.Bytes)
	l.nothingNew = !c.mergeFound(l, result)
	return notFound
}

// predictBlocks returns the blocks that the assembly lacks. If the log is unknown, it returns those that would be missing if the log were as
// this process saw it last.
func (c *Cache) predictBlocks(l *lookup, a assembly) (gen uint64, ids []block.ID) {
	for _, spec := range append(a.missing, a.stale...) {
		if spec.id >= 0 {
			ids = append(ids, spec.id)
		}
	}
	if len(ids) > 0 {
		return l.state.Gen, ids
	}
	st, ok := c.sizeHints.get(l.key.Hash)
	if !ok || l.q.Offset == 0 || l.q.Offset >= st.Total {
		return 0, nil
	}
	hi := st.NewestRank() - l.q.Offset
	for _, id := range block.Covering(hi, max(hi-l.q.Limit+1, st.Expired)) {
		if id.NewestRank() <= st.NewestRank() {
			ids = append(ids, id)
		}
	}
	return st.Gen, ids
}

// mergeFound adds segments that are newer or more complete than the known ones. It reports whether there were any.
func (c *Cache) mergeFound(l *lookup, result redisstore.Result) bool {
	better := false
	if st := result.State; st != nil && (st.NewerThan(l.state) || l.improvesHead(st)) {
		l.state, better = st.WithHeadOf(l.state), true
		c.memory.setState(l.key.Hash, l.state)
		c.sizeHints.record(l.key.Hash, st)
		l.recordRedisHit(c, st.Head)
	}
	for id, seg := range result.Segments {
		if known := l.segments[id]; known == nil || seg.At.After(known.At) || !known.Sections.Has(seg.Sections) {
			l.setSegment(id, seg)
			c.memory.setSegment(l.key.Hash, id, seg)
			l.recordRedisHit(c, seg)
			better = true
		}
	}
	return better
}

// improvesHead reports whether st equals the known state but has a more complete head.
func (l *lookup) improvesHead(st *block.State) bool {
	return st.Head != nil && st.At.Equal(l.state.At) && st.Gen == l.state.Gen &&
		(l.state.Head == nil || l.state.Head.WriteID == st.Head.WriteID && !l.state.Head.Sections.Has(l.q.Sections))
}

func (l *lookup) recordRedisHit(c *Cache, seg *block.Segment) {
	if seg == nil {
		return
	}
	if !slices.Contains(l.fromRedis, seg) {
		l.fromRedis = append(l.fromRedis, seg)
	}
	l.caller.Tally.RedisHits.Add(1)
	c.counters.redisHits.Add(1)
}

func (l *lookup) setSegment(id block.ID, seg *block.Segment) {
	if l.segments == nil {
		l.segments = map[block.ID]*block.Segment{}
	}
	l.segments[id] = seg
}
