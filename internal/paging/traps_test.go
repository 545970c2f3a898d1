package paging_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scalegraph/internal/testkit"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// The known traps of paging by offset, each with what it may cost.

// calls compares the number of upstream calls.
func (b *bench) calls(what string, got, want int) {
	b.Helper()
	if got != want {
		b.Errorf("%s: %d upstream calls, want %d", what, got, want)
	}
}

// tied adds n rows that start together, so many minutes after the epoch, with ids from the number first up.
func (b *bench) tied(minute, first, n int) {
	for i := range n {
		row := b.Row(minute, emulator.Success)
		row.ID = emulator.ID(first + i)
		b.Insert(project, groupID, row)
	}
}

func success() upstream.Filter {
	return upstream.NewFilter(upstream.Filter{Status: upstream.StatusSuccess})
}

// A row comes at the head for each that expires: the total stays, and every offset and every rank moves.
func TestInsertsAndExpiryCancel(t *testing.T) {
	b := newBench(t, 1000, emulator.Switches{})
	want := b.record(emulator.Filter{})
	page, calls := b.after(upstream.Page{}, 20, upstream.Filter{})
	b.calls("first page", calls, 1)
	for at := 20; at < 300; at += 20 {
		b.Grow(7)
		b.Expire(project, groupID, 7)
		page, calls = b.after(page, 20, upstream.Filter{})
		b.want(fmt.Sprint("at ", at), page, want[at:at+20])
		if calls > 2 {
			t.Errorf("at %d: %d calls", at, calls)
		}
	}
	_, calls = b.after(page, 20, upstream.Filter{})
	b.calls("once the shift is known", calls, 1)
}

// An old activity ends and joins the successes while the oldest of them expires: the total and every overlap stay as they are.
func TestJoinHiddenByExpiry(t *testing.T) {
	b := newBench(t, 300, emulator.Switches{})
	b.Update(project, groupID, emulator.ID(200), func(r *emulator.Row) { r.Status, r.End = emulator.Doing, time.Time{} })
	head, _ := b.ask(upstream.PageQuery{Filter: success(), Count: 50})
	b.Finish(project, groupID, emulator.ID(200), emulator.Success, epoch.Add(400*time.Minute))
	b.Expire(project, groupID, 1)
	want := b.record(emulator.Filter{Status: emulator.Success})
	page, calls := b.after(head, 100, success())
	b.want("forward past the joined row", page, want[50:150])
	if calls > 4 {
		t.Errorf("%d calls", calls)
	}
	if page.Total != 299 || !page.HasOlder || !page.HasNewer {
		t.Errorf("total %d, older %v, newer %v", page.Total, page.HasOlder, page.HasNewer)
	}
	back, _ := b.before(page, 500, success())
	b.want("backward", back, want[:50])
}

// Of two rows that started together one leaves the filter; the other is neither lost nor repeated.
func TestOneOfATieLeaves(t *testing.T) {
	for _, leaves := range []int{0, 1} {
		for _, ties := range []emulator.Ties{emulator.TiesNewestFirst, emulator.TiesOldestFirst, emulator.TiesUnstable} {
			b := newBench(t, 30, emulator.Switches{Ties: ties})
			b.tied(15, 1000, 2)
			for n := range 2 {
				b.Update(project, groupID, emulator.ID(1000+n), func(r *emulator.Row) { r.Status, r.End = emulator.Doing, time.Time{} })
			}
			doing := upstream.NewFilter(upstream.Filter{Status: upstream.StatusDoing})
			first, calls := b.after(upstream.Page{}, 1, doing)
			b.calls("first", calls, 1)
			b.want("first", first, []string{emulator.ID(1000)})
			b.Finish(project, groupID, emulator.ID(1000+leaves), emulator.Success, epoch.Add(time.Hour))
			rest, calls := b.after(first, 5, doing)
			b.calls("rest", calls, 1)
			b.want(fmt.Sprintf("after the first, %d gone", leaves), rest, []string{emulator.ID(1001)}[leaves:])
		}
	}
}

// A second lies across the hundredth row, with which a call ends; its order changes with every response.
func TestSecondAcrossTwoCalls(t *testing.T) {
	b := newBench(t, 0, emulator.Switches{Ties: emulator.TiesUnstable, Seed: 7})
	b.Grow(60)
	b.tied(60, 1000, 30)
	b.Next = 61
	b.Grow(90)
	want := b.record(emulator.Filter{})
	page, calls := b.after(upstream.Page{}, 180, upstream.Filter{})
	b.want("in one page", page, want)
	b.calls("in one page", calls, 2)
	for _, n := range []int{1, 7, 20, 98, 99, 100, 110} {
		b.forget()
		var seen []string
		page := upstream.Page{}
		for more := true; more; more = page.HasOlder {
			page, calls = b.after(page, n, upstream.Filter{})
			seen = append(seen, ids(page)...)
			if calls > 3 {
				t.Errorf("pages of %d: %d calls", n, calls)
			}
		}
		if !slices.Equal(seen, want) {
			t.Errorf("pages of %d:\n got %v\nwant %v", n, seen, want)
		}
	}
}

// A second may have 98 rows. With more it is an error to read it, and no error to read what lies before it.
func TestCrowdedSecond(t *testing.T) {
	for _, n := range []int{98, 99, 250} {
		b := newBench(t, 50, emulator.Switches{Ties: emulator.TiesUnstable})
		b.tied(50, 1000, n)
		b.Next = 51
		b.Grow(50)
		want := b.record(emulator.Filter{})
		page, _ := b.after(upstream.Page{}, 50, upstream.Filter{})
		b.want("before it", page, want[:50])
		q := upstream.PageQuery{Group: group, Count: 50, After: pointOf(page)}
		into, err := b.pages.Page(t.Context(), q)
		if n > 98 {
			if !errors.Is(err, upstream.ErrTooManyTies) {
				t.Errorf("%d rows: %v, %v", n, ids(into), err)
			}
			continue
		}
		b.want("into it", into, want[50:100])
		rest, _ := b.after(into, 500, upstream.Filter{})
		b.want("through it", rest, want[100:])
		back, _ := b.before(rest, 500, upstream.Filter{})
		b.want("back", back, want[:100])
	}
}

// pointOf returns the place of a page's last row.
func pointOf(page upstream.Page) *upstream.Point {
	p := page.Rows[len(page.Rows)-1].Point()
	return &p
}

// While the length of a log is unknown, one call goes first; the rest of a long page follows at once.
func TestStitchedPageReadsSideBySide(t *testing.T) {
	b := newBench(t, 1000, emulator.Switches{})
	want := b.record(emulator.Filter{})
	var rest sync.WaitGroup
	rest.Add(5)
	var first atomic.Bool
	b.OnRequest(func(emulator.Request) {
		if first.Swap(true) { // each of the rest waits until all of them are here
			rest.Done()
			rest.Wait()
		}
	})
	page, calls := b.after(upstream.Page{}, 500, upstream.Filter{})
	b.want("page", page, want[:500])
	b.calls("page", calls, 6)
}

// A client that polls the newest rows does not make the upstream send a whole page.
func TestPollAsksForFewRows(t *testing.T) {
	b := newBench(t, 1000, emulator.Switches{})
	for range 5 {
		b.Reset()
		b.after(upstream.Page{}, 20, upstream.Filter{})
		for _, r := range b.Requests() {
			if r.Offset != 0 || r.Limit > 25 {
				t.Errorf("asked for %d rows from %d", r.Limit, r.Offset)
			}
		}
		b.calls("poll", b.Count(), 1)
		b.Grow(3)
	}
}

// limit=0 is refused by this upstream, as it may be by the real one.
func TestNeverLimitZero(t *testing.T) {
	for _, rows := range []int{0, 1, 150} {
		b := newBench(t, rows, emulator.Switches{LimitZero: emulator.LimitZeroRefused})
		place := upstream.Point{Second: epoch.Unix(), LogID: emulator.ID(0)}
		for _, q := range []upstream.PageQuery{
			{}, {Last: true}, {Skip: 50}, {Skip: 500, Count: 5}, {After: &place}, {Before: &place, Last: true},
			{After: &place, Count: 99}, {Before: &place, Last: true, Count: 99}, {After: &place, Before: &place, Count: 98},
		} {
			b.ask(q)
			b.ask(q) // what the first one learnt may change the second
		}
		if n, err := b.pages.Count(t.Context(), upstream.CountQuery{Group: group}); err != nil || n.Total != rows {
			t.Errorf("count of %d rows: %v, %v", rows, n, err)
		}
	}
}

// Where the row of a cursor is gone, the walk goes on at its neighbour.
func TestGoneRow(t *testing.T) {
	b := newBench(t, 300, emulator.Switches{})
	whole, _ := b.ask(upstream.PageQuery{Count: 300})
	gone := whole.Rows[150].Point()
	b.Remove(project, groupID, gone.LogID)
	want := b.record(emulator.Filter{})
	page, calls := b.ask(upstream.PageQuery{Count: 20, After: &gone})
	b.want("after it", page, want[150:170])
	if calls > 2 {
		t.Errorf("after it: %d calls", calls)
	}
	page, calls = b.ask(upstream.PageQuery{Count: 20, Before: &gone, Last: true})
	b.want("before it", page, want[130:150])
	if calls > 2 {
		t.Errorf("before it: %d calls", calls)
	}
}

// Where all rows from a cursor's on have expired, nothing follows it, and what comes before it begins at the oldest row.
func TestPastTheOldest(t *testing.T) {
	b := newBench(t, 300, emulator.Switches{})
	whole, _ := b.ask(upstream.PageQuery{Count: 300})
	b.Expire(project, groupID, 100)
	want := b.record(emulator.Filter{})
	for _, at := range []int{200, 250, 299} {
		gone := whole.Rows[at].Point()
		page, _ := b.ask(upstream.PageQuery{Count: 20, After: &gone})
		if len(page.Rows) > 0 || page.HasOlder || !page.HasNewer || page.Total != 200 {
			t.Errorf("after %d: %v, older %v, newer %v, total %d", at, ids(page), page.HasOlder, page.HasNewer, page.Total)
		}
		page, _ = b.ask(upstream.PageQuery{Count: 20, Before: &gone, Last: true})
		b.want(fmt.Sprint("before ", at), page, want[180:])
		if page.HasOlder || !page.HasNewer {
			t.Errorf("before %d: older %v, newer %v", at, page.HasOlder, page.HasNewer)
		}
	}
}

// Rows come at the head between the calls of one page, which are answered in any order: where two neighbours among the five that it
// takes no longer meet, one more call lies across.
func TestStitchedPageWhileRowsCome(t *testing.T) {
	for range testkit.Cases(50) {
		b := newBench(t, 1000, emulator.Switches{})
		want := b.record(emulator.Filter{})
		head, _ := b.ask(upstream.PageQuery{Count: 1})
		var mu sync.Mutex
		b.OnRequest(func(emulator.Request) {
			time.Sleep(rand.N(2 * time.Millisecond))
			mu.Lock()
			defer mu.Unlock()
			b.Grow(3)
		})
		page, calls := b.after(head, 400, upstream.Filter{})
		b.want("page", page, want[1:401])
		if calls > 5+4 {
			t.Errorf("%d calls", calls)
		}
	}
}

// A row starts in the second of the head, and its id is the greater one: the former head is then the first row at offset 1, as it would be if the
// upstream ignored offsets.
func TestRowJoinsTheSecondOfTheHead(t *testing.T) {
	for n := range 4 {
		b := newBench(t, 8, emulator.Switches{})
		b.tied(10, 1000, 1)
		page, _ := b.after(upstream.Page{}, 1+n, upstream.Filter{})
		b.tied(10, 2000, 1)
		want := b.record(emulator.Filter{})
		next, _ := b.after(page, 3, upstream.Filter{})
		got := ids(next)
		if n == 0 { // the new row belongs behind the former head
			b.want("the second page", next, append([]string{emulator.ID(2000)}, want[2:4]...))
		} else if !slices.Equal(got, want[2+n:5+n]) {
			t.Errorf("after %d rows: %v, want %v", 1+n, got, want[2+n:5+n])
		}
	}
}
