package cache_test

import (
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
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// latencies are the durations of responses, and how late sleeps ended meanwhile, which shows the load of the machine.
type latencies struct{ responses, sleeps []time.Duration }

// betweenRequests leaves the machine some time for other tests.
const betweenRequests = 10 * time.Millisecond

// requireNoSlowdown fails the test if most responses took much longer than before, and the load of the machine does not explain it.
func (l latencies) requireNoSlowdown(t testing.TB, before latencies) {
	t.Helper()
	most := p99(before.responses) + 150*time.Millisecond + 5*p99(l.sleeps)
	t.Logf("p99 %v before, %v after; sleeps end %v late", p99(before.responses), p99(l.responses), p99(l.sleeps))
	if p99(l.responses) > most {
		t.Errorf("p99 rose from %v to %v", p99(before.responses), p99(l.responses))
	}
}

// underLoad polls and pages from many goroutines. No request may fail.
func (b *fixture) underLoad(logs *cache.Cache, d time.Duration) latencies {
	var mu sync.Mutex
	var out latencies
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for end := time.Now().Add(d); time.Now().Before(end); {
				q := poll
				if i%2 == 1 {
					q = upstream.ListQuery{Group: group, Offset: 30 + rand.IntN(900), Limit: 22}
				}
				before := time.Now()
				if _, err := logs.List(b.as("a"), q); err != nil {
					b.Errorf("a failed response: %v", err)
				}
				ended := time.Now()
				time.Sleep(betweenRequests)
				mu.Lock()
				out.responses = append(out.responses, ended.Sub(before))
				out.sleeps = append(out.sleeps, time.Since(ended)-betweenRequests)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(out.responses)
	slices.Sort(out.sleeps)
	return out
}

func p99(took []time.Duration) time.Duration { return took[len(took)*99/100] }

// holdClient stores the client of a replica for its test.
func holdClient(client **redisx.Client) func(*cache.Config) {
	return func(c *cache.Config) { *client = c.Redis }
}

// Whatever Redis does, no request fails and none waits long.
func TestRedisFails(t *testing.T) {
	for name, befall := range map[string]func(s *redistest.Server){
		"paused":          (*redistest.Server).Pause,
		"killed":          (*redistest.Server).Kill,
		"restarted empty": (*redistest.Server).Restart,
		"read-only":       func(s *redistest.Server) { s.Do("REPLICAOF", "127.0.0.1", "1") },
		"full":            func(s *redistest.Server) { s.Do("CONFIG", "SET", "maxmemory", "1") },
	} {
		t.Run(name, func(t *testing.T) {
			s := redistest.Start(t)
			b := newOpenFixture(t, 1000)
			var client *redisx.Client
			logs := b.defaultReplica(s.URL(), noMemory, holdClient(&client))
			before := b.underLoad(logs, time.Second)
			befall(s)
			b.underLoad(logs, 2*time.Second).requireNoSlowdown(t, before)
			if name == "paused" {
				s.Resume()
				redistest.Eventually(t, "the circuit closes", func() bool {
					b.list(b.as("a"), logs, poll)
					return client.State() == redisx.StateOK
				})
			}
		})
	}
}

// Garbage, and the values of another version, are misses.
func TestCorruptValuesAreMisses(t *testing.T) {
	s := redistest.Start(t)
	b := newOpenFixture(t, 500)
	want := b.expected(emulator.Filter{})
	b.requireEqual("one", b.walkRows(b.as("a"), paging.New(b.replica(s.URL())), 500, 50, upstream.Filter{}), want)
	waitUntilStored(t, s, 6)
	for i, key := range s.Do("KEYS", "*").([]any) {
		switch kind := s.Do("TYPE", key); {
		case kind == "string":
		case i%3 == 0:
			s.Do("SET", key, "garbage")
		case i%3 == 1:
			s.Do("HSET", key, "s", "\x02another version", "n", "\x02another version")
		default:
			s.Do("HSET", key, "s", fmt.Sprint(s.Do("HGET", key, "s"), "x"))
		}
	}
	b.requireEqual("two", b.walkRows(b.as("a"), paging.New(b.replica(s.URL())), 500, 50, upstream.Filter{}), want)
}

// TestClusterLosesAMaster and TestFailover lose a server under load.
func TestClusterLosesAMaster(t *testing.T) {
	servers := redistest.Cluster(t)
	b := newOpenFixture(t, 1000)
	for n := range 20 { // so that every master has some
		b.AddGroup(project, fmt.Sprint("more", n))
	}
	logs := b.defaultReplica(redistest.ClusterURL(servers), noMemory)
	ask := func() {
		for n := range 20 {
			q := poll
			q.Group.ID = fmt.Sprint("more", n)
			b.list(b.as("a"), logs, q)
		}
	}
	// On a busy machine the first trips may take too long, and then Redis is left alone for a while: they are made again.
	redistest.Eventually(t, "every master has some", func() bool {
		ask()
		return !slices.ContainsFunc(servers, func(s *redistest.Server) bool { return s.Do("DBSIZE").(int64) == 0 })
	})
	before := b.underLoad(logs, time.Second)
	servers[0].Kill()
	ask()
	b.underLoad(logs, 3*time.Second).requireNoSlowdown(t, before)
}

func TestFailover(t *testing.T) {
	w := redistest.Sentinel(t)
	b := newOpenFixture(t, 1000)
	var client *redisx.Client
	logs := b.defaultReplica(w.URL(), noMemory, holdClient(&client))
	before := b.underLoad(logs, time.Second)
	w.Master.Kill()
	b.underLoad(logs, 5*time.Second).requireNoSlowdown(t, before)
	redistest.Eventually(t, "the replica took over and is used", func() bool {
		b.list(b.as("a"), logs, poll)
		return strings.Contains(fmt.Sprint(w.Replica.Do("INFO", "replication")), "role:master") && client.State() == redisx.StateOK
	})
}
