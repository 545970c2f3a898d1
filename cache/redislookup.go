package cache

import (
	"context"
	"slices"
)

// lookupRedis loads the rows that the plan lacks from Redis, at most twice, together with the decision about the caller's access. That is one round
// trip, unless the predicted blocks were wrong. It reports whether any rows were found.
func (c *Cache) lookupRedis(ctx context.Context, l *lookup, p plan) bool {
	rows := !l.caller.NoCache && l.redisLookups < 2 && p.freshness > stateStale
	if c.store == nil || l.caller.ForceAuthCheck || !rows && !l.needsAccessCheck {
		return false
	}
	key := l.accessReq.scopeKey()
	q := redisQuery{key: l.key, access: &key}
	if rows {
		l.redisLookups++
		q.rows, q.sections = true, l.q.Sections
		q.gen, q.blocks = c.predictBlocks(l, p)
		if _, seen := c.sizeHints.get(l.key.hash); !seen { // the group may not exist
			unknown := l.accessReq.groupKey()
			q.notFound = &unknown
		}
	}
	result := c.store.query(ctx, q)
	l.needsAccessCheck = false
	if result.ok {
		c.grants.mergeRemote(key, result.decision)
		l.access = c.grants.localAccess(key)
	}
	if result.notFound != nil {
		c.grants.recordNotFound(l.accessReq, *result.notFound)
		l.notFoundErr = c.grants.cachedNotFound(l.accessReq)
	}
	l.caller.Tally.RedisBytes.Add(result.bytes)
	return c.mergeFound(l, result)
}

// predictBlocks returns the blocks that the plan lacks. If the log is unknown, it returns those that would be missing if the log were as
// this process saw it last.
func (c *Cache) predictBlocks(l *lookup, p plan) (gen uint64, ids []blockID) {
	for _, spec := range append(p.missing, p.stale...) {
		if spec.id >= 0 {
			ids = append(ids, spec.id)
		}
	}
	if len(ids) > 0 {
		return l.state.gen, ids
	}
	st, ok := c.sizeHints.get(l.key.hash)
	if !ok || l.q.Offset == 0 || l.q.Offset >= st.total {
		return 0, nil
	}
	hi := st.newestRank() - l.q.Offset
	for _, id := range blocksCovering(hi, max(hi-l.q.Limit+1, st.expired)) {
		if id.newestRank() <= st.newestRank() {
			ids = append(ids, id)
		}
	}
	return st.gen, ids
}

// mergeFound adds segments that are newer or more complete than the known ones. It reports whether there were any.
func (c *Cache) mergeFound(l *lookup, result redisResult) bool {
	better := false
	if st := result.state; st != nil && (st.newerThan(l.state) || l.improvesHead(st)) {
		l.state, better = st, true
		c.memory.setState(l.key.hash, st)
		c.sizeHints.record(l.key.hash, st)
		l.recordRedisHit(c, st.head)
	}
	for id, seg := range result.segments {
		if kept := l.segments[id]; kept == nil || seg.at.After(kept.at) || !kept.sections.Has(seg.sections) {
			l.setSegment(id, seg)
			c.memory.setSegment(l.key.hash, id, seg)
			l.recordRedisHit(c, seg)
			better = true
		}
	}
	return better
}

// improvesHead reports whether st equals the known state but has a more complete head.
func (l *lookup) improvesHead(st *logState) bool {
	return st.head != nil && st.at.Equal(l.state.at) && st.gen == l.state.gen &&
		(l.state.head == nil || l.state.head.writeID == st.head.writeID && !l.state.head.sections.Has(l.q.Sections))
}

func (l *lookup) recordRedisHit(c *Cache, seg *segment) {
	if seg == nil {
		return
	}
	if !slices.Contains(l.fromRedis, seg) {
		l.fromRedis = append(l.fromRedis, seg)
	}
	l.caller.Tally.RedisHits.Add(1)
	c.counters.redisHits.Add(1)
}

func (l *lookup) setSegment(id blockID, seg *segment) {
	if l.segments == nil {
		l.segments = map[blockID]*segment{}
	}
	l.segments[id] = seg
}
