package execution

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/internal/request"
)

// A caller waits for its own share, and all callers for the whole budget, at most a second each; afterwards nothing is left behind.
func TestCostBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newCostBudget(400)
		var releases []func()
		acquire := func(token string, cost int, want int, wait time.Duration) {
			t.Helper()
			began := time.Now()
			release, rejected := b.acquire(t.Context(), &request.Caller{Token: token}, cost)
			status := 0
			if rejected != nil {
				status = rejected.Status
			} else {
				releases = append(releases, release)
			}
			if status != want || time.Since(began) != wait {
				t.Errorf("%s: status %d after %v, want %d after %v", token, status, time.Since(began), want, wait)
			}
		}
		acquire("a", 60, 0, 0)
		acquire("a", 40, 0, 0)
		acquire("a", 1, http.StatusTooManyRequests, maxCostWait)
		acquire("b", 1_000, 0, 0) // counts as a share
		acquire("c", 100, 0, 0)
		acquire("d", 99, 0, 0)
		acquire("e", 2, http.StatusServiceUnavailable, maxCostWait)
		acquire("e", 1, 0, 0)
		time.AfterFunc(time.Second/2, releases[0])
		acquire("e", 60, 0, time.Second/2)
		for _, release := range releases[1:] {
			release()
		}
		if len(b.callers) != 0 {
			t.Errorf("%d callers are still counted", len(b.callers))
		}
		for _, token := range []string{"a", "b", "c", "d"} {
			acquire(token, 100, 0, 0)
		}
	})
}

// The bounds hold, however operations overlap.
func TestCostBudgetHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newCostBudget(40)
		var mu sync.Mutex
		total, held := 0, map[string]int{}
		add := func(token string, cost int) {
			mu.Lock()
			defer mu.Unlock()
			total += cost
			held[token] += cost
			if total > 40 || held[token] > 10 {
				t.Errorf("%d in flight, %d of %s", total, held[token], token)
			}
		}
		var operations sync.WaitGroup
		for i := range 200 {
			token, cost := string(rune('a'+i%7)), i%10+1
			operations.Go(func() {
				release, rejected := b.acquire(t.Context(), &request.Caller{Token: token}, cost)
				if rejected != nil {
					return
				}
				add(token, cost)
				time.Sleep(time.Duration(i%13) * 10 * time.Millisecond)
				add(token, -cost)
				release()
			})
		}
		operations.Wait()
		if len(b.callers) != 0 || !b.total.TryAcquire(40) {
			t.Error("something is still counted")
		}
	})
}

// Inventing a token gives a caller no second share, neither for all projects nor for one.
func TestInventedTokensAddNoShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newCostBudget(400)
		for i, c := range []*request.Caller{
			{Token: "valid", Tokens: map[string]string{"p": "invented"}},
			{Token: "invented", Tokens: map[string]string{"p": "valid"}},
			{Tokens: map[string]string{"p": "valid", "q": "another"}},
			{Token: "valid"},
		} {
			if _, rejected := b.acquire(t.Context(), c, 100); (rejected == nil) != (i == 0) {
				t.Errorf("caller %d: %v", i, rejected)
			}
		}
		if _, rejected := b.acquire(t.Context(), &request.Caller{Name: "valid"}, 100); rejected != nil {
			t.Errorf("a name is taken for a token: %v", rejected)
		}
		if len(b.callers) != 3 {
			t.Errorf("%d identities have a share, want those of the two operations", len(b.callers))
		}
	})
}

// A context that ends ends the wait.
func TestCostBudgetEndsWithTheRequest(t *testing.T) {
	b := newCostBudget(4)
	release, _ := b.acquire(t.Context(), &request.Caller{}, 1)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, rejected := b.acquire(ctx, &request.Caller{}, 1); rejected == nil {
		t.Error("it was not rejected")
	}
}
