package cache_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
	"scalegraph/walk"
)

// Walking 1000 rows reads each block once, whatever the length of the log.
func TestWalkReadsEachBlockOnce(t *testing.T) {
	for _, n := range []int{1000, 1001, 1019, 1050, 4903, 4921, 4922, 4925, 4998, 5000, 5001} {
		for _, size := range []int{1, 7, 20, 50, 100, 300} {
			t.Run(fmt.Sprintf("%d rows by %d", n, size), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := openBench(t, n)
					logs := b.logs(defaults())
					pages := walk.New(logs)
					want := b.record(emulator.Filter{})[:1000]
					calls := b.calls(func() {
						b.same("walk", b.walkRows(b.as("a"), pages, 1000, size, upstream.Filter{})[:1000], want)
					})
					most := 12
					if size != 20 {
						most = 14
					}
					if calls > most {
						t.Errorf("%d upstream calls, want at most %d", calls, most)
					}
					again := b.calls(func() {
						other := walk.New(logs)
						b.same("other", b.walkRows(b.as("b"), other, 1000, size+13, upstream.Filter{})[:1000], want)
					})
					if again > 2 {
						t.Errorf("%d upstream calls for another caller, want at most 2", again)
					}
					t.Log(calls, again)
				})
			})
		}
	}
}

// A log that grows during the walk costs one call more for each FRESH that passes, and no row is lost.
func TestWalkOfGrowingLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBench(t, 1000)
		pages := walk.New(b.logs(defaults()))
		want := b.record(emulator.Filter{})
		var page upstream.Page
		var got []string
		calls := b.calls(func() {
			for {
				page = b.page(b.as("a"), pages, page, 20, upstream.Filter{})
				got = append(got, ids(page.Rows)...)
				if !page.HasOlder {
					break
				}
				b.insert(1)
				time.Sleep(500 * time.Millisecond)
			}
		})
		b.same("walk", got, want)
		t.Log(calls)
		if calls > 12+6+6 {
			t.Errorf("%d upstream calls", calls)
		}
	})
}
