package changefeed

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/cache/redistest"
	"scalegraph/upstream/emulator"
)

// TestUpdateOfLaterPoll has a leader poll within a second after another process has read the log. What that process has cached is then older
// than the leader's update, and must not vouch for it.
func TestUpdateOfLaterPoll(t *testing.T) {
	for pause := 100 * time.Millisecond; pause < 5*time.Second; pause += 300 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			w, network := newWorld(t, 1), newLossyBroadcast(0)
			w.kept = true
			for range 5 {
				w.start(0, emulator.Success)
			}
			leader := w.listen(w.hub(Config{Broadcaster: network.endpoint()}), "token", query(0))
			first := w.listen(w.hub(Config{Broadcaster: network.endpoint()}), "token", query(0))
			pass(3)
			first.quit()
			started := w.start(0, emulator.Success)
			time.Sleep(pause)
			q := query(0)
			q.Since = first.last
			resumed := w.listen(w.hub(Config{Broadcaster: network.endpoint()}), "token", q)
			time.Sleep(100 * time.Millisecond)
			want := []string{"FINISHED " + started, "FINISHED " + w.start(0, emulator.Success)}
			pass(4)
			w.wantHeard(resumed, want...)
			if received := leader.all(); !slices.Equal(received, want) {
				t.Errorf("the leader's subscriber received %q", received)
			}
			resumed.quit()
			leader.quit()
		})
	}
}

// TestUpdateOfLaterPollOverRedis is the same over a real Redis.
func TestUpdateOfLaterPollOverRedis(t *testing.T) {
	const poll = 1200 * time.Millisecond
	server := redistest.Start(t)
	w := newWorld(t, 1)
	w.kept = true
	hub := func() *Hub { return w.hub(Config{Poll: poll, Broadcaster: broadcasterOver(t, server.URL())}) }
	leader := w.listen(hub(), "token", query(0))
	first := w.listen(hub(), "token", query(0))
	want := []string{"FINISHED " + w.start(0, emulator.Success)}
	w.eventuallyHears(leader, want)
	w.eventuallyHears(first, want)
	first.quit()
	for range 3 {
		started := w.start(0, emulator.Success)
		q := query(0)
		q.Since = first.last
		resumed := w.listen(hub(), "token", q)
		missed := []string{"FINISHED " + started, "FINISHED " + w.start(0, emulator.Success)}
		want = append(want, missed...)
		w.eventuallyHears(leader, want)
		w.eventuallyHears(resumed, missed)
		resumed.quit()
		first.last = resumed.last
	}
	leader.quit()
}

// TestRevisionsNeverGoBack changes one row all the time. What its subscriber receives must be in order and without repeats, on
// one connection and over reconnects to two processes that each have a cache.
func TestRevisionsNeverGoBack(t *testing.T) {
	for _, test := range []struct {
		poll    time.Duration
		shared  bool
		between time.Duration // between reconnects; 0: one connection
	}{
		{300 * time.Millisecond, false, 0},
		{300 * time.Millisecond, true, 0},
		{700 * time.Millisecond, true, 1100 * time.Millisecond},
		{300 * time.Millisecond, false, 400 * time.Millisecond},
		{5 * time.Second, false, 700 * time.Millisecond},
		{5 * time.Second, true, 1300 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { revisions(t, test.poll, test.shared, test.between) })
		})
	}
}

func revisions(t *testing.T, poll time.Duration, shared bool, between time.Duration) {
	w, network := newWorld(t, 1), newLossyBroadcast(0)
	w.kept = true
	var hubs []*Hub
	for range 2 {
		cfg := Config{Poll: poll}
		if shared {
			cfg.Broadcaster = network.endpoint()
		}
		hubs = append(hubs, w.hub(cfg))
	}
	// Another subscriber of each process keeps it polling.
	others := []*listener{w.listen(hubs[0], "token", query(0)), w.listen(hubs[1], "token", query(0))}
	id := w.start(0, emulator.Doing)
	q, revision, connections := query(0), int32(0), 0
	l := w.listen(hubs[0], "token", q)
	last := int32(-1)
	follow := func() {
		for _, r := range l.revisions() {
			if r <= last {
				t.Fatalf("revision %d after %d", r, last)
			}
			last = r
		}
	}
	for range 600 {
		time.Sleep(97 * time.Millisecond)
		revision++
		w.Update(project, groupOf(0).ID, id, func(r *emulator.Row) { r.DesireValue = int(revision) })
		if elapsed := time.Duration(revision) * 97 * time.Millisecond; between > 0 && elapsed > time.Duration(connections+1)*between {
			l.quit()
			follow()
			connections++
			q.Since = l.last
			l = w.listen(hubs[connections%2], "token", q)
		}
	}
	l.quit()
	follow()
	time.Sleep(poll + time.Second)
	for _, o := range others {
		o.quit()
	}
	if between == 0 && last < 550 {
		t.Errorf("the last revision is %d", last)
	}
}

// TestResumeCost resumes after 9 000 rows, of which a share starts in one second with the row before: each call brings as many
// new rows as it can.
func TestResumeCost(t *testing.T) {
	for _, ties := range []float64{0, 0.11} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 1)
			w.kept = true
			w.start(0, emulator.Success)
			h := w.hub(Config{})
			first := w.listen(h, "token", query(0))
			synctest.Wait()
			first.quit()
			rng, start := rand.New(rand.NewPCG(1, 1)), epoch.Add(time.Minute)
			for range 9000 {
				w.next++
				if rng.Float64() >= ties {
					start = start.Add(time.Second)
				}
				w.Insert(project, groupOf(0).ID, emulator.Row{ID: emulator.ID(w.next), Type: emulator.Normal, Status: emulator.Success, Start: start, End: start})
			}
			pass(1)
			q := query(0)
			q.Since = first.last
			w.Reset()
			l := w.listen(h, "token", q)
			synctest.Wait()
			if got := w.Count(); got > 99 {
				t.Errorf("%.0f %% ties: %d calls", 100*ties, got)
			}
			if n := len(l.all()); n != 9000 {
				t.Errorf("%.0f %% ties: received %d rows", 100*ties, n)
			}
			l.quit()
		})
	}
}
