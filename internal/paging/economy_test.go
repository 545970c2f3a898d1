package paging_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/cache"
	"scalegraph/internal/paging"
	"scalegraph/internal/paging/pagingtest"
	"scalegraph/internal/request"
	"scalegraph/internal/testkit"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// maxCalls is the budget of one request by default.
const maxCalls = 200

// A fleet is some groups with logs of their own, read through the cache with its defaults.
type fleet struct {
	testing.TB
	*emulator.Emulator
	groups []upstream.Group
	client *upstream.Client
	pages  *paging.Pager
}

// newFleet makes logs of n rows whose distances in time are random, on average a minute. So large a share of the rows starts in
// one second with the row before.
func newFleet(t testing.TB, groups, n int, ties float64) *fleet {
	t.Helper()
	e := emulator.New(emulator.Switches{Access: emulator.AccessOpen, Compression: emulator.GzipNever})
	f := &fleet{TB: t, Emulator: e, client: pagingtest.Client(t, e)}
	rng := rand.New(rand.NewPCG(uint64(groups), uint64(n)))
	for i := range groups {
		g := upstream.Group{Region: "r", Project: project, ID: fmt.Sprintf("g%03d", i)}
		f.groups = append(f.groups, g)
		f.Insert(project, g.ID, randomRows(rng, i*n, n, ties)...)
	}
	f.restart()
	return f
}

// now is about when the newest rows of all logs start.
var now = epoch.AddDate(1, 0, 0)

func randomRows(rng *rand.Rand, first, n int, ties float64) []emulator.Row {
	rows := make([]emulator.Row, n)
	start := now.Add(-time.Duration(rng.ExpFloat64()*60) * time.Second)
	for i := range rows {
		rows[i] = emulator.Row{ID: emulator.ID(first + i), Type: emulator.Normal, Status: emulator.Success, Start: start, End: start.Add(time.Second)}
		if rng.Float64() >= ties {
			start = start.Add(-time.Second - time.Duration(rng.ExpFloat64()*60)*time.Second)
		}
	}
	return rows
}

// restart forgets the cache and all hints.
func (f *fleet) restart() {
	logs := cache.New(f.client, cache.Config{
		Fresh: 5 * time.Second, Stale: 10 * time.Second, StaleIfError: 24 * time.Hour,
		Grant: time.Minute, GrantIfError: 15 * time.Minute, Memory: 64 << 20,
	})
	f.Cleanup(logs.Close)
	f.pages = paging.New(logs)
}

// caller returns the context of a new request.
func (f *fleet) caller() context.Context {
	return request.WithCaller(f.Context(), &request.Caller{Token: "a", MaxCalls: maxCalls})
}

func (f *fleet) feed(q upstream.FeedQuery) upstream.FeedPage {
	f.Helper()
	page, err := f.pages.Feed(f.caller(), q)
	if err != nil {
		f.Fatal(err)
	}
	if len(page.Unavailable) > 0 {
		f.Fatalf("%d groups are unavailable, the first one because of: %v", len(page.Unavailable), page.Unavailable[0].Err)
	}
	return page
}

// walkFeed reads pages of n rows and returns the rows in the direction of the walk.
func (f *fleet) walkFeed(q upstream.FeedQuery, pages int) []upstream.FeedPoint {
	f.Helper()
	var seen []upstream.FeedPoint
	for range pages {
		page := f.feed(q)
		points := make([]upstream.FeedPoint, len(page.Rows))
		for i, row := range page.Rows {
			points[i] = upstream.FeedPoint{Second: row.StartTime.Unix(), Group: row.Group, LogID: row.LogID}
		}
		if q.Last {
			slices.Reverse(points)
		}
		seen = append(seen, points...)
		last := seen[len(seen)-1]
		if q.Last {
			q.Before = &last
		} else {
			q.After = &last
		}
	}
	return seen
}

// all returns the rows of all groups in the order of the feed.
func (f *fleet) all() []upstream.FeedPoint {
	var all []upstream.FeedPoint
	for _, g := range f.groups {
		for _, row := range f.Match(project, g.ID, emulator.Filter{}) {
			all = append(all, upstream.FeedPoint{Second: row.Start.Unix(), Group: g, LogID: row.ID})
		}
	}
	slices.SortFunc(all, upstream.FeedPoint.Compare)
	return all
}

// counted runs do, which may make at most so many upstream calls.
func (f *fleet) counted(what string, most int, do func()) {
	f.Helper()
	before := f.Count()
	do()
	calls := f.Count() - before
	f.Logf("%s: %d upstream calls", what, calls)
	if calls > most {
		f.Errorf("%s: %d upstream calls, want at most %d", what, calls, most)
	}
}

func (f *fleet) same(what string, got, want []upstream.FeedPoint) {
	f.Helper()
	if !slices.Equal(got, want) {
		f.Errorf("%s: the rows differ", what)
	}
}

// 1000 rows of 20 groups, 50 a page: each group is read once around its place in the feed.
func TestFeedEconomy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 20, testkit.Cases(5000), 0)
		all := f.all()
		newest := upstream.FeedQuery{Groups: f.groups, Count: 50}
		f.counted("forward", 62, func() { f.same("forward", f.walkFeed(newest, 20), all[:1000]) })
		f.restart()
		backward := upstream.FeedQuery{Groups: f.groups, Count: 50, Last: true}
		oldest := slices.Clone(all[len(all)-1000:])
		slices.Reverse(oldest)
		f.counted("backward from the oldest row", 80, func() { f.same("backward", f.walkFeed(backward, 20), oldest) })
		f.restart()
		backward.Before = &all[1000]
		head := slices.Clone(all[:1000])
		slices.Reverse(head)
		f.counted("backward to the newest row", 80, func() { f.same("backward", f.walkFeed(backward, 20), head) })
	})
}

// Five pages of 100 groups, each within the calls that one request may make.
func TestFeedOfManyGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 100, testkit.Cases(1000), 0)
		f.counted("five pages", 300, func() {
			f.same("five pages", f.walkFeed(upstream.FeedQuery{Groups: f.groups, Count: 50}, 5), f.all()[:250])
		})
	})
}

// page reads the n rows after a row, or before it.
func (f *fleet) page(q upstream.PageQuery) upstream.Page {
	f.Helper()
	q.Group = f.groups[0]
	page, err := f.pages.Page(f.caller(), q)
	if err != nil {
		f.Fatal(err)
	}
	return page
}

// walk reads pages of 20 from one end of a log, or from its middle, and calls between after each. It returns how many calls it took.
func (f *fleet) walk(rows int, back bool, between func()) int {
	f.Helper()
	before := f.Count()
	q := upstream.PageQuery{Count: 20, Last: back}
	for n := 0; n < rows; {
		page := f.page(q)
		if len(page.Rows) == 0 {
			break
		}
		n += len(page.Rows)
		first, last := page.Rows[0].Point(), page.Rows[len(page.Rows)-1].Point()
		if back {
			q.Before = &first
		} else {
			q.After = &last
		}
		between()
	}
	return f.Count() - before
}

// 1000 rows by 20, with some rows that share a second with the one before.
func TestWalkEconomy(t *testing.T) {
	for _, c := range []struct {
		ties float64
		most int
	}{{0.11, 13}, {0.5, 15}} {
		t.Run(fmt.Sprintf("%.0f %% ties", 100*c.ties), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, n := range []int{1000, 1017, 1050, 5000, 5033, 5071} {
					f := newFleet(t, 1, n, c.ties)
					for _, back := range []bool{false, true} {
						f.restart()
						f.counted(fmt.Sprintf("%d rows, backward %v", n, back), c.most, func() { f.walk(1000, back, func() {}) })
					}
				}
			})
		})
	}
}

// The log grows by a row a second and is read at two pages a second.
func TestWalkEconomyWhileLogGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, n := range []int{1000, 1050, 5000} {
			for _, back := range []bool{false, true} {
				f := newFleet(t, 1, n, 0.11)
				next, start := n, f.Match(project, f.groups[0].ID, emulator.Filter{})[0].Start
				half := false
				grow := func() {
					time.Sleep(500 * time.Millisecond)
					if half = !half; half {
						return
					}
					start, next = start.Add(time.Second), next+1
					f.Insert(project, f.groups[0].ID, emulator.Row{ID: emulator.ID(next), Type: emulator.Normal, Status: emulator.Success, Start: start, End: start})
				}
				f.counted(fmt.Sprintf("%d rows, backward %v", n, back), 20, func() { f.walk(1000, back, grow) })
			}
		}
	})
}

// The first page of a log that is not cached.
func TestFirstPageEconomy(t *testing.T) {
	logs := testkit.Cases(20)
	calls, pages := 0, 0
	for i := range logs {
		f := newFleet(t, 1, 300+i, 0.11)
		for n := 1; n <= 97; n++ {
			f.restart()
			before := f.Count()
			f.page(upstream.PageQuery{Count: n})
			calls, pages = calls+f.Count()-before, pages+1
		}
	}
	average := float64(calls) / float64(pages)
	t.Logf("%.3f calls on average", average)
	if average > 1.05 {
		t.Errorf("%.3f calls on average, want at most 1.05", average)
	}
}
