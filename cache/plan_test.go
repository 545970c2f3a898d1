package cache

import (
	"testing"

	"scalegraph/cache/access"
)

func TestPlan(t *testing.T) {
	granted := func(rows freshnessState) situation { return situation{rows: rows, access: access.Granted} }
	with := func(s situation, change func(*situation)) situation { change(&s); return s }
	redis := func(s *situation) { s.redis = true }
	upstreamFails := func(s *situation) { s.failure = upstreamFailed }
	for name, c := range map[string]struct {
		s    situation
		want action
	}{
		"fresh rows":                       {granted(stateFresh), serve},
		"stale rows":                       {granted(stateStale), serveAndRevalidate},
		"rows for failures only":           {granted(stateStaleIfError), fetchBlocks},
		"expired rows":                     {granted(stateExpired), fetchBlocks},
		"no rows":                          {granted(stateMissing), fetchBlocks},
		"fresh rows, access unknown":       {situation{rows: stateFresh, access: access.Denied}, checkAccess},
		"fresh rows, access expired":       {situation{rows: stateFresh, access: access.StaleOnly}, checkAccess},
		"no rows, access unknown":          {situation{rows: stateMissing}, checkAccess},
		"past the blocks":                  {with(granted(stateFresh), func(s *situation) { s.noBlocks = true }), passThrough},
		"past the blocks, access unknown":  {situation{rows: stateMissing, noBlocks: true}, passThrough},
		"blocks do not join":               {with(granted(stateMissing), func(s *situation) { s.unjoinable = true }), passThrough},
		"unknown log below the head":       {situation{rows: stateMissing, unjoinable: true}, passThrough},
		"fetched often enough":             {with(granted(stateMissing), func(s *situation) { s.fetches = maxFetches }), passThrough},
		"fetched often enough, but stale":  {with(granted(stateStale), func(s *situation) { s.fetches = maxFetches }), serveAndRevalidate},
		"Redis may have the rows":          {with(granted(stateMissing), redis), lookInRedis},
		"Redis is not read for stale rows": {with(granted(stateStale), redis), serveAndRevalidate},
		"Redis may have a rejection":       {with(granted(stateFresh), func(s *situation) { s.redis, s.outdated = true, true }), lookInRedis},
		"no Redis for a rejection":         {with(granted(stateFresh), func(s *situation) { s.outdated = true }), serve},
		"Redis had nothing":                {with(granted(stateMissing), func(s *situation) { s.redis, s.nothingNew, s.redisReads = true, true, 1 }), fetchBlocks},
		"Redis had half":                   {with(granted(stateMissing), func(s *situation) { s.redis, s.redisReads = true, 1 }), lookInRedis},
		"Redis was read twice":             {with(granted(stateMissing), func(s *situation) { s.redis, s.redisReads = true, maxRedisReads }), fetchBlocks},
		"the caller bypasses caches":       {with(granted(stateStaleIfError), func(s *situation) { s.bypass, s.redis = true, true }), fetchBlocks},
		"the upstream fails, stale rows":   {with(granted(stateStaleIfError), upstreamFails), serveStale},
		"the upstream fails, fresh rows":   {with(situation{rows: stateFresh, access: access.StaleOnly}, upstreamFails), serveStale},
		"the upstream fails, old rows":     {with(granted(stateExpired), upstreamFails), fail},
		"the upstream fails, no rows":      {with(granted(stateMissing), upstreamFails), fail},
		"the upstream fails, no access":    {with(situation{rows: stateFresh}, upstreamFails), fail},
		"the upstream fails, no cache":     {with(granted(stateFresh), func(s *situation) { s.failure, s.bypass = upstreamFailed, true }), fail},
		"the upstream fails, past blocks":  {with(granted(stateStaleIfError), func(s *situation) { s.failure, s.noBlocks = upstreamFailed, true }), serveStale},
		"the caller is rejected":           {with(granted(stateFresh), func(s *situation) { s.failure = requestFailed }), fail},
	} {
		if got := plan(c.s); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// In every situation, rows are served only to a caller that has access, only within their time, and the plan ends.
func TestPlanIsSafeInEverySituation(t *testing.T) {
	for s := range situations() {
		a := plan(s)
		switch {
		case (a == serve || a == serveAndRevalidate) && (s.access != access.Granted || s.rows > stateStale || s.noBlocks || s.failure != noFailure):
			t.Errorf("%v: %+v", a, s)
		case a == serve && s.redis && s.outdated && !s.nothingNew:
			t.Errorf("%v without looking for a rejection: %+v", a, s)
		case a == serveStale && (s.access == access.Denied || s.rows > stateStaleIfError || s.bypass || s.failure != upstreamFailed):
			t.Errorf("%v: %+v", a, s)
		case (a == fetchBlocks || a == checkAccess) && (s.fetches >= maxFetches || s.failure != noFailure):
			t.Errorf("%v: %+v", a, s)
		case a == fetchBlocks && s.access != access.Granted:
			t.Errorf("%v shared by callers: %+v", a, s)
		case a == lookInRedis && (!s.redis || s.failure != noFailure):
			t.Errorf("%v: %+v", a, s)
		case a == fail && s.failure == noFailure:
			t.Errorf("%v: %+v", a, s)
		}
	}
}

// situations yields every combination.
func situations() func(yield func(situation) bool) {
	return func(yield func(situation) bool) {
		for bits := range 1 << 6 {
			flag := func(i int) bool { return bits&(1<<i) != 0 }
			for n := range 5 * 3 * 3 * 3 * 3 {
				s := situation{
					unjoinable: flag(0), outdated: flag(1), noBlocks: flag(2), bypass: flag(3), redis: flag(4), nothingNew: flag(5),
					rows: freshnessState(n % 5), access: access.Level(n / 5 % 3), fetches: n / 15 % 3, redisReads: n / 45 % 3, failure: failure(n / 135),
				}
				if !yield(s) {
					return
				}
			}
		}
	}
}
