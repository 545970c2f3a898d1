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

// An act is something that happens in a story. What its numbers mean depends on the kind.
type act struct{ kind, a, b int }

func acts(t *rapid.T) []act {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) act {
		number := rapid.IntRange(0, 1<<20)
		return act{rapid.IntRange(0, 10).Draw(t, "kind"), number.Draw(t, "a"), number.Draw(t, "b")}
	}), 3, 30).Draw(t, "acts")
}

// TestEveryChangeOnce inserts, changes, finishes, removes and expires rows at random, ends processes, and has subscribers leave and
// resume elsewhere. Each of them must hear of each row exactly what happened to it between two looks, in order.
func TestEveryChangeOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		list, before, seed := acts(rt), rapid.IntRange(0, 120).Draw(rt, "before"), rapid.Uint64().Draw(rt, "losses")
		var wrong string
		synctest.Test(t, func(t *testing.T) { wrong = tell(t, list, before, seed) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

const logs, processes, tellers = 3, 2, 5

// A story is a history of some logs, and what subscribers should have heard of it.
type story struct {
	*world
	hubs    []*Hub
	relays  []*station
	second  int
	tellers []*teller
}

// A teller is a subscriber that leaves and comes back, to any process.
type teller struct {
	query upstream.ChangeQuery
	l     *listener
	heard []string
	looks map[string]string   // each row as it was when the teller looked last: over, or a version
	want  map[string][]string // what it should have heard of each row
}

func tell(t *testing.T, list []act, before int, seed uint64) string {
	s := &story{world: newWorld(t, logs)}
	s.kept = seed%2 == 1
	air := newAir(seed)
	for range processes {
		s.relays = append(s.relays, air.station())
		s.hubs = append(s.hubs, s.hub(Config{Broadcaster: s.relays[len(s.relays)-1]}))
	}
	s.insert(before, 1)
	for i := range tellers {
		q := query([][]int{{0}, {1}, {0, 1}, {0, 1, 2}, {2}}[i]...)
		who := &teller{query: q, l: s.listen(s.hubs[i%processes], "token", q), looks: map[string]string{}, want: map[string][]string{}}
		s.look(who)
		clear(who.want)
		s.tellers = append(s.tellers, who)
	}
	for _, a := range list {
		if err := s.act(a); err != nil {
			s.check()
			return err.Error()
		}
	}
	s.pass(2)
	return s.check()
}

func (s *story) act(a act) error {
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
		who := s.tellers[a.a%tellers]
		s.away(who)
		s.insert(a.b%30, a.b)
		s.passWithout(who)
		return s.back(who, s.hubs[a.b%processes])
	default:
		s.pass(1 + a.a%3)
	}
	return nil
}

// insert adds rows to the logs; several may start in one second, and some run.
func (s *story) insert(n, seed int) {
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
func (s *story) change(a act, change func(*emulator.Row)) {
	group := groupOf(a.a % logs).ID
	rows := s.Match(project, group, emulator.Filter{Status: emulator.Doing})
	if len(rows) > 0 {
		s.Update(project, group, rows[a.b%len(rows)].ID, change)
	}
}

// patient is in how many intervals a process learns what happened, whatever gets lost between it and a leader.
const patient = 5

// pass lets polls go by, so that everybody looks at the logs.
func (s *story) pass(polls int) {
	pass(polls * patient)
	for _, t := range s.tellers {
		s.look(t)
	}
}

func (s *story) passWithout(gone *teller) {
	pass(patient)
	for _, t := range s.tellers {
		if t != gone {
			s.look(t)
		}
	}
}

// look compares the logs with what t saw of them last.
func (s *story) look(t *teller) {
	seen := map[string]string{}
	for _, g := range t.query.Groups {
		for _, r := range s.Rows(project, g.ID) {
			now := "over"
			if r.Status == emulator.Doing {
				now = fmt.Sprint(r.DesireValue)
			}
			seen[r.ID] = now
			switch was, known := t.looks[r.ID]; {
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
	t.looks = seen
}

// restart ends a process without a word. Its subscribers, and others, go on elsewhere.
func (s *story) restart(process int) error {
	s.relays[process].die()
	s.relays[process] = s.relays[process].station()
	s.hubs[process] = s.hub(Config{Broadcaster: s.relays[process]})
	for i, t := range s.tellers {
		s.away(t)
		if err := s.back(t, s.hubs[(i+process)%processes]); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) away(t *teller) {
	if t.l == nil {
		return // it could not come back
	}
	t.l.quit()
	t.heard = append(t.heard, t.l.all()...)
	t.query.Since = t.l.last
}

// back resumes a subscriber. It reads the log at once, because its position is older than everything that is cached.
func (s *story) back(t *teller, to *Hub) (err error) {
	s.passWithout(t)
	t.l, err = listenTo(context.WithoutCancel(s.Context()), to, "token", t.query)
	synctest.Wait()
	s.look(t)
	return err
}

// check compares what everybody heard with what they should have.
func (s *story) check() string {
	for _, t := range s.tellers {
		s.away(t)
	}
	for i, t := range s.tellers {
		heard := map[string][]string{}
		for _, line := range t.heard {
			kind, id, _ := strings.Cut(line, " ")
			heard[id] = append(heard[id], kind)
		}
		for id, want := range t.want {
			if !slices.Equal(heard[id], want) {
				return fmt.Sprintf("subscriber %d heard %q of %s, not %q", i, heard[id], id, want)
			}
			delete(heard, id)
		}
		if len(heard) > 0 {
			return fmt.Sprintf("subscriber %d heard %q, of which nothing is true", i, heard)
		}
	}
	return ""
}
