package observer

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"scalegraph/upstream/emulator"
)

// A point is a row's place in the order of the contract: start second descending, then group, then log id.
type point struct {
	second    int64
	group, id string
}

func (p point) compare(q point) int {
	return cmp.Or(cmp.Compare(q.second, p.second), strings.Compare(p.group, q.group), strings.Compare(p.id, q.id))
}

func pointOf(group string, r emulator.Row) point { return point{r.Start.Unix(), group, r.ID} }

// A state is the log of one group at one moment, in the order of the contract.
type state []emulator.Row

// A record knows every state of every log. A move is atomic: the states inside of it were never visible.
type record struct {
	e *emulator.Emulator
	m *mover
}

// states returns the states that a group's log had from since until change number last, oldest first. There is at least one.
func (r record) states(group string, since time.Time, last uint64) []state {
	rows := map[string]emulator.Row{}
	var all []state
	changes := r.e.History()
	for i, end := range r.m.ends() {
		n, _ := slices.BinarySearchFunc(changes, end+1, func(c emulator.Change, seq uint64) int { return cmp.Compare(c.Seq, seq) })
		move := changes[:n]
		changes = changes[n:]
		if end > last {
			break
		}
		if len(move) == 0 {
			continue
		}
		if i > 0 && len(all) == 0 && !move[len(move)-1].At.Before(since) {
			all = append(all, sorted(group, rows))
		}
		touched := false
		for _, c := range move {
			if c.Group == group {
				apply(rows, c)
				touched = true
			}
		}
		if touched && len(all) > 0 {
			all = append(all, sorted(group, rows))
		}
	}
	if len(all) == 0 {
		all = append(all, sorted(group, rows))
	}
	return all
}

// at returns the rows of a group right after change number seq, by id.
func (r record) at(group string, seq uint64) map[string]emulator.Row {
	rows := map[string]emulator.Row{}
	for _, c := range r.e.History() {
		if c.Seq <= seq && c.Group == group {
			apply(rows, c)
		}
	}
	return rows
}

func apply(rows map[string]emulator.Row, c emulator.Change) {
	switch c.Kind {
	case emulator.Inserted, emulator.Updated:
		rows[c.Row.ID] = c.Row
	case emulator.Removed, emulator.Expired:
		delete(rows, c.Row.ID)
	}
}

func sorted(group string, rows map[string]emulator.Row) state {
	s := make(state, 0, len(rows))
	for _, r := range rows {
		s = append(s, r)
	}
	slices.SortFunc(s, func(a, b emulator.Row) int { return pointOf(group, a).compare(pointOf(group, b)) })
	return s
}

// A filter is a ScalingActivityFilter.
type filter struct {
	types      []string // in the spelling of the upstream's documents
	status     string
	start, end time.Time
}

// match returns the rows of s that f lets through. Switches decide what the upstream's documents leave open.
func (f filter) match(s state, sw emulator.Switches) state {
	return slices.DeleteFunc(slices.Clone(s), func(r emulator.Row) bool { return !f.passes(r, sw) })
}

func (f filter) passes(r emulator.Row, sw emulator.Switches) bool {
	if f.status != "" && r.Status != f.status || len(f.types) > 0 && !slices.Contains(f.types, r.Type) {
		return false
	}
	first, last := r.Start, r.End
	switch sw.Window {
	case emulator.WindowStart:
		last = r.Start
	case emulator.WindowEnd:
		first = r.End
	}
	return inside(first, f.start, 1, sw) && inside(last, f.end, -1, sw)
}

// inside reports whether a time lies on the right side of a bound: after a lower one (side 1) or before an upper one (side -1).
func inside(t, bound time.Time, side int, sw emulator.Switches) bool {
	if bound.IsZero() {
		return true
	}
	if t.IsZero() {
		return sw.DoingInWindow == emulator.DoingIn
	}
	switch c := side * cmp.Compare(t.Unix(), bound.Unix()); {
	case c != 0:
		return c > 0
	case side > 0:
		return sw.Bounds != emulator.BoundsExclusive
	default:
		return sw.Bounds == emulator.BoundsInclusive
	}
}
