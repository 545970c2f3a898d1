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

// air carries what processes tell one another, and loses some of it.
type air struct {
	mu      sync.Mutex
	rng     *rand.Rand // nil: nothing is lost
	leaders map[upstream.Group]leadership
	ears    map[upstream.Group]map[*station]func([]byte)
}

type leadership struct {
	by    *station
	until time.Time
}

// newAir returns air that loses a fourth of everything; with seed 0, nothing.
func newAir(seed uint64) *air {
	a := &air{leaders: map[upstream.Group]leadership{}, ears: map[upstream.Group]map[*station]func([]byte){}}
	if seed != 0 {
		a.rng = rand.New(rand.NewPCG(seed, 2))
	}
	return a
}

// A station is the relay of one process.
type station struct {
	*air
	dead bool
	deaf bool // leads when it may, but neither tells nor hears
}

func (a *air) station() *station { return &station{air: a} }

// die has nobody hear of the process again, nor that it ended.
func (s *station) die() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
}

func (s *station) TryLead(_ context.Context, log upstream.Group, life time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.leaders[log]; l.by != s && time.Now().Before(l.until) {
		return false
	}
	s.leaders[log] = leadership{s, time.Now().Add(life)}
	return true
}

func (s *station) Resign(log upstream.Group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaders[log].by == s && !s.dead {
		delete(s.leaders, log)
	}
}

func (s *station) Publish(_ context.Context, log upstream.Group, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other, hear := range s.ears[log] {
		if !s.dead && !s.deaf && !other.deaf && (s.rng == nil || s.rng.IntN(4) > 0) {
			hear(text)
		}
	}
}

func (s *station) Subscribe(log upstream.Group, hear func([]byte)) func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ears[log] == nil {
		s.ears[log] = map[*station]func([]byte){}
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
		w, air := newWorld(t, 1), newAir(0)
		for range 30 {
			w.start(0, emulator.Success)
		}
		running := w.start(0, emulator.Doing)
		var all []*listener
		for range 3 {
			all = append(all, w.listen(w.hub(Config{Broadcaster: air.station()}), "token", query(0)))
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
		// Each poll may look for the row that runs below the head. The others try the credential now and then.
		intervals := int(time.Since(began) / defaultPoll)
		others := 2 * int(time.Since(began)/verifyTTL)
		if got := w.Count(); got > 2*intervals+others {
			t.Errorf("%d calls in %d intervals", got, intervals)
		}
		for i, l := range all {
			l.quit()
			if heard := l.all(); !slices.Equal(heard[len(heard)-len(want):], want) {
				t.Errorf("process %d heard %q", i, heard)
			}
		}
	})
}

// TestLeadersThatDie are replaced, whether they are silent or their process has ended; nobody loses or repeats a change.
func TestLeadersThatDie(t *testing.T) {
	for name, end := range map[string]func(*station, *listener){
		"killed":  func(s *station, l *listener) { s.die(); l.quit() },
		"stopped": func(_ *station, l *listener) { l.quit() },
		"deaf":    func(s *station, _ *listener) { s.mu.Lock(); s.deaf = true; s.mu.Unlock() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, air := newWorld(t, 1), newAir(0)
				first, second := air.station(), air.station()
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
		w, air := newWorld(t, 1), newAir(0)
		l := w.listen(w.hub(Config{Broadcaster: air.station()}), "token", query(0))
		stranger := air.station()
		for i, text := range []string{"", "{", "{}", `{"Rows":[null]}`, `{"To":"AAAA"}`, `{"From":"AA==","To":"AA==","Rows":[{}]}`} {
			stranger.Publish(t.Context(), groupOf(0), []byte(text))
			id := w.start(0, emulator.Success)
			pass(1)
			if heard := l.all(); len(heard) != i+1 || heard[i] != "FINISHED "+id {
				t.Fatalf("after %q: %q", text, heard)
			}
		}
		l.quit()
	})
}

// TestOtherProcessLeadsIfLeaderIsRejected, because it refuses the credential, lets another one lead.
func TestOtherProcessLeadsIfLeaderIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, air := newWorld(t, 1, "other"), newAir(0)
		leader := w.listen(w.hub(Config{Broadcaster: air.station()}), "token", query(0))
		pass(1)
		other := w.listen(w.hub(Config{Broadcaster: air.station()}), "other", query(0))
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
