package insights

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scalegraph/upstream"
)

var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func group(i int) upstream.Group {
	return upstream.Group{Region: "r", Project: "p", ID: fmt.Sprintf("g%02d", i)}
}

// drawRows draws rows of some groups in the order of a pass.
func drawRows(t *rapid.T, spread int) []*upstream.Activity {
	rows := make([]*upstream.Activity, rapid.IntRange(0, 300).Draw(t, "rows"))
	for i := range rows {
		rows[i] = drawRow(t, i, spread)
	}
	slices.SortFunc(rows, func(a, b *upstream.Activity) int { return pointOf(a).Compare(pointOf(b)) })
	return rows
}

func drawRow(t *rapid.T, i, spread int) *upstream.Activity {
	row := &upstream.Activity{
		Group: group(rapid.IntRange(0, 2).Draw(t, "group")), LogID: fmt.Sprint(i),
		StartTime: epoch.Add(time.Duration(rapid.IntRange(-spread, spread).Draw(t, "start")) * time.Second),
		Type:      rapid.SampledFrom([]upstream.Type{upstream.TypeNormal, upstream.TypeManualAdd, upstream.TypeManualDelete, upstream.TypeModifyELB}).Draw(t, "type"),
		Status:    rapid.SampledFrom([]upstream.Status{upstream.StatusSuccess, upstream.StatusFail, upstream.StatusDoing, upstream.StatusUnknown}).Draw(t, "status"),
	}
	if rapid.Bool().Draw(t, "finished") {
		row.EndTime = row.StartTime.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "seconds")) * time.Second)
	}
	row.DesireValue, row.InstanceValue = drawInt(t, "desired"), drawInt(t, "current")
	for range rapid.IntRange(0, 2).Draw(t, "failed instances") {
		row.Details.Failed = append(row.Details.Failed, &upstream.Instance{Failure: drawFailure(t)})
	}
	for range rapid.IntRange(0, 1).Draw(t, "failed load balancers") {
		row.Details.BindFailed = append(row.Details.BindFailed, &upstream.LoadBalancerChange{Failure: drawFailure(t)})
	}
	row.ListLengths.Failed, row.ListLengths.BindFailed = int32(len(row.Details.Failed)), int32(len(row.Details.BindFailed))
	return row
}

func drawInt(t *rapid.T, name string) *int32 {
	return rapid.Ptr(rapid.Int32Range(-5, 20), true).Draw(t, name)
}

func drawFailure(t *rapid.T) *upstream.Failure {
	text := rapid.Ptr(rapid.SampledFrom([]string{"", "AS.7113", "quota 5", "quota 7", "gone"}), true)
	return &upstream.Failure{Reason: text.Draw(t, "reason"), Details: text.Draw(t, "details")}
}

func compute(rows []*upstream.Activity, s Spec) *Figures {
	f := New(s)
	for _, row := range rows {
		f.Add(row)
	}
	return f
}

func TestFailuresAgreeWithNaiveCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t, 5000)
		want := map[string]*FailureGroup{}
		for _, row := range rows {
			seen := map[string]bool{}
			for f := range row.Details.Failures() {
				c := causeOf(texts(f))
				g := want[c.key]
				if g == nil {
					g = &FailureGroup{Key: c.key, Reason: c.text, LastSeen: row.StartTime, Example: row}
					want[c.key] = g
				}
				g.Count++
				g.FirstSeen = row.StartTime
				if !seen[c.key] {
					g.ActivityCount++
				}
				seen[c.key] = true
				if !slices.Contains(g.Groups, row.Group) {
					g.Groups = append(g.Groups, row.Group)
				}
			}
		}
		got := compute(rows, Spec{Failures: true}).Failures.Top(1000)
		if len(got) != len(want) {
			t.Fatalf("%d causes, want %d", len(got), len(want))
		}
		for i, g := range got {
			w := *want[g.Key]
			slices.SortFunc(w.Groups, upstream.Group.Compare)
			w.Code, w.latest = g.Code, g.latest
			if !reflect.DeepEqual(*g, w) {
				t.Fatalf("got %+v\nwant %+v", *g, w)
			}
			if i > 0 && (got[i-1].Count < g.Count || got[i-1].Count == g.Count && got[i-1].Key >= g.Key) {
				t.Fatalf("%s comes after %s", g.Key, got[i-1].Key)
			}
		}
		if top := compute(rows, Spec{Failures: true}).Failures.Top(1); len(top) != min(1, len(want)) {
			t.Fatalf("%d of the most frequent", len(top))
		}
	})
}

func TestDurationsAgreeWithNaivePercentiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t, 5000)
		want := map[upstream.Direction][]int{}
		for _, row := range rows {
			if s := row.DurationSeconds(); s != nil {
				want[row.Direction()] = append(want[row.Direction()], int(*s))
			}
		}
		got := compute(rows, Spec{Durations: true}).Durations.All()
		if len(got) != len(want) {
			t.Fatalf("%d directions, want %d", len(got), len(want))
		}
		for _, d := range got {
			all := slices.Sorted(slices.Values(want[d.Direction]))
			rank := func(p float64) int32 { return int32(all[int(math.Ceil(p*float64(len(all)))-1)]) }
			if w := (Duration{d.Direction, int32(len(all)), rank(0.5), rank(0.9), rank(0.99), rank(1)}); *d != w {
				t.Fatalf("got %+v, want %+v", *d, w)
			}
		}
	})
}

func TestHistogramAgreesWithNaiveCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := Buckets{rapid.SampledFrom([]Interval{Minute, Hour, Day}).Draw(t, "interval"), rapid.SampledFrom(zones).Draw(t, "zone")}
		rows := drawRows(t, rapid.SampledFrom([]int{10, 20_000, 40_000, 3_000_000, 40_000_000}).Draw(t, "spread"))
		got, err := compute(rows, Spec{Histograms: []Buckets{b}}).Histograms[b].All()
		c := calendar{b.Interval, zone(t, b.Zone)}
		want := map[int64]*Bucket{}
		if len(rows) > 0 {
			newest := rows[0].StartTime.Unix()
			for start, end := c.bucket(rows[len(rows)-1].StartTime.Unix()); start <= newest && len(want) <= MaxBuckets; start, end = c.bucket(end) {
				want[start] = &Bucket{Start: time.Unix(start, 0).UTC()}
			}
		}
		if len(want) > MaxBuckets {
			if err == nil {
				t.Fatalf("%d buckets and no error", len(want))
			}
			return
		}
		for _, row := range rows {
			start, _ := c.bucket(row.StartTime.Unix())
			want[start].add(row)
		}
		if err != nil || !reflect.DeepEqual(got, inOrder(want)) {
			t.Fatalf("error %v, got %v\nwant %v", err, got, inOrder(want))
		}
	})
}

func inOrder(m map[int64]*Bucket) []*Bucket {
	list := []*Bucket{}
	for _, start := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[start])
	}
	return list
}

// A histogram of 40 years of minutes needs no memory for the buckets that it cannot return.
func TestLongHistogramEndsEarly(t *testing.T) {
	b := Buckets{Minute, "UTC"}
	f := New(Spec{Histograms: []Buckets{b}})
	for i := range 100_000 {
		if !f.Add(&upstream.Activity{StartTime: epoch.Add(-time.Duration(i) * time.Minute)}) {
			if n := len(f.Histograms[b].byStart); n > MaxBuckets+1 {
				t.Errorf("%d buckets in memory", n)
			}
			return
		}
	}
	t.Error("no end")
}

func TestCapacityRetainsEndsAndExtremes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t, rapid.SampledFrom([]int{1, 1000, 100_000_000}).Draw(t, "spread"))
		limit := rapid.IntRange(MinPoints, 40).Draw(t, "points")
		c := compute(rows, Spec{Capacities: []int{limit}}).Capacities[limit]
		for i := range 3 {
			var all []CapacityPoint
			for _, row := range rows {
				if row.Group == group(i) {
					all = append(all, CapacityPoint{row.StartTime, row.DesireValue, row.InstanceValue})
				}
			}
			slices.Reverse(all)
			checkPoints(t, c.Of(group(i)), all, limit)
		}
	})
}

func checkPoints(t *rapid.T, got, all []CapacityPoint, limit int) {
	if len(all) <= limit {
		if len(got) != len(all) || len(all) > 0 && !reflect.DeepEqual(got, all) {
			t.Fatalf("few points are reduced: got %v, want %v", got, all)
		}
		return
	}
	if len(got) > limit {
		t.Fatalf("%d points, want at most %d", len(got), limit)
	}
	if !reflect.DeepEqual(got[0], all[0]) || !reflect.DeepEqual(got[len(got)-1], all[len(all)-1]) {
		t.Fatalf("the ends are lost")
	}
	if !slices.IsSortedFunc(got, func(a, b CapacityPoint) int { return a.Time.Compare(b.Time) }) {
		t.Fatalf("not in order: %v", got)
	}
	for name, of := range map[string]func(CapacityPoint) *int32{
		"desired": func(p CapacityPoint) *int32 { return p.Desired }, "current": func(p CapacityPoint) *int32 { return p.Current },
	} {
		if g, w := extremesOf(got, of), extremesOf(all, of); g != w {
			t.Fatalf("%s: extremes %v, want %v", name, g, w)
		}
	}
}

func extremesOf(points []CapacityPoint, of func(CapacityPoint) *int32) [2]int32 {
	var known []int32
	for _, p := range points {
		if n := of(p); n != nil {
			known = append(known, *n)
		}
	}
	if len(known) == 0 {
		return [2]int32{}
	}
	return [2]int32{slices.MinFunc(known, cmp.Compare[int32]), slices.Max(known)}
}

// The upstream may send any time. A curve from long before 1970 to long after it ends up in one slot.
func TestCapacityOfAllTimes(t *testing.T) {
	c := NewCapacity(MinPoints)
	for i := range 20 {
		n := int32(i)
		at := time.Date(9000-900*i, 1, 1, 0, 0, 0, 0, time.UTC)
		c.Add(&upstream.Activity{Group: group(0), StartTime: at, DesireValue: &n, InstanceValue: &n})
	}
	if got := c.Of(group(0)); len(got) != 2 {
		t.Errorf("%d points, want the ends", len(got))
	}
}
