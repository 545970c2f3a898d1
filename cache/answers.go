package cache

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/redis/go-redis/v9"

	"scalegraph/internal/request"
)

// Without memory, whole answers are kept in Redis. What they rest on is read in the same trip: how the log is known by now, and what the
// upstream said last of the credential. So an answer costs one trip, and nothing is laid out.

// answers remembers where in Redis answers are, and nothing of them. A nil *answers remembers nothing.
type answers struct {
	places *otter.Cache[[sha256.Size]byte, place]
}

// place is where an answer is, and whose.
type place struct {
	key string
	*basis
}

const (
	maxPlaces  = 1 << 13
	maxAnswer  = 64 << 10    // bytes; what is longer is laid out each time
	answerLife = time.Minute // at most, also where the rows never change: there are more questions than rows
)

// newAnswers returns what remembers answers, where nothing else would keep them.
func newAnswers(m *memory, s *store) *answers {
	if m != nil || s == nil {
		return nil
	}
	return &answers{otter.Must(&otter.Options[[sha256.Size]byte, place]{MaximumSize: maxPlaces})}
}

// Answer returns the answer that KeepAnswer kept under a key, where it would be the same now, and what it rests on.
func (l *Logs) Answer(ctx context.Context, key [sha256.Size]byte) (text string, rests request.Dependency, ok bool) {
	if l.answers == nil {
		return "", nil, false
	}
	p, known := l.answers.places.GetIfPresent(key)
	if !known || !time.Now().Before(p.until) {
		return "", nil, false
	}
	value := redis.NewStringCmd(ctx, "get", p.key)
	track := redis.NewStringCmd(ctx, "hget", trackKey(p.view), fieldTrack)
	said := redis.NewStringCmd(ctx, "get", grantName(p.grant))
	if !l.store.ask(ctx, value, track, said) {
		return "", nil, false
	}
	l.grants.heard(p.grant, l.store.readVerdict(said.Val()))
	state, until, text := l.store.readAnswer(value.Val())
	if state == (viewState{}) || l.grants.local(p.grant) != granted || !time.Now().Before(until) || state != l.store.stateOf(track.Val()) {
		return "", nil, false
	}
	return text, &shared{p.basis, until, int64(len(value.Val()) + len(track.Val()))}, true
}

// KeepAnswer keeps an answer under a key, for all replicas that have given the same, where it rests on a single listing. Nobody waits for it.
func (l *Logs) KeepAnswer(ctx context.Context, key [sha256.Size]byte, rests []request.Dependency, text []byte) {
	if l.answers == nil || len(rests) != 1 || len(text) > maxAnswer {
		return
	}
	b, ok := rests[0].(*basis)
	if !ok || b.state == (viewState{}) {
		return
	}
	if life := min(time.Until(b.until), answerLife); life > 0 {
		p := place{answerKey(b.view, key, l.grants.secret), b}
		l.answers.places.Set(key, p)
		l.store.send(redis.NewStatusCmd(ctx, "set", p.key, l.store.codec.sealAnswer(b, text), "px", max(life.Milliseconds(), 1)))
	}
}

// answerKey is in the slot of its view. Credentials cannot be guessed from it without the secret.
func answerKey(v viewHash, key [sha256.Size]byte, secret []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(key[:])
	return "sg1:{" + name(v[:]) + "}:a:" + name(mac.Sum(nil))
}

// shared stands for a listing that an answer out of Redis rests on.
type shared struct {
	*basis
	until time.Time
	bytes int64
}

// Valid is false: whether it does only a trip tells.
func (*shared) Valid(time.Time) bool { return false }

// RecordHit counts the pieces as found in Redis.
func (s *shared) RecordHit(t *request.Tally) {
	t.RedisHits.Add(s.hits)
	t.RedisBytes.Add(s.bytes)
	s.logs.counters.redisHits.Add(s.hits)
	s.logs.counters.redisBytes.Add(s.bytes)
	t.LimitFreshness(s.until)
}
