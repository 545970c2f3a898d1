package changefeed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// lossyBroadcast delivers messages between processes, and loses some.
type lossyBroadcast struct {
	mu      sync.Mutex
	rng     *rand.Rand // nil if nothing is lost
	leaders map[upstream.Group]leadership
	ears    map[upstream.Group]map[*endpoint]func([]byte)
}

type leadership struct {
	by    *endpoint
	until time.Time
}

// newLossyBroadcast returns a broadcast that loses a quarter of all messages; none if seed is 0.
func newLossyBroadcast(seed uint64) *lossyBroadcast {
	a := &lossyBroadcast{leaders: map[upstream.Group]leadership{}, ears: map[upstream.Group]map[*endpoint]func([]byte){}}
	if seed != 0 {
		a.rng = rand.New(rand.NewPCG(seed, 2))
	}
	return a
}

// endpoint is the Broadcaster of one process.
type endpoint struct {
	*lossyBroadcast
	dead bool
	deaf bool // may lead, but neither sends nor receives
}

func (a *lossyBroadcast) endpoint() *endpoint { return &endpoint{lossyBroadcast: a} }

// die ends the process without a message to the others.
func (s *endpoint) die() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
}

func (s *endpoint) TryLead(_ context.Context, log upstream.Group, life time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.leaders[log]; l.by != s && time.Now().Before(l.until) {
		return false
	}
	s.leaders[log] = leadership{s, time.Now().Add(life)}
	return true
}

func (s *endpoint) Resign(log upstream.Group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaders[log].by == s && !s.dead {
		delete(s.leaders, log)
	}
}

func (s *endpoint) Publish(_ context.Context, log upstream.Group, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other, hear := range s.ears[log] {
		if !s.dead && !s.deaf && !other.deaf && (s.rng == nil || s.rng.IntN(4) > 0) {
			hear(text)
		}
	}
}

func (s *endpoint) Subscribe(log upstream.Group, hear func([]byte)) func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ears[log] == nil {
		s.ears[log] = map[*endpoint]func([]byte){}
	}
	s.ears[log][s] = hear
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.ears[log], s)
	}
}

// TestOneProcessPolls has three listen to one log, and two of them rely on the third.
func TestOneProcessPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, network := newWorld(t, 1), newLossyBroadcast(0)
		for range 30 {
			w.start(0, emulator.Success)
		}
		running := w.start(0, emulator.Doing)
		var all []*listener
		for range 3 {
			all = append(all, w.listen(w.hub(Config{Broadcaster: network.endpoint()}), "token", query(0)))
			time.Sleep(time.Second) // so that they do not begin at the same position
			w.start(0, emulator.Success)
		}
		pass(2)
		w.Reset()
		began := time.Now()
		var want []string
		for range 60 {
			id := w.start(0, emulator.Doing)
			pass(1)
			w.finish(0, id)
			pass(1)
			want = append(want, "STARTED "+id, "FINISHED "+id)
		}
		w.finish(0, running)
		pass(1)
		want = append(want, "FINISHED "+running)
		// Each poll may read the row that is in progress below the head. The others verify the credential from time to time.
		intervals := int(time.Since(began) / defaultPoll)
		others := 2 * int(time.Since(began)/verifyTTL)
		if got := w.Count(); got > 2*intervals+others {
			t.Errorf("%d calls in %d intervals", got, intervals)
		}
		for i, l := range all {
			l.quit()
			if received := l.all(); !slices.Equal(received[len(received)-len(want):], want) {
				t.Errorf("process %d heard %q", i, received)
			}
		}
	})
}

// Leaders are replaced whether they are silent or their process has ended. No change is lost or repeated.
func TestLeadersThatDie(t *testing.T) {
	for name, end := range map[string]func(*endpoint, *listener){
		"killed":  func(s *endpoint, l *listener) { s.die(); l.quit() },
		"stopped": func(_ *endpoint, l *listener) { l.quit() },
		"deaf":    func(s *endpoint, _ *listener) { s.mu.Lock(); s.deaf = true; s.mu.Unlock() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, network := newWorld(t, 1), newLossyBroadcast(0)
				first, second := network.endpoint(), network.endpoint()
				leader := w.listen(w.hub(Config{Broadcaster: first}), "token", query(0))
				pass(1)
				other := w.listen(w.hub(Config{Broadcaster: second}), "token", query(0))
				var want []string
				start := func() {
					id := w.start(0, emulator.Doing)
					want = append(want, "STARTED "+id)
				}
				start()
				pass(1)
				w.wantHeard(other, want...)
				end(first, leader)
				start()
				pass(4)
				w.wantHeard(other, want...)
				start()
				pass(4)
				w.wantHeard(other, want...)
				other.quit()
				leader.quit()
			})
		})
	}
}

// TestNoticesThatAreNone do no harm.
func TestNoticesThatAreNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, network := newWorld(t, 1), newLossyBroadcast(0)
		l := w.listen(w.hub(Config{Broadcaster: network.endpoint()}), "token", query(0))
		stranger := network.endpoint()
		for i, text := range []string{"", "{", "{}", `{"Rows":[null]}`, `{"To":"AAAA"}`, `{"From":"AA==","To":"AA==","Rows":[{}]}`} {
			stranger.Publish(t.Context(), groupOf(0), []byte(text))
			id := w.start(0, emulator.Success)
			pass(1)
			if received := l.all(); len(received) != i+1 || received[i] != "FINISHED "+id {
				t.Fatalf("after %q: %q", text, received)
			}
		}
		l.quit()
	})
}

// TestOtherProcessLeadsIfLeaderIsRejected, because it refuses the credential, lets another one lead.
func TestOtherProcessLeadsIfLeaderIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, network := newWorld(t, 1, "other"), newLossyBroadcast(0)
		leader := w.listen(w.hub(Config{Broadcaster: network.endpoint()}), "token", query(0))
		pass(1)
		other := w.listen(w.hub(Config{Broadcaster: network.endpoint()}), "other", query(0))
		w.RevokeToken("token")
		var want []string
		for range 3 {
			want = append(want, fmt.Sprint("FINISHED ", w.start(0, emulator.Success)))
			pass(4)
		}
		w.wantHeard(other, want...)
		if leader.ended() == nil {
			t.Error("the one who was refused still listens")
		}
		other.quit()
	})
}

// TestOlderSnapshotAdoptsNoPosition has a process that knows two rows receive an older position of the leader, and poll a cached page of the same
// age: the process still knows both rows, and does not deliver the second one again.
func TestOlderSnapshotAdoptsNoPosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := func(rows ...int) *snapshot {
			time.Sleep(time.Second)
			s := newSnapshot()
			s.complete = true
			for _, n := range rows {
				start := epoch.Add(time.Duration(n) * time.Second)
				s.add([]*upstream.Activity{{LogID: emulator.ID(n), Status: upstream.StatusSuccess, StartTime: start}})
			}
			s.read(time.Now())
			return s
		}
		older, newer := read(1), read(2, 1)
		p := &logPoller{hub: &Hub{}, position: newer.position(), leaderPosition: older.position().encoded}
		p.distribute(older)
		if steps, _ := read(2, 1).diff(p.position); len(steps) > 0 || p.leaderPosition != nil {
			t.Errorf("%d changes are delivered again; the position of the leader is %x", len(steps), p.leaderPosition)
		}
	})
}
