package paging_test

import (
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"scalegraph/internal/paging"
	"scalegraph/internal/paging/pagingtest"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const project, groupID = "p", "g"

var group = upstream.Group{Region: "r", Project: project, ID: groupID}

// epoch is the start of the oldest row that a test makes.
var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// A bench is a log and the pages over it.
type bench struct {
	testing.TB
	*pagingtest.GroupLog
	pages *paging.Pager
}

// newBench makes a log of n rows, one each minute.
func newBench(t testing.TB, n int, sw emulator.Switches) *bench {
	t.Helper()
	sw.Access = emulator.AccessOpen
	b := &bench{TB: t, GroupLog: pagingtest.NewGroupLog(group, epoch, n, sw)}
	b.forget()
	return b
}

// forget puts pages without any memory over the log.
func (b *bench) forget() {
	b.Helper()
	b.pages = paging.New(pagingtest.Client(b, b.Emulator))
}

// ask returns the page of q and the number of upstream calls that it took.
func (b *bench) ask(q upstream.PageQuery) (upstream.Page, int) {
	b.Helper()
	q.Group = group
	before := b.Count()
	page, err := b.pages.Page(b.Context(), q)
	if err != nil {
		b.Fatalf("page %+v: %v", q, err)
	}
	return page, b.Count() - before
}

// after requests the n rows after the last of page, or the newest if page is empty.
func (b *bench) after(page upstream.Page, n int, f upstream.Filter) (upstream.Page, int) {
	b.Helper()
	q := upstream.PageQuery{Count: n, Filter: f}
	if len(page.Rows) > 0 {
		p := page.Rows[len(page.Rows)-1].Point()
		q.After = &p
	}
	return b.ask(q)
}

// before requests the n rows before the first of page.
func (b *bench) before(page upstream.Page, n int, f upstream.Filter) (upstream.Page, int) {
	b.Helper()
	p := page.Rows[0].Point()
	return b.ask(upstream.PageQuery{Count: n, Filter: f, Before: &p, Last: true})
}

// points returns the rows that the log has now under a filter, in our order.
func (b *bench) points(f emulator.Filter) []upstream.Point {
	var points []upstream.Point
	for id, start := range b.Each(project, groupID, f) {
		points = append(points, upstream.Point{Second: start.Unix(), LogID: id})
	}
	slices.SortFunc(points, upstream.Point.Compare)
	return points
}

// record returns the ids of points.
func (b *bench) record(f emulator.Filter) []string {
	var ids []string
	for _, p := range b.points(f) {
		ids = append(ids, p.LogID)
	}
	return ids
}

func ids(page upstream.Page) []string {
	out := make([]string, len(page.Rows))
	for i, row := range page.Rows {
		out[i] = row.LogID
	}
	return out
}

func (b *bench) want(what string, page upstream.Page, wanted []string) {
	b.Helper()
	if got := ids(page); !slices.Equal(got, wanted) {
		b.Fatalf("%s:\n got %v\nwant %v", what, got, wanted)
	}
}
