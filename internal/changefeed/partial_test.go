package changefeed

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

func partial(groups ...int) upstream.ChangeQuery {
	q := query(groups...)
	q.Partial = true
	return q
}

// before reports whether one line was received before another.
func (l *listener) before(line, other string) bool {
	return slices.Index(l.all(), line) < slices.Index(l.all(), other)
}

// faultIn makes the upstream fail for one group.
func (w *world) faultIn(group int, f emulator.Fault) {
	w.Fault(func(r *http.Request) *emulator.Fault {
		if strings.Contains(r.URL.Path, groupOf(group).ID) {
			return &f
		}
		return nil
	})
}

// TestPartialSubscription follows ten groups, of which one does not exist and one fails. The others deliver; the bad ones are reported
// once each, and once again when they can be read, before the rows that were missed.
func TestPartialSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 9)
		w.clock = true
		w.faultIn(3, emulator.Fault{Status: 503})
		l := w.listen(w.hub(Config{}), "token", partial(0, 1, 2, 3, 4, 5, 6, 7, 8, 9))
		var want []string
		for i := range 9 {
			if id := w.start(i, emulator.Success); i != 3 {
				want = append(want, "FINISHED "+id)
			}
		}
		pass(20)
		got := l.all()
		if len(got) != len(want)+2 || got[0] != "UNAVAILABLE g03" || got[1] != "UNAVAILABLE g09" {
			t.Fatalf("received %q", got)
		}
		w.Fault(nil)
		w.AddGroup(project, groupOf(9).ID)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		tail := l.all()[len(got):]
		slices.Sort(tail)
		missed := "FINISHED " + emulator.ID(4)
		if !slices.Equal(tail, []string{"AVAILABLE g03", "AVAILABLE g09", missed}) || l.before(missed, "AVAILABLE g03") {
			t.Errorf("then received %q", tail)
		}
		l.quit()
	})
}

// An outage after the subscription has begun is reported once, and its end before the rows that were missed. Other subscriptions are not
// affected, and `since` works across the outage.
func TestOutageOfOneGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		h := w.hub(Config{})
		l := w.listen(h, "token", partial(0, 1))
		pass(1)
		w.faultIn(1, emulator.Fault{Status: 503})
		first, missed := w.start(0, emulator.Success), w.start(1, emulator.Success)
		pass(5)
		if got := l.all(); len(got) != 2 || !slices.Contains(got, "FINISHED "+first) || !slices.Contains(got, "UNAVAILABLE g01") {
			t.Fatalf("received %q", got)
		}
		l.quit()
		q := partial(0, 1)
		q.Since = l.last
		resumed := w.listen(w.hub(Config{}), "token", q)
		pass(1)
		w.wantHeard(resumed, "UNAVAILABLE g01")
		w.Fault(nil)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		w.wantHeard(resumed, "UNAVAILABLE g01", "AVAILABLE g01", "FINISHED "+missed)
		w.RemoveGroup(project, groupOf(1).ID)
		pass(3)
		w.wantHeard(resumed, "UNAVAILABLE g01", "AVAILABLE g01", "FINISHED "+missed, "UNAVAILABLE g01")
		resumed.quit()
	})
}

// TestPartialSubscriptionEnds if no group can be read at the start, and if the credential is not accepted.
func TestPartialSubscriptionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, "other")
		h := w.hub(Config{})
		if _, err := h.Changes(as(t.Context(), "token"), partial(7, 8)); !errors.Is(err, upstream.ErrNotFound) {
			t.Errorf("without a group: %v", err)
		}
		if _, err := h.Changes(as(t.Context(), "stranger"), partial(0, 1)); !errors.Is(err, upstream.ErrUnauthenticated) {
			t.Errorf("without a credential: %v", err)
		}
		l := w.listen(h, "other", partial(0, 1, 7))
		pass(1)
		w.RevokeToken("other")
		time.Sleep(time.Minute)
		synctest.Wait()
		if !errors.Is(l.ended(), upstream.ErrUnauthenticated) {
			t.Errorf("ended with %v", l.ended())
		}
		l.quit()
		synctest.Wait()
		if h.Pollers() != 0 || h.Subscriptions() != 0 {
			t.Errorf("%d logs are polled for %d subscriptions", h.Pollers(), h.Subscriptions())
		}
	})
}
