package changefeed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// historyStep is one event of a history. The meaning of its numbers depends on the kind.
type historyStep struct{ kind, a, b int }

func historySteps(t *rapid.T) []historyStep {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) historyStep {
		number := rapid.IntRange(0, 1<<20)
		return historyStep{rapid.IntRange(0, 10).Draw(t, "kind"), number.Draw(t, "a"), number.Draw(t, "b")}
	}), 3, 30).Draw(t, "acts")
}

// Rows are inserted, changed, finished, removed and expired at random, processes end, and subscribers leave and resume elsewhere. Each
// subscriber receives exactly the changes of each row between two observations, in order.
func TestEveryChangeOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		list, before, seed := historySteps(rt), rapid.IntRange(0, 120).Draw(rt, "before"), rapid.Uint64().Draw(rt, "losses")
		var wrong string
		synctest.Test(t, func(t *testing.T) { wrong = runHistory(t, list, before, seed) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

const logs, processes, subscribers = 3, 2, 5

// history is a random history of some logs, with the changes that subscribers should have received.
type history struct {
	*world
	hubs        []*Hub
	relays      []*endpoint
	second      int
	subscribers []*subscriber
}

// subscriber leaves and resumes, at any process.
type subscriber struct {
	query    upstream.ChangeQuery
	l        *listener
	received []string
	observed map[string]string   // each row as last observed: "over", or its revision
	want     map[string][]string // the changes of each row that it should have received
}

func runHistory(t *testing.T, list []historyStep, before int, seed uint64) string {
	s := &history{world: newWorld(t, logs)}
	s.kept = seed%2 == 1
	network := newLossyBroadcast(seed)
	for range processes {
		s.relays = append(s.relays, network.endpoint())
		s.hubs = append(s.hubs, s.hub(Config{Broadcaster: s.relays[len(s.relays)-1]}))
	}
	s.insert(before, 1)
	for i := range subscribers {
		q := query([][]int{{0}, {1}, {0, 1}, {0, 1, 2}, {2}}[i]...)
		who := &subscriber{query: q, l: s.listen(s.hubs[i%processes], "token", q), observed: map[string]string{}, want: map[string][]string{}}
		s.observe(who)
		clear(who.want)
		s.subscribers = append(s.subscribers, who)
	}
	for _, a := range list {
		if err := s.apply(a); err != nil {
			s.check()
			return err.Error()
		}
	}
	s.pass(2)
	return s.check()
}

func (s *history) apply(a historyStep) error {
	switch a.kind {
	case 0, 1, 2:
		s.insert(1+a.a%10, a.b)
	case 3:
		s.insert(100+a.a%200, a.b)
	case 4, 5:
		s.change(a, func(r *emulator.Row) {
			r.Status, r.End = emulator.Success, epoch.Add(time.Duration(s.second+1)*time.Second)
		})
	case 6:
		s.change(a, func(r *emulator.Row) { r.DesireValue++ })
	case 7:
		s.Expire(project, groupOf(a.a%logs).ID, a.b%50)
	case 8:
		return s.restart(a.a % processes)
	case 9:
		who := s.subscribers[a.a%subscribers]
		s.leave(who)
		s.insert(a.b%30, a.b)
		s.passWithout(who)
		return s.resume(who, s.hubs[a.b%processes])
	default:
		s.pass(1 + a.a%3)
	}
	return nil
}

// insert adds rows to the logs; several may start in one second, and some run.
func (s *history) insert(n, seed int) {
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	for range n {
		s.next++
		if rng.IntN(4) > 0 {
			s.second++
		}
		r := emulator.Row{ID: emulator.ID(s.next * 7919 % 100_003), Type: emulator.Normal, Status: emulator.Success, Start: epoch.Add(time.Duration(s.second) * time.Second)}
		if r.End = r.Start.Add(time.Second); rng.IntN(5) == 0 {
			r.Status, r.End = emulator.Doing, time.Time{}
		}
		s.Insert(project, groupOf(rng.IntN(logs)).ID, r)
	}
}

// change changes one of the rows that run, if there are any.
func (s *history) change(a historyStep, change func(*emulator.Row)) {
	group := groupOf(a.a % logs).ID
	rows := s.Match(project, group, emulator.Filter{Status: emulator.Doing})
	if len(rows) > 0 {
		s.Update(project, group, rows[a.b%len(rows)].ID, change)
	}
}

// pollsUntilSeen is the number of intervals within which a process learns of a change, whatever messages are lost.
const pollsUntilSeen = 5

// pass waits for some polls and observes the logs for all subscribers.
func (s *history) pass(polls int) {
	pass(polls * pollsUntilSeen)
	for _, t := range s.subscribers {
		s.observe(t)
	}
}

func (s *history) passWithout(gone *subscriber) {
	pass(pollsUntilSeen)
	for _, t := range s.subscribers {
		if t != gone {
			s.observe(t)
		}
	}
}

// observe compares the logs with the last observation of t.
func (s *history) observe(t *subscriber) {
	seen := map[string]string{}
	for _, g := range t.query.Groups {
		for _, r := range s.Rows(project, g.ID) {
			now := "over"
			if r.Status == emulator.Doing {
				now = fmt.Sprint(r.DesireValue)
			}
			seen[r.ID] = now
			switch was, known := t.observed[r.ID]; {
			case now == was:
			case now == "over":
				t.want[r.ID] = append(t.want[r.ID], "FINISHED")
			case known:
				t.want[r.ID] = append(t.want[r.ID], "UPDATED")
			default:
				t.want[r.ID] = append(t.want[r.ID], "STARTED")
			}
		}
	}
	t.observed = seen
}

// restart ends a process without a message. Its subscribers, and others, resume elsewhere.
func (s *history) restart(process int) error {
	s.relays[process].die()
	s.relays[process] = s.relays[process].endpoint()
	s.hubs[process] = s.hub(Config{Broadcaster: s.relays[process]})
	for i, t := range s.subscribers {
		s.leave(t)
		if err := s.resume(t, s.hubs[(i+process)%processes]); err != nil {
			return err
		}
	}
	return nil
}

func (s *history) leave(t *subscriber) {
	if t.l == nil {
		return // it could not resume
	}
	t.l.quit()
	t.received = append(t.received, t.l.all()...)
	t.query.Since = t.l.last
}

// resume resumes a subscription at any process. It reads the log at once, because its position is older than all cached rows.
func (s *history) resume(t *subscriber, to *Hub) (err error) {
	s.passWithout(t)
	t.l, err = listenTo(context.WithoutCancel(s.Context()), to, "token", t.query)
	synctest.Wait()
	s.observe(t)
	return err
}

// check compares the received changes with the expected ones.
func (s *history) check() string {
	for _, t := range s.subscribers {
		s.leave(t)
	}
	for i, t := range s.subscribers {
		received := map[string][]string{}
		for _, line := range t.received {
			kind, id, _ := strings.Cut(line, " ")
			received[id] = append(received[id], kind)
		}
		for id, want := range t.want {
			if !slices.Equal(received[id], want) {
				return fmt.Sprintf("subscriber %d received %q of %s, want %q", i, received[id], id, want)
			}
			delete(received, id)
		}
		if len(received) > 0 {
			return fmt.Sprintf("subscriber %d received %q, which did not happen", i, received)
		}
	}
	return ""
}
