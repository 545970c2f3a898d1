package changefeed

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

const (
	partialGroups      = 10
	partialSubscribers = 3
)

// outageHistory is a history of ten groups that fail, are forbidden or do not exist yet, and of partial subscriptions to them. Group 0 can always be
// read, so that no subscription ends.
type outageHistory struct {
	*world
	hubs        []*Hub
	subscribers []*partialSubscriber
	rows        map[string]int // of each row the group
	running     []string       // rows that have not ended

	mu      sync.Mutex
	outages map[string]emulator.Fault // by group
}

// partialSubscriber resumes with the position of the last change, as clients do: the events of groups have no cursor.
type partialSubscriber struct {
	*listener
	query    upstream.ChangeQuery
	received [][]string // by connection
}

// TestPartialSubscriptionsLoseNothing makes groups fail, become forbidden and appear at random while rows start and end and subscribers leave and
// resume at any process. Each row is received exactly once, each outage at most once, in turn with its end, and nothing of a group during its outage.
func TestPartialSubscriptionsLoseNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		list, seed := historySteps(rt), rapid.Uint64().Draw(rt, "losses")
		var wrong string
		synctest.Test(t, func(t *testing.T) { wrong = runOutageHistory(t, list, seed) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

func runOutageHistory(t *testing.T, list []historyStep, seed uint64) string {
	s := &outageHistory{world: newWorld(t, partialGroups-1), rows: map[string]int{}, outages: map[string]emulator.Fault{}}
	s.clock, s.kept = true, seed%2 == 1
	s.Fault(s.fault)
	network := newLossyBroadcast(seed)
	for range processes {
		s.hubs = append(s.hubs, s.hub(Config{Broadcaster: network.endpoint()}))
	}
	for i := range partialSubscribers {
		sub := &partialSubscriber{query: partial([][]int{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {0, 1, 9}, {0, 2, 3, 4}}[i]...)}
		sub.listener = s.listen(s.hubs[i%processes], "token", sub.query)
		s.subscribers = append(s.subscribers, sub)
	}
	s.insert(0, emulator.Success)
	pass(pollsUntilSeen) // from here on every subscriber has a cursor
	for _, a := range list {
		if err := s.apply(a); err != nil {
			s.leaveAll()
			return err.Error()
		}
	}
	s.recover()
	s.leaveAll()
	for i, sub := range s.subscribers {
		if wrong := s.check(sub); wrong != "" {
			return fmt.Sprintf("subscriber %d received %q: %s", i, sub.received, wrong)
		}
	}
	return ""
}

func (s *outageHistory) fault(r *http.Request) *emulator.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, f := range s.outages {
		if strings.Contains(r.URL.Path, id) {
			return &f
		}
	}
	return nil
}

// setOutage makes a group fail in some way; with the zero fault it recovers.
func (s *outageHistory) setOutage(group int, f emulator.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Status == 0 {
		delete(s.outages, groupOf(group).ID)
		return
	}
	s.outages[groupOf(group).ID] = f
}

func (s *outageHistory) apply(a historyStep) error {
	group := 1 + a.a%(partialGroups-1)
	switch a.kind {
	case 0, 1, 2:
		s.insert(a.a%partialGroups, emulator.Success)
	case 3:
		s.insert(a.a%partialGroups, emulator.Doing)
	case 4:
		s.finishAll()
	case 5:
		s.setOutage(group, emulator.Fault{Status: http.StatusServiceUnavailable})
	case 6:
		s.setOutage(group, emulator.Fault{Status: http.StatusForbidden, Code: "AS.0011"})
	case 7:
		s.setOutage(group, emulator.Fault{})
	case 8:
		sub := s.subscribers[a.a%partialSubscribers]
		s.leave(sub)
		s.insert(a.b%partialGroups, emulator.Success)
		return s.resume(sub, s.hubs[a.b%processes])
	default:
		pass(1 + a.a%5)
	}
	return nil
}

// insert adds a row to a group, unless that does not exist yet, and lets a second pass, so that rows have different starts.
func (s *outageHistory) insert(group int, status string) {
	if group == partialGroups-1 && s.Rows(project, groupOf(group).ID) == nil {
		s.AddGroup(project, groupOf(group).ID)
	}
	id := s.start(group, status)
	s.rows[id] = group
	if status == emulator.Doing {
		s.running = append(s.running, id)
	}
	time.Sleep(time.Second)
}

func (s *outageHistory) finishAll() {
	for _, id := range s.running {
		s.Finish(project, groupOf(s.rows[id]).ID, id, emulator.Success, time.Now())
	}
	s.running = nil
}

// recover ends all outages and lets every backoff end.
func (s *outageHistory) recover() {
	for group := range partialGroups {
		s.setOutage(group, emulator.Fault{})
	}
	s.finishAll()
	s.AddGroup(project, groupOf(partialGroups-1).ID)
	time.Sleep(3 * time.Minute)
	pass(pollsUntilSeen)
}

func (s *outageHistory) leave(sub *partialSubscriber) {
	sub.quit()
	sub.received = append(sub.received, sub.all())
	if len(sub.cursor) > 0 {
		sub.query.Since = sub.cursor
	}
}

func (s *outageHistory) resume(sub *partialSubscriber, at *Hub) (err error) {
	sub.listener, err = listenTo(s.Context(), at, "token", sub.query)
	synctest.Wait()
	return err
}

func (s *outageHistory) leaveAll() {
	for _, sub := range s.subscribers {
		s.leave(sub)
	}
}

// check returns what is wrong with what a subscriber received; empty if nothing is.
func (s *outageHistory) check(sub *partialSubscriber) string {
	count := map[string]int{}
	for n, lines := range sub.received {
		out := map[string]bool{} // the groups that were reported unavailable in this connection
		for _, line := range lines {
			kind, id, _ := strings.Cut(line, " ")
			switch kind {
			case "UNAVAILABLE", "AVAILABLE":
				if down := kind == "UNAVAILABLE"; out[id] == down {
					return fmt.Sprintf("%s in connection %d is not in turn", line, n)
				}
				out[id] = kind == "UNAVAILABLE"
				continue
			case "FINISHED":
				count[id]++
			case "STARTED":
				if count[id] > 0 {
					return line + " after its end"
				}
			}
			if group := groupOf(s.rows[id]).ID; out[group] {
				return fmt.Sprintf("%s although %s is reported unavailable", line, group)
			}
		}
		if n == len(sub.received)-1 {
			for id, down := range out {
				if down {
					return id + " is not reported available again"
				}
			}
		}
	}
	for id, group := range s.rows {
		want := 0
		if slices.Contains(sub.query.Groups, groupOf(group)) {
			want = 1
		}
		if count[id] != want {
			return fmt.Sprintf("the end of %s in %s %d times, not %d", id, groupOf(group).ID, count[id], want)
		}
	}
	return ""
}
