package summary

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newestStart is when the newest row of every log started.
var newestStart = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// memoryLog is a log in memory. Every response is a second younger than the one before.
type memoryLog struct {
	rows  []*upstream.Activity
	stale upstream.Status // counts of this status are stale and an hour older
	fail  upstream.Type   // counts of this type fail

	mu     sync.Mutex
	calls  int
	pages  int
	asOf   time.Time
	oldest time.Time
}

func (l *memoryLog) respond(page bool, age time.Duration) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if page {
		l.pages++
	}
	l.asOf = l.asOf.Add(time.Second)
	at := l.asOf.Add(-age)
	if l.oldest.IsZero() || at.Before(l.oldest) {
		l.oldest = at
	}
	return at
}

func (l *memoryLog) match(f upstream.Filter) []*upstream.Activity {
	var rows []*upstream.Activity
	for _, row := range l.rows {
		if (f.Status == "" || f.Status == row.Status) && (len(f.Types) == 0 || slices.Contains(f.Types, row.Type)) {
			rows = append(rows, row)
		}
	}
	return rows
}

func (l *memoryLog) Count(_ context.Context, q upstream.CountQuery) (upstream.Count, error) {
	c := upstream.Count{Total: len(l.match(q.Filter)), Stale: l.stale != "" && q.Filter.Status == l.stale}
	age := time.Duration(0)
	if c.Stale {
		age = time.Hour
	}
	c.AsOf = l.respond(false, age)
	if l.fail != "" && slices.Contains(q.Filter.Types, l.fail) {
		return c, upstream.ErrRateLimited
	}
	return c, nil
}

func (l *memoryLog) Page(_ context.Context, q upstream.PageQuery) (upstream.Page, error) {
	rows := l.match(q.Filter)
	n := min(len(rows), q.Count)
	return upstream.Page{Rows: rows[:n], HasOlder: n < len(rows), Total: len(rows), AsOf: l.respond(true, 0)}, nil
}

func logOf(n int, typ, status func(i int) string) *memoryLog {
	l := &memoryLog{asOf: newestStart}
	for i := range n {
		l.rows = append(l.rows, &upstream.Activity{
			LogID: fmt.Sprint(i), Type: upstream.Type(typ(i)), Status: upstream.Status(status(i)), StartTime: newestStart,
		})
	}
	return l
}

var summaryFields = []string{"total", "succeeded", "failed", "inProgress", "byType", "asOf", "stale", "__typename"}

// TestSummaryIsTrue compares summaries of random logs under random filters and selections with plain counting.
func TestSummaryIsTrue(t *testing.T) {
	types := append(upstream.Types(), upstream.TypeUnknown)
	statuses := []upstream.Status{upstream.StatusSuccess, upstream.StatusFail, upstream.StatusDoing, upstream.StatusUnknown}
	rapid.Check(t, func(t *rapid.T) {
		few := rapid.SliceOfN(rapid.SampledFrom(types), 1, 3).Draw(t, "types of the log")
		n := rapid.OneOf(rapid.IntRange(0, 10), rapid.IntRange(95, 105), rapid.IntRange(0, 300)).Draw(t, "rows")
		l := logOf(n,
			func(int) string { return string(rapid.SampledFrom(few).Draw(t, "type")) },
			func(int) string { return string(rapid.SampledFrom(statuses).Draw(t, "status")) })
		f := upstream.NewFilter(upstream.Filter{
			Types:  rapid.SliceOfN(rapid.SampledFrom(upstream.Types()), 0, 4).Draw(t, "filter.types"),
			Status: rapid.SampledFrom(append(statuses[:3:3], "")).Draw(t, "filter.status"),
		})
		selected := map[string]bool{}
		for _, name := range rapid.SliceOf(rapid.SampledFrom(summaryFields)).Draw(t, "selected") {
			selected[name] = true
		}
		s, err := Read(context.Background(), l, upstream.CountQuery{Filter: f}, selected)
		if err != nil {
			t.Fatal(err)
		}
		l.check(t, s, f, selected)
	})
}

func (l *memoryLog) check(t *rapid.T, s *model.ScalingActivitySummary, f upstream.Filter, selected map[string]bool) {
	rows := l.match(f)
	status := func(st upstream.Status) int32 {
		n := 0
		for _, row := range rows {
			if row.Status == st {
				n++
			}
		}
		return int32(n)
	}
	var byType []model.ScalingActivityTypeCount
	for _, typ := range append(upstream.Types(), upstream.TypeUnknown) {
		n := 0
		for _, row := range rows {
			if row.Type == typ {
				n++
			}
		}
		if n > 0 {
			byType = append(byType, model.ScalingActivityTypeCount{Type: typ, Count: int32(n)})
		}
	}
	if selected["total"] && s.Total != int32(len(rows)) {
		t.Errorf("total is %d, want %d", s.Total, len(rows))
	}
	if want := status(upstream.StatusSuccess); selected["succeeded"] && s.Succeeded != want {
		t.Errorf("succeeded is %d, want %d", s.Succeeded, want)
	}
	if want := status(upstream.StatusFail); selected["failed"] && s.Failed != want {
		t.Errorf("failed is %d, want %d", s.Failed, want)
	}
	if want := status(upstream.StatusDoing); selected["inProgress"] && s.InProgress != want {
		t.Errorf("inProgress is %d, want %d", s.InProgress, want)
	}
	if selected["byType"] && !slices.Equal(s.ByType, byType) {
		t.Errorf("byType is %v, want %v", s.ByType, byType)
	}
	if s.AsOf.IsZero() || s.Stale {
		t.Errorf("as of %v, stale %v", s.AsOf, s.Stale)
	}
	l.checkCost(t, rows)
}

// checkCost allows 14 calls at most, and 2 more if rows of an unknown type are to be proven. Rows of an unknown status cannot be
// counted, so that two equal readings must show that nothing changed.
func (l *memoryLog) checkCost(t *rapid.T, rows []*upstream.Activity) {
	most := 14
	if slices.ContainsFunc(rows, func(a *upstream.Activity) bool { return a.Type == upstream.TypeUnknown }) {
		most += 2
	}
	if slices.ContainsFunc(rows, func(a *upstream.Activity) bool { return a.Status == upstream.StatusUnknown }) {
		most += 14
	}
	switch {
	case l.calls < 1 || l.calls > most:
		t.Errorf("%d calls, want at most %d", l.calls, most)
	case l.pages > 0 && (l.calls != 2 || len(rows) > upstream.MaxLimit):
		t.Errorf("%d calls, a page among them, for %d rows", l.calls, len(rows))
	case len(rows) <= upstream.MaxLimit && l.calls > 2:
		t.Errorf("%d calls for %d rows", l.calls, len(rows))
	}
}

// TestSummaryCost counts the calls for logs of more than a page.
func TestSummaryCost(t *testing.T) {
	tests := []struct {
		filter   upstream.Filter
		selected []string
		calls    int
	}{
		{upstream.Filter{}, summaryFields, 14},
		{upstream.Filter{}, []string{"total"}, 1},
		{upstream.Filter{}, []string{"asOf"}, 1},
		{upstream.Filter{}, nil, 1},
		{upstream.Filter{}, []string{"failed"}, 1},
		{upstream.Filter{}, []string{"failed", "total"}, 2},
		{upstream.Filter{}, []string{"failed", "succeeded"}, 3}, // the total shows whether a page would do
		{upstream.Filter{}, []string{"byType"}, 11},
		{upstream.Filter{Status: upstream.StatusFail}, summaryFields, 11},
		{upstream.Filter{Status: upstream.StatusFail}, []string{"succeeded", "failed", "inProgress"}, 1},
		{upstream.Filter{Types: []upstream.Type{upstream.TypeDiff}}, summaryFields, 4},
		{upstream.Filter{Types: []upstream.Type{upstream.TypeDiff}}, []string{"byType", "total"}, 1},
		{upstream.Filter{Types: []upstream.Type{upstream.TypeDiff, upstream.TypeNormal}}, []string{"byType"}, 3},
	}
	for _, test := range tests {
		l := logOf(3000, func(i int) string { return string(upstream.Types()[i%10]) }, func(i int) string { return []string{"SUCCESS", "FAIL", "DOING"}[i/10%3] })
		selected := map[string]bool{}
		for _, name := range test.selected {
			selected[name] = true
		}
		_, err := Read(t.Context(), l, upstream.CountQuery{Filter: test.filter}, selected)
		if err != nil || l.calls != test.calls || l.pages > 0 {
			t.Errorf("%v of %v: %d calls, %d of them pages, want %d: %v", test.selected, test.filter, l.calls, l.pages, test.calls, err)
		}
	}
}

func TestSummaryAgeAndFailures(t *testing.T) {
	l := logOf(200, func(int) string { return "NORMAL" }, func(int) string { return "FAIL" })
	l.stale = upstream.StatusDoing
	all := map[string]bool{"total": true, "succeeded": true, "failed": true, "inProgress": true, "byType": true}
	s, err := Read(t.Context(), l, upstream.CountQuery{}, all)
	if err != nil || !s.Stale || !s.AsOf.Equal(l.oldest) {
		t.Errorf("as of %v, stale %v, %v; the oldest response was as of %v", s.AsOf, s.Stale, err, l.oldest)
	}
	l.fail = upstream.TypeDiff
	if _, err := Read(t.Context(), l, upstream.CountQuery{}, all); !errors.Is(err, upstream.ErrRateLimited) {
		t.Errorf("got %v", err)
	}
}

// TestSummaryOfALogThatGrows lets the log outgrow a page between the count and the page.
func TestSummaryOfALogThatGrows(t *testing.T) {
	l := &growing{logOf(100, func(int) string { return "NORMAL" }, func(int) string { return "FAIL" })}
	s, err := Read(t.Context(), l, upstream.CountQuery{}, map[string]bool{"succeeded": true, "failed": true, "total": true})
	if err != nil || s.Total != 101 || s.Failed != 101 || s.Succeeded != 0 {
		t.Errorf("got %+v, %v", s, err)
	}
}

type growing struct{ *memoryLog }

func (l *growing) Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error) {
	l.rows = append(l.rows, &upstream.Activity{Type: upstream.TypeNormal, Status: upstream.StatusFail})
	return l.memoryLog.Page(ctx, q)
}
