package pagestest

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
	from time.Time
	rows []upstream.FeedPoint // in the order of the feed
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
	g := h.groups[h.rng.IntN(len(h.groups))]
	switch h.rng.IntN(5) {
	case 0:
		h.insert(g, 1+h.rng.IntN(3))
	case 1:
		h.insert(g, []int{1, 30, 120}[h.rng.IntN(3)])
	case 2:
		h.emulator.Expire(project, g.ID, 1+h.rng.IntN(4))
	case 3: // insert and expiry cancel in the total
		n := 1 + h.rng.IntN(3)
		h.insert(g, n)
		h.emulator.Expire(project, g.ID, n)
	case 4: // an old activity ends, which may bring it into the filter or take it out; the oldest row goes at the same time
		h.finish(g)
		if h.rng.IntN(2) == 0 {
			h.emulator.Expire(project, g.ID, 1)
		}
	}
	h.remember()
}

// insert adds n rows at the head, at most maxTies in one second.
func (h *history) insert(g upstream.Group, n int) {
	rows := h.emulator.Rows(project, g.ID)
	start := epoch
	if len(rows) > 0 {
		start = rows[0].Start
	}
	if h.rng.IntN(2) == 0 { // in one second with another group's newest row, or later
		start = h.newest(start)
	}
	kinds, states := append(emulator.Types(), emulator.Normal, emulator.Normal, emulator.Normal, emulator.ManualAdd), []string{"SUCCESS", "SUCCESS", "SUCCESS", "FAIL", "DOING"}
	added := make([]emulator.Row, n)
	ties := slices.IndexFunc(rows, func(r emulator.Row) bool { return r.Start.Before(start) })
	if ties < 0 {
		ties = len(rows)
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

// newest returns the later of start and the start of the newest row of all groups.
func (h *history) newest(start time.Time) time.Time {
	for _, g := range h.groups {
		if rows := h.emulator.Rows(project, g.ID); len(rows) > 0 && rows[0].Start.After(start) {
			start = rows[0].Start
		}
	}
	return start
}

// scramble maps row numbers to ids, so that the ids of one second are not in the order of the rows.
func scramble(n int) int { return (n*7919 + 13) % 1_000_003 }

func (h *history) finish(g upstream.Group) {
	var doing []emulator.Row
	for _, row := range h.emulator.Rows(project, g.ID) {
		if row.Status == emulator.Doing {
			doing = append(doing, row)
		}
	}
	if len(doing) > 0 {
		row := doing[h.rng.IntN(len(doing))]
		status := []string{emulator.Success, emulator.Fail}[h.rng.IntN(2)]
		h.emulator.Finish(project, g.ID, row.ID, status, row.Start.Add(time.Duration(1+h.rng.IntN(900))*time.Second))
	}
}

// remember records the rows that match the filter from now on.
func (h *history) remember() {
	f := emulator.Filter{Start: h.filter.StartTime, End: h.filter.EndTime, Status: string(h.filter.Status)}
	for _, t := range h.filter.Types {
		f.Types = append(f.Types, wire(t))
	}
	s := state{from: time.Now()}
	for _, g := range h.groups {
		h.emulator.Each(project, g.ID, f, func(id string, start time.Time) {
			s.rows = append(s.rows, upstream.FeedPoint{Second: start.Unix(), Group: g, LogID: id})
		})
	}
	slices.SortFunc(s.rows, upstream.FeedPoint.Compare)
	h.states = append(h.states, s)
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
