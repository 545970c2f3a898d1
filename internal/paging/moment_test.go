package paging_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"scalegraph/internal/paging"
	"scalegraph/internal/paging/pagingtest"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// TestTailExpires has the oldest row expire before the second call of a page that ends with it. The page begins within a second, so that a call
// for the rows around that second follows the one for the page.
func TestTailExpires(t *testing.T) {
	b := newBench(t, 0, emulator.Switches{})
	for i := range 197 {
		start := epoch.Add(time.Duration(i/2) * time.Minute) // two rows a minute
		b.Insert(project, groupID, emulator.Row{ID: emulator.ID(i), Type: emulator.Normal, Status: emulator.Success, Start: start, End: start})
	}
	calls := 0
	b.OnRequest(func(emulator.Request) {
		if calls++; calls == 2 {
			b.Expire(project, groupID, 1)
		}
	})
	for _, skip := range []int{180, 181} {
		calls = 0
		page, _ := b.ask(upstream.PageQuery{Skip: skip, Count: 75})
		now := b.record(emulator.Filter{})
		if got := ids(page); !slices.Equal(got, now[skip:]) || page.Total != len(now) || page.HasOlder {
			t.Errorf("offset %d, %d calls: %d rows, total %d, want %d and %d", skip, calls, len(got), page.Total, len(now)-skip, len(now))
		}
	}
}

// An endCache caches one end of a log: the head or the tail.
type endCache struct {
	paging.Source
	end upstream.Listing
}

func (c endCache) List(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error) {
	if atHead := q.Offset == 0; !q.BypassCache && atHead == (c.end.Offset == 0) {
		return c.end, nil
	}
	return c.Source.List(ctx, q)
}

// TestRowsOfTheOldestSecondExpire has two of ten rows of the oldest second expire after one end of the log was cached, not the last ones in our
// order. The rows of a page that ends within that second, its total and whether rows follow must be of one moment.
func TestRowsOfTheOldestSecondExpire(t *testing.T) {
	for _, offset := range []int{0, 90} {
		b := newBench(t, 0, emulator.Switches{Ties: emulator.TiesOldestFirst})
		b.tied(0, 1000, 10)
		b.Next = 1
		b.Grow(140)
		client := pagingtest.Client(t, b.Emulator)
		end, err := client.List(t.Context(), upstream.ListQuery{Group: group, Offset: offset, Limit: upstream.MaxLimit})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range b.record(emulator.Filter{})[140:142] {
			b.Remove(project, groupID, id)
		}
		b.pages = paging.New(endCache{client, end})
		now := b.record(emulator.Filter{})
		for _, n := range []int{141, 145, 148} {
			page, _ := b.ask(upstream.PageQuery{Count: n})
			if got := ids(page); !slices.Equal(got, now[:n]) || page.Total != len(now) || page.HasOlder != (n < len(now)) {
				t.Errorf("cached from %d on: %d rows up to %s, total %d, older %v, want %s and %d", offset, len(got), got[len(got)-1], page.Total, page.HasOlder, now[n-1], len(now))
			}
		}
	}
}

// TestRowsJoinBehindThePlace has a row start in the newest second, after the cursor's row, between the call that shows that second and the
// one that shows the next older row.
func TestRowsJoinBehindThePlace(t *testing.T) {
	b := newBench(t, 50, emulator.Switches{})
	b.tied(50, 1000, 20)
	b.tied(51, 2000, 90)
	calls := 0
	b.OnRequest(func(emulator.Request) {
		if calls++; calls == 2 {
			b.tied(51, 3000, 1)
		}
	})
	page, _ := b.ask(upstream.PageQuery{After: &upstream.Point{Second: b.Row(51, emulator.Success).Start.Unix(), LogID: emulator.ID(2089)}, Count: 1})
	if calls < 2 || page.Total != 161 || page.Rows[0].LogID != emulator.ID(3000) {
		t.Errorf("%d calls: row %s, total %d, want the row that joined", calls, page.Rows[0].LogID, page.Total)
	}
}

// TestRowsBehindLongPage has rows of a long page leave the filter while it is read. That there are rows behind it stays true.
func TestRowsBehindLongPage(t *testing.T) {
	b := newBench(t, 400, emulator.Switches{})
	all := b.points(emulator.Filter{})
	var mu sync.Mutex
	next := 393
	b.OnRequest(func(emulator.Request) {
		mu.Lock()
		defer mu.Unlock()
		for range 10 {
			b.Update(project, groupID, all[next].LogID, func(r *emulator.Row) { r.Status = emulator.Fail })
			next--
		}
	})
	page, _ := b.ask(upstream.PageQuery{Filter: upstream.Filter{Status: upstream.StatusSuccess}, Before: &all[394], Count: 250, Last: true})
	if len(page.Rows) != 250 || !page.HasNewer || !page.HasOlder {
		t.Errorf("%d rows, newer %v, older %v", len(page.Rows), page.HasNewer, page.HasOlder)
	}
}

// TestOldHeadBesideOtherReads reads a window that begins with the row that was at the head before, while another walk reads the log later than the
// call that shows the new head. The upstream does not ignore start_number.
func TestOldHeadBesideOtherReads(t *testing.T) {
	b := newBench(t, 50, emulator.Switches{})
	b.ask(upstream.PageQuery{Count: 1})
	b.Grow(16)
	others := 0
	b.OnRequest(func(r emulator.Request) {
		if r.Query.Get("limit") == "2" { // the call that shows the head
			others++
			if _, err := b.pages.Page(t.Context(), upstream.PageQuery{Group: group, Skip: 5, Count: 1}); err != nil {
				t.Error(err)
			}
		}
	})
	page, _ := b.ask(upstream.PageQuery{Skip: 17, Count: 1})
	if want := b.record(emulator.Filter{})[17:18]; others != 1 || !slices.Equal(ids(page), want) {
		t.Errorf("%d other reads, rows %v, want %v", others, ids(page), want)
	}
}

// TestRowLeavesTheFilter has one of the older rows in progress finish after the head of the log was cached. A page that begins in the head and ends
// behind that row has the rows and the total of one moment.
func TestRowLeavesTheFilter(t *testing.T) {
	doing, filter := emulator.Filter{Status: emulator.Doing}, upstream.Filter{Status: upstream.StatusDoing}
	b := newBench(t, 0, emulator.Switches{})
	for i := range 197 {
		b.Insert(project, groupID, emulator.Row{ID: emulator.ID(i), Type: emulator.Normal, Status: emulator.Doing, Start: epoch.Add(time.Duration(i) * time.Minute)})
	}
	client := pagingtest.Client(t, b.Emulator)
	head, err := client.List(t.Context(), upstream.ListQuery{Group: group, Filter: filter, Limit: upstream.MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	b.Finish(project, groupID, b.record(doing)[120], emulator.Success, epoch.AddDate(1, 0, 0))
	b.pages = paging.New(endCache{client, head})
	page, _ := b.ask(upstream.PageQuery{Count: 150, Filter: filter})
	if now := b.record(doing); !slices.Equal(ids(page), now[:150]) || page.Total != len(now) {
		t.Errorf("%d rows, total %d, want %d and %d", len(page.Rows), page.Total, 150, len(now))
	}
}
