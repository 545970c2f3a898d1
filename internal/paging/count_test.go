package paging_test

import (
	"fmt"
	"math/bits"
	"testing"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// What a page may cost in upstream calls.
func TestCalls(t *testing.T) {
	sizes := []int{1, 20, 50, 97, 98, 99}
	for _, n := range sizes {
		t.Run(fmt.Sprintf("pages of %d", n), func(t *testing.T) {
			t.Run("unchanged log", func(t *testing.T) { resumeUnchanged(t, n) })
			for _, inserts := range []int{1, 20, 97, 200} {
				t.Run(fmt.Sprintf("%d inserts", inserts), func(t *testing.T) { resumeAfterInserts(t, n, inserts) })
			}
			for _, expired := range []int{1, 99, 700} {
				t.Run(fmt.Sprintf("%d expired", expired), func(t *testing.T) { resumeAfterExpiry(t, n, expired) })
			}
		})
	}
	t.Run("no memory", func(t *testing.T) { resumeWithoutMemory(t, sizes) })
}

func resumeUnchanged(t *testing.T, n int) {
	b := newBench(t, 1000, emulator.Switches{})
	want := b.record(emulator.Filter{})
	most := 1
	if n > 97 {
		most = 2 // no room for the rows around the place
	}
	page, calls := b.after(upstream.Page{}, n, upstream.Filter{})
	for at := 0; ; at += n {
		if calls > most {
			t.Fatalf("at %d: %d calls, want at most %d", at, calls, most)
		}
		b.want(fmt.Sprint("at ", at), page, want[at:min(at+n, len(want))])
		if !page.HasOlder {
			break
		}
		page, calls = b.after(page, n, upstream.Filter{})
	}
	for at := len(want) - len(page.Rows); at > 0; at -= n {
		page, calls = b.before(page, n, upstream.Filter{})
		if calls > most {
			t.Fatalf("back at %d: %d calls, want at most %d", at, calls, most)
		}
		b.want(fmt.Sprint("back at ", at), page, want[max(0, at-n):at])
	}
}

func resumeAfterInserts(t *testing.T, n, inserts int) {
	b := newBench(t, 1000, emulator.Switches{})
	first, _ := b.after(upstream.Page{}, n, upstream.Filter{})
	b.Grow(inserts)
	page, calls := b.after(first, n, upstream.Filter{})
	b.want("resumed", page, b.record(emulator.Filter{})[inserts+n:inserts+2*n])
	most := 2
	if n > 97 {
		most = 4
	}
	if calls > most {
		t.Errorf("%d calls, want at most %d", calls, most)
	}
}

func resumeAfterExpiry(t *testing.T, n, expired int) {
	b := newBench(t, 1000, emulator.Switches{})
	first, _ := b.after(upstream.Page{}, n, upstream.Filter{})
	b.Grow(expired)
	b.Expire(project, groupID, expired)
	if _, err := b.pages.Count(t.Context(), upstream.CountQuery{Group: group}); err != nil {
		t.Fatal(err)
	}
	page, calls := b.after(first, n, upstream.Filter{})
	b.want("resumed", page, b.record(emulator.Filter{})[expired+n:min(1000, expired+2*n)])
	if most := 2 + bits.Len(1000/100); calls > most {
		t.Errorf("%d calls, want at most %d", calls, most)
	}
}

func resumeWithoutMemory(t *testing.T, sizes []int) {
	b := newBench(t, 100_000, emulator.Switches{})
	want := b.record(emulator.Filter{})
	for _, n := range sizes {
		for _, at := range []int{0, 40, 5_000, 50_000, 99_000, 99_950} {
			first, _ := b.ask(upstream.PageQuery{Skip: at, Count: 1})
			b.forget()
			page, calls := b.after(first, n, upstream.Filter{})
			b.want(fmt.Sprintf("%d at %d", n, at), page, want[at+1:min(len(want), at+1+n)])
			if most := 2 + 9; calls > most { // log2(100000/100) is 9.97
				t.Errorf("%d at %d: %d calls, want at most %d", n, at, calls, most)
			}
			t.Logf("%d at %d: %d calls", n, at, calls)
		}
	}
}

// Depth costs nothing: the middle of a long log is as near as its head.
func TestDepth(t *testing.T) {
	b := newBench(t, 100_000, emulator.Switches{})
	page, calls := b.ask(upstream.PageQuery{Skip: 50_000, Count: 20})
	if calls != 1 {
		t.Errorf("first page at 50000: %d calls, want 1", calls)
	}
	if _, calls = b.after(page, 20, upstream.Filter{}); calls != 1 {
		t.Errorf("next page: %d calls, want 1", calls)
	}
}
