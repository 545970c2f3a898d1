package changefeed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/internal/paging"
	"scalegraph/internal/paging/pagingtest"
	"scalegraph/internal/request"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// forged is a position that names invented rows in progress in each of some logs.
func forged(groups, rows int) []byte {
	list := make([]*position, groups)
	for i := range list {
		p := &position{floor: epoch.Unix()}
		for n := range rows {
			p.running = append(p.running, runningRow{fmt.Sprintf("invented-%04d", n), 1})
		}
		list[i] = p.compact()
	}
	return encodePositions(list)
}

// TestForgedPosition names 1 000 invented rows. They must not cost an upstream call each, neither when the subscription begins nor later.
func TestForgedPosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		for range 40 {
			w.start(0, emulator.Success)
		}
		q := query(0)
		q.Since = forged(1, 1000)
		w.Reset()
		l := w.listen(w.hub(Config{}), "token", q)
		if got := w.Count(); got > maxLookups+5 {
			t.Errorf("%d calls to begin", got)
		}
		for range 5 {
			w.Reset()
			pass(1)
			if got := w.Count(); got > 2*(maxLookups+5) {
				t.Errorf("%d calls in one interval", got)
			}
		}
		l.quit()
	})
}

// TestJoiningHasABudget counts the calls that begin a subscription for the caller's bound, all groups together.
func TestJoiningHasABudget(t *testing.T) {
	for _, partial := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 20)
			for i := range 20 {
				for range 200 {
					w.start(i, emulator.Success)
				}
			}
			var groups []int
			for i := range 20 {
				groups = append(groups, i)
			}
			q := query(groups...)
			q.Since, q.Partial = forged(20, 50), partial
			c := &request.Caller{Token: "token", MaxCalls: 30}
			w.Reset()
			ctx, cancel := context.WithCancel(request.WithCaller(t.Context(), c))
			defer cancel()
			if _, err := w.hub(Config{}).Changes(ctx, q); !errors.Is(err, request.ErrTooManyCalls) {
				t.Errorf("partial %v: %v", partial, err)
			}
			synctest.Wait()
			if got := w.Count(); got > 30 {
				t.Errorf("partial %v: %d calls", partial, got)
			}
			if got := c.Tally.Calls.Load(); got == 0 || got > 30 {
				t.Errorf("partial %v: the caller was charged %d calls", partial, got)
			}
		})
	}
}

// TestShareOfSubscriptions lets one caller have at most half of the slots, and leaves some for others.
func TestShareOfSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, "greedy", "other")
		h := w.hub(Config{MaxSubscriptions: 20})
		open := func(token string) (list []*listener) {
			for {
				// Tokens for other projects, which nothing verifies, give it no further share.
				c := &request.Caller{Token: token, Tokens: map[string]string{"q": fmt.Sprint("invented", len(list))}}
				l, err := listenWith(request.WithCaller(t.Context(), c), h, query(0))
				if errors.Is(err, upstream.ErrTooManySubscribers) {
					return list
				}
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, l)
			}
		}
		greedy, other := open("greedy"), open("other")
		if len(greedy) != 10 || len(other) != 5 {
			t.Errorf("%d and %d subscriptions of 20", len(greedy), len(other))
		}
		for _, l := range slices.Concat(greedy, other) {
			l.quit()
		}
		synctest.Wait()
		if n := len(h.byCaller); n != 0 {
			t.Errorf("%d callers are still counted", n)
		}
	})
}

// TestNarrowedCaller loses the groups of a project that it may not read any more, and only those.
func TestNarrowedCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		w.AddGroup("q", "g00")
		var narrowed, unknown atomic.Bool
		h := w.hub(Config{Authenticate: func(_ context.Context, c *request.Caller) error {
			if unknown.Load() {
				return errors.New("unknown")
			}
			c.ProjectsOnly, c.Projects = true, []string{project, "q"}
			if narrowed.Load() {
				c.Projects = []string{"q"}
			}
			return nil
		}})
		subscribe := func(project string) *listener {
			ctx := request.WithCaller(t.Context(), &request.Caller{Token: "token", Bearer: "b", ProjectsOnly: true, Projects: []string{"p", "q"}})
			l, err := listenWith(ctx, h, upstream.ChangeQuery{Groups: []upstream.Group{{Region: "r", Project: project, ID: "g00"}}})
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		w.AddToken("token", project, "q")
		lost, remaining := subscribe(project), subscribe("q")
		pass(2)
		narrowed.Store(true)
		time.Sleep(reverifyInterval + time.Second)
		synctest.Wait()
		if !errors.Is(lost.ended(), request.ErrProjectForbidden) || remaining.ended() != nil {
			t.Errorf("ended with %v and %v", lost.ended(), remaining.ended())
		}
		unknown.Store(true)
		time.Sleep(reverifyInterval + time.Second)
		synctest.Wait()
		if !errors.Is(remaining.ended(), upstream.ErrUnauthenticated) {
			t.Errorf("ended with %v", remaining.ended())
		}
		lost.quit()
		remaining.quit()
	})
}

// More rows start in one second than fit into a page. All rows that the upstream returns are received, no subscription ends, and a new one can
// begin.
func TestCrowdedSecond(t *testing.T) {
	for _, rows := range []int{120, 400, 900} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 1)
			for range 30 {
				w.start(0, emulator.Success)
			}
			h := w.hub(Config{})
			l := w.listen(h, "token", query(0))
			pass(1)
			w.next++
			second := epoch.Add(time.Duration(w.next) * time.Second)
			var want []string
			for range rows {
				id := emulator.ID(100_000 + len(want))
				w.Insert(project, groupOf(0).ID, emulator.Row{ID: id, Type: emulator.Normal, Status: emulator.Success, Start: second, End: second})
				want = append(want, "FINISHED "+id)
			}
			pass(1)
			late := w.listen(h, "token", query(0))
			pass(8)
			next := w.start(0, emulator.Success)
			pass(2)
			want = append(want, "FINISHED "+next)
			got := slices.DeleteFunc(l.all(), func(line string) bool { return line == "INCOMPLETE g00" })
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) || l.ended() != nil {
				t.Errorf("received %d of %d rows; ended with %v", len(got), len(want), l.ended())
			}
			if received := late.all(); !slices.Contains(received, "FINISHED "+next) || late.ended() != nil {
				t.Errorf("the new subscription received %d rows; ended with %v", len(received), late.ended())
			}
			l.quit()
			late.quit()
		})
	}
}

// omittingSource returns another row of the same second in place of one, in the next passes over the log, as an upstream that orders the rows of a
// second differently in each call may.
type omittingSource struct {
	Source
	omitted string
	passes  atomic.Int64
}

func (o *omittingSource) List(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error) {
	l, err := o.Source.List(ctx, q)
	if q.Offset == 0 {
		o.passes.Add(-1)
	}
	if o.passes.Load() < 0 {
		return l, err
	}
	l.Rows = slices.Clone(l.Rows)
	for i, row := range l.Rows {
		if row.LogID == o.omitted {
			l.Rows[i] = l.Rows[(i+1)%len(l.Rows)]
		}
	}
	return l, err
}

// A crowded second has a row that the upstream returns late. Four passes of one poll may find it; otherwise subscribers receive one INCOMPLETE, and
// the row as soon as it is found.
func TestRowOmittedFromCrowdedSecond(t *testing.T) {
	for omissions, incomplete := range map[int64]int{3: 0, 1000: 1} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 1)
			w.Emulator = emulator.New(emulator.Switches{Compression: emulator.GzipNever}) // with one order of each second
			w.AddToken("token", project)
			w.AddGroup(project, groupOf(0).ID)
			for range 30 {
				w.start(0, emulator.Success)
			}
			client := pagingtest.Client(w, w.Emulator)
			source := &omittingSource{Source: client, omitted: emulator.ID(100_070)}
			l := w.listen(New(Config{Pages: paging.New(client), Source: source}), "token", query(0))
			pass(1)
			source.passes.Store(omissions)
			w.next++
			second := epoch.Add(time.Duration(w.next) * time.Second)
			for i := range 150 {
				row := emulator.Row{ID: emulator.ID(100_000 + i), Type: emulator.Normal, Status: emulator.Success, Start: second, End: second}
				w.Insert(project, groupOf(0).ID, row)
			}
			want := func(rows, markers int) {
				t.Helper()
				all := l.all()
				finished := slices.DeleteFunc(slices.Clone(all), func(line string) bool { return line == "INCOMPLETE g00" })
				if len(finished) != rows || len(all)-len(finished) != markers || l.ended() != nil {
					t.Errorf("%d omissions: received %d rows and %d INCOMPLETE, want %d and %d; ended with %v",
						omissions, len(finished), len(all)-len(finished), rows, markers, l.ended())
				}
			}
			pass(1)
			want(150-incomplete, incomplete)
			source.passes.Store(0)
			pass(1)
			want(150, incomplete)
			l.quit()
		})
	}
}
