package cache

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// TestACrewRunsAllJobsAtOnceAndKeepsSomeHands runs more jobs than may wait for work.
func TestACrewRunsAllJobsAtOnceAndKeepsSomeHands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		c := newCrew(over)
		var under atomic.Int32
		run := func(jobs int) (end func()) {
			gate := make(chan struct{})
			for range jobs {
				c.do(func() { under.Add(1); <-gate; under.Add(-1) })
			}
			synctest.Wait()
			return func() { close(gate); synctest.Wait() }
		}
		check := func(when string, running, idle int) {
			t.Helper()
			if int(under.Load()) != running || len(c.idle) != idle {
				t.Fatalf("%s %d run and %d wait, want %d and %d", when, under.Load(), len(c.idle), running, idle)
			}
		}
		end := run(3 * maxIdle)
		check("at first", 3*maxIdle, 0)
		end()
		check("afterwards", 0, maxIdle)
		end = run(maxIdle + 2)
		check("again", maxIdle+2, 0)
		end()
		end = run(5)
		check("with a few jobs", 5, maxIdle-5)
		end()
		close(over)
		c.wg.Wait() // else the bubble says that goroutines are left
		check("in the end", 0, 0)
	})
}
