package observer

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

var (
	histories     = flag.Int("histories", 100, "how many random histories of walks to judge")
	subscriptions = flag.Int("subscriptions", 20, "how many random histories of subscriptions to judge")
	firstSeed     = flag.Uint64("seed", 1, "seed of the first history; the next ones follow")
)

// shown is how many lines of a failed history are printed.
const shownLines = 80

// TestWalks judges random histories of clients that page.
func TestWalks(t *testing.T) {
	for n := range *histories {
		seed := *firstSeed + uint64(n)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			report(t, "TestWalks", seed, bubble(t, func(t *testing.T) *trace { return walkHistory(t, seed, leisurely, inBubble(planted{})) }))
		})
	}
}

// report fails a test whose history was wrong.
func report(t testing.TB, test string, seed uint64, log *trace) {
	t.Helper()
	if log != nil && len(log.wrong()) > 0 {
		t.Errorf("seed %d (go test ./internal/observer -run %s -seed %d -histories 1 -subscriptions 1):\n%s", seed, test, seed, log.report(shownLines))
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
	c := course{lasts: 90 * time.Second, settles: 60 * time.Second, move: 1500 * time.Millisecond, stays: 15 * time.Second, call: 300 * time.Millisecond}
	for n := range *subscriptions {
		seed := *firstSeed + uint64(n)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			report(t, "TestSubscriptions", seed, bubble(t, func(t *testing.T) *trace { return followHistory(t, seed, c, inBubble(planted{})) }))
		})
	}
}
