package changefeed

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"scalegraph/cache/redistest"
	"scalegraph/internal/redisx"
	"scalegraph/internal/testkit"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// broadcasterOver returns the broadcaster of a process over a real Redis.
func broadcasterOver(t testing.TB, url string) *RedisBroadcaster {
	t.Helper()
	return NewRedisBroadcaster(redisClient(t, url))
}

func redisClient(t testing.TB, url string) *redisx.Client {
	t.Helper()
	client, err := redisx.Open(redisx.Config{URL: url, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func (w *world) eventually(what string, holds func() bool) {
	w.Helper()
	testkit.Eventually(w, what, holds)
}

func (w *world) eventuallyHears(l *listener, want []string) {
	w.Helper()
	w.eventually("changes", func() bool { return len(l.all()) >= len(want) })
	w.wantHeard(l, want...)
}

// TestRedisBroadcasterHandsOver has a poller subscribe before its predecessor of the same log has ended: each handler lives as long as its own
// subscription.
func TestRedisBroadcasterHandsOver(t *testing.T) {
	server := redistest.Start(t)
	r, log := broadcasterOver(t, server.URL()), upstream.Group{Region: "r", Project: "p", ID: "g"}
	first, second := make(chan string, 1), make(chan string, 1)
	into := func(c chan string) func([]byte) { return func(message []byte) { c <- string(message) } }
	stopFirst := r.Subscribe(log, into(first))
	stopSecond := r.Subscribe(log, into(second))
	redistest.Eventually(t, "the channel has a subscriber", func() bool {
		return strings.Contains(fmt.Sprint(server.Do("PUBSUB", "NUMSUB", broadcastKey(log))), " 1")
	})
	stopFirst()
	r.Publish(t.Context(), log, []byte("still there"))
	if got := <-second; got != "still there" || len(first) > 0 {
		t.Errorf("the second handler got %q, the first %d messages", got, len(first))
	}
	stopSecond()
	stopFirst()
}

// TestRedisBroadcaster shares polls over real servers of each kind, and goes on while there is none.
func TestRedisBroadcaster(t *testing.T) {
	const poll = 100 * time.Millisecond
	one, documented := redistest.Start(t), redistest.Start(t)
	cluster := redistest.Cluster(t)
	for name, test := range map[string]struct {
		url    string
		lose   func()
		resume func()
	}{
		"one server":          {one.URL(), one.Kill, one.Restart},
		"a cluster":           {redistest.ClusterURL(cluster), func() { cluster[0].Kill() }, func() {}},
		"paused":              {one.URL(), one.Pause, one.Resume},
		"the documented user": {documented.DocumentedUser(), func() {}, func() {}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			leads := w.hub(Config{Poll: poll, Broadcaster: broadcasterOver(t, test.url)})
			follows := w.hub(Config{Poll: poll, Broadcaster: broadcasterOver(t, test.url)})
			var want []string
			happen := func() {
				id := w.start(0, emulator.Doing)
				w.finish(0, id)
				want = append(want, "FINISHED "+id)
			}
			a, b := w.listen(leads, "token", query(0)), w.listen(follows, "token", query(0))
			bothHear := func() {
				happen()
				w.eventuallyHears(a, want)
				w.eventuallyHears(b, want)
			}
			for range 5 {
				bothHear()
			}
			test.lose()
			bothHear()
			test.resume()
			bothHear()
			a.quit()
			happen()
			w.eventuallyHears(b, want)
			b.quit()
			if errors.Join(a.ended(), b.ended()) != nil || !slices.Equal(a.all(), want[:len(want)-1]) {
				t.Errorf("%v %v %q", a.ended(), b.ended(), a.all())
			}
		})
	}
}

// TestRedisLeaders are one at a time.
func TestRedisLeaders(t *testing.T) {
	server := redistest.Start(t)
	first, second := broadcasterOver(t, server.URL()), broadcasterOver(t, server.URL())
	lead := func(r *RedisBroadcaster) bool { return r.TryLead(t.Context(), groupOf(0), time.Minute) }
	for i, step := range []struct {
		got  func() bool
		want bool
	}{
		{func() bool { return lead(first) }, true},
		{func() bool { return lead(second) }, false},
		{func() bool { return lead(first) }, true},
		{func() bool { second.Resign(groupOf(0)); return lead(second) }, false},
		{func() bool { first.Resign(groupOf(0)); return lead(second) }, true},
		{func() bool { return lead(first) }, false},
		{func() bool { server.Kill(); return lead(first) }, true},
	} {
		if got := step.got(); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

// TestRedisPolls counts: two processes cost hardly more than one.
func TestRedisPolls(t *testing.T) {
	const poll = 300 * time.Millisecond
	server := redistest.Start(t)
	w := newWorld(t, 1)
	for range 30 {
		w.start(0, emulator.Success)
	}
	a := w.listen(w.hub(Config{Poll: poll, Broadcaster: broadcasterOver(t, server.URL())}), "token", query(0))
	b := w.listen(w.hub(Config{Poll: poll, Broadcaster: broadcasterOver(t, server.URL())}), "token", query(0))
	var want []string
	for range 3 { // until they stand at one position
		want = append(want, "FINISHED "+w.start(0, emulator.Success))
		w.eventuallyHears(a, want)
		w.eventuallyHears(b, want)
	}
	time.Sleep(3 * poll)
	w.Reset()
	began := time.Now()
	w.eventually("polls", func() bool { return w.Count() >= 15 })
	if took := time.Since(began); took < 10*poll {
		t.Errorf("15 calls in %v", took)
	}
	a.quit()
	b.quit()
}

// TestDeniedPublishIsReported by the client of Redis, and so in the log and in /readyz.
func TestDeniedPublishIsReported(t *testing.T) {
	server := redistest.Start(t)
	client := redisClient(t, server.DocumentedUser())
	r := NewRedisBroadcaster(client)
	if !r.TryLead(t.Context(), groupOf(0), time.Minute) {
		t.Error("the documented user cannot lead")
	}
	if r.Publish(t.Context(), groupOf(0), []byte("m")); client.State() != redisx.StateOK {
		t.Fatalf("the documented user: %s %q", client.State(), client.Cause())
	}
	server.Do("ACL", "SETUSER", "scalegraph", "resetchannels")
	redistest.Eventually(t, "the denial is reported", func() bool {
		r.Publish(t.Context(), groupOf(0), []byte("m"))
		return client.State() == redisx.StateFailing && client.Cause() == "NOPERM publish"
	})
}

// TestFailingRedisCostsNoTimeouts: after a few failures the breaker is open, so leading and publishing wait for nothing.
func TestFailingRedisCostsNoTimeouts(t *testing.T) {
	server := redistest.Start(t)
	client := redisClient(t, server.URL())
	r := NewRedisBroadcaster(client)
	server.Kill()
	for range 4 {
		if !r.TryLead(t.Context(), groupOf(0), time.Minute) {
			t.Error("without Redis, the process does not lead")
		}
		r.Publish(t.Context(), groupOf(0), []byte("m"))
	}
	if client.State() != redisx.StateFailing || client.Faults() == 0 || client.Faults() > 4 {
		t.Errorf("%s after %d faults, want the breaker open", client.State(), client.Faults())
	}
}
