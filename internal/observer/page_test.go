package observer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"scalegraph/upstream/emulator"
)

// A request requests one page. first, last and offset are -1 if they are absent, after and before nil.
type request struct {
	groups              []string
	merged              bool
	filter              filter
	first, last, offset int
	after, before       *edge
	form                form
}

// An edge is a row as a client sees it.
type edge struct {
	point
	cursor, status, kind string
	ended                bool
	revision             int
}

// A page is a response. missing are the groups that it names as unavailable.
type page struct {
	edges            []edge
	total            int
	hasNext, hasPrev bool
	asOf             time.Time
	stale            bool
	missing          []string
	arrived          uint64 // number of the last change before it arrived
	took             time.Duration
}

// promised is the largest page whose rows, count and flags hold at one moment.
const promised = 99

// A judge compares responses with a record.
type judge struct {
	record
	sw     emulator.Switches
	broken string // group that the upstream refuses; empty: none

	realTime bool // the history runs in real time
}

// readable returns the groups of a request that the upstream serves.
func (j judge) readable(groups []string) []string {
	return slices.DeleteFunc(slices.Clone(groups), func(g string) bool { return g == j.broken })
}

// page returns what is wrong with a response; empty if nothing is.
func (j judge) page(q request, p page) string {
	if text := j.availability(q, p); text != "" {
		return text
	}
	if !q.backward() && q.first >= 0 && len(p.edges) > q.first || q.last >= 0 && len(p.edges) > q.last {
		return fmt.Sprintf("%d rows are more than requested", len(p.edges))
	}
	for i := 1; i < len(p.edges); i++ {
		if p.edges[i-1].compare(p.edges[i].point) >= 0 {
			return fmt.Sprintf("row %d, %v, does not come after row %d, %v", i, p.edges[i].point, i-1, p.edges[i-1].point)
		}
	}
	var logs [][]state
	for _, g := range j.readable(q.groups) {
		states := j.states(g, p.asOf, p.arrived)
		if text := contents(g, p, states); text != "" {
			return text
		}
		for i, s := range states {
			states[i] = q.filter.match(s, j.sw)
		}
		logs = append(logs, states)
	}
	return j.moment(q, p, logs)
}

func (j judge) availability(q request, p page) string {
	var want []string
	if q.merged && slices.Contains(q.groups, j.broken) {
		want = []string{j.broken}
	}
	switch {
	case p.stale && !(j.realTime && p.took >= time.Second): // a busy machine may delay a call for longer than the second that it is waited for
		return "stale, though the upstream serves"
	case !slices.Equal(p.missing, want):
		return fmt.Sprintf("%d unavailable groups %.60q…, want %v", len(p.missing), p.missing, want)
	}
	return ""
}

// contents checks that each row is as it was at some moment.
func contents(group string, p page, states []state) string {
	seen := map[edge]bool{}
	for _, s := range states {
		for _, r := range s {
			seen[shown(group, r)] = true
		}
	}
	for i, e := range p.edges {
		if e.cursor = ""; e.group == group && !seen[e] {
			return fmt.Sprintf("row %d, %+v, never looked like that since asOf %s", i, e, clock(p.asOf))
		}
	}
	return ""
}

func shown(group string, r emulator.Row) edge {
	return edge{point: pointOf(group, r), status: r.Status, kind: strings.Replace(r.Type, "MANNUAL", "MANUAL", 1), ended: !r.End.IsZero(), revision: r.DesireValue}
}

func (q request) backward() bool { return q.last >= 0 }

// size returns the number of rows that q requests.
func (q request) size() int {
	switch {
	case q.backward():
		return q.last
	case q.first >= 0:
		return q.first
	}
	return 20
}

// A window is the part of the order that a page covers. A nil bound is none.
type window struct {
	newest, oldest       *point
	hasNewest, hasOldest bool // whether the row at the bound belongs to the window
}

// window returns what a page covers. A full page ends at its last row; one that is not full, at the bound of the request.
func (q request) window(p page) window {
	var w window
	if q.after != nil {
		w.newest = &q.after.point
	}
	if q.before != nil {
		w.oldest = &q.before.point
	}
	n := len(p.edges)
	if n == 0 {
		if q.offset > 0 {
			w.newest = &point{second: -1} // all rows are newer
		}
		return w
	}
	full := n == q.size()
	if full && q.backward() || q.offset > 0 {
		w.newest, w.hasNewest = &p.edges[0].point, true
	}
	if full && !q.backward() {
		w.oldest, w.hasOldest = &p.edges[n-1].point, true
	}
	return w
}

// place returns -1 for a point newer than the window, 0 for one inside, 1 for an older one.
func (w window) place(at point) int {
	if w.newest != nil {
		if c := at.compare(*w.newest); c < 0 || c == 0 && !w.hasNewest {
			return -1
		}
	}
	if w.oldest != nil {
		if c := at.compare(*w.oldest); c > 0 || c == 0 && !w.hasOldest {
			return 1
		}
	}
	return 0
}

// A side is what groups contribute to the count and the flags of a page.
type side struct {
	total        int
	newer, older bool // rows beyond the page
}

func (v side) plus(w side) side {
	return side{v.total + w.total, v.newer || w.newer, v.older || w.older}
}

// cut returns what a state has inside of a window, and what it says of the surroundings.
func (w window) cut(group string, s state) (inside []string, v side) {
	v.total = len(s)
	for _, r := range s {
		switch w.place(pointOf(group, r)) {
		case -1:
			v.newer = true
		case 1:
			v.older = true
		default:
			inside = append(inside, r.ID)
		}
	}
	return inside, v
}

// moment checks that a moment of each group exists at which all of the page is true together. Groups are read by calls of their own, so in a
// merged feed each may have a moment of its own.
func (j judge) moment(q request, p page, logs [][]state) string {
	w, sums := q.window(p), map[side]bool{{}: true}
	for i, group := range j.readable(q.groups) {
		sides := map[side]bool{}
		want := p.of(group)
		for _, s := range logs[i] {
			have, v := w.cut(group, s)
			if slices.Equal(have, want) && (q.offset <= 0 || q.skips(have, s)) {
				sides[v] = true
			}
		}
		if len(p.edges) > promised { // the contract: its count and its flags were right at some moment, its rows perhaps at several
			if text := w.throughout(group, want, logs[i]); text != "" {
				return text
			}
			for _, s := range logs[i] {
				_, v := w.cut(group, s)
				sides[v] = true
			}
		}
		if len(sides) == 0 {
			return fmt.Sprintf("its %d rows of %s are right at none of the %d moments since asOf %s: %s",
				len(want), group, len(logs[i]), clock(p.asOf), w.difference(group, want, logs[i]))
		}
		next := map[side]bool{}
		for a := range sums {
			for b := range sides {
				next[a.plus(b)] = true
			}
		}
		sums = next
	}
	if !sums[side{p.total, p.hasPrev, p.hasNext}] {
		return fmt.Sprintf("its %d rows, totalCount %d, hasPreviousPage %v and hasNextPage %v are true together at no moment since asOf %s; possible: %+v",
			len(p.edges), p.total, p.hasPrev, p.hasNext, clock(p.asOf), slices.Collect(maps.Keys(sums)))
	}
	return ""
}

// of returns the log ids of a page's rows of one group, in order.
func (p page) of(group string) (ids []string) {
	for _, e := range p.edges {
		if e.group == group {
			ids = append(ids, e.id)
		}
	}
	return ids
}

// skips reports whether the page that holds have begins at the requested offset of s.
func (q request) skips(have []string, s state) bool {
	if len(have) == 0 {
		return len(s) <= q.offset
	}
	return q.offset < len(s) && s[q.offset].ID == have[0]
}

// throughout judges rows that no upstream call can read at once: those that were there throughout are all shown, and each shown one was there once.
func (w window) throughout(group string, shown []string, states []state) string {
	count := map[string]int{}
	for _, s := range states {
		inside, _ := w.cut(group, s)
		for _, id := range inside {
			count[id]++
		}
	}
	for id, n := range count {
		if n == len(states) && !slices.Contains(shown, id) {
			return fmt.Sprintf("%s of %s was there throughout and is missing", id, group)
		}
	}
	for _, id := range shown {
		if count[id] == 0 {
			return fmt.Sprintf("%s of %s was there at no moment", id, group)
		}
	}
	return ""
}

// difference describes how rows differ from those of the oldest and the newest state.
func (w window) difference(group string, shown []string, states []state) string {
	var b strings.Builder
	for i, name := range map[int]string{0: "oldest", len(states) - 1: "newest"} {
		have, v := w.cut(group, states[i])
		fmt.Fprintf(&b, "%s moment: %d rows, %+v, missing %v, extra %v; ", name, len(have), v, without(have, shown), without(shown, have))
	}
	return b.String()
}

func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(id string) bool { return slices.Contains(b, id) })
}
