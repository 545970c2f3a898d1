package cache_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scalegraph/cache"
	"scalegraph/cache/redistest"
	"scalegraph/internal/paging"
	"scalegraph/internal/redisx"
	"scalegraph/internal/request"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// replica returns a cache with its own memory over the upstream and a Redis, with a timeout for a busy machine.
func (b *fixture) replica(url string, change ...func(*cache.Config)) *cache.Cache {
	b.Helper()
	return b.replicaWithin(url, 5*time.Second, change...)
}

// defaultReplica returns a replica with the default timeout.
func (b *fixture) defaultReplica(url string, change ...func(*cache.Config)) *cache.Cache {
	b.Helper()
	return b.replicaWithin(url, 80*time.Millisecond, change...)
}

func (b *fixture) replicaWithin(url string, bound time.Duration, change ...func(*cache.Config)) *cache.Cache {
	b.Helper()
	client, err := redisx.Open(redisx.Config{URL: url, Timeout: bound})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	cfg := defaults()
	cfg.Redis = client
	for _, c := range change {
		c(&cfg)
	}
	return b.newCache(cfg)
}

// noMemory switches off the in-process tier.
func noMemory(c *cache.Config) { c.Memory = 0 }

// waitUntilStored waits until Redis has so many keys, the head of each log among its rows, and no lease, since writes are asynchronous and
// concurrent.
func waitUntilStored(t testing.TB, s *redistest.Server, keys int) {
	t.Helper()
	redistest.Eventually(t, "Redis has it", func() bool {
		stored := s.Do("KEYS", "*").([]any)
		return len(stored) >= keys && !slices.ContainsFunc(stored, func(key any) bool {
			name := key.(string)
			kind := name[strings.LastIndexByte(name, ':')+1:]
			return strings.HasPrefix(kind, "l") || kind == "t" && s.Do("HLEN", key).(int64) == 1
		})
	})
}

// A state in Redis whose head is not there yet does not take the head out of the memory of a replica that adopts the state.
func TestStateWithoutHeadKeepsTheKnownHead(t *testing.T) {
	s := redistest.Start(t)
	b := newOpenFixture(t, 1000)
	one, two := b.replica(s.URL()), b.replica(s.URL())
	b.list(b.as("a"), one, poll)
	waitUntilStored(t, s, 2)
	for _, state := range s.Do("KEYS", "*:t").([]any) {
		s.Do("HDEL", state, "s")
	}
	deep := upstream.ListQuery{Group: group, Offset: 340, Limit: 20}
	b.list(b.as("a"), two, deep) // writes a newer state
	redistest.Eventually(t, "Redis has the block", func() bool { return len(s.Do("KEYS", "sg1:{*}:*:*").([]any)) == 1 })
	deep.Offset += 200
	b.list(b.as("a"), one, deep) // reads it
	if calls := b.calls(func() { b.list(b.as("a"), one, poll) }); calls != 0 {
		t.Errorf("%d calls for a head that was in memory", calls)
	}
}

// What one replica has read another one finds in Redis, with every field.
func TestReplicasShare(t *testing.T) {
	s := redistest.Start(t)
	b := newOpenFixture(t, 1000)
	one, two := b.replica(s.URL()), b.replica(s.URL())
	want := b.expected(emulator.Filter{})
	b.requireEqual("one", b.walkRows(b.as("a"), paging.New(one), 1000, 50, upstream.Filter{}), want)
	waitUntilStored(t, s, 11)
	calls := b.calls(func() {
		b.requireEqual("two", b.walkRows(b.as("a"), paging.New(two), 1000, 20, upstream.Filter{}), want)
	})
	if calls > 1 {
		t.Errorf("%d calls through the other replica, want at most 1", calls)
	}
	for _, key := range s.Do("KEYS", "*").([]any) {
		if ttl := s.Do("PTTL", key).(int64); ttl <= 0 {
			t.Errorf("%v lives for ever", key)
		}
	}
}

// 200 callers request the same cold page at once through two replicas.
func TestColdPageThroughTwoReplicas(t *testing.T) {
	s := redistest.Start(t)
	b := newOpenFixture(t, 500)
	logs := []*cache.Cache{b.replica(s.URL()), b.replica(s.URL())}
	b.Fault(emulator.Always(emulator.Fault{Delay: 100 * time.Millisecond}))
	var wg sync.WaitGroup
	calls := b.calls(func() {
		for i := range 200 {
			wg.Go(func() { b.list(b.as("a"), logs[i%2], poll) })
		}
		wg.Wait()
	})
	if calls > 2 {
		t.Errorf("%d calls, want at most 2", calls)
	}
}

// Clients that poll through two replicas cost one read for each FRESH, and one more for each credential.
func TestPollsThroughTwoReplicas(t *testing.T) {
	for _, credentials := range []int{1, 20} {
		t.Run(fmt.Sprint(credentials, " credentials"), func(t *testing.T) {
			s := redistest.Start(t)
			b := newOpenFixture(t, 500)
			// Everything runs ten times as fast: 3 s for 30.
			faster := func(c *cache.Config) { c.Fresh, c.Stale, c.Grant = 500*time.Millisecond, time.Second, 6*time.Second }
			logs := []*cache.Cache{b.replica(s.URL(), faster), b.replica(s.URL(), faster)}
			var wg sync.WaitGroup
			calls := b.calls(func() {
				for i := range 100 {
					wg.Go(func() {
						ctx := b.as(fmt.Sprint(i % credentials))
						for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
							b.list(ctx, logs[rand.IntN(2)], poll)
						}
					})
				}
				wg.Wait()
			})
			if most := 10 + credentials; calls > most {
				t.Errorf("%d calls, want at most %d", calls, most)
			}
			for _, r := range b.Requests() {
				if r.Limit > 40 {
					t.Errorf("%d rows were requested", r.Limit)
				}
			}
			t.Log(calls)
		})
	}
}

// addFailures fills a log with failures that have long, different details.
func (b *fixture) addFailures(n int) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range n {
		details := make([]byte, 3000)
		for i := range details {
			details[i] = "abcdefghijklmnopqrstuvwxyz0123456789 .-"[rng.IntN(39)]
		}
		row := b.Row(b.Next, emulator.Fail)
		row.Failed = []emulator.Instance{{ID: emulator.ID(b.Next), Name: "i", FailedReason: "AS.7003", FailedDetails: string(details)}}
		b.Next++
		b.Insert(project, groupID, row)
	}
}

// A summary takes at most a third of the bytes of the whole, and both contain the same rows.
func TestSections(t *testing.T) {
	s := redistest.Start(t)
	b := newOpenFixture(t, 0)
	b.addFailures(60)
	b.list(b.as("a"), b.replica(s.URL()), poll)
	waitUntilStored(t, s, 2)
	read := func(sections upstream.Sections) (upstream.Listing, int64) {
		c := &request.Caller{Token: "a"}
		q := poll
		q.Sections = sections
		l := b.list(request.WithCaller(b.Context(), c), b.replica(s.URL()), q)
		if c.Tally.Calls.Load() != 0 || c.Tally.RedisHits.Load() == 0 {
			t.Errorf("%d calls and %d hits in Redis", c.Tally.Calls.Load(), c.Tally.RedisHits.Load())
		}
		return l, c.Tally.RedisBytes.Load()
	}
	light, few := read(0)
	full, many := read(upstream.AllSections)
	if few*3 > many {
		t.Errorf("the summary read %d bytes, all %d", few, many)
	}
	if light.Rows[0].Details.Sections != upstream.SectionDescriptions || full.Rows[0].Details.Sections != upstream.AllSections {
		t.Errorf("sections %v and %v", light.Rows[0].Details.Sections, full.Rows[0].Details.Sections)
	}
	if got := full.Rows[0].Details.Failed; len(got) != 1 || len(*got[0].Failure.Details) != 3000 || light.Rows[0].ListLengths.Failed != 1 {
		t.Errorf("failures did not survive: %+v", got)
	}
	t.Logf("summary %d bytes, all %d", few, many)

	// A replica that has the summary reads the other sections when they are requested, and changes no row that is shared.
	c := b.replica(s.URL())
	first := b.list(b.as("a"), c, poll)
	q := poll
	q.Sections = upstream.SectionFailures
	calls := b.calls(func() {
		if more := b.list(b.as("a"), c, q); !more.Rows[0].Details.Sections.Has(upstream.SectionFailures) {
			t.Error("no failures")
		}
	})
	if first.Rows[0].Details.Sections != upstream.SectionDescriptions || calls != 0 {
		t.Errorf("sections %v, %d calls", first.Rows[0].Details.Sections, calls)
	}
}

// A rejection by one replica ends the access at the other one, and no token is stored in Redis.
func TestRejectionReachesOtherReplica(t *testing.T) {
	s := redistest.Start(t)
	b := newClosedFixture(t, 100)
	one, two := b.replica(s.URL()), b.replica(s.URL())
	b.list(b.as("good"), one, poll)
	waitUntilStored(t, s, 2)
	if calls := b.calls(func() { b.list(b.as("good"), two, poll) }); calls != 0 {
		t.Errorf("%d calls of the other replica, want none: the grant is shared", calls)
	}
	b.RevokeToken("good")
	time.Sleep(1100 * time.Millisecond) // reads that bypass the cache are made once a second
	if _, err := one.List(noCache(b.Context(), "good"), poll); !errors.Is(err, upstream.ErrUnauthenticated) {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond) // a replica uses its own copy of a decision for a second
	if _, err := two.List(b.as("good"), poll); !errors.Is(err, upstream.ErrUnauthenticated) {
		t.Errorf("the other replica: %v", err)
	}
	for token, want := range refused {
		if l, err := two.List(b.as(token), poll); !errors.Is(err, want) || len(l.Rows) > 0 {
			t.Errorf("token %q: %v", token, err)
		}
	}
	for _, key := range s.Do("KEYS", "*").([]any) {
		if strings.Contains(key.(string), "good") {
			t.Errorf("%v names a token", key)
		}
	}
}

// A lease that its owner does not release expires, and then the other replicas fetch themselves.
func TestLeaseOfDeadOwnerExpires(t *testing.T) {
	s := redistest.Start(t)
	b := newOpenFixture(t, 500)
	logs := b.replica(s.URL(), func(c *cache.Config) { c.Fresh, c.Stale = 100*time.Millisecond, 0 })
	b.list(b.as("a"), logs, poll)
	waitUntilStored(t, s, 2)
	var key string
	for _, k := range s.Do("KEYS", "*:t").([]any) {
		key = strings.TrimSuffix(k.(string), ":t") + ":l-1"
	}
	time.Sleep(150 * time.Millisecond)
	s.Do("SET", key, "a replica that died", "PX", "60000")
	ctx, cancel := context.WithTimeout(b.as("a"), 5*time.Second)
	defer cancel()
	l, err := logs.List(ctx, poll)
	if err != nil || time.Since(l.At) > time.Second {
		t.Errorf("%v, read %v ago", err, time.Since(l.At))
	}
	if owner := s.Do("GET", key); owner != "a replica that died" {
		t.Errorf("another one's lease was ended: %v", owner)
	}
}

// TLS with a user that has only the permissions of docs/redis.md.
func TestTLSAndACL(t *testing.T) {
	url := redistest.StartTLS(t)
	b := newOpenFixture(t, 500)
	var clients [2]*redisx.Client
	one, two := b.replica(url, holdClient(&clients[0])), b.replica(url, noMemory, holdClient(&clients[1]))
	redistest.Eventually(t, "the other replica finds the rows", func() bool {
		b.list(b.as("a"), one, poll)
		c := &request.Caller{Token: "a"}
		b.list(request.WithCaller(b.Context(), c), two, poll)
		return c.Tally.RedisHits.Load() > 0
	})
	if clients[0].State() != redisx.StateOK || clients[0].Faults()+clients[1].Faults() > 2 {
		t.Errorf("%s, %d faults", clients[0].State(), clients[0].Faults())
	}
	var rejected *redisx.Client
	wrong := b.replica(strings.Replace(url, "password@", "wrong@", 1), holdClient(&rejected))
	b.list(b.as("a"), wrong, poll)
	if rejected.Faults() == 0 {
		t.Error("a wrong password was accepted")
	}
}
