package ratelimit

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scalegraph/internal/request"
)

// paced returns buckets whose time a test moves.
func paced(perMinute int) (*Buckets, *time.Time) {
	b := New(perMinute)
	now := time.Unix(1_000_000, 0)
	b.now = func() time.Time { return now }
	return b, &now
}

func TestABucketLeaks(t *testing.T) {
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
		{time.Hour, 61, 0}, // more than a bucket: let in, paid for afterwards
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

// Who waits as long as told is let in.
func TestWaitingAsToldHelps(t *testing.T) {
	b, now := paced(7)
	for cost := 1; cost < 40; cost++ {
		wait := b.Take(1, cost)
		*now = now.Add(wait + time.Microsecond)
		if wait > 0 && b.Take(1, cost) != 0 {
			t.Fatalf("cost %d: still refused after %v", cost, wait)
		}
	}
}

func TestManyAtOnceGetNoMoreThanOneBucket(t *testing.T) {
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

// Strangers with ever new tokens do not fill the memory, and do not empty the bucket of one who spent.
func TestBucketsAreBounded(t *testing.T) {
	b, _ := paced(100)
	b.limit = 64
	b.Take(0, 100)
	for who := range uint64(1000) {
		b.Take(who+1, 1+int(who)%3)
		if len(b.kept) > b.limit {
			t.Fatalf("%d buckets", len(b.kept))
		}
	}
	if b.Take(0, 1) == 0 {
		t.Error("the fullest bucket was forgotten")
	}
}

func TestWhoIsWho(t *testing.T) {
	b := New(1)
	callers := []*request.Caller{
		{}, {Name: "a"}, {Name: "b"}, {Token: "a"}, {Token: "b"}, {Tokens: map[string]string{"p": "a"}}, {Token: "a", Tokens: map[string]string{"p": "a"}},
	}
	seen := map[uint64]int{}
	for i, c := range callers {
		if other, twice := seen[b.Of(c)]; twice {
			t.Errorf("callers %d and %d are taken for one", other, i)
		}
		seen[b.Of(c)] = i
	}
	if b.Of(&request.Caller{Name: "a", Bearer: "one"}) != b.Of(&request.Caller{Name: "a", Bearer: "two"}) {
		t.Error("two keys of one caller are taken for two callers")
	}
}

// A further token that nobody has checked must not open a new budget.
func TestFurtherTokensAreNoNewBudget(t *testing.T) {
	l := NewLimiter(10)
	for i, c := range []*request.Caller{
		{Token: "valid", Tokens: map[string]string{"p": "invented"}}, {Token: "invented", Tokens: map[string]string{"p": "valid"}}, {Tokens: map[string]string{"q": "valid"}}, {Token: "valid"},
	} {
		if wait := l.Take(t.Context(), c, 10); (wait == 0) != (i == 0) {
			t.Errorf("caller %d waits %v", i, wait)
		}
	}
}
