package pagingtest

import (
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

// A state is the rows that matched the filter between two changes.
type state struct {
	from   time.Time
	groups [][]upstream.FeedPoint // of each group, in the order of the feed
}

// has reports whether a row of the n-th group matched the filter.
func (s state) has(n int, p upstream.FeedPoint) bool {
	_, ok := slices.BinarySearchFunc(s.groups[n], p, upstream.FeedPoint.Compare)
	return ok
}

// delay returns a different delay for each of several concurrent calls, so that a history is deterministic.
func delay(r emulator.Request) time.Duration {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(r.Path + r.RawQuery))
	return time.Duration(1+sum.Sum32()%1_000_000) * time.Nanosecond
}

// disturb changes the log between the calls for one page, with a probability of 1/turmoil.
func (h *history) disturb() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.turmoil > 0 && h.rng.IntN(h.turmoil) == 0 {
		h.change()
	}
}

// change inserts, expires or finishes rows of a random log. The lock is held, except while the log is set up.
func (h *history) change() {
	n := h.rng.IntN(len(h.groups))
	g := h.groups[n]
	switch h.rng.IntN(5) {
	case 0:
		h.insert(g, 1+h.rng.IntN(3))
	case 1:
		h.insert(g, []int{1, 30, 120}[h.rng.IntN(3)])
	case 2:
		h.emulator.Expire(project, g.ID, 1+h.rng.IntN(4))
	case 3: // insert and expiry cancel in the total
		rows := 1 + h.rng.IntN(3)
		h.insert(g, rows)
		h.emulator.Expire(project, g.ID, rows)
	case 4: // an old activity ends, which may bring it into the filter or take it out; the oldest row goes at the same time
		h.finish(g)
		if h.rng.IntN(2) == 0 {
			h.emulator.Expire(project, g.ID, 1)
		}
	}
	h.remember(n)
}

// insert adds n rows at the head, at most maxTies in one second.
func (h *history) insert(g upstream.Group, n int) {
	start := h.newest(g, epoch)
	if h.rng.IntN(2) == 0 { // in one second with another group's newest row, or later
		for _, other := range h.groups {
			start = h.newest(other, start)
		}
	}
	kinds, states := append(emulator.Types(), emulator.Normal, emulator.Normal, emulator.Normal, emulator.ManualAdd), []string{"SUCCESS", "SUCCESS", "SUCCESS", "FAIL", "DOING"}
	added := make([]emulator.Row, n)
	ties := 0
	for _, at := range h.emulator.Each(project, g.ID, emulator.Filter{}) {
		if at.Before(start) {
			break
		}
		ties++
	}
	for i := range added {
		if step := h.steps[h.rng.IntN(len(h.steps))]; step > 0 || ties == maxTies {
			start, ties = start.Add(time.Duration(max(1, step))*time.Second), 0
		}
		ties++
		added[i] = emulator.Row{
			ID: emulator.ID(scramble(h.next)), Type: kinds[h.rng.IntN(len(kinds))], Status: states[h.rng.IntN(len(states))],
			Start: start, End: start.Add(time.Duration(1+h.rng.IntN(300)) * time.Second),
		}
		h.next++
	}
	h.emulator.Insert(project, g.ID, added...)
}

// newest returns the start of a group's newest row, or start if that is later.
func (h *history) newest(g upstream.Group, start time.Time) time.Time {
	for _, newest := range h.emulator.Each(project, g.ID, emulator.Filter{}) {
		if newest.After(start) {
			return newest
		}
		break
	}
	return start
}

// scramble maps row numbers to ids, so that the ids of one second are not in the order of the rows.
func scramble(n int) int { return (n*7919 + 13) % 1_000_003 }

func (h *history) finish(g upstream.Group) {
	// Copies of whole rows would take most of a history's time.
	type row struct {
		id    string
		start time.Time
	}
	var doing []row
	for id, start := range h.emulator.Each(project, g.ID, emulator.Filter{Status: emulator.Doing}) {
		doing = append(doing, row{id, start})
	}
	if len(doing) > 0 {
		row := doing[h.rng.IntN(len(doing))]
		status := []string{emulator.Success, emulator.Fail}[h.rng.IntN(2)]
		h.emulator.Finish(project, g.ID, row.id, status, row.start.Add(time.Duration(1+h.rng.IntN(900))*time.Second))
	}
}

// remember records the rows that match the filter from now on. Only the n-th group has changed.
func (h *history) remember(n int) {
	s := state{from: time.Now(), groups: slices.Clone(h.states[len(h.states)-1].groups)}
	s.groups[n] = h.points(h.groups[n], len(s.groups[n]))
	h.states = append(h.states, s)
}

// points returns the rows of a group that match the filter, probably not many more than about.
func (h *history) points(g upstream.Group, about int) []upstream.FeedPoint {
	f := emulator.Filter{Start: h.filter.StartTime, End: h.filter.EndTime, Status: string(h.filter.Status)}
	for _, t := range h.filter.Types {
		f.Types = append(f.Types, wire(t))
	}
	points := make([]upstream.FeedPoint, 0, about+3)
	for id, start := range h.emulator.Each(project, g.ID, f) {
		points = append(points, upstream.FeedPoint{Second: start.Unix(), Group: g, LogID: id})
	}
	slices.SortFunc(points, upstream.FeedPoint.Compare)
	return points
}

// wire returns the spelling of a type in the emulator's record.
func wire(t upstream.Type) string {
	if rest, ok := strings.CutPrefix(string(t), "MANUAL_"); ok {
		return "MANNUAL_" + rest
	}
	return string(t)
}

// since returns the states from asOf on. Only rows of these states can be in a response with that asOf.
func (h *history) since(asOf time.Time) []state {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.states {
		if i+1 == len(h.states) || !h.states[i+1].from.Before(asOf) {
			return slices.Clone(h.states[i:])
		}
	}
	return nil
}
