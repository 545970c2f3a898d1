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
	trips    *trips
	codec    codec
	breaker  circuitbreaker.CircuitBreaker[any]
	longest  time.Duration // what lives longest, before jitter
	counters *Counters
	spans    spans
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
	s := &store{rdb: rdb, trips: newTrips(rdb, cfg.RedisTimeout), codec: newCodec(), counters: counters, spans: spans{cfg.Tracer}, log: cfg.Log, longest: max(cfg.StaleIfError, cfg.Fresh+cfg.Stale, time.Second)}
	s.breaker = circuitbreaker.NewBuilder[any]().WithFailureThreshold(3).WithDelay(2 * time.Second).WithSuccessThreshold(1).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			cfg.Log.Warn("the circuit to Redis changed", "from", e.OldState.String(), "to", e.NewState.String())
		}).Build()
	return s
}

func (s *store) close() {
	if s != nil {
		s.trips.close()
		s.codec.close()
		_ = s.rdb.Close() // what it lost is kept nowhere else, and nobody waits for it
	}
}

// do makes one trip by itself. It reports whether Redis answered; a key that is not there is an answer.
func (s *store) do(ctx context.Context, trip func(ctx context.Context) error) bool {
	return s.tried(ctx, nil, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.trips.bound)
		defer cancel()
		return trip(ctx)
	})
}

// ask makes one trip together with what others ask. The commands are only to be read where Redis answered.
func (s *store) ask(ctx context.Context, cmds ...redis.Cmder) bool {
	return s.tried(ctx, cmds, func() error { return s.trips.make(cmds...) })
}

// send sends commands without waiting for their answers.
func (s *store) send(cmds ...redis.Cmder) {
	if s.breaker.IsClosed() {
		s.trips.leave(cmds)
	}
}

// readAnswer reads what sealAnswer wrote; all is zero where nothing is there, or nothing that can be read.
func (s *store) readAnswer(value string) (state viewState, until time.Time, text string) {
	if value == "" {
		return viewState{}, time.Time{}, ""
	}
	state, until, text, err := s.codec.openAnswer(value)
	if err != nil {
		s.counters.unreadable.Add(1)
	}
	return state, until, text
}

// stateOf reads of a track what tells it from others; the zero state where that cannot be.
func (s *store) stateOf(text string) viewState {
	if t, _, err := s.codec.decodeTrack(text); err == nil {
		return t.state()
	}
	return viewState{}
}

// tried makes a trip unless Redis is to be left alone. The commands are those that it is known to bring.
func (s *store) tried(ctx context.Context, cmds []redis.Cmder, trip func() error) bool {
	if !s.breaker.TryAcquirePermit() {
		return false
	}
	end := s.spans.trip(ctx, cmds)
	err := trip()
	end(err)
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
	grant    *grantKey // whose verdict; nil: nobody's
	unknown  *grantKey // of a group that may not exist; nil: that is not sought
	rows     bool      // the track with its head, and the parts
	gen      uint64    // of the parts; 0: none are sought
	parts    []part
	sections upstream.Sections
	lease    *redis.StatusCmd // to be taken first, so that what its last owner saved is found; nil: none
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

// look reads everything in one trip.
func (s *store) look(ctx context.Context, q sought) found {
	var cmds []redis.Cmder
	var said, none *redis.StringCmd
	var head *redis.SliceCmd
	if q.lease != nil {
		cmds = append(cmds, q.lease)
	}
	if q.grant != nil {
		said = redis.NewStringCmd(ctx, "get", grantName(*q.grant))
		cmds = append(cmds, said)
	}
	if q.unknown != nil {
		none = redis.NewStringCmd(ctx, "get", unknownName(*q.unknown))
		cmds = append(cmds, none)
	}
	if q.rows {
		head = redis.NewSliceCmd(ctx, q.fields(trackKey(q.view.hash), fieldTrack)...)
		cmds = append(cmds, head)
	}
	blocks := make([]*redis.SliceCmd, len(q.parts))
	for i, n := range q.parts {
		blocks[i] = redis.NewSliceCmd(ctx, q.fields(pieceKey(q.view.hash, q.gen, n))...)
		cmds = append(cmds, blocks[i])
	}
	if !s.ask(ctx, cmds...) {
		return found{}
	}
	out := found{answered: true}
	if said != nil {
		out.verdict = s.readVerdict(said.Val())
	}
	if none != nil {
		out.unknown = s.readUnknown(none.Val())
	}
	if head != nil {
		out.track = s.readTrack(q, head.Val(), &out.bytes)
	}
	for i, n := range q.parts {
		if p := s.readPiece(q, blocks[i].Val(), &out.bytes); p != nil && p.gen == q.gen {
			out.add(n, p)
		}
	}
	s.counters.redisBytes.Add(out.bytes)
	return out
}

func (f *found) add(n part, p *piece) {
	if f.pieces == nil {
		f.pieces = map[part]*piece{}
	}
	f.pieces[n] = p
}

// fields is the command that reads the wanted fields of a hash, after those that are named.
func (q *sought) fields(key string, names ...any) []any {
	args := append(append(make([]any, 0, 7), "hmget", key), names...)
	args = append(args, fieldSummary)
	for _, f := range sectionFields {
		if q.sections.Has(f.section) {
			args = append(args, f.name)
		}
	}
	return args
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
