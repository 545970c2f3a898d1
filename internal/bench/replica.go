package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// sharedPages measures pages that another replica has read, when they are first read on this replica: each round starts a replica, sends the
// pages to the first replica, and then measures the new one. The same pages from the upstream are the comparison.
func (s *stage) sharedPages() ([]*line, error) {
	bodies := manyPages(func(group string) string { return page(group, 20, eightFields) })
	first := func(env ...string) func(context.Context, int) (result, error) {
		return func(ctx context.Context, _ int) (result, error) { return s.firstReads(ctx, bodies, env...) }
	}
	return []*line{{
		name:  "20 rows that another replica has read",
		goals: []goal{{against: "from the upstream", min: 1}},
		contenders: []*contender{
			{name: "product", once: first(s.redisURL())},
			{name: "from the upstream", once: first()},
		},
	}}, nil
}

// firstReads starts a replica and sends it each body once.
func (s *stage) firstReads(ctx context.Context, bodies []string, env ...string) (result, error) {
	if _, err := s.sendAll(ctx, s.url("first replica"), bodies); err != nil {
		return result{}, err
	}
	if err := s.startProduct("new replica", "upstream", env...); err != nil {
		return result{}, err
	}
	defer s.parts["new replica"].stop()
	return s.sendAll(ctx, s.url("new replica"), bodies)
}

// sendAll sends each body once, over all connections.
func (s *stage) sendAll(ctx context.Context, url string, bodies []string) (result, error) {
	latencies := make([]float64, len(bodies))
	var next atomic.Int64
	var failure atomic.Pointer[error]
	start := time.Now()
	var workers sync.WaitGroup
	for range s.connections {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(bodies) || failure.Load() != nil {
					return
				}
				sent := time.Now()
				if _, err := post(ctx, url, bodies[i], requestHeaders(i)...); err != nil {
					failure.Store(&err)
				}
				latencies[i] = float64(time.Since(sent).Microseconds())
			}
		})
	}
	workers.Wait()
	if err := failure.Load(); err != nil {
		return result{}, *err
	}
	return result{Requests: len(bodies), Micros: int(time.Since(start).Microseconds()), P50: int(median(latencies))}, nil
}

// requestHeaders returns the headers that an ingress adds, with values of their own for each number.
func requestHeaders(n int) []string {
	id := fmt.Sprintf("%016x", n+1)
	return []string{"X-Request-Id", id, "traceparent", "00-" + strings.Repeat(id, 2) + "-" + id + "-00"}
}
