package observer

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/cache/redistest"
	"scalegraph/internal/testkit"
)

var (
	histories     = flag.Int("histories", 40, "how many random histories of walks to judge")
	subscriptions = flag.Int("subscriptions", 10, "how many random histories of subscriptions to judge")
	replicas      = flag.Int("replicas", 3, "how many random histories to judge over sockets, with several replicas and Redis")
	summaries     = flag.Int("summaries", 20, "how many random histories of summaries to judge")
	lines         = flag.Int("lines", 80, "how many lines of a failed history to print")
	firstSeed     = flag.Uint64("seed", 1, "seed of the first history; the next ones follow")
)

// TestWalks judges random histories of clients that page.
func TestWalks(t *testing.T) {
	for n := range testkit.Cases(*histories) {
		seed := *firstSeed + uint64(n)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			report(t, "TestWalks", seed, bubble(t, func(t *testing.T) *trace { return walkHistory(t, seed, leisurely, inBubble(planted{})) }))
		})
	}
}

// TestSummaries judges random histories of clients that request summaries.
func TestSummaries(t *testing.T) {
	for n := range testkit.Cases(*summaries) {
		seed := *firstSeed + uint64(n)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			report(t, "TestSummaries", seed, bubble(t, func(t *testing.T) *trace { return summaryHistory(t, seed, leisurely, inBubble(planted{})) }))
		})
	}
}

// report fails a test whose history was wrong.
func report(t testing.TB, test string, seed uint64, log *trace) {
	t.Helper()
	if log != nil && len(log.wrong()) > 0 {
		t.Errorf("seed %d (go test ./internal/observer -run %s -seed %d -histories 1 -subscriptions 1 -summaries 1):\n%s", seed, test, seed, log.report(*lines))
	}
}

// bubble runs a history in virtual time. Goroutines that remain after it, and a history that waits for ever, are faults.
func bubble(t *testing.T, history func(t *testing.T) *trace) (log *trace) {
	defer func() {
		if p := recover(); p != nil {
			if log == nil {
				log = new(trace)
			}
			log.failf("the bubble ended with %v", p)
		}
	}()
	synctest.Test(t, func(t *testing.T) { log = history(t) })
	return log
}

// TestSubscriptions judges random histories of clients that subscribe to replicas without a common Redis, with default settings.
func TestSubscriptions(t *testing.T) {
	for n := range testkit.Cases(*subscriptions) {
		seed := *firstSeed + uint64(n)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			report(t, "TestSubscriptions", seed, bubble(t, func(t *testing.T) *trace { return followHistory(t, seed, minutes, inBubble(planted{})) }))
		})
	}
}

// TestReplicas judges random histories of clients that subscribe to several replicas and page through their logs, over sockets. The replicas share
// a redis-server that is restarted.
func TestReplicas(t *testing.T) {
	for n := range *replicas {
		seed := *firstSeed + uint64(n)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t)
			c := schedule{lasts: 20 * time.Second, settles: 30 * time.Second, move: time.Second, stays: 4 * time.Second, call: 50 * time.Millisecond, restart: redis.Restart}
			args := []string{"-redis-url", redis.URL()}
			if seed%4 > 0 { // else with the default settings
				args = append(args, "-poll", "400ms", "-fresh", "400ms", "-stale", "800ms")
				c.lasts, c.move, c.stays = 8*time.Second, 250*time.Millisecond, 1500*time.Millisecond
			}
			if seed%4 == 3 {
				p := speed{call: 10 * time.Millisecond, move: 100 * time.Millisecond, think: 500 * time.Millisecond, restart: redis.Restart, realTime: true}
				report(t, "TestReplicas", seed, walkHistory(t, seed, p, served(args...)))
				return
			}
			report(t, "TestReplicas", seed, followHistory(t, seed, c, served(args...)))
		})
	}
}
