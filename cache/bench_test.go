package cache_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"scalegraph/cache"
	"scalegraph/cache/redistest"
	"scalegraph/upstream"
)

// replicaWithCounter returns a connected replica and the counter of its round trips.
func (b *fixture) replicaWithCounter(url string, change ...func(*cache.Config)) (*cache.Cache, *redistest.TripCounter) {
	trips := new(redistest.TripCounter)
	return b.replica(url, append(change, func(c *cache.Config) {
		c.Redis.AddHook(trips)
		_ = c.Redis.Pipelined(b.Context(), func(p redis.Pipeliner) { p.Get(b.Context(), "sg1:none") })
	})...), trips
}

// BenchmarkRedisAlone reads heads and history of 100 groups from Redis, with no memory tier, for 32 callers at once.
func BenchmarkRedisAlone(b *testing.B) {
	s := redistest.Start(b)
	bench := newOpenFixture(b, 0)
	const groups = 100
	for n := range groups {
		for i := range 300 {
			bench.Insert(project, fmt.Sprint("g", n), bench.Row(i, "SUCCESS"))
		}
	}
	for name, offset := range map[string]int{"heads": 0, "history": 150} {
		b.Run(name, func(b *testing.B) {
			logs, trips := bench.replicaWithCounter(s.URL(), noMemory, func(c *cache.Config) { c.Fresh = 1 << 40 })
			ask := func(n int) {
				q := upstream.ListQuery{Group: group, Limit: 21, Offset: offset}
				q.Group.ID = fmt.Sprint("g", n%groups)
				if _, err := logs.List(bench.as("a"), q); err != nil {
					b.Error(err)
				}
			}
			for n := range 3 * groups {
				ask(n)
			}
			before := trips.N.Load()
			var next atomic.Int64
			b.SetParallelism(16)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					ask(int(next.Add(1)))
				}
			})
			b.ReportMetric(float64(trips.N.Load()-before)/float64(b.N), "trips/op")
		})
	}
}
