// Package redisstore is the tier of the cache that replicas share: rows and states of logs, decisions about credentials, and leases.
//
// It never fails: if Redis fails, or a value is missing or corrupt, that is a miss. Every value is bound to its key by a checksum and begins
// with the version of the codec (codec.go). A Query reads everything that a lookup needs in one round trip.
package redisstore

import (
	"context"
	"encoding/base64"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/cache/access"
	"scalegraph/cache/block"
	"scalegraph/cache/cachekey"
	"scalegraph/internal/redisx"
	"scalegraph/upstream"
)

// Store reads and writes the shared tier. It is safe for concurrent use. Close it when it is no longer needed. A nil
// *Store stands for no Redis: Close, Stats, PublishFinality and LoadFinality do nothing.
type Store struct {
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

// New returns nil if client is nil. Rows expire after maxTTL, or when they are no longer fresh if that is later.
func New(client *redisx.Client, maxTTL time.Duration) *Store {
	if client == nil {
		return nil
	}
	return &Store{redis: client, codec: newCodec(), maxTTL: maxTTL}
}

// Stats returns the number of bytes read and of corrupt values found since the start.
func (s *Store) Stats() (bytesRead, unreadable int64) {
	if s == nil {
		return 0, 0
	}
	return s.bytesRead.Load(), s.unreadable.Load()
}

// Close waits for background writes.
func (s *Store) Close() {
	if s != nil {
		s.wg.Wait()
		s.codec.close()
	}
}

// The keys of one log are in the same slot of a cluster.
func stateKey(log cachekey.Hash) string { return "sg1:{" + encodeKey(log[:]) + "}:t" }

func segmentKey(log cachekey.Hash, gen uint64, id block.ID) string {
	return "sg1:{" + encodeKey(log[:]) + "}:" + strconv.FormatUint(gen, 36) + ":" + strconv.Itoa(int(id))
}

func leaseKey(log cachekey.Hash, id block.ID) string {
	return "sg1:{" + encodeKey(log[:]) + "}:l" + strconv.Itoa(int(id))
}

func encodeKey(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Query is a read of one log.
type Query struct {
	Key      cachekey.Log
	Access   *access.Key // load this decision; nil for none
	NotFound *access.Key // load whether this group does not exist; nil for no such lookup
	Rows     bool        // load the state with its head, and the blocks
	Gen      uint64      // of the blocks; 0 if there are none
	Blocks   []block.ID
	Sections upstream.Sections
	lease    func(redis.Pipeliner) // sent first, so that the last owner's rows are found; nil for none
}

// Result contains the values found, and their size in bytes.
type Result struct {
	OK       bool // Redis did not fail
	Decision access.Decision
	NotFound *access.NotFound // nil if there is no such entry
	State    *block.State
	Segments map[block.ID]*block.Segment
	Bytes    int64
}

// Query reads everything in one round trip.
func (s *Store) Query(ctx context.Context, q Query) Result {
	var replies replies
	if err := s.redis.Pipelined(ctx, func(p redis.Pipeliner) { replies = q.send(ctx, p) }); err != nil {
		return Result{}
	}
	result := Result{OK: true}
	if c := replies.decision; c != nil {
		result.Decision = s.decodeDecision(decisionKey(*q.Access), c.Val())
	}
	if c := replies.notFound; c != nil {
		result.NotFound = s.decodeNotFound(notFoundKey(*q.NotFound), c.Val())
	}
	if c := replies.state; c != nil {
		result.State = s.readState(q, c.Val(), &result.Bytes)
	}
	for i, id := range q.Blocks {
		key := segmentKey(q.Key.Hash, q.Gen, id)
		if seg := s.readSegment(q, key, replies.blocks[i].Val(), &result.Bytes); seg != nil && seg.Gen == q.Gen {
			result.add(id, seg)
		}
	}
	s.bytesRead.Add(result.Bytes)
	return result
}

// replies are the commands of one query; unused ones are nil.
type replies struct {
	decision, notFound *redis.StringCmd
	state              *redis.SliceCmd
	blocks             []*redis.SliceCmd // in the order of redisQuery.blocks
}

// send adds the commands of a query to a pipeline.
func (q *Query) send(ctx context.Context, p redis.Pipeliner) (r replies) {
	if q.lease != nil {
		q.lease(p)
	}
	if q.Access != nil {
		r.decision = p.Get(ctx, decisionKey(*q.Access))
	}
	if q.NotFound != nil {
		r.notFound = p.Get(ctx, notFoundKey(*q.NotFound))
	}
	if q.Rows {
		r.state = p.HMGet(ctx, stateKey(q.Key.Hash), q.fields(fieldState)...)
	}
	for _, id := range q.Blocks {
		r.blocks = append(r.blocks, p.HMGet(ctx, segmentKey(q.Key.Hash, q.Gen, id), q.fields()...))
	}
	return r
}

func (f *Result) add(id block.ID, seg *block.Segment) {
	if f.Segments == nil {
		f.Segments = map[block.ID]*block.Segment{}
	}
	f.Segments[id] = seg
}

// fields returns the names of the fields to read: the given ones, the summary, and the requested sections.
func (q *Query) fields(names ...string) []string {
	names = append(names, fieldSummary)
	for _, f := range sectionFields {
		if q.Sections.Has(f.section) {
			names = append(names, f.name)
		}
	}
	return names
}

func (s *Store) readState(q Query, values []any, bytes *int64) *block.State {
	if len(values) == 0 || values[0] == nil {
		return nil
	}
	text, _ := values[0].(string)
	*bytes += int64(len(text))
	key := stateKey(q.Key.Hash)
	st, head, err := s.codec.decodeState(key, text)
	if err != nil {
		s.unreadable.Add(1)
		return nil
	}
	if seg := s.readSegment(q, key, values[1:], bytes); seg != nil && seg.WriteID == head && seg.Gen == st.Gen {
		st.Head = seg
	}
	return st
}

// readSegment decodes the fields in the order of redisQuery.fields. It returns nil if any is missing or corrupt.
func (s *Store) readSegment(q Query, key string, values []any, bytes *int64) *block.Segment {
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
		if q.Sections.Has(f.section) {
			parts[f.section] = texts[i]
			i++
		}
	}
	seg, err := s.codec.decodeSegment(key, q.Key.Group, texts[0], parts)
	if err != nil {
		s.unreadable.Add(1)
		return nil
	}
	return seg
}

// Save writes the state and the segment: as the head if it has the newest rows, and as a block if id is one.
func (s *Store) Save(ctx context.Context, key cachekey.Log, id block.ID, st *block.State, seg *block.Segment) {
	_ = s.redis.Pipelined(ctx, func(pipe redis.Pipeliner) {
		name := stateKey(key.Hash)
		values := []any{fieldState, s.codec.encodeState(name, st)}
		if st.Head == seg {
			values = append(values, s.fields(name, seg)...)
		}
		pipe.HSet(ctx, name, values...)
		pipe.PExpire(ctx, name, s.jitter(s.maxTTL))
		if id >= 0 {
			block := segmentKey(key.Hash, seg.Gen, id)
			pipe.HSet(ctx, block, s.fields(block, seg)...)
			pipe.PExpire(ctx, block, s.jitter(max(s.maxTTL, time.Until(seg.FreshUntil))))
		}
	})
}

func (s *Store) fields(key string, seg *block.Segment) []any {
	summary, parts := s.codec.encodeSegment(key, seg)
	out := []any{fieldSummary, summary}
	for _, f := range sectionFields {
		out = append(out, f.name, parts[f.section])
	}
	return out
}

// jitter extends a TTL at random, so that values written together do not expire together.
func (s *Store) jitter(d time.Duration) time.Duration { return d + rand.N(d/5+1) }
