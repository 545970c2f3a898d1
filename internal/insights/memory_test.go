package insights_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"scalegraph/internal/insights"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// made returns pages of rows that are created on request, so that only the pass takes memory.
type made struct {
	rows int // of each group
}

func (m made) Page(_ context.Context, q upstream.PageQuery) (upstream.Page, error) {
	from := 0
	if q.After != nil {
		from = int(newest.Unix()-q.After.Second)/60 + 1
	}
	to := min(from+q.Count, m.rows)
	page := upstream.Page{Total: m.rows, HasOlder: to < m.rows, AsOf: newest}
	for i := from; i < to; i++ {
		reason := fmt.Sprintf("AS.%04d: something failed on %d", 7000+i%10, i)
		name := fmt.Sprintf("as-config-%032d", i)
		n, start := int32(i%50), newest.Add(-time.Duration(i)*time.Minute)
		page.Rows = append(page.Rows, &upstream.Activity{
			Group: q.Group, LogID: emulator.ID(i), Status: upstream.StatusSuccess, StartTime: start, EndTime: start.Add(time.Duration(i%90) * time.Second),
			InstanceValue: &n, DesireValue: &n,
			Details: upstream.Details{Failed: []*upstream.Instance{{Name: &name, Failure: &upstream.Failure{Reason: &reason}}}}, ListLengths: upstream.ListLengths{Failed: 1},
		})
	}
	return page, nil
}

var everything = insights.Spec{
	Failures: true, Durations: true, Histograms: []insights.Buckets{{Interval: insights.Day, Zone: "Europe/Berlin"}}, Capacities: []int{200},
}

// madeQuery selects all rows of groups with a number of rows each.
func madeQuery(groups, rows int) insights.Query {
	q := insights.Query{MaxRows: groups * rows, GroupFault: func(error) bool { return false }, Sections: everything.Sections()}
	for i := range groups {
		q.Groups = append(q.Groups, upstream.Group{Region: "r", Project: project, ID: fmt.Sprintf("g%02d", i)})
	}
	return q
}

// notifying sets full before each page, so that a test can measure memory when the pass holds the most rows.
type notifying struct {
	insights.Pages
	full *atomic.Bool
}

func (n notifying) Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error) {
	n.full.Store(true)
	return n.Pages.Page(ctx, q)
}

// A pass over 50 000 rows needs less than 20 MiB besides what its pages come from. Memory is measured whenever pages have been read, which is when
// the pass holds the most rows.
func TestPassMemory(t *testing.T) {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var full atomic.Bool
	figures := insights.New(everything)
	before, peak := heap(), uint64(0)
	n, measured := 0, 0
	q := madeQuery(20, 2500)
	_, err := insights.Read(t.Context(), notifying{made{2500}, &full}, q, func(a *upstream.Activity) bool {
		n++
		if full.Swap(false) {
			peak = max(peak, heap())
			measured++
		}
		return figures.Add(a)
	})
	peak = max(peak, heap())
	runtime.KeepAlive(figures)
	if err != nil || n != q.MaxRows || measured < 10 {
		t.Fatalf("%d rows, memory measured %d times, error %v", n, measured, err)
	}
	t.Logf("peak %.1f MiB of %d measurements", float64(int64(peak)-int64(before))/(1<<20), measured)
	if peak > before+20<<20 {
		t.Errorf("%d bytes, want at most 20 MiB", peak-before)
	}
}

func BenchmarkPass(b *testing.B) {
	q := madeQuery(20, 2500)
	for b.Loop() {
		pass, err := insights.Read(b.Context(), made{2500}, q, insights.New(everything).Add)
		if err != nil || pass.Count != q.MaxRows || !pass.Complete {
			b.Fatalf("%d rows, complete %v, error %v", pass.Count, pass.Complete, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(q.MaxRows), "ns/row")
}
