package ratelimit

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scalegraph/internal/request"
)

// paced returns buckets and the clock that a test sets.
func paced(perMinute int) (*Buckets, *time.Time) {
	b := New(perMinute)
	now := time.Unix(1_000_000, 0)
	b.now = func() time.Time { return now }
	return b, &now
}

func TestBucketDrains(t *testing.T) {
	b, now := paced(60)
	for i, c := range []struct {
		after time.Duration
		cost  int
		wait  time.Duration
	}{
		{0, 60, 0},
		{0, 1, time.Second},
		{0, 30, 30 * time.Second},
		{500 * time.Millisecond, 1, 500 * time.Millisecond},
		{500 * time.Millisecond, 1, 0},
		{0, 1, time.Second},
		{time.Hour, 61, 0}, // above the capacity: accepted, delays later ones
		{0, 1, 2 * time.Second},
		{0, 100, 61 * time.Second},
		{61 * time.Second, 100, 0},
		{time.Second, 0, 39 * time.Second},
	} {
		*now = now.Add(c.after)
		if got := b.Take(1, c.cost); got.Round(time.Millisecond) != c.wait {
			t.Errorf("step %d: wait %v, want %v", i, got, c.wait)
		}
		if c.cost == 1 && b.Take(2, 0) != 0 {
			t.Errorf("step %d: another caller had to wait", i)
		}
	}
}

// A caller that waits as long as Take returned is accepted.
func TestRequestSucceedsAfterWait(t *testing.T) {
	b, now := paced(7)
	for cost := 1; cost < 40; cost++ {
		wait := b.Take(1, cost)
		*now = now.Add(wait + time.Microsecond)
		if wait > 0 && b.Take(1, cost) != 0 {
			t.Fatalf("cost %d: still refused after %v", cost, wait)
		}
	}
}

func TestConcurrentRequestsShareOneBucket(t *testing.T) {
	b, _ := paced(100)
	var in atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 10 {
				if b.Take(1, 1) == 0 {
					in.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if in.Load() != 100 {
		t.Errorf("%d were let in", in.Load())
	}
}

// Callers with ever new tokens neither fill the memory nor reset the bucket of a caller that has spent.
func TestBucketsAreBounded(t *testing.T) {
	b, _ := paced(100)
	b.limit = 64
	b.Take(0, 100)
	for key := range uint64(1000) {
		b.Take(key+1, 1+int(key)%3)
		if len(b.buckets) > b.limit {
			t.Fatalf("%d buckets", len(b.buckets))
		}
	}
	if b.Take(0, 1) == 0 {
		t.Error("the fullest bucket was forgotten")
	}
}

// An additional token that was not verified adds no budget.
func TestAdditionalTokensAddNoBudget(t *testing.T) {
	l := NewLimiter(10)
	for i, c := range []*request.Caller{
		{Token: "valid", Tokens: map[string]string{"p": "invented"}}, {Token: "invented", Tokens: map[string]string{"p": "valid"}}, {Tokens: map[string]string{"q": "valid"}}, {Token: "valid"},
	} {
		if wait := l.Take(t.Context(), c, 10); (wait == 0) != (i == 0) {
			t.Errorf("caller %d waits %v", i, wait)
		}
	}
}
