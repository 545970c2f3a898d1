package cache_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/internal/paging"
	"scalegraph/internal/request"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// Paging through 1000 rows reads each block once, whatever the length of the log.
func TestPagingReadsEachBlockOnce(t *testing.T) {
	for _, n := range []int{1000, 1001, 1019, 1050, 4903, 4921, 4922, 4925, 4998, 5000, 5001} {
		t.Run(fmt.Sprint(n, " rows"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newOpenFixture(t, n)
				want := b.expected(emulator.Filter{})[:1000]
				for _, size := range []int{1, 7, 20, 50, 100, 300} {
					logs := b.newCache(defaults())
					walk := func(caller string, size int) int {
						return b.calls(func() {
							b.requireEqual(caller, b.walkRows(b.as(caller), paging.New(logs), 1000, size, upstream.Filter{})[:1000], want)
						})
					}
					most := 12
					if size != 20 {
						most = 14
					}
					calls, repeated := walk("a", size), walk("b", size+13)
					if calls > most {
						t.Errorf("%d upstream calls for pages of %d, want at most %d", calls, size, most)
					}
					if repeated > 2 {
						t.Errorf("%d upstream calls for another caller after pages of %d, want at most 2", repeated, size)
					}
					t.Log(size, calls, repeated)
				}
			})
		})
	}
}

// A search reads one block for each probe, although the rows that it asks for lie in two, and does not ask which rows are in progress.
func TestSearchReadsOneBlockForEachProbe(t *testing.T) {
	t.Run("all", func(t *testing.T) { searchAll(t, upstream.Filter{}) })
	t.Run("by status", func(t *testing.T) { searchAll(t, upstream.Filter{Status: upstream.StatusSuccess}) })
}

func searchAll(t *testing.T, f upstream.Filter) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 3000)
		rows := b.Match(project, groupID, emulator.Filter{})
		calls := b.calls(func() {
			for i := 150; i < 2950; i += 70 {
				place := upstream.Point{Second: rows[i].Start.Unix(), LogID: rows[i].ID}
				page, err := paging.New(b.newCache(defaults())).Page(b.as("a"), upstream.PageQuery{Group: group, Filter: f, Count: 5, Before: &place, Last: true})
				if err != nil || len(page.Rows) != 5 || page.Rows[4].LogID != rows[i-1].ID {
					t.Fatalf("before row %d: %d rows, error %v", i, len(page.Rows), err)
				}
			}
		})
		if calls > 40*2+10 {
			t.Errorf("%d calls for 40 pages, want two for most: one for the total, and one", calls)
		}
		t.Log(calls)
	})
}

// A log that grows during paging, and loses an old row for each new one if it is full, costs one more call for each FRESH that passes, and
// no row is lost.
func TestPagingOfGrowingLog(t *testing.T) {
	for name, expired := range map[string]int{"grows": 0, "is full": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newOpenFixture(t, 1000)
				pages := paging.New(b.newCache(defaults()))
				want := b.expected(emulator.Filter{})
				var page upstream.Page
				var got []string
				left := len(want)
				calls := b.calls(func() {
					for {
						page = b.nextPage(b.as("a"), pages, page, 20, upstream.Filter{})
						got = append(got, ids(page.Rows)...)
						if !page.HasOlder {
							break
						}
						b.Grow(1)
						left -= b.Expire(project, groupID, expired)
						time.Sleep(500 * time.Millisecond)
					}
				})
				b.requireEqual("walk", got[:left], want[:left])
				t.Log(calls)
				if calls > 12+6+6 {
					t.Errorf("%d upstream calls", calls)
				}
			})
		})
	}
}

// A merged feed of 20 groups, 1000 rows in pages of 50.
func TestFeedReadsEachGroupThreeTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 0)
		var groups []upstream.Group
		for n := range 20 {
			g := upstream.Group{Region: "r", Project: project, ID: fmt.Sprintf("g%02d", n)}
			groups = append(groups, g)
			rows := make([]emulator.Row, 5000)
			for i := range rows {
				rows[i] = b.Row(i, emulator.Success)
				rows[i].ID = emulator.ID(n*5000 + i)
				rows[i].Start = rows[i].Start.Add(time.Duration(3*n) * time.Second)
			}
			b.Insert(project, g.ID, rows...)
		}
		pages := paging.New(b.newCache(defaults()))
		q := upstream.FeedQuery{Groups: groups, Count: 50}
		seen := map[string]bool{}
		calls := b.calls(func() {
			for range 20 {
				page, err := pages.Feed(b.as("a"), q)
				if err != nil {
					t.Fatal(err)
				}
				for _, row := range page.Rows {
					seen[row.Group.ID+row.LogID] = true
				}
				last := page.Rows[len(page.Rows)-1]
				q.After = &upstream.FeedPoint{Second: last.StartTime.Unix(), Group: last.Group, LogID: last.LogID}
			}
		})
		if len(seen) != 1000 || calls > 3*20 {
			t.Errorf("%d rows with %d calls, want 1000 with at most 60", len(seen), calls)
		}
		t.Log(calls)
	})
}

// A first page from the oldest end of a feed that no cache knows needs two calls for each group, and no call for later requests makes it exceed
// the calls of a request.
func TestWideFeedSparesItsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 0)
		q := upstream.FeedQuery{Count: 5, Last: true, Filter: upstream.NewFilter(upstream.Filter{Status: upstream.StatusSuccess})}
		for n := range 93 {
			g := upstream.Group{Region: "r", Project: project, ID: fmt.Sprintf("g%02d", n)}
			q.Groups = append(q.Groups, g)
			rows := make([]emulator.Row, 150)
			for i := range rows {
				rows[i] = b.Row(i, emulator.Success)
			}
			b.Insert(project, g.ID, rows...)
		}
		caller := &request.Caller{Token: "a", MaxCalls: 200}
		page, err := paging.New(b.newCache(defaults())).Feed(request.WithCaller(b.Context(), caller), q)
		if err != nil || len(page.Rows) != 5 || len(page.Unavailable) > 0 {
			t.Errorf("%d rows, %d groups unavailable, error %v", len(page.Rows), len(page.Unavailable), err)
		}
	})
}

// 500 clients of one credential poll a head of 20 rows every second for 30 s; 100 credentials do the same.
func TestPolls(t *testing.T) {
	for _, c := range []struct{ clients, credentials, calls int }{{500, 1, 10}, {100, 100, 110}} {
		t.Run(fmt.Sprint(c.credentials, " credentials"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newOpenFixture(t, 500)
				pages := paging.New(b.newCache(defaults()))
				calls := b.calls(func() {
					for range 30 {
						for i := range c.clients {
							b.nextPage(b.as(fmt.Sprint(i%c.credentials)), pages, upstream.Page{}, 20, upstream.Filter{})
						}
						time.Sleep(time.Second)
					}
				})
				if calls > c.calls {
					t.Errorf("%d calls, want at most %d", calls, c.calls)
				}
				for _, r := range b.Requests() {
					if r.Limit > 40 {
						t.Errorf("%d rows were requested", r.Limit)
					}
				}
				t.Log(calls)
			})
		})
	}
}
