package cache_test

import (
	"context"
	"flag"
	"testing"

	"scalegraph/cache"
	"scalegraph/cache/redistest"
	"scalegraph/internal/paging"
	"scalegraph/internal/paging/pagingtest"
	"scalegraph/upstream/emulator"
)

var histories = flag.Int("histories", 25, "how many random histories to check of each kind")

// The property test of paging over a cache, with hits and misses at random.
func TestHistories(t *testing.T) {
	for name, cfg := range configs() {
		t.Run(name, func(t *testing.T) {
			pagingtest.Run(t, *histories, func(t testing.TB, e *emulator.Emulator) pagingtest.Browser {
				logs := cache.New(pagingtest.Client(t, e), cfg)
				t.Cleanup(logs.Close)
				return pagingtest.Direct(paging.New(logs))
			})
		})
	}
}

// Two replicas share a Redis, and every request goes to either. In the second run Redis fails or restarts empty every few requests.
func TestHistoriesThroughTwoReplicas(t *testing.T) {
	server := redistest.Start(t)
	for name, every := range map[string]int{"steady": 0, "Redis comes and goes": 3} {
		t.Run(name, func(t *testing.T) {
			pagingtest.Run(t, *histories, func(t testing.TB, e *emulator.Emulator) pagingtest.Browser {
				server.Do("FLUSHALL")
				link, client := &redisLink{server: server}, pagingtest.Client(t, e)
				r := &replicas{redis: link, every: every}
				for range 2 {
					cfg := defaults()
					cfg.Redis = link.client(t)
					logs := cache.New(client, cfg)
					t.Cleanup(logs.Close)
					r.pages = append(r.pages, pagingtest.Direct(paging.New(logs)))
				}
				return r
			})
		})
	}
}

// replicas sends each request to another one.
type replicas struct {
	pages []pagingtest.Browser
	redis *redisLink
	every int // requests between two restarts of Redis; 0 for none

	requests int
}

func (r *replicas) Page(ctx context.Context, req pagingtest.Request) (pagingtest.Response, error) {
	r.requests++
	if r.every > 0 && r.requests%r.every == 0 {
		r.redis.restart(r.requests%2 == 0)
	}
	return r.pages[r.requests%len(r.pages)].Page(ctx, req)
}

func configs() map[string]cache.Config {
	all := map[string]cache.Config{"memory": defaults()}
	cold := defaults()
	cold.Fresh, cold.Stale = 0, 0
	all["never fresh"] = cold
	off := defaults()
	off.Memory = 0
	all["no memory"] = off
	small := defaults()
	small.Memory = 100 << 10
	all["little memory"] = small
	return all
}
