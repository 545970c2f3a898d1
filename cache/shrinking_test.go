package cache_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/cache"
	"scalegraph/internal/paging"
	"scalegraph/internal/request"
	"scalegraph/internal/testkit"
	"scalegraph/upstream"
)

// A hookedSource runs a function before and another after each upstream call.
type hookedSource struct {
	next          cache.Source
	before, after func()
}

func (s *hookedSource) List(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error) {
	s.before()
	defer s.after()
	return s.next.List(ctx, q)
}

// newHookedCache returns a cache over a log of n rows, and the source whose functions a test sets.
func (b *fixture) newHookedCache() (*cache.Cache, *hookedSource) {
	source := &hookedSource{next: b.client, before: func() {}, after: func() {}}
	logs := cache.New(source, defaults())
	b.Cleanup(logs.Close)
	return logs, source
}

// Any rows expire and appear between any calls of reads by offset and by cursor. No read makes a call that the upstream or its client
// rejects.
func TestReadsOfAShrinkingLog(t *testing.T) {
	for seed := range uint64(testkit.Cases(800)) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { readShrinkingLog(t, rand.New(rand.NewPCG(seed, 15))) })
		})
	}
}

func readShrinkingLog(t *testing.T, rng *rand.Rand) {
	moves := rand.New(rand.NewPCG(rng.Uint64(), 15)) // reads in the background move the log, too
	pick := func(of ...int) int { return of[moves.IntN(len(of))] }
	b := newOpenFixture(t, 1+rng.IntN(450))
	logs, source := b.newHookedCache()
	var mu sync.Mutex
	move := func() {
		mu.Lock()
		defer mu.Unlock()
		b.Grow(pick(0, 0, 0, 1, 30))
		b.Expire(project, groupID, pick(0, 0, 1, 50, 99, 200))
	}
	source.before, source.after = move, move
	pages := paging.New(logs)
	var point *upstream.Point
	for range 1 + rng.IntN(8) {
		q := upstream.PageQuery{Group: group, Count: 1 + rng.IntN(120), Skip: rng.IntN(300)}
		if rng.IntN(3) == 0 {
			q.Filter = upstream.NewFilter(upstream.Filter{Status: upstream.StatusSuccess})
		}
		if point != nil && rng.IntN(2) == 0 {
			q.After, q.Skip = point, 0
		}
		page, err := pages.Page(b.as("a"), q)
		if err != nil && !hasCode(err) {
			t.Fatalf("%+v: %v", q, err)
		}
		if len(page.Rows) > 0 {
			p := page.Rows[rng.IntN(len(page.Rows))].Point()
			point = &p
		}
		time.Sleep(time.Duration(rng.IntN(20)) * time.Second)
	}
}

// hasCode reports whether the error has a code of its own, not INTERNAL.
func hasCode(err error) bool {
	for _, known := range []error{request.ErrTooManyCalls, upstream.ErrBadResponse, upstream.ErrUnavailable, upstream.ErrTimeout, upstream.ErrPositionNotFound} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// TestManyRowsExpireDuringCall reads 2 of 120 rows, by offset and by cursor, while 50 rows expire before each response.
func TestManyRowsExpireDuringCall(t *testing.T) {
	for _, byCursor := range []bool{false, true} {
		b := newOpenFixture(t, 120)
		logs, source := b.newHookedCache()
		pages := paging.New(logs)
		q := upstream.PageQuery{Group: group, Count: 2, Skip: 17}
		if byCursor {
			page, err := paging.New(logs).Page(b.as("a"), q)
			if err != nil {
				t.Fatal(err)
			}
			p := page.Rows[1].Point()
			q = upstream.PageQuery{Group: group, Count: 2, After: &p}
		}
		source.before = func() { b.Expire(project, groupID, 50) }
		if _, err := pages.Page(b.as("a"), q); err != nil && !hasCode(err) {
			t.Errorf("by cursor %v: %v", byCursor, err)
		}
	}
}
