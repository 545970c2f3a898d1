package observer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"scalegraph/upstream/emulator"
)

const project = "p"

// A mover changes the logs of an emulator. Its methods may be used by many goroutines.
type mover struct {
	e      *emulator.Emulator
	log    *trace
	mostIn int // rows of one second, at most; 98 is what the contract promises to page through
	retain time.Duration

	mu     sync.Mutex
	rng    *rand.Rand
	groups []string
	cuts   []uint64 // number of the last change of every move
	doing  map[string][]string
	next   int
	second map[string]int // rows of a group's newest second
	head   map[string]time.Time
}

func newMover(e *emulator.Emulator, rng *rand.Rand, log *trace, groups []string) *mover {
	return &mover{e: e, rng: rng, log: log, groups: groups, mostIn: 60, doing: map[string][]string{}, second: map[string]int{}, head: map[string]time.Time{}}
}

// fill gives a group n rows that end at now, and begins the record.
func (m *mover) fill(sizes []int, ties, running float64, now time.Time) {
	for i, group := range m.groups {
		m.e.AddGroup(project, group)
		starts := make([]time.Time, sizes[i])
		at, together := now.Add(-time.Second), 0
		for j := range starts {
			starts[j] = at
			if together++; together >= m.mostIn || m.rng.Float64() >= ties {
				at, together = at.Add(-time.Duration(1+m.rng.IntN(90))*time.Second), 0
			}
		}
		slices.Reverse(starts)
		for j, start := range starts {
			r := m.row(start)
			if old := len(starts) - j; m.rng.Float64() >= running || old > 200 {
				m.end(&r, start.Add(time.Second))
			} else {
				m.doing[group] = append(m.doing[group], r.ID)
			}
			m.e.Insert(project, group, r)
			m.placed(group, start)
		}
	}
	m.e.KeepHistory()
	m.cuts = append(m.cuts, m.e.Seq())
}

func (m *mover) placed(group string, start time.Time) {
	if !m.head[group].Equal(start) {
		m.head[group], m.second[group] = start, 0
	}
	m.second[group]++
}

// row makes a running row. Ids are in random order, so that they say nothing of time.
func (m *mover) row(start time.Time) emulator.Row {
	types := emulator.Types()
	m.next++
	id := fmt.Sprintf("%08x-0000-4000-8000-%012d", m.rng.Uint32(), m.next)
	return emulator.Row{ID: id, Type: types[m.rng.IntN(len(types))], Status: emulator.Doing, Start: start}
}

func (m *mover) end(r *emulator.Row, end time.Time) {
	r.Status, r.End = emulator.Success, end
	if m.rng.IntN(4) == 0 {
		r.Status = emulator.Fail
	}
	r.DesireValue++
}

// ends returns the number of the last change of every move so far, ascending.
func (m *mover) ends() []uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cuts[:len(m.cuts):len(m.cuts)]
}

// move makes one random change. Each row that ends does so at a moment of its own.
func (m *mover) move(why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	group := m.groups[m.rng.IntN(len(m.groups))]
	var what string
	switch n := m.rng.IntN(100); {
	case n < 35:
		what = m.insert(group, 1, m.rng.IntN(3) == 0)
	case n < 45:
		what = m.insert(group, 2+m.rng.IntN(6), m.rng.IntN(3) == 0)
	case n < 47:
		what = m.insert(group, 10+m.rng.IntN(40), false)
	case n < 72:
		what = m.finish(group)
	case n < 85:
		what = m.update(group)
	default:
		what = m.expire(group)
	}
	m.cuts = append(m.cuts, m.e.Seq())
	m.log.addf("%s: %s %s, change %d", why, group, what, m.e.Seq())
}

// insert adds rows that start now, or rows of the newest second there is.
func (m *mover) insert(group string, n int, tied bool) string {
	start := time.Now().UTC().Truncate(time.Second)
	if head := m.head[group]; !head.IsZero() && (tied || start.Before(head)) {
		start = head
	}
	if m.head[group].Equal(start) {
		n = min(n, m.mostIn-m.second[group])
	}
	rows := make([]emulator.Row, max(n, 0))
	for i := range rows {
		rows[i] = m.row(start)
		if m.rng.IntN(3) == 0 {
			m.end(&rows[i], start)
		} else {
			m.doing[group] = append(m.doing[group], rows[i].ID)
		}
		m.placed(group, start)
	}
	m.e.Insert(project, group, rows...)
	return fmt.Sprintf("+%d at %s", len(rows), clock(start))
}

func (m *mover) finish(group string) string {
	now, what := time.Now().UTC().Truncate(time.Second), "ended"
	for range 1 + len(m.doing[group])/20 {
		if id, ok := m.running(group, true); ok {
			m.e.Update(project, group, id, func(r *emulator.Row) { m.end(r, now) })
			m.cuts = append(m.cuts, m.e.Seq())
			what += " " + id
		}
	}
	return what
}

func (m *mover) update(group string) string {
	id, ok := m.running(group, false)
	if !ok {
		return "nothing runs"
	}
	m.e.Update(project, group, id, func(r *emulator.Row) { r.DesireValue++ })
	return "updated " + id
}

func (m *mover) running(group string, take bool) (string, bool) {
	all := m.doing[group]
	if len(all) == 0 {
		return "", false
	}
	i := m.rng.IntN(len(all))
	id := all[i]
	if take {
		m.doing[group] = slices.Delete(all, i, i+1)
	}
	return id, true
}

// expire drops the oldest rows, running ones included, but none that started within the retention.
func (m *mover) expire(group string) string {
	n := 1 + m.rng.IntN(3)
	if m.rng.IntN(8) == 0 {
		n = 10 + m.rng.IntN(50)
	}
	rows := m.e.Rows(project, group)
	old := 0
	for old < n && old < len(rows) && time.Since(rows[len(rows)-1-old].Start) > m.retain {
		old++
	}
	gone := map[string]bool{}
	for _, r := range rows[len(rows)-old:] {
		gone[r.ID] = true
	}
	m.doing[group] = slices.DeleteFunc(m.doing[group], func(id string) bool { return gone[id] })
	return fmt.Sprintf("expired %d", m.e.Expire(project, group, old))
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }
