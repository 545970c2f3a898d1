package insights_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"scalegraph/cache"
	"scalegraph/internal/insights"
	"scalegraph/internal/paging"
	"scalegraph/internal/paging/pagingtest"
	"scalegraph/internal/request"
	"scalegraph/internal/testkit"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const project = "p"

var newest = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// fleet is the logs of several groups behind a cache.
type fleet struct {
	testing.TB
	*emulator.Emulator
	groups []upstream.Group
	pages  *paging.Pager
}

func newFleet(t testing.TB) *fleet {
	e := emulator.New(emulator.Switches{Access: emulator.AccessOpen, Compression: emulator.GzipNever})
	f := &fleet{TB: t, Emulator: e}
	logs := cache.New(pagingtest.Client(t, e), cache.Config{
		Fresh: time.Minute, Stale: time.Minute, StaleIfError: time.Hour, Grant: time.Hour, GrantIfError: time.Hour, Memory: 256 << 20,
	})
	t.Cleanup(logs.Close)
	f.pages = paging.New(logs)
	return f
}

// grow adds a group with n rows, about as far apart as a gap.
func (f *fleet) grow(rng *rand.Rand, n int, gap time.Duration) {
	g := upstream.Group{Region: "r", Project: project, ID: fmt.Sprintf("g%02d", len(f.groups))}
	f.groups = append(f.groups, g)
	f.AddGroup(project, g.ID)
	rows := make([]emulator.Row, n)
	start := newest
	for i := range rows {
		start = start.Add(-time.Duration(rng.ExpFloat64()*float64(gap)) / time.Second * time.Second)
		rows[i] = emulator.Row{ID: emulator.ID(len(f.groups)*100_000 + i), Type: emulator.Normal, Status: emulator.Statuses()[rng.IntN(3)], Start: start}
	}
	f.Insert(project, g.ID, rows...)
}

// truth returns what the emulator holds, in the order of a pass.
func (f *fleet) truth(filter emulator.Filter) []upstream.FeedPoint {
	var all []upstream.FeedPoint
	for _, g := range f.groups {
		for _, row := range f.Match(project, g.ID, filter) {
			all = append(all, upstream.FeedPoint{Second: row.Start.Unix(), Group: g, LogID: row.ID})
		}
	}
	slices.SortFunc(all, upstream.FeedPoint.Compare)
	return all
}

func caller(ctx context.Context, maxCalls int64) context.Context {
	return request.WithCaller(ctx, &request.Caller{Token: "a", MaxCalls: maxCalls})
}

// read makes a pass and returns the rows that it added.
func (f *fleet) read(ctx context.Context, pages insights.Pages, q insights.Query) (insights.Pass, []upstream.FeedPoint) {
	f.Helper()
	q.Groups = f.groups
	q.GroupFault = func(err error) bool {
		return errors.Is(err, upstream.ErrNotFound) || errors.Is(err, upstream.ErrUnavailable)
	}
	var rows []upstream.FeedPoint
	pass, err := insights.Read(ctx, pages, q, func(a *upstream.Activity) bool {
		rows = append(rows, upstream.FeedPoint{Second: a.StartTime.Unix(), Group: a.Group, LogID: a.LogID})
		return true
	})
	if err != nil {
		f.Fatal(err)
	}
	return pass, rows
}

// Whatever the logs, the filter and maxRows, a pass adds the newest rows of the truth, cold and warm alike.
func TestPassAgreesWithTheLogs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFleet(t)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		for range rapid.IntRange(1, 5).Draw(rt, "groups") {
			n := rapid.SampledFrom([]int{0, 1, 97, 98, 99, 200, 500}).Draw(rt, "rows")
			f.grow(rng, n, rapid.SampledFrom([]time.Duration{10 * time.Second, time.Minute, time.Hour}).Draw(rt, "gap"))
		}
		filter := rapid.SampledFrom([]upstream.Status{"", upstream.StatusFail}).Draw(rt, "status")
		truth := f.truth(emulator.Filter{Status: string(filter)})
		limits := []int{1, 98, 100, 490, 20_000}
		if len(truth) > 0 {
			limits = append(limits, len(truth), max(1, len(truth)-1))
		}
		limit := rapid.SampledFrom(limits).Draw(rt, "maxRows")
		for _, temperature := range []string{"cold", "warm"} {
			before := f.Count()
			pass, rows := f.read(caller(t.Context(), 0), f.pages, insights.Query{MaxRows: limit, Filter: upstream.Filter{Status: filter}})
			if !slices.Equal(rows, truth[:min(limit, len(truth))]) || pass.Count != len(rows) {
				rt.Fatalf("%s: %d rows of %d, want the newest %d", temperature, len(rows), len(truth), limit)
			}
			if pass.Complete != (limit >= len(truth)) {
				rt.Fatalf("%s: complete is %v with %d of %d rows", temperature, pass.Complete, limit, len(truth))
			}
			if n := len(rows); n > 0 && (pass.Newest.Unix() != rows[0].Second || pass.Oldest.Unix() != rows[n-1].Second) {
				rt.Fatalf("%s: from %v to %v", temperature, pass.Newest, pass.Oldest)
			}
			if calls := f.Count() - before; temperature == "warm" && calls > 0 {
				rt.Fatalf("warm: %d calls", calls)
			}
		}
	})
}

// A pass makes one call for every 98 rows, and one for each group. A second pass makes no call.
func TestPassCalls(t *testing.T) {
	const groups, stride = 20, 98
	each := testkit.Cases(2500) // rows of a group
	for _, limit := range []int{1000, groups * each} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			f := newFleet(t)
			rng := rand.New(rand.NewPCG(7, uint64(limit)))
			for range groups {
				f.grow(rng, each, time.Minute)
			}
			for _, run := range []struct {
				name string
				most int
			}{
				{"cold", (limit+stride-1)/stride + groups},
				{"warm", 0},
			} {
				before := f.Count()
				pass, rows := f.read(caller(t.Context(), 0), f.pages, insights.Query{MaxRows: limit})
				calls := f.Count() - before
				if calls > run.most || len(rows) != limit {
					t.Errorf("%s: %d rows, %d calls, want at most %d", run.name, len(rows), calls, run.most)
				}
				t.Logf("%s: %d rows, complete %v, %d calls, at most %d", run.name, pass.Count, pass.Complete, calls, run.most)
			}
		})
	}
}

func TestPassEndsWithBudget(t *testing.T) {
	f := newFleet(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		f.grow(rng, 1000, time.Minute)
	}
	truth := f.truth(emulator.Filter{})
	ctx := caller(t.Context(), 20)
	pass, rows := f.read(ctx, f.pages, insights.Query{MaxRows: 20_000})
	if pass.Complete || len(rows) < 1000 || len(rows) == len(truth) || !slices.Equal(rows, truth[:len(rows)]) {
		t.Errorf("complete %v, %d rows of %d", pass.Complete, len(rows), len(truth))
	}
	if calls := request.CallerFrom(ctx).Tally.Calls.Load(); calls > 20 {
		t.Errorf("%d calls", calls)
	}

	request.CallerFrom(ctx).Tally.Calls.Store(20)
	empty := newFleetOf(t, 3)
	q := insights.Query{Groups: empty.groups, MaxRows: 10, GroupFault: func(error) bool { return false }}
	if _, err := insights.Read(ctx, empty.pages, q, func(*upstream.Activity) bool { return true }); !errors.Is(err, request.ErrTooManyCalls) {
		t.Errorf("without a single page: %v", err)
	}
}

func newFleetOf(t testing.TB, groups int) *fleet {
	f := newFleet(t)
	for range groups {
		f.grow(rand.New(rand.NewPCG(1, 1)), 10, time.Minute)
	}
	return f
}

// failing fails for one group from its n-th page on.
type failing struct {
	insights.Pages
	group upstream.Group
	err   error
	after int

	mu    sync.Mutex
	pages int
}

func (f *failing) Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error) {
	if q.Group == f.group {
		f.mu.Lock()
		f.pages++
		n := f.pages
		f.mu.Unlock()
		if n > f.after {
			return upstream.Page{}, f.err
		}
	}
	return f.Pages.Page(ctx, q)
}

func TestPassNamesFailingGroups(t *testing.T) {
	for _, after := range []int{0, 2} {
		t.Run(fmt.Sprintf("after %d pages", after), func(t *testing.T) {
			f := newFleet(t)
			rng := rand.New(rand.NewPCG(3, 4))
			for range 3 {
				f.grow(rng, 1000, time.Minute)
			}
			bad := &failing{Pages: f.pages, group: f.groups[1], err: fmt.Errorf("list: %w", upstream.ErrUnavailable), after: after}
			pass, rows := f.read(caller(t.Context(), 0), bad, insights.Query{MaxRows: 2000})
			want := slices.DeleteFunc(f.truth(emulator.Filter{}), func(p upstream.FeedPoint) bool { return after == 0 && p.Group == f.groups[1] })
			if len(pass.Failed) != 1 || pass.Failed[0].Group != f.groups[1] || !errors.Is(pass.Failed[0].Err, upstream.ErrUnavailable) {
				t.Fatalf("failed: %v", pass.Failed)
			}
			if after == 0 && (!pass.Complete || !slices.Equal(rows, want)) {
				t.Errorf("complete %v, %d rows, want %d", pass.Complete, len(rows), len(want))
			}
			if after > 0 && pass.Complete {
				t.Error("complete, although a log was not read to its end")
			}
		})
	}
}

// Any other error, and the end of the request, ends the pass with an error.
func TestPassFails(t *testing.T) {
	f := newFleetOf(t, 2)
	cause := errors.New("a fault of our own")
	q := insights.Query{Groups: f.groups, MaxRows: 10, GroupFault: func(err error) bool { return errors.Is(err, upstream.ErrNotFound) }}
	add := func(*upstream.Activity) bool { return true }
	if _, err := insights.Read(t.Context(), &failing{Pages: f.pages, group: f.groups[0], err: cause}, q, add); !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := insights.Read(ctx, f.pages, q, add); !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
}

// growing inserts rows at the head of a log before each of its pages.
type growing struct {
	*fleet
	insights.Pages
	arrivals int // before each page

	mu sync.Mutex
	n  int
}

func (g *growing) Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error) {
	g.mu.Lock()
	for range g.arrivals {
		g.n++
		start := newest.Add(time.Duration(g.n/2) * time.Second) // two in a second
		g.Insert(project, q.Group.ID, emulator.Row{ID: emulator.ID(90_000_000 + g.n*7919%99_991), Type: emulator.Normal, Status: emulator.Success, Start: start, End: start})
	}
	g.mu.Unlock()
	return g.Pages.Page(ctx, q)
}

// Rows that start while a pass runs are added once or not at all, and all others once and in order, whatever the rows at which pages end.
func TestPassOverGrowingLogs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 6))
		var sizes []int
		for range rapid.IntRange(1, 4).Draw(rt, "groups") {
			sizes = append(sizes, rapid.SampledFrom([]int{0, 1, 97, 99, 250}).Draw(rt, "rows"))
		}
		page, arrivals := rapid.SampledFrom([]int{7, 20, 98, 490}).Draw(rt, "rows of a page"), rapid.IntRange(1, 4).Draw(rt, "arrivals")
		cold := rapid.Bool().Draw(rt, "cold")
		wrong := ""
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t)
			for _, n := range sizes {
				f.grow(rng, n, time.Minute)
			}
			truth := f.truth(emulator.Filter{})
			if !cold {
				f.read(caller(t.Context(), 0), f.pages, insights.Query{MaxRows: 150})
			}
			pages := &growing{fleet: f, Pages: shortPages{f.pages, page}, arrivals: arrivals}
			pass, rows := f.read(caller(t.Context(), 0), pages, insights.Query{MaxRows: 20_000})
			wrong = compareRows(rows, truth)
			if pass.Count != len(rows) {
				wrong = fmt.Sprintf("%d rows are counted as %d", len(rows), pass.Count)
			}
		})
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// compareRows returns what is wrong with the rows of a pass if they are not in order, once each and all those of the truth; else an empty text.
func compareRows(rows, truth []upstream.FeedPoint) string {
	seen := map[upstream.FeedPoint]bool{}
	for i, p := range rows {
		if i > 0 && rows[i-1].Compare(p) >= 0 {
			return fmt.Sprintf("%v is there twice, or out of order", p)
		}
		seen[p] = true
	}
	for _, p := range truth {
		if !seen[p] {
			return fmt.Sprintf("%v is missing", p)
		}
	}
	return ""
}
