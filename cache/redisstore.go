package cache

import (
	"context"
	"encoding/base64"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/internal/redisx"
	"scalegraph/upstream"
)

// store is the tier shared by replicas. It never fails: if Redis fails or a value is corrupt, that is a miss. A nil *store stores nothing.
type store struct {
	redis  *redisx.Client
	codec  codec
	maxTTL time.Duration  // the longest TTL, before jitter
	wg     sync.WaitGroup // background writes

	bytesRead, unreadable atomic.Int64
}

// The hash fields of a stored segment. A state has one more, so that it can be written without the rows of its head.
const (
	fieldSummary = "s"
	fieldState   = "n"
)

var sectionFields = []struct {
	section upstream.Sections
	name    string
}{{upstream.SectionInstances, "i"}, {upstream.SectionFailures, "f"}, {upstream.SectionLoadBalancers, "l"}}

// newStore returns nil if client is nil. Rows expire after maxTTL, or when they are no longer fresh if that is later.
func newStore(client *redisx.Client, maxTTL time.Duration) *store {
	if client == nil {
		return nil
	}
	return &store{redis: client, codec: newCodec(), maxTTL: maxTTL}
}

// stats returns the number of bytes read and of corrupt values found since the start.
func (s *store) stats() (bytesRead, unreadable int64) {
	if s == nil {
		return 0, 0
	}
	return s.bytesRead.Load(), s.unreadable.Load()
}

// close waits for background writes.
func (s *store) close() {
	if s != nil {
		s.wg.Wait()
		s.codec.close()
	}
}

// The keys of one log are in the same slot of a cluster.
func stateKey(log keyHash) string { return "sg1:{" + encodeKey(log[:]) + "}:t" }

func segmentKey(log keyHash, gen uint64, id blockID) string {
	return "sg1:{" + encodeKey(log[:]) + "}:" + strconv.FormatUint(gen, 36) + ":" + strconv.Itoa(int(id))
}

func leaseKey(log keyHash, id blockID) string {
	return "sg1:{" + encodeKey(log[:]) + "}:l" + strconv.Itoa(int(id))
}

func encodeKey(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// redisQuery is a read of one log.
type redisQuery struct {
	key      logKey
	access   *accessKey // load this decision; nil for none
	notFound *accessKey // load whether this group does not exist; nil for no such lookup
	rows     bool       // load the state with its head, and the blocks
	gen      uint64     // of the blocks; 0 if there are none
	blocks   []blockID
	sections upstream.Sections
	lease    func(redis.Pipeliner) // sent first, so that the last owner's rows are found; nil for none
}

// redisResult contains the values found, and their size in bytes.
type redisResult struct {
	ok       bool // Redis did not fail
	decision decision
	notFound *notFoundEntry // nil if there is no such entry
	state    *logState
	segments map[blockID]*segment
	bytes    int64
}

// query reads everything in one round trip.
func (s *store) query(ctx context.Context, q redisQuery) redisResult {
	var replies replies
	if err := s.redis.Pipelined(ctx, func(p redis.Pipeliner) { replies = q.send(ctx, p) }); err != nil {
		return redisResult{}
	}
	result := redisResult{ok: true}
	if c := replies.decision; c != nil {
		result.decision = s.decodeDecision(decisionKey(*q.access), c.Val())
	}
	if c := replies.notFound; c != nil {
		result.notFound = s.decodeNotFound(notFoundKey(*q.notFound), c.Val())
	}
	if c := replies.state; c != nil {
		result.state = s.readState(q, c.Val(), &result.bytes)
	}
	for i, id := range q.blocks {
		key := segmentKey(q.key.hash, q.gen, id)
		if seg := s.readSegment(q, key, replies.blocks[i].Val(), &result.bytes); seg != nil && seg.gen == q.gen {
			result.add(id, seg)
		}
	}
	s.bytesRead.Add(result.bytes)
	return result
}

// replies are the commands of one query; unused ones are nil.
type replies struct {
	decision, notFound *redis.StringCmd
	state              *redis.SliceCmd
	blocks             []*redis.SliceCmd // in the order of redisQuery.blocks
}

// send adds the commands of a query to a pipeline.
func (q *redisQuery) send(ctx context.Context, p redis.Pipeliner) (r replies) {
	if q.lease != nil {
		q.lease(p)
	}
	if q.access != nil {
		r.decision = p.Get(ctx, decisionKey(*q.access))
	}
	if q.notFound != nil {
		r.notFound = p.Get(ctx, notFoundKey(*q.notFound))
	}
	if q.rows {
		r.state = p.HMGet(ctx, stateKey(q.key.hash), q.fields(fieldState)...)
	}
	for _, id := range q.blocks {
		r.blocks = append(r.blocks, p.HMGet(ctx, segmentKey(q.key.hash, q.gen, id), q.fields()...))
	}
	return r
}

func (f *redisResult) add(id blockID, seg *segment) {
	if f.segments == nil {
		f.segments = map[blockID]*segment{}
	}
	f.segments[id] = seg
}

// fields returns the names of the fields to read: the given ones, the summary, and the requested sections.
func (q *redisQuery) fields(names ...string) []string {
	names = append(names, fieldSummary)
	for _, f := range sectionFields {
		if q.sections.Has(f.section) {
			names = append(names, f.name)
		}
	}
	return names
}

func (s *store) readState(q redisQuery, values []any, bytes *int64) *logState {
	if len(values) == 0 || values[0] == nil {
		return nil
	}
	text, _ := values[0].(string)
	*bytes += int64(len(text))
	key := stateKey(q.key.hash)
	st, head, err := s.codec.decodeState(key, text)
	if err != nil {
		s.unreadable.Add(1)
		return nil
	}
	if seg := s.readSegment(q, key, values[1:], bytes); seg != nil && seg.writeID == head && seg.gen == st.gen {
		st.head = seg
	}
	return st
}

// readSegment decodes the fields in the order of redisQuery.fields. It returns nil if any is missing or corrupt.
func (s *store) readSegment(q redisQuery, key string, values []any, bytes *int64) *segment {
	texts := make([]string, len(values))
	for i, v := range values {
		text, ok := v.(string)
		if !ok {
			return nil
		}
		texts[i] = text
		*bytes += int64(len(text))
	}
	if len(texts) == 0 {
		return nil
	}
	parts, i := map[upstream.Sections]string{}, 1
	for _, f := range sectionFields {
		if q.sections.Has(f.section) {
			parts[f.section] = texts[i]
			i++
		}
	}
	seg, err := s.codec.decodeSegment(key, q.key.group, texts[0], parts)
	if err != nil {
		s.unreadable.Add(1)
		return nil
	}
	return seg
}

// save writes the state and the segment: as the head if it has the newest rows, and as a block if id is one.
func (s *store) save(ctx context.Context, key logKey, id blockID, st *logState, seg *segment) {
	_ = s.redis.Pipelined(ctx, func(pipe redis.Pipeliner) {
		name := stateKey(key.hash)
		values := []any{fieldState, s.codec.encodeState(name, st)}
		if st.head == seg {
			values = append(values, s.fields(name, seg)...)
		}
		pipe.HSet(ctx, name, values...)
		pipe.PExpire(ctx, name, s.jitter(s.maxTTL))
		if id >= 0 {
			block := segmentKey(key.hash, seg.gen, id)
			pipe.HSet(ctx, block, s.fields(block, seg)...)
			pipe.PExpire(ctx, block, s.jitter(max(s.maxTTL, time.Until(seg.freshUntil))))
		}
	})
}

func (s *store) fields(key string, seg *segment) []any {
	summary, parts := s.codec.encodeSegment(key, seg)
	out := []any{fieldSummary, summary}
	for _, f := range sectionFields {
		out = append(out, f.name, parts[f.section])
	}
	return out
}

// jitter extends a TTL at random, so that values written together do not expire together.
func (s *store) jitter(d time.Duration) time.Duration { return d + rand.N(d/5+1) }
