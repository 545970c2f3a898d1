package cache

import (
	"context"
	"encoding/base64"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/internal/redisx"
	"scalegraph/upstream"
)

// store is the tier that all replicas share. It never fails: an error of Redis and an unreadable value are misses. A nil *store stores
// nothing.
type store struct {
	redis    *redisx.Client
	codec    codec
	maxTTL   time.Duration // the longest TTL, before jitter
	counters *Counters
	wg       sync.WaitGroup // of writes that nobody waits for
}

// The fields of a kept piece. A track has one more, so that it can be written without the rows of its head.
const (
	fieldSummary = "s"
	fieldTrack   = "n"
)

var sectionFields = []struct {
	section upstream.Sections
	name    string
}{{upstream.SectionInstances, "i"}, {upstream.SectionFailures, "f"}, {upstream.SectionLoadBalancers, "l"}}

func newStore(cfg Config, counters *Counters) *store {
	if cfg.Redis == nil {
		return nil
	}
	return &store{redis: cfg.Redis, codec: newCodec(), counters: counters, maxTTL: max(cfg.StaleIfError, cfg.Fresh+cfg.Stale, time.Second)}
}

// close waits for writes that are under way.
func (s *store) close() {
	if s != nil {
		s.wg.Wait()
		s.codec.close()
	}
}

// The keys of a view go to one slot of a cluster.
func trackKey(v viewHash) string { return "sg1:{" + name(v[:]) + "}:t" }

func pieceKey(v viewHash, gen uint64, p part) string {
	return "sg1:{" + name(v[:]) + "}:" + strconv.FormatUint(gen, 36) + ":" + strconv.Itoa(int(p))
}

func leaseKey(v viewHash, p part) string { return "sg1:{" + name(v[:]) + "}:l" + strconv.Itoa(int(p)) }

func name(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// sought says what to look up of a view.
type sought struct {
	view     view
	grant    *grantKey // whose verdict; nil: nobody's
	unknown  *grantKey // of a group that may not exist; nil: that is not sought
	rows     bool      // the track with its head, and the parts
	gen      uint64    // of the parts; 0: none are sought
	parts    []part
	sections upstream.Sections
	lease    func(redis.Pipeliner) // taken first, so that what its last owner stored is found; nil: none
}

// found is what was there of it, and how many bytes that were.
type found struct {
	answered bool // by Redis
	verdict  verdict
	unknown  *told // nil: nothing is told
	track    *track
	pieces   map[part]*piece
	bytes    int64
}

// look reads everything in one round trip.
func (s *store) look(ctx context.Context, q sought) found {
	var replies replies
	if err := s.redis.Pipelined(ctx, func(p redis.Pipeliner) { replies = q.send(ctx, p) }); err != nil {
		return found{}
	}
	out := found{answered: true}
	if c := replies.verdict; c != nil {
		out.verdict = s.readVerdict(grantName(*q.grant), c.Val())
	}
	if c := replies.unknown; c != nil {
		out.unknown = s.readUnknown(unknownName(*q.unknown), c.Val())
	}
	if c := replies.track; c != nil {
		out.track = s.readTrack(q, c.Val(), &out.bytes)
	}
	for i, n := range q.parts {
		key := pieceKey(q.view.hash, q.gen, n)
		if p := s.readPiece(q, key, replies.blocks[i].Val(), &out.bytes); p != nil && p.gen == q.gen {
			out.add(n, p)
		}
	}
	s.counters.redisBytes.Add(out.bytes)
	return out
}

// replies are the commands of one lookup; those that are not needed are nil.
type replies struct {
	verdict, unknown *redis.StringCmd
	track            *redis.SliceCmd
	blocks           []*redis.SliceCmd // in the order of sought.parts
}

// send adds the commands of a lookup to a pipeline.
func (q *sought) send(ctx context.Context, p redis.Pipeliner) (r replies) {
	if q.lease != nil {
		q.lease(p)
	}
	if q.grant != nil {
		r.verdict = p.Get(ctx, grantName(*q.grant))
	}
	if q.unknown != nil {
		r.unknown = p.Get(ctx, unknownName(*q.unknown))
	}
	if q.rows {
		r.track = p.HMGet(ctx, trackKey(q.view.hash), q.fields(fieldTrack)...)
	}
	for _, n := range q.parts {
		r.blocks = append(r.blocks, p.HMGet(ctx, pieceKey(q.view.hash, q.gen, n), q.fields()...))
	}
	return r
}

func (f *found) add(n part, p *piece) {
	if f.pieces == nil {
		f.pieces = map[part]*piece{}
	}
	f.pieces[n] = p
}

// fields returns the names of the fields to read: the given ones, the summary, and the wanted sections.
func (q *sought) fields(names ...string) []string {
	names = append(names, fieldSummary)
	for _, f := range sectionFields {
		if q.sections.Has(f.section) {
			names = append(names, f.name)
		}
	}
	return names
}

func (s *store) readTrack(q sought, values []any, bytes *int64) *track {
	if len(values) == 0 || values[0] == nil {
		return nil
	}
	text, _ := values[0].(string)
	*bytes += int64(len(text))
	key := trackKey(q.view.hash)
	t, head, err := s.codec.decodeTrack(key, text)
	if err != nil {
		s.counters.unreadable.Add(1)
		return nil
	}
	if p := s.readPiece(q, key, values[1:], bytes); p != nil && p.stamp == head && p.gen == t.gen {
		t.head = p
	}
	return t
}

// readPiece reads the fields in the order in which look asks for them; nil where any is missing or unreadable.
func (s *store) readPiece(q sought, key string, values []any, bytes *int64) *piece {
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
	p, err := s.codec.decodePiece(key, q.view.group, texts[0], parts)
	if err != nil {
		s.counters.unreadable.Add(1)
		return nil
	}
	return p
}

// save writes the track and the piece: as the head if it is the newest rows, or as a block if n is one.
func (s *store) save(ctx context.Context, v view, n part, t *track, p *piece) {
	_ = s.redis.Pipelined(ctx, func(pipe redis.Pipeliner) {
		key := trackKey(v.hash)
		values := []any{fieldTrack, s.codec.encodeTrack(key, t)}
		if t.head == p {
			values = append(values, s.fields(key, p)...)
		}
		pipe.HSet(ctx, key, values...)
		pipe.PExpire(ctx, key, s.life(s.maxTTL))
		if n >= 0 {
			block := pieceKey(v.hash, p.gen, n)
			pipe.HSet(ctx, block, s.fields(block, p)...)
			pipe.PExpire(ctx, block, s.life(max(s.maxTTL, time.Until(p.until))))
		}
	})
}

func (s *store) fields(key string, p *piece) []any {
	summary, parts := s.codec.encodePiece(key, p)
	out := []any{fieldSummary, summary}
	for _, f := range sectionFields {
		out = append(out, f.name, parts[f.section])
	}
	return out
}

// life spreads a lifetime, so that what was written together does not end together.
func (s *store) life(d time.Duration) time.Duration { return d + rand.N(d/5+1) }
