package cache_test

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"scalegraph/cache"
	"scalegraph/cache/redistest"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

func withoutMemory(c *cache.Config) { c.Memory = 0 }

func answerKey(name string) [sha256.Size]byte { return sha256.Sum256([]byte(name)) }

// keepAnswer asks until what is answered comes out of Redis, and keeps a text for it.
func (b *bench) keepAnswer(logs *cache.Logs, name, text string) {
	b.Helper()
	var bases []request.Dependency
	redistest.Eventually(b, "the answer rests on what is kept", func() bool {
		bases = b.rests(logs, &request.Caller{Token: "good"}, poll)
		return len(bases) == 1
	})
	logs.KeepAnswer(b.Context(), answerKey(name), bases, []byte(text))
}

// answered waits until an answer is given again.
func (b *bench) answered(logs *cache.Logs, name, want string) request.Dependency {
	b.Helper()
	var text string
	var rests request.Dependency
	redistest.Eventually(b, "the answer is given again", func() (ok bool) {
		text, rests, ok = logs.Answer(b.Context(), answerKey(name))
		return ok
	})
	if text != want {
		b.Errorf("got %q, want %q", text, want)
	}
	return rests
}

func (b *bench) unanswered(logs *cache.Logs, name string) {
	b.Helper()
	if text, _, ok := logs.Answer(b.Context(), answerKey(name)); ok {
		b.Errorf("%s: given again: %q", name, text)
	}
}

// A whole answer comes out of Redis as long as the cache would give the same, and no longer.
func TestAnswersEndWithWhatTheyRestOn(t *testing.T) {
	for name, end := range map[string]func(b *bench, here, there *cache.Logs, s *redistest.Server){
		"freshness": func(*bench, *cache.Logs, *cache.Logs, *redistest.Server) { time.Sleep(2 * time.Second) },
		"a read by another replica": func(b *bench, _, there *cache.Logs, s *redistest.Server) {
			b.Grow(1)
			track := s.Do("HGET", s.Do("KEYS", "sg1:{*}:t").([]any)[0], "n")
			b.list(request.WithCaller(b.Context(), &request.Caller{Token: "other", NoCache: true}), there, poll)
			redistest.Eventually(b, "Redis knows of it", func() bool {
				return s.Do("HGET", s.Do("KEYS", "sg1:{*}:t").([]any)[0], "n") != track
			})
		},
		"a refusal by another replica": func(b *bench, _, there *cache.Logs, _ *redistest.Server) {
			b.RevokeToken("good")
			if _, err := there.List(b.as("good"), upstream.ListQuery{Group: group, Filter: upstream.Filter{Status: upstream.StatusFail}, Limit: 5}); err == nil {
				b.Error("was not refused")
			}
		},
		"Redis": func(_ *bench, _, _ *cache.Logs, s *redistest.Server) { s.Kill() },
		"its value": func(_ *bench, _, _ *cache.Logs, s *redistest.Server) {
			for _, key := range s.Do("KEYS", "sg1:{*}:a:*").([]any) {
				s.Do("SET", key, strings.Repeat("garbage", 10))
			}
		},
		"its track": func(_ *bench, _, _ *cache.Logs, s *redistest.Server) {
			for _, key := range s.Do("KEYS", "sg1:{*}:t").([]any) {
				s.Do("DEL", key)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t)
			b := closedBench(t, 50)
			fresh := time.Hour
			if name == "freshness" {
				fresh = 2 * time.Second
			}
			change := func(c *cache.Config) { c.Memory, c.Fresh, c.Grant = 0, fresh, time.Hour }
			here, there := b.replica(s.URL(), change), b.replica(s.URL(), change)
			b.list(b.as("good"), here, poll)
			kept(t, s, 2)
			b.keepAnswer(here, "one", "the answer")
			if name != "freshness" {
				before := b.Count()
				b.answered(here, "one", "the answer")
				if b.Count() != before {
					t.Error("the upstream was asked")
				}
			}
			b.unanswered(here, "another")
			b.unanswered(there, "one") // it has not given it itself
			end(b, here, there, s)
			b.unanswered(here, "one")
		})
	}
}

// Another replica that has given the same answer finds it, whoever wrote it last; one that is late with an older one spoils nothing.
func TestAnswersOfReplicas(t *testing.T) {
	s := redistest.Start(t)
	b := closedBench(t, 50)
	change := func(c *cache.Config) { c.Memory, c.Fresh, c.Grant = 0, time.Hour, time.Hour }
	here, there := b.replica(s.URL(), change), b.replica(s.URL(), change)
	b.list(b.as("good"), here, poll)
	kept(t, s, 2)
	b.keepAnswer(here, "one", "of 50 rows")
	b.keepAnswer(there, "one", "of 50 rows")
	b.answered(there, "one", "of 50 rows")
	old := b.rests(here, &request.Caller{Token: "good"}, poll)

	b.Grow(1)
	b.list(request.WithCaller(b.Context(), &request.Caller{Token: "other", NoCache: true}), there, poll)
	redistest.Eventually(t, "the answer is outdated", func() bool {
		_, _, ok := here.Answer(t.Context(), answerKey("one"))
		return !ok
	})
	b.keepAnswer(there, "one", "of 51 rows")
	b.answered(here, "one", "of 51 rows")
	here.KeepAnswer(t.Context(), answerKey("one"), old, []byte("of 50 rows"))
	redistest.Eventually(t, "the older one arrives", func() bool {
		return strings.Contains(s.Do("GET", s.Do("KEYS", "sg1:{*}:a:*").([]any)[0]).(string), "of 50 rows")
	})
	b.unanswered(here, "one")
	b.unanswered(there, "one")
}

// What does not rest on one listing, or is long, or would be kept in memory, is not kept in Redis.
func TestAnswersThatAreNotKept(t *testing.T) {
	s := redistest.Start(t)
	b := closedBench(t, 50)
	bare := b.replica(s.URL(), withoutMemory)
	b.list(b.as("good"), bare, poll)
	kept(t, s, 2)
	b.keepAnswer(bare, "one", "the answer")
	b.answered(bare, "one", "the answer")
	bases := b.rests(bare, &request.Caller{Token: "good"}, poll)
	bare.KeepAnswer(t.Context(), answerKey("two"), append(bases, bases...), []byte("the answer"))
	bare.KeepAnswer(t.Context(), answerKey("none"), nil, []byte("the answer"))
	bare.KeepAnswer(t.Context(), answerKey("long"), bases, make([]byte, 64<<10+1))
	full := b.replica(s.URL())
	b.keepAnswer(full, "full", "the answer")
	without := b.logs(defaults())
	b.keepAnswer(without, "without", "the answer")
	b.keepAnswer(bare, "last", "the answer") // behind the others on their way
	b.answered(bare, "last", "the answer")
	for _, name := range []string{"two", "none", "long"} {
		b.unanswered(bare, name)
	}
	b.unanswered(full, "full")
	b.unanswered(without, "without")
	if keys := s.Do("KEYS", "sg1:{*}:a:*").([]any); len(keys) != 2 {
		t.Errorf("Redis has %v", keys)
	}
}

// Answers are counted when they are given, not when they are found, and do not stay in Redis.
func TestAnswersAreCounted(t *testing.T) {
	s := redistest.Start(t)
	b := closedBench(t, 50)
	bare := b.replica(s.URL(), withoutMemory, func(c *cache.Config) { c.Fresh = time.Hour })
	b.list(b.as("good"), bare, poll)
	kept(t, s, 2)
	b.keepAnswer(bare, "one", "the answer")
	before := bare.Stats()
	rests := b.answered(bare, "one", "the answer")
	if found := bare.Stats(); found.RedisHits != before.RedisHits || rests.Valid(time.Now()) {
		t.Errorf("%d hits when it was found, %v", found.RedisHits-before.RedisHits, rests.Valid(time.Now()))
	}
	var tally request.Tally
	rests.RecordHit(&tally)
	if n := bare.Stats().RedisHits - before.RedisHits; n != 1 || tally.RedisHits.Load() != 1 || tally.RedisBytes.Load() < 10 {
		t.Errorf("%d hits in all, %d hits and %d bytes of the caller's", n, tally.RedisHits.Load(), tally.RedisBytes.Load())
	}
	if until, ok := tally.FreshUntil(); !ok || !until.After(time.Now()) {
		t.Errorf("fresh until %v", until)
	}
	for _, key := range s.Do("KEYS", "*").([]any) {
		if ttl := s.Do("PTTL", key).(int64); ttl <= 0 || strings.Contains(key.(string), ":a:") && ttl > 60_000 {
			t.Errorf("%v lives for %d ms", key, ttl)
		}
	}
}
