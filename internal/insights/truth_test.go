package insights_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scalegraph/internal/insights"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// shortPages returns pages of at most a number of rows, so that pages end at other rows than those of the pass.
type shortPages struct {
	insights.Pages
	rows int
}

func (s shortPages) Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error) {
	q.Count = min(q.Count, s.rows)
	return s.Pages.Page(ctx, q)
}

// drawLogs adds groups with rows around an instant, some of which failed in part.
func (f *fleet) drawLogs(t *rapid.T, around time.Time) {
	types := []string{emulator.ManualAdd, emulator.ManualDelete, emulator.ModifyELB}
	spread := rapid.SampledFrom([]int{600, 100_000, 1_000_000}).Draw(t, "spread")
	for i := range rapid.IntRange(1, 4).Draw(t, "groups") {
		g := upstream.Group{Region: "r", Project: project, ID: fmt.Sprintf("g%02d", i)}
		f.groups = append(f.groups, g)
		f.AddGroup(project, g.ID)
		rows := make([]emulator.Row, rapid.SampledFrom([]int{0, 1, 20, 97, 99, 130}).Draw(t, "rows"))
		draws := rapid.SliceOfN(rapid.IntRange(0, 2*spread), 3*len(rows), 3*len(rows)).Draw(t, "numbers")
		for j := range rows {
			a, b, c := draws[3*j], draws[3*j+1], draws[3*j+2]
			start := around.Add(time.Duration(a-spread) * time.Second)
			row := emulator.Row{
				ID: emulator.ID(1000*i + j), Type: types[b%3], Status: emulator.Statuses()[c%3], Start: start, End: start.Add(time.Duration(b%100) * time.Second),
				InstanceValue: a % 41, DesireValue: c % 37,
			}
			for n := range b % 4 {
				row.Failed = append(row.Failed, emulator.Instance{ID: emulator.ID(n), FailedReason: fmt.Sprintf("AS.%d: no capacity for %d", 7000+(a+n)%5, n)})
			}
			if c%5 == 0 {
				row.UnbindFailed = []emulator.LoadBalancer{{Classic: "l", FailedReason: "AS.7999"}}
			}
			rows[j] = row
		}
		f.Insert(project, g.ID, rows...)
	}
}

// drawFilter draws a filter for the pass, and the same one for the emulator.
func drawFilter(t *rapid.T, around time.Time) (upstream.Filter, emulator.Filter) {
	var f upstream.Filter
	f.Status = rapid.SampledFrom([]upstream.Status{"", "", upstream.StatusFail, upstream.StatusSuccess}).Draw(t, "status")
	f.Types = rapid.SampledFrom([][]upstream.Type{nil, nil, {upstream.TypeManualAdd, upstream.TypeModifyELB}}).Draw(t, "types")
	if rapid.Bool().Draw(t, "period") {
		f.StartTime, f.EndTime = around.Add(-20*time.Hour), around.Add(20*time.Hour)
	}
	of := emulator.Filter{Start: f.StartTime, End: f.EndTime, Status: string(f.Status)}
	if f.Types != nil {
		of.Types = []string{emulator.ManualAdd, emulator.ModifyELB}
	}
	return upstream.NewFilter(f), of
}

// localTime returns the interval that the clock of a zone shows at an instant. A repeated hour has another offset.
func localTime(at time.Time, interval insights.Interval, zone *time.Location) string {
	layout := map[insights.Interval]string{insights.Minute: "2006-01-02 15:04 -0700", insights.Hour: "2006-01-02 15 -0700", insights.Day: "2006-01-02"}[interval]
	return at.In(zone).Format(layout)
}

// groupRow is a row of the emulator with its group.
type groupRow struct {
	upstream.Group
	emulator.Row
}

func (r groupRow) point() upstream.FeedPoint {
	return upstream.FeedPoint{Second: r.Start.Unix(), Group: r.Group, LogID: r.Row.ID}
}

// matching returns the rows of all groups that match, in the order of a pass.
func (f *fleet) matching(filter emulator.Filter) []groupRow {
	var rows []groupRow
	for _, g := range f.groups {
		for _, row := range f.Match(project, g.ID, filter) {
			rows = append(rows, groupRow{g, row})
		}
	}
	slices.SortFunc(rows, func(a, b groupRow) int { return a.point().Compare(b.point()) })
	return rows
}

// sums are the figures that can be added up from the rows of the emulator.
type sums struct {
	byTime    map[string]insights.Bucket // without Start
	failures  map[string]int32
	durations map[upstream.Direction]insights.Duration
}

// sumsOf adds up rows with the type and status values that drawLogs draws.
func sumsOf(rows []groupRow, b insights.Buckets, zone *time.Location) sums {
	s := sums{map[string]insights.Bucket{}, map[string]int32{}, map[upstream.Direction]insights.Duration{}}
	finished := map[upstream.Direction][]int32{}
	for _, row := range rows {
		at := s.byTime[localTime(row.Start, b.Interval, zone)]
		at.Total++
		switch {
		case row.Status == emulator.Doing:
			at.InProgress++
		case row.Status == emulator.Fail:
			at.Failed++
		case len(row.Failed)+len(row.UnbindFailed) > 0:
			at.PartiallyFailed++
		default:
			at.Succeeded++
		}
		direction := upstream.DirectionNone
		switch row.Type {
		case emulator.ManualAdd:
			at.ScaledOut++
			direction = upstream.DirectionOut
		case emulator.ManualDelete:
			at.ScaledIn++
			direction = upstream.DirectionIn
		}
		s.byTime[localTime(row.Start, b.Interval, zone)] = at
		if row.Status != emulator.Doing {
			finished[direction] = append(finished[direction], int32(row.End.Sub(row.Start)/time.Second))
		}
		for _, i := range row.Failed {
			code, _, _ := strings.Cut(i.FailedReason, ":")
			s.failures[code]++
		}
		for _, l := range row.UnbindFailed {
			s.failures[l.FailedReason]++
		}
	}
	for direction, seconds := range finished {
		slices.Sort(seconds)
		s.durations[direction] = insights.Duration{
			Direction: direction, Count: int32(len(seconds)),
			P50Seconds: nearestRank(seconds, 50), P90Seconds: nearestRank(seconds, 90), P99Seconds: nearestRank(seconds, 99), MaxSeconds: slices.Max(seconds),
		}
	}
	return s
}

// nearestRank returns the smallest of sorted values that at least p percent of them do not exceed.
func nearestRank(sorted []int32, p int) int32 {
	for i, v := range sorted {
		if (i+1)*100 >= p*len(sorted) {
			return v
		}
	}
	panic("p is more than 100")
}

// sumsOfFigures returns the same sums of computed figures. A bucket without rows counts as none.
func sumsOfFigures(t *rapid.T, figures *insights.Figures, b insights.Buckets, zone *time.Location) sums {
	s := sums{map[string]insights.Bucket{}, map[string]int32{}, map[upstream.Direction]insights.Duration{}}
	buckets, err := figures.Histograms[b].All()
	if err != nil {
		t.Fatal(err)
	}
	for i, bucket := range buckets {
		at := localTime(bucket.Start, b.Interval, zone)
		if i > 0 && (!bucket.Start.After(buckets[i-1].Start) || at == localTime(buckets[i-1].Start, b.Interval, zone)) {
			t.Fatalf("bucket %v follows %v", bucket.Start, buckets[i-1].Start)
		}
		if bucket.Total > 0 {
			counts := *bucket
			counts.Start = time.Time{}
			s.byTime[at] = counts
		}
	}
	for _, g := range figures.Failures.Top(100) {
		s.failures[g.Key] = g.Count
	}
	for _, d := range figures.Durations.All() {
		s.durations[d.Direction] = *d
	}
	return s
}

// checkCapacity wants the points of a group to be points of its rows, in order, with the first and the last one and the extremes of both values; all of
// them if they are few. The rows are in the order of a pass.
func checkCapacity(t *rapid.T, got []insights.CapacityPoint, rows []groupRow, limit int) {
	type point struct {
		second           int64
		desired, current int32
	}
	var truth, points []point
	for _, row := range slices.Backward(rows) {
		truth = append(truth, point{row.Start.Unix(), int32(row.DesireValue), int32(row.InstanceValue)})
	}
	for _, p := range got {
		points = append(points, point{p.Time.Unix(), *p.Desired, *p.Current})
	}
	if len(truth) <= limit {
		if !slices.Equal(points, truth) {
			t.Fatalf("few points are reduced: got %v, want %v", points, truth)
		}
		return
	}
	if len(points) > limit || points[0] != truth[0] || points[len(points)-1] != truth[len(truth)-1] {
		t.Fatalf("%d points from %v to %v, want at most %d from %v to %v", len(points), points[0], points[len(points)-1], limit, truth[0], truth[len(truth)-1])
	}
	rest := truth
	for _, p := range points {
		i := slices.Index(rest, p)
		if i < 0 {
			t.Fatalf("%v is no point of the log, or out of order", p)
		}
		rest = rest[i+1:]
	}
	for name, value := range map[string]func(a, b point) int{
		"desired": func(a, b point) int { return cmp.Compare(a.desired, b.desired) },
		"current": func(a, b point) int { return cmp.Compare(a.current, b.current) },
	} {
		if value(slices.MinFunc(points, value), slices.MinFunc(truth, value)) != 0 || value(slices.MaxFunc(points, value), slices.MaxFunc(truth, value)) != 0 {
			t.Fatalf("%s: the extremes of %v are not those of %v", name, points, truth)
		}
	}
}

// Whatever the logs, the time zone, the filter, the bound of rows and the rows at which pages end, the figures of a pass are those of what the emulator
// holds, cold and warm alike.
func TestFiguresAreTheSumsOfTheLogs(t *testing.T) {
	changes := []time.Time{ // daylight saving begins or ends in one of the zones, or in none
		time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), time.Date(2026, 4, 4, 15, 0, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC),
		time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC), time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC),
	}
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham", "America/St_Johns"}
	rapid.Check(t, func(rt *rapid.T) {
		f := newFleet(t)
		around := rapid.SampledFrom(changes).Draw(rt, "around")
		f.drawLogs(rt, around)
		filter, emulated := drawFilter(rt, around)
		b := insights.Buckets{Interval: rapid.SampledFrom([]insights.Interval{insights.Hour, insights.Day}).Draw(rt, "interval"), Zone: rapid.SampledFrom(zones).Draw(rt, "zone")}
		zone, err := time.LoadLocation(b.Zone)
		if err != nil {
			rt.Fatal(err)
		}
		all := f.matching(emulated)
		maxRows := rapid.SampledFrom([]int{1, 100, max(1, len(all)), 20_000}).Draw(rt, "maxRows")
		rows := all[:min(maxRows, len(all))]
		want := sumsOf(rows, b, zone)
		points := rapid.SampledFrom([]int{insights.MinPoints, 10, 50, 200}).Draw(rt, "points")
		spec := insights.Spec{Failures: true, Durations: true, Histograms: []insights.Buckets{b}, Capacities: []int{points}}
		for _, temperature := range []string{"cold", "warm"} {
			figures := insights.New(spec)
			q := insights.Query{Groups: f.groups, Filter: filter, MaxRows: maxRows, Sections: spec.Sections(), GroupFault: func(error) bool { return false }}
			pages := shortPages{f.pages, rapid.SampledFrom([]int{7, 20, 98, 490}).Draw(rt, "rows of a page")}
			pass, err := insights.Read(caller(t.Context(), 0), pages, q, figures.Add)
			if err != nil || pass.Complete != (len(rows) == len(all)) || pass.Count != len(rows) {
				rt.Fatalf("%s: %d of %d rows, complete %v, error %v", temperature, pass.Count, len(rows), pass.Complete, err)
			}
			got := sumsOfFigures(rt, figures, b, zone)
			if !maps.Equal(got.byTime, want.byTime) || !maps.Equal(got.failures, want.failures) || !maps.Equal(got.durations, want.durations) {
				rt.Fatalf("%s: got %v\nwant %v", temperature, got, want)
			}
			for _, g := range f.groups {
				of := slices.DeleteFunc(slices.Clone(rows), func(r groupRow) bool { return r.Group != g })
				checkCapacity(rt, figures.Capacities[points].Of(g), of, points)
			}
		}
	})
}
