package insights_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"scalegraph/internal/insights"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// made returns pages of rows that are made when they are asked for, so that only the pass takes memory.
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
		n, start := int32(i%50), newest.Add(-time.Duration(i)*time.Minute)
		page.Rows = append(page.Rows, &upstream.Activity{
			Group: q.Group, LogID: emulator.ID(i), Status: upstream.StatusSuccess, StartTime: start, EndTime: start.Add(time.Duration(i%90) * time.Second),
			InstanceValue: &n, DesireValue: &n,
			Details: upstream.Details{Failed: []*upstream.Instance{{Failure: &upstream.Failure{Reason: &reason}}}}, ListLengths: upstream.ListLengths{Failed: 1},
		})
	}
	return page, nil
}

var everything = insights.Spec{
	Failures: true, Durations: true, Histograms: []insights.Buckets{{Interval: insights.Day, Zone: "Europe/Berlin"}}, Capacities: []int{200},
}

func readMade(t testing.TB, groups, rows int) *insights.Figures {
	q := insights.Query{MaxRows: groups * rows, GroupFault: func(error) bool { return false }, Sections: everything.Sections()}
	for i := range groups {
		q.Groups = append(q.Groups, upstream.Group{Region: "r", Project: project, ID: fmt.Sprintf("g%02d", i)})
	}
	figures := insights.New(everything)
	pass, err := insights.Read(t.Context(), made{rows}, q, figures.Add)
	if err != nil || pass.Count != groups*rows || !pass.Complete {
		t.Fatalf("%d rows, complete %v, error %v", pass.Count, pass.Complete, err)
	}
	return figures
}

// What is in memory after a pass over 50 000 rows is within 20 MiB, and so is what was in memory while it ran.
func TestPassMemory(t *testing.T) {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, peak := heap(), uint64(0)
	q := insights.Query{MaxRows: 50_000, GroupFault: func(error) bool { return false }, Sections: everything.Sections()}
	for i := range 20 {
		q.Groups = append(q.Groups, upstream.Group{Region: "r", Project: project, ID: fmt.Sprintf("g%02d", i)})
	}
	figures := insights.New(everything)
	n := 0
	_, err := insights.Read(t.Context(), made{2500}, q, func(a *upstream.Activity) bool {
		if n++; n%2000 == 0 {
			peak = max(peak, heap())
		}
		return figures.Add(a)
	})
	if err != nil || n != 50_000 {
		t.Fatalf("%d rows, %v", n, err)
	}
	t.Logf("peak %.1f MiB", float64(int64(peak)-int64(before))/(1<<20))
	if peak > before+20<<20 {
		t.Errorf("%d bytes, want at most 20 MiB", peak-before)
	}
	runtime.KeepAlive(figures)
}

func BenchmarkPass(b *testing.B) {
	for b.Loop() {
		readMade(b, 20, 2500)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/50_000, "ns/row")
}
