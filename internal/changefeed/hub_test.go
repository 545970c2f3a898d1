package changefeed

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

func (w *world) wantHeard(l *listener, want ...string) {
	w.Helper()
	if got := l.all(); !slices.Equal(got, want) {
		w.Fatalf("heard %q, want %q; ended %v", got, want, l.ended())
	}
}

func TestActivityLifecycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		w.start(0, emulator.Success)
		old := w.start(0, emulator.Doing)
		l := w.listen(w.hub(Config{}), "token", query(0))
		id := w.start(0, emulator.Doing)
		over := w.start(0, emulator.Fail)
		pass(1)
		w.wantHeard(l, "STARTED "+id, "FINISHED "+over)
		w.Update(project, groupOf(0).ID, id, func(r *emulator.Row) { r.Added = []emulator.Instance{{ID: "i-1"}} })
		pass(2)
		w.finish(0, id)
		w.finish(0, old)
		pass(2)
		w.wantHeard(l, "STARTED "+id, "FINISHED "+over, "UPDATED "+id, "FINISHED "+old, "FINISHED "+id)
		l.quit()
	})
}

// TestRunningRowsBelowTheHead begins with rows that run far below the head, and puts hundreds above them between two polls.
func TestRunningRowsBelowTheHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		deep := []string{w.start(0, emulator.Doing), w.start(0, emulator.Doing), w.start(0, emulator.Doing)}
		for range 150 {
			w.start(0, emulator.Success)
		}
		l := w.listen(w.hub(Config{}), "token", query(0))
		var want []string
		for range 400 {
			want = append(want, "FINISHED "+w.start(0, emulator.Success))
		}
		pass(1)
		w.wantHeard(l, want...)
		w.finish(0, deep[1])
		w.Remove(project, groupOf(0).ID, deep[2])
		pass(1)
		w.wantHeard(l, append(want, "FINISHED "+deep[1])...)
		w.finish(0, deep[0])
		pass(1)
		w.wantHeard(l, append(want, "FINISHED "+deep[1], "FINISHED "+deep[0])...)
		l.quit()
	})
}

func TestFiltersLookAtTheRowAfterTheChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		h := w.hub(Config{})
		filtered := func(f upstream.Filter) *listener {
			q := query(0)
			q.Filter = f
			return w.listen(h, "token", q)
		}
		id := emulator.ID(1)
		over, running := filtered(upstream.Filter{Status: upstream.StatusSuccess}), filtered(upstream.Filter{Status: upstream.StatusDoing})
		one, other := filtered(upstream.Filter{LogID: id}), filtered(upstream.Filter{Types: []upstream.Type{upstream.TypeDiff}})
		early, late := filtered(upstream.Filter{EndTime: epoch.Add(time.Hour)}), filtered(upstream.Filter{StartTime: epoch.Add(time.Hour)})
		w.start(0, emulator.Doing)
		pass(1)
		w.finish(0, id)
		pass(1)
		for l, want := range map[*listener][]string{
			over: {"FINISHED " + id}, running: {"STARTED " + id}, one: {"STARTED " + id, "FINISHED " + id}, other: nil,
			early: {"FINISHED " + id}, late: nil,
		} {
			w.wantHeard(l, want...)
			l.quit()
		}
	})
}

// A subscription that resumes in another process, after any change, receives exactly the later changes.
func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		h := w.hub(Config{})
		first := w.listen(h, "token", query(0, 1))
		a, b := w.start(0, emulator.Doing), w.start(1, emulator.Doing)
		pass(1)
		w.finish(0, a)
		c := w.start(1, emulator.Success)
		pass(1)
		w.finish(1, b)
		pass(1)
		first.quit()
		received := first.all()
		if len(received) != 5 {
			t.Fatalf("heard %q", received)
		}
		d := w.start(0, emulator.Doing)
		pass(1) // a resumed subscription reads at once if its position is older than any cached page
		q := query(0, 1)
		q.Since = first.last
		again := w.listen(w.hub(Config{}), "token", q)
		synctest.Wait()
		w.wantHeard(again, "STARTED "+d)
		w.finish(0, d)
		pass(1)
		w.wantHeard(again, "STARTED "+d, "FINISHED "+d)
		again.quit()
		_ = c
	})
}

// However many changes were missed in all groups together, a subscription can be resumed: its client could not read them before it began.
func TestResumeAfterManyChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const groups, missed = 20, 150
		w := newWorld(t, groups)
		var all []int
		for i := range groups {
			all = append(all, i)
			w.start(i, emulator.Success)
		}
		first := w.listen(w.hub(Config{}), "token", query(all...))
		synctest.Wait()
		first.quit()
		var want []string
		for range missed {
			for i := range groups {
				want = append(want, "FINISHED "+w.start(i, emulator.Success))
			}
		}
		pass(1) // a resumed subscription reads at once if its position is older than any cached page
		q := query(all...)
		q.Since = first.last
		again := w.listen(w.hub(Config{}), "token", q)
		synctest.Wait()
		got := again.all()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || again.ended() != nil {
			t.Errorf("received %d of %d changes; ended with %v", len(got), len(want), again.ended())
		}
		again.quit()
	})
}

func TestPositionsThatAreNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		h := w.hub(Config{})
		for _, since := range []string{"", "x", string(emptyPosition().encoded) + "x", "\x00\xff\xff\xff\xff\x0f"} {
			q := query(0)
			q.Since = []byte(since)
			if _, err := h.Changes(as(t.Context(), "token"), q); !errors.Is(err, upstream.ErrBadPosition) {
				t.Errorf("%q: %v", since, err)
			}
		}
	})
}

// TestOnePollForAll counts calls: many subscribers of several credentials cost as much as one.
func TestOnePollForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := []string{"t0", "t1", "t2"}
		w := newWorld(t, 1, tokens...)
		for range 30 {
			w.start(0, emulator.Success)
		}
		h := w.hub(Config{})
		var all []*listener
		for i := range 60 {
			all = append(all, w.listen(h, tokens[i%3], query(0)))
		}
		if got := w.Count(); got != 2+2 { // the head and the running rows, and one call for each other credential
			t.Errorf("%d calls to begin", got)
		}
		w.Reset()
		start := time.Now()
		time.Sleep(10 * time.Minute)
		if got, most := w.Count(), int(time.Since(start)/defaultPoll); got > most || got < most*9/10 {
			t.Errorf("%d calls in %d intervals", got, most)
		}
		for _, l := range all {
			l.quit()
		}
		synctest.Wait()
		if h.Pollers() != 0 || h.Subscriptions() != 0 {
			t.Errorf("%d logs are polled for %d subscriptions", h.Pollers(), h.Subscriptions())
		}
		w.Reset()
		time.Sleep(time.Minute)
		if got := w.Count(); got != 0 {
			t.Errorf("%d calls for nobody", got)
		}
	})
}

// A failing upstream is polled less and less often, and no change is lost.
func TestFailingUpstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		l := w.listen(w.hub(Config{}), "token", query(0))
		w.Fault(emulator.Always(emulator.Fault{Status: 503}))
		var want []string
		for range 50 {
			want = append(want, "FINISHED "+w.start(0, emulator.Success))
		}
		w.Reset()
		time.Sleep(10 * time.Minute)
		if got := w.Count(); got > 90 { // retries within a call included
			t.Errorf("%d calls in 10 minutes", got)
		}
		w.Fault(nil)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		w.wantHeard(l, want...)
		l.quit()
	})
}

func TestDeletedGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		l := w.listen(w.hub(Config{}), "token", query(0, 1))
		w.RemoveGroup(project, groupOf(1).ID)
		pass(1)
		<-l.done
		if !errors.Is(l.ended(), upstream.ErrNotFound) {
			t.Errorf("ended with %v", l.ended())
		}
	})
}

// Slow subscribers are ended, and no other waits for them.
func TestSlowSubscribers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		h := w.hub(Config{})
		slow, err := h.Changes(as(t.Context(), "token"), query(0))
		if err != nil {
			t.Fatal(err)
		}
		quick := w.listen(h, "token", query(0))
		var want []string
		for range 4 {
			for range 600 {
				want = append(want, "FINISHED "+w.start(0, emulator.Success))
			}
			pass(1)
		}
		w.wantHeard(quick, want...)
		var last error
		n := 0
		for _, err := range slow {
			n, last = n+1, err
		}
		if !errors.Is(last, upstream.ErrSlowSubscriber) || n > 2 {
			t.Errorf("%d elements, the last %v", n, last)
		}
		quick.quit()
	})
}

func TestManySubscribers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		h := w.hub(Config{MaxSubscriptions: 1})
		l := w.listen(h, "token", query(0))
		if _, err := h.Changes(as(t.Context(), "token"), query(0)); !errors.Is(err, upstream.ErrTooManySubscribers) {
			t.Errorf("a second one: %v", err)
		}
		l.quit()
		synctest.Wait()
		w.listen(h, "token", query(0)).quit()
	})
}

// TestLateRows turn up behind others that started after them.
func TestLateRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		l := w.listen(w.hub(Config{}), "token", query(0))
		var want []string
		for _, n := range []int{20, 15, 20, 19, 25, 16} {
			id := fmt.Sprintf("00000000-0000-4000-8000-%012d", len(want))
			start := epoch.Add(time.Duration(n) * time.Second)
			w.Insert(project, groupOf(0).ID, emulator.Row{ID: id, Type: emulator.Normal, Status: emulator.Success, Start: start, End: start})
			pass(1)
			want = append(want, "FINISHED "+id)
		}
		w.wantHeard(l, want...)
		l.quit()
	})
}
