package ratelimit

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"scalegraph/cache/redistest"
	"scalegraph/internal/redisx"
	"scalegraph/internal/request"
)

// replicas returns limiters that use one server.
func replicas(t *testing.T, s *redistest.Server, n, perMinute int) []*Limiter {
	t.Helper()
	out := make([]*Limiter, n)
	for i := range out {
		out[i] = replica(t, s.URL(), perMinute)
	}
	return out
}

func replica(t *testing.T, url string, perMinute int) *Limiter {
	t.Helper()
	client, err := redisx.Open(redisx.Config{URL: url, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	l := NewLimiter(perMinute)
	l.UseRedis(client, "the-secret")
	return l
}

func TestReplicasShareABucket(t *testing.T) {
	s := redistest.Start(t)
	both := replicas(t, s, 2, 1000)
	a, b := &request.Caller{Name: "a"}, &request.Caller{Token: "hunter2"}
	var in atomic.Int64
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for range 25 {
				if both[i%2].Take(t.Context(), a, 3) == 0 {
					in.Add(3)
				}
			}
		})
	}
	began := time.Now()
	wg.Wait()
	leaked := 1000 * time.Since(began).Minutes()
	if n := float64(in.Load()); n < 997 || n > 1000+leaked+3 {
		t.Errorf("%v were let in", n)
	}
	if wait := both[0].Take(t.Context(), a, 500); wait < 20*time.Second || wait > 30*time.Second {
		t.Errorf("half a bucket is there in %v", wait)
	}
	if wait := both[1].Take(t.Context(), b, 400); wait != 0 {
		t.Errorf("another caller waits %v", wait)
	}
	keys, _ := s.Do("KEYS", "*").([]any)
	if len(keys) != 2 {
		t.Errorf("keys %v", keys)
	}
	for _, key := range keys {
		life, _ := s.Do("PTTL", key).(int64)
		if !strings.HasPrefix(key.(string), "sg1:c:") || strings.Contains(key.(string), "hunter2") || life <= 0 || life > time.Minute.Milliseconds() {
			t.Errorf("%v lives for %d ms", key, life)
		}
	}
}

// A cost that drains in less than a millisecond is neither free nor rounded up.
func TestSmallCostsAddUp(t *testing.T) {
	l := replicas(t, redistest.Start(t), 1, 600_000)[0] // ten per millisecond
	c := &request.Caller{Name: "a"}
	began := time.Now()
	const spent = 3000 * 7
	for range 3000 {
		if wait := l.Take(t.Context(), c, 7); wait != 0 {
			t.Fatalf("wait %v", wait)
		}
	}
	spentNow := l.shared.take(t.Context(), 0, []charge{{c.Identities()[0], 0}})[0]
	leaked := 600_000 * time.Since(began).Minutes()
	if least := math.Max(0, spent-leaked-20); !spentNow.ok || spentNow.level < least || spentNow.level > spent+10 {
		t.Errorf("the level is %v after %d were spent and %v have run out at most", spentNow.level, spent, leaked)
	}
}

// A cost above the capacity is accepted if the bucket is empty, and delays later ones.
func TestCostAboveCapacity(t *testing.T) {
	l := replicas(t, redistest.Start(t), 1, 60)[0]
	c := &request.Caller{Name: "a"}
	if wait := l.Take(t.Context(), c, 120); wait != 0 {
		t.Errorf("wait %v", wait)
	}
	for cost, want := range map[int]time.Duration{0: time.Minute, 1: 61 * time.Second, 60: 2 * time.Minute, 1000: 2 * time.Minute} {
		if wait := l.Take(t.Context(), c, cost); wait > want || wait < want-20*time.Second {
			t.Errorf("cost %d: wait %v, want %v", cost, wait, want)
		}
	}
}

// If Redis fails, restarts empty, or contains garbage, a caller spends at most one bucket at each replica meanwhile.
func TestRedisFailure(t *testing.T) {
	s := redistest.Start(t)
	both := replicas(t, s, 2, 1000)
	c := &request.Caller{Name: "a"}
	take := func(replica, cost int) time.Duration {
		t.Helper()
		return both[replica].Take(t.Context(), c, cost)
	}
	if take(0, 400) != 0 || take(1, 200) != 0 {
		t.Error("within the limit, and refused")
	}
	s.Kill()
	if wait := take(1, 600); wait == 0 {
		t.Error("what was spent is forgotten")
	}
	if take(0, 500) != 0 || take(1, 300) != 0 {
		t.Error("refused because there is no Redis")
	}
	s.Restart()
	for _, l := range both {
		redistest.Eventually(t, "Redis answers", func() bool {
			return l.shared.redis.Pipelined(t.Context(), func(p redis.Pipeliner) { p.Ping(t.Context()) }) == nil
		})
	}
	if take(0, 50) != 0 { // Redis learns of 900
		t.Error("refused within the limit")
	}
	if wait := take(1, 250); wait == 0 {
		t.Error("the other replica does not hear of what was spent without Redis")
	}
	s.Do("DEL", both[0].shared.key(c.Identities()[0]))
	s.Do("HSET", both[0].shared.key(c.Identities()[0]), "garbage", "x")
	if take(0, 1) != 0 {
		t.Error("refused because of garbage")
	}
	s.Do("SET", both[1].shared.key(c.Identities()[0]), "garbage", "PX", 30_000)
	if take(1, 100) != 0 {
		t.Error("refused because of garbage")
	}
}

// A request takes one round trip, however many tokens it has, and the cost is spent from the bucket of each, also in a cluster.
func TestTakeIsOneRoundTrip(t *testing.T) {
	many := &request.Caller{Tokens: map[string]string{}}
	for i := range 100 {
		many.Tokens[fmt.Sprint("p", i)] = fmt.Sprint("token", i)
	}
	for name, url := range map[string]string{"one server": redistest.Start(t).URL(), "a cluster": redistest.ClusterURL(redistest.Cluster(t))} {
		t.Run(name, func(t *testing.T) {
			l := replica(t, url, 1000)
			var trips redistest.TripCounter
			l.shared.redis.AddHook(&trips)
			l.Take(t.Context(), many, 1) // loads the script
			trips.N.Store(0)
			one := &request.Caller{Token: "token7"}
			for i, take := range []struct {
				caller *request.Caller
				cost   int
			}{{&request.Caller{}, 250}, {many, 250}, {one, 490}, {many, 250}} {
				if wait := l.Take(t.Context(), take.caller, take.cost); wait != 0 {
					t.Errorf("request %d waits %v", i, wait)
				}
			}
			if wait := l.Take(t.Context(), many, 250); wait <= 0 || wait > 15*time.Second { // 991 of 1000 are spent with one token, 501 with the others
				t.Errorf("a request waits %v for the bucket of one of its tokens", wait)
			}
			if n := trips.N.Load(); n != 5 {
				t.Errorf("%d round trips for 5 requests", n)
			}
		})
	}
}

// Every replica computes the same key, which cannot be computed without the secret.
func TestRedisKeys(t *testing.T) {
	with, without := &sharedBuckets{secret: []byte("s")}, &sharedBuckets{}
	a, b := "token a", "name a"
	seen := map[string]bool{with.key(a): true, with.key(b): true, without.key(a): true, without.key(b): true}
	if len(seen) != 4 || with.key(a) != (&sharedBuckets{secret: []byte("s")}).key("token a") {
		t.Errorf("keys %v", seen)
	}
}
