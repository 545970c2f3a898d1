package changefeed

import (
	"slices"
	"testing"
	"testing/synctest"

	"scalegraph/upstream/emulator"
)

// TestManyRunningRows has 150 rows in progress, more than one page, some from before the subscription and some from after. The end of each is
// reported, however many others still run, and a poll costs a few calls.
func TestManyRunningRows(t *testing.T) {
	const running = 150
	for name, before := range map[string]int{"before the subscription": running, "after it": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 1)
				var ids []string
				startAll := func(n int) {
					for range n {
						ids = append(ids, w.start(0, emulator.Doing))
					}
				}
				startAll(before)
				l := w.listen(w.hub(Config{}), "token", query(0))
				startAll(running - before)
				for range 30 {
					w.start(0, emulator.Success)
				}
				pass(2)
				for _, i := range []int{0, 40, 100} {
					w.finish(0, ids[i])
					w.Reset()
					pass(2)
					if !slices.Contains(l.all(), "FINISHED "+ids[i]) {
						t.Errorf("row %d of %d ended and was not reported", i, running)
					}
					if n := w.Count(); n > 16 {
						t.Errorf("%d calls in two intervals", n)
					}
				}
				l.quit()
			})
		})
	}
}
