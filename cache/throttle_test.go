package cache_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// throttle lets the upstream throttle one token. Every response takes so long.
func (b *fixture) throttle(token string, delay time.Duration) {
	b.Fault(func(r *http.Request) *emulator.Fault {
		var f emulator.Fault
		if r.Header.Get("X-Auth-Token") == token {
			f = emulator.Throttled(0)
		}
		f.Delay = delay
		return &f
	})
}

// Who waited for the fetch of a throttled caller reads with its own credential.
func TestThrottledCallerFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newClosedFixture(t, 500)
		logs := b.newCache(defaults())
		deep := upstream.ListQuery{Group: group, Offset: 200, Limit: 20}
		b.list(b.as("good"), logs, poll)
		b.list(b.as("other"), logs, poll)
		b.throttle("other", time.Second)
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := logs.List(b.as("other"), deep); !errors.Is(err, upstream.ErrRateLimited) {
				t.Errorf("the throttled caller: %v", err)
			}
		})
		synctest.Wait()
		if l, err := logs.List(b.as("good"), deep); err != nil || l.Stale {
			t.Errorf("the other caller: stale %v, %v", l.Stale, err)
		}
		wg.Wait()
	})
}

// A log stays fresh for all others while the upstream throttles one caller of it.
func TestThrottledCallerMakesNothingStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newClosedFixture(t, 500)
		logs := b.newCache(defaults())
		b.list(b.as("good"), logs, poll)
		b.list(b.as("other"), logs, poll)
		b.throttle("other", 0)
		time.Sleep(30 * time.Second) // neither fresh nor stale
		if l, err := logs.List(b.as("other"), poll); err != nil || !l.Stale {
			t.Errorf("the throttled caller: stale %v, %v", l.Stale, err)
		}
		if l, err := logs.List(b.as("good"), poll); err != nil || l.Stale {
			t.Errorf("the other caller: stale %v, %v", l.Stale, err)
		}
	})
}
