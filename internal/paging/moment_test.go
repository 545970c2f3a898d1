package paging_test

import (
	"slices"
	"testing"
	"time"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// TestTailExpires has the oldest row expire before the second call of a page that ends with it. The page begins within a second, so that a call
// for the rows around that second follows the one for the page.
func TestTailExpires(t *testing.T) {
	b := newBench(t, 0, emulator.Switches{})
	for i := range 197 {
		start := epoch.Add(time.Duration(i/2) * time.Minute) // two rows a minute
		b.Insert(project, groupID, emulator.Row{ID: emulator.ID(i), Type: emulator.Normal, Status: emulator.Success, Start: start, End: start})
	}
	calls := 0
	b.OnRequest(func(emulator.Request) {
		if calls++; calls == 2 {
			b.Expire(project, groupID, 1)
		}
	})
	for _, skip := range []int{180, 181} {
		calls = 0
		page, _ := b.ask(upstream.PageQuery{Skip: skip, Count: 75})
		now := b.record(emulator.Filter{})
		if got := ids(page); !slices.Equal(got, now[skip:]) || page.Total != len(now) || page.HasOlder {
			t.Errorf("offset %d, %d calls: %d rows, total %d, want %d and %d", skip, calls, len(got), page.Total, len(now)-skip, len(now))
		}
	}
}

// TestRowsJoinBehindThePlace has a row start in the newest second, after the cursor's row, between the call that shows that second and the
// one that shows the next older row.
func TestRowsJoinBehindThePlace(t *testing.T) {
	b := newBench(t, 50, emulator.Switches{})
	b.tied(50, 1000, 20)
	b.tied(51, 2000, 90)
	calls := 0
	b.OnRequest(func(emulator.Request) {
		if calls++; calls == 2 {
			b.tied(51, 3000, 1)
		}
	})
	page, _ := b.ask(upstream.PageQuery{After: &upstream.Point{Second: b.Row(51, emulator.Success).Start.Unix(), LogID: emulator.ID(2089)}, Count: 1})
	if calls < 2 || page.Total != 161 || page.Rows[0].LogID != emulator.ID(3000) {
		t.Errorf("%d calls: row %s, total %d, want the row that joined", calls, page.Rows[0].LogID, page.Total)
	}
}
