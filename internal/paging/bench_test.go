package paging_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"scalegraph/internal/paging"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// memorySource is a source whose rows exist already, so that only the walk is measured. Each group has a row every minute.
type memorySource struct {
	logs map[upstream.Group][]*upstream.Activity // newest first
}

func newMemorySource(groups, rows int) (*memorySource, []upstream.Group) {
	s := &memorySource{logs: map[upstream.Group][]*upstream.Activity{}}
	var names []upstream.Group
	for n := range groups {
		g := upstream.Group{Region: "r", Project: project, ID: fmt.Sprintf("g%02d", n)}
		log := make([]*upstream.Activity, rows)
		for i := range log {
			log[rows-1-i] = &upstream.Activity{Group: g, LogID: emulator.ID(i), StartTime: epoch.Add(time.Duration(i) * time.Minute)}
		}
		s.logs[g], names = log, append(names, g)
	}
	return s, names
}

func (s *memorySource) List(_ context.Context, q upstream.ListQuery) (upstream.Listing, error) {
	log := s.logs[q.Group]
	from := min(q.Offset, len(log))
	to := min(from+q.Limit, len(log))
	return upstream.Listing{Rows: log[from:to], Offset: q.Offset, Total: len(log), At: time.Now()}, nil
}

// A page deep in a merged feed takes as much memory as one at its head.
func TestFeedMemory(t *testing.T) {
	const groups, rows = 5, 20_000
	source, names := newMemorySource(groups, rows)
	pages := paging.New(source)
	q := upstream.FeedQuery{Groups: names, Count: 100}
	used := func(minute int) uint64 {
		at := upstream.FeedPoint{Second: epoch.Add(time.Duration(minute) * time.Minute).Unix(), Group: names[groups-1], LogID: emulator.ID(minute)}
		q.After = &at
		var before, after runtime.MemStats
		for range 3 { // the first ones leave marks where the next ones begin
			runtime.ReadMemStats(&before)
			page, err := pages.Feed(t.Context(), q)
			runtime.ReadMemStats(&after)
			if err != nil || len(page.Rows) != q.Count || !page.HasOlder {
				t.Fatalf("%d rows, %v", len(page.Rows), err)
			}
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	head := used(rows - 1)
	for _, minute := range []int{rows / 2, 100} {
		if deep := used(minute); deep > head*3/2 {
			t.Errorf("a page at %d of %d takes %d bytes, at the head %d", minute, rows, deep, head)
		}
	}
}

// BenchmarkResume measures the next page of a walk, and the same without any memory.
func BenchmarkResume(b *testing.B) {
	source, names := newMemorySource(1, 100_000)
	log := source.logs[names[0]]
	for _, n := range []int{20, 100, 500} {
		p := log[50_000].Point()
		q := upstream.PageQuery{Group: names[0], After: &p, Count: n}
		b.Run(fmt.Sprintf("%d rows", n), func(b *testing.B) {
			pages := paging.New(source)
			b.ReportAllocs()
			for b.Loop() {
				if page, err := pages.Page(b.Context(), q); err != nil || len(page.Rows) != n {
					b.Fatal(len(page.Rows), err)
				}
			}
		})
		b.Run(fmt.Sprintf("%d rows without memory", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if page, err := paging.New(source).Page(b.Context(), q); err != nil || len(page.Rows) != n {
					b.Fatal(len(page.Rows), err)
				}
			}
		})
	}
}

// BenchmarkMerge measures a page of a merged feed, in its middle.
func BenchmarkMerge(b *testing.B) {
	for _, groups := range []int{2, 10, 100} {
		source, names := newMemorySource(groups, 10_000)
		pages := paging.New(source)
		at := upstream.FeedPoint{Second: source.logs[names[0]][5000].StartTime.Unix(), Group: names[0], LogID: emulator.ID(4999)}
		b.Run(fmt.Sprintf("20 rows of %d groups", groups), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				page, err := pages.Feed(b.Context(), upstream.FeedQuery{Groups: names, After: &at, Count: 20})
				if err != nil || len(page.Rows) != 20 {
					b.Fatal(len(page.Rows), err)
				}
			}
		})
	}
}
