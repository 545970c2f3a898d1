package cache

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/redis/go-redis/v9"

	"scalegraph/upstream"
)

// store is the second tier, shared by all replicas. It never fails: what goes wrong is a miss. A nil *store keeps nothing.
type store struct {
	rdb      redis.UniversalClient
	codec    codec
	breaker  circuitbreaker.CircuitBreaker[any]
	longest  time.Duration // what lives longest, before jitter
	counters *Counters
	log      *slog.Logger
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

func newStore(rdb redis.UniversalClient, cfg Config, counters *Counters) *store {
	if rdb == nil {
		return nil
	}
	s := &store{rdb: rdb, codec: newCodec(), counters: counters, log: cfg.Log, longest: max(cfg.StaleIfError, cfg.Fresh+cfg.Stale, time.Second)}
	s.breaker = circuitbreaker.NewBuilder[any]().WithFailureThreshold(3).WithDelay(2 * time.Second).WithSuccessThreshold(1).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			cfg.Log.Warn("the circuit to Redis changed", "from", e.OldState.String(), "to", e.NewState.String())
		}).Build()
	return s
}

func (s *store) close() {
	if s != nil {
		s.codec.close()
		_ = s.rdb.Close() // what it lost is kept nowhere else, and nobody waits for it
	}
}

// do makes one trip. It reports whether Redis answered; a key that is not there is an answer.
func (s *store) do(ctx context.Context, trip func(ctx context.Context) error) bool {
	if !s.breaker.TryAcquirePermit() {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), redisTimeout)
	defer cancel()
	err := trip(ctx)
	if err == nil || errors.Is(err, redis.Nil) {
		s.breaker.RecordSuccess()
		return true
	}
	s.breaker.RecordFailure()
	s.counters.redisFaults.Add(1)
	s.log.DebugContext(ctx, "Redis did not answer", "error", err)
	return false
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
	gen      uint64 // of the parts; 0: none are sought
	parts    []part
	sections upstream.Sections
}

// found is what was there of it, and how many bytes that were.
type found struct {
	track  *track
	pieces map[part]*piece
	bytes  int64
}

// look reads the track and the parts in one trip.
func (s *store) look(ctx context.Context, q sought) found {
	out := found{pieces: map[part]*piece{}}
	fields := []string{fieldSummary}
	for _, f := range sectionFields {
		if q.sections.Has(f.section) {
			fields = append(fields, f.name)
		}
	}
	pipe := s.rdb.Pipeline()
	head := pipe.HMGet(ctx, trackKey(q.view.hash), append([]string{fieldTrack}, fields...)...)
	blocks := make([]*redis.SliceCmd, len(q.parts))
	for i, n := range q.parts {
		blocks[i] = pipe.HMGet(ctx, pieceKey(q.view.hash, q.gen, n), fields...)
	}
	if !s.do(ctx, func(ctx context.Context) error { _, err := pipe.Exec(ctx); return err }) {
		return out
	}
	out.track = s.readTrack(q, head.Val(), &out.bytes)
	for i, n := range q.parts {
		if p := s.readPiece(q, blocks[i].Val(), &out.bytes); p != nil && p.gen == q.gen {
			out.pieces[n] = p
		}
	}
	s.counters.redisBytes.Add(out.bytes)
	return out
}

func (s *store) readTrack(q sought, values []any, bytes *int64) *track {
	if len(values) == 0 || values[0] == nil {
		return nil
	}
	text, _ := values[0].(string)
	*bytes += int64(len(text))
	t, head, err := s.codec.decodeTrack(text)
	if err != nil {
		s.counters.unreadable.Add(1)
		return nil
	}
	if p := s.readPiece(q, values[1:], bytes); p != nil && p.stamp == head && p.gen == t.gen {
		t.head = p
	}
	return t
}

// readPiece reads the fields in the order in which look asks for them; nil where any is missing or unreadable.
func (s *store) readPiece(q sought, values []any, bytes *int64) *piece {
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
	p, err := s.codec.decodePiece(q.view.group, texts[0], parts)
	if err != nil {
		s.counters.unreadable.Add(1)
		return nil
	}
	return p
}

// save writes the track, with its head where that is the piece, or with the block.
func (s *store) save(ctx context.Context, v view, n part, t *track, p *piece) {
	pipe := s.rdb.Pipeline()
	key, life := trackKey(v.hash), s.life(s.longest)
	if t.head == p {
		pipe.HSet(ctx, key, append(s.fields(p), fieldTrack, s.codec.encodeTrack(t))...)
	} else {
		pipe.HSet(ctx, key, fieldTrack, s.codec.encodeTrack(t))
	}
	pipe.PExpire(ctx, key, life)
	if n >= 0 {
		block := pieceKey(v.hash, p.gen, n)
		pipe.HSet(ctx, block, s.fields(p)...)
		pipe.PExpire(ctx, block, s.life(max(s.longest, time.Until(p.until))))
	}
	s.do(ctx, func(ctx context.Context) error { _, err := pipe.Exec(ctx); return err })
}

func (s *store) fields(p *piece) []any {
	summary, parts := s.codec.encodePiece(p)
	out := []any{fieldSummary, summary}
	for _, f := range sectionFields {
		out = append(out, f.name, parts[f.section])
	}
	return out
}

// life spreads a lifetime, so that what was written together does not end together.
func (s *store) life(d time.Duration) time.Duration { return d + rand.N(d/5+1) }

// state is how Redis is: ok, failing, or off.
func (s *store) state() string {
	switch {
	case s == nil:
		return "off"
	case s.breaker.IsClosed():
		return "ok"
	}
	return "failing"
}
