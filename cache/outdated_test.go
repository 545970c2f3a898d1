package cache_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// If a read fails, the rows that were cached before it are served, even if another read has meanwhile shown that the log is no longer the same.
func TestStaleRowsOutliveTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 500)
		logs, source := b.newHookedCache()
		deep := upstream.ListQuery{Group: group, Offset: 300, Limit: 20}
		b.list(b.as("a"), logs, poll)
		want := ids(b.list(b.as("a"), logs, deep).Rows)
		time.Sleep(time.Minute)
		source.before = func() {
			source.before = func() {}
			b.Grow(300)
			b.list(noCache(b.Context(), "a"), logs, poll)
			b.Fault(emulator.Always(emulator.Fault{Status: http.StatusInternalServerError}))
		}
		l, err := logs.List(b.as("a"), deep)
		if err != nil || !l.Stale {
			t.Fatalf("stale %v, error %v", l.Stale, err)
		}
		b.requireEqual("rows", ids(l.Rows), want)
	})
}

// A cached head is read again once a later read has shown that rows were added above it, although it is longer and still fresh.
func TestOutdatedHeadIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newOpenFixture(t, 500)
		logs := b.newCache(defaults())
		long := upstream.ListQuery{Group: group, Limit: 100}
		b.list(b.as("a"), logs, long)
		time.Sleep(1100 * time.Millisecond) // reads that bypass the cache are made once a second
		b.Grow(7)
		b.list(noCache(b.Context(), "a"), logs, poll)
		time.Sleep(time.Second)
		l := b.list(b.as("a"), logs, long)
		if l.Total != 507 || l.Rows[0].LogID != b.expected(emulator.Filter{})[0] {
			t.Errorf("total %d, newest row %s", l.Total, l.Rows[0].LogID)
		}
	})
}
