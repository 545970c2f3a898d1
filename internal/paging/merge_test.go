package paging_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/internal/paging"
	"scalegraph/internal/request"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// A faulty source fails for one group.
type faulty struct {
	paging.Source
	group upstream.Group
	err   error
}

func (f faulty) List(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error) {
	if q.Group == f.group {
		return upstream.Listing{}, f.err
	}
	return f.Source.List(ctx, q)
}

// What the upstream says of a group is reported with the group. What is no fault of the group fails the page.
func TestFeedErrors(t *testing.T) {
	source, groups := newMemorySource(3, 50)
	q := upstream.FeedQuery{Groups: groups, Count: 10}
	for _, c := range []struct {
		err   error
		fatal bool
	}{
		{upstream.ErrForbidden, false},
		{upstream.ErrNotFound, false},
		{upstream.ErrRateLimited, false},
		{upstream.ErrTimeout, false},
		{upstream.ErrUnavailable, false},
		{upstream.ErrBadResponse, false},
		{upstream.ErrTooManyTies, false},
		{request.ErrTooManyCalls, true},
		{context.DeadlineExceeded, true},
		{errors.New("a fault of our own"), true},
	} {
		page, err := paging.New(faulty{source, groups[1], fmt.Errorf("list: %w", c.err)}).Feed(t.Context(), q)
		switch {
		case c.fatal && !errors.Is(err, c.err):
			t.Errorf("%v: the page has the error %v", c.err, err)
		case !c.fatal && (err != nil || len(page.Unavailable) != 1 || page.Unavailable[0].Group != groups[1] || len(page.Rows) != 10):
			t.Errorf("%v: error %v, unavailable %v, %d rows", c.err, err, page.Unavailable, len(page.Rows))
		}
	}
}

// A request whose budget of calls ends within a page of a feed gets the error, and no page without some of the groups.
func TestFeedBeyondBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 10, 200, 0)
		ctx := request.WithCaller(t.Context(), &request.Caller{Token: "a", MaxCalls: 5})
		if page, err := f.pages.Feed(ctx, upstream.FeedQuery{Groups: f.groups, Count: 50}); !errors.Is(err, request.ErrTooManyCalls) {
			t.Errorf("%d rows, %d unavailable, error %v", len(page.Rows), len(page.Unavailable), err)
		}
	})
}

// Groups come and go between the pages of a feed. Every row of a group that stays is seen exactly once, a row of any other
// group at most once, and all in order.
func TestFeedOfChangingGroups(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			f := newFleet(t, 8, 120, 0.3)
			stay := f.groups[:3]
			for _, back := range []bool{false, true} {
				walkChangingGroups(t, f, rng, stay, back)
			}
		})
	}
}

func walkChangingGroups(t *testing.T, f *fleet, rng *rand.Rand, stay []upstream.Group, back bool) {
	seen := map[upstream.FeedPoint]bool{}
	var last *upstream.FeedPoint
	for more := true; more; {
		q := upstream.FeedQuery{Groups: append([]upstream.Group{}, stay...), Count: 1 + rng.IntN(60), Last: back}
		for _, g := range f.groups[len(stay):] {
			if rng.IntN(2) == 0 {
				q.Groups = append(q.Groups, g)
			}
		}
		if back {
			q.Before = last
		} else {
			q.After = last
		}
		page := f.feed(q)
		for i := range page.Rows {
			row := page.Rows[i]
			if back {
				row = page.Rows[len(page.Rows)-1-i]
			}
			p := upstream.FeedPoint{Second: row.StartTime.Unix(), Group: row.Group, LogID: row.LogID}
			if last != nil && (p.Compare(*last) > 0) == back {
				t.Fatalf("%v comes after %v", p, *last)
			}
			if seen[p] {
				t.Fatalf("%v is seen twice", p)
			}
			seen[p], last = true, &p
		}
		more = page.HasOlder
		if back {
			more = page.HasNewer
		}
	}
	for _, g := range stay {
		for _, row := range f.Match(project, g.ID, emulator.Filter{}) {
			if !seen[upstream.FeedPoint{Second: row.Start.Unix(), Group: g, LogID: row.ID}] {
				t.Fatalf("row %s of %s was not seen", row.ID, g.ID)
			}
		}
	}
}

// A feed of many groups keeps its own calls from waiting so long for each other that healthy groups become unavailable.
func TestWideFeedOfSlowUpstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 100, 20, 0)
		f.Fault(emulator.Always(emulator.Fault{Delay: 1200 * time.Millisecond}))
		page, err := f.pages.Feed(t.Context(), upstream.FeedQuery{Groups: f.groups, Count: 50})
		if err != nil || len(page.Unavailable) > 0 || len(page.Rows) != 50 {
			t.Errorf("%d rows, %d groups unavailable, error %v", len(page.Rows), len(page.Unavailable), err)
		}
	})
}
