package pagingtest

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"scalegraph/upstream"
)

// leg draws a direction, a start and sometimes an end, and pages from one to the other.
func (h *history) leg() {
	req := Request{Groups: h.groups, Merged: h.merged, Filter: h.filter, First: -1, Last: -1}
	back := rapid.Bool().Draw(h.T, "backward")
	place := rapid.SampledFrom([]string{"end", "row", "row", "turn", "turn", "offset"}).Draw(h.T, "from")
	l := &leg{history: h}
	switch {
	case place == "turn" && len(h.last.Rows) > 0: // reverse the direction at one end of the last page
		back = !h.back
		l.from = h.startAt(&req, back, h.edge(rapid.Bool().Draw(h.T, "near edge")))
	case place == "row" && len(h.visited) > 0:
		l.from = h.startAt(&req, back, rapid.SampledFrom(h.visited).Draw(h.T, "row"))
	case place == "offset" && !back && !h.merged:
		req.Offset = rapid.IntRange(1, 200).Draw(h.T, "offset")
	}
	if req.Offset == 0 && len(h.visited) > 0 && rapid.IntRange(0, 4).Draw(h.T, "bounded") == 0 {
		l.bound = h.startAt(&req, !back, rapid.SampledFrom(h.visited).Draw(h.T, "bound"))
	}
	h.back, l.back = back, back
	l.walk(req)
}

// startAt sets After or, if back is set, Before to a row's cursor, and returns the row's point.
func (h *history) startAt(req *Request, back bool, row Row) *upstream.FeedPoint {
	if back {
		req.Before = row.Cursor
	} else {
		req.After = row.Cursor
	}
	return &row.Point
}

// edge returns the first or the last row of the last response.
func (h *history) edge(first bool) Row {
	if first {
		return h.last.Rows[0]
	}
	return h.last.Rows[len(h.last.Rows)-1]
}

// walk requests consecutive pages.
func (l *leg) walk(req Request) {
	size := rapid.SampledFrom([]int{0, 1, 2, 5, 20, 50, 97, 98, 99, 100, 101, 250, 500})
	for range rapid.IntRange(1, 6).Draw(l.T, "pages") {
		n := size.Draw(l.T, "size")
		req.First, req.Last = n, -1
		if l.back {
			req.First, req.Last = -1, n
		}
		resp := l.request(req)
		l.page(req, resp)
		if l.over {
			break
		}
		if len(resp.Rows) > 0 {
			req.Offset = 0
			l.startAt(&req, l.back, l.edge(l.back))
		}
		l.pause()
	}
	l.complete()
}

// pause lets some time pass, in which the log may change.
func (h *history) pause() {
	time.Sleep(time.Duration(rapid.SampledFrom([]int{1, 1, 2, 7, 30}).Draw(h.T, "seconds")) * time.Second)
	for range rapid.IntRange(0, 3).Draw(h.T, "changes") {
		h.mu.Lock()
		h.change()
		h.mu.Unlock()
		time.Sleep(time.Second)
	}
}

// A leg is a walk in one direction, page after page.
type leg struct {
	*history
	back  bool
	from  *upstream.FeedPoint  // nil: an end of the log, or an offset
	bound *upstream.FeedPoint  // the row that the leg ends before; nil: it may reach the end of the log
	seen  []upstream.FeedPoint // in the direction of the walk
	asOf  time.Time            // the oldest in a response
	over  bool
	after bool // the first page was requested by offset, so rows before it are not expected
}

func (l *leg) page(req Request, a Response) {
	if l.asOf.IsZero() || a.AsOf.Before(l.asOf) {
		l.asOf = a.AsOf
	}
	points := make([]upstream.FeedPoint, len(a.Rows))
	for i, row := range a.Rows {
		points[i] = row.Point
	}
	l.info(points, req, a)
	if l.back {
		slices.Reverse(points)
	}
	for _, p := range points {
		if last := l.latest(); last != nil && !l.follows(*last, p) {
			l.Fatalf("%v comes after %v, which the walk has passed", p, *last)
		}
		if l.bound != nil && !l.follows(p, *l.bound) {
			l.Fatalf("%v comes after the bound %v", p, *l.bound)
		}
		l.seen = append(l.seen, p)
	}
	l.after = l.after || req.Offset > 0
	more := a.HasNext
	if l.back {
		more = a.HasPrevious
	}
	n := max(req.First, req.Last)
	if more && len(a.Rows) < n && l.bound == nil {
		l.Fatalf("%d rows of %d requested, but the page info has more", len(a.Rows), n)
	}
	if len(a.Rows) > n {
		l.Fatalf("%d rows, requested were %d", len(a.Rows), n)
	}
	l.over = n > 0 && (!more || len(a.Rows) == 0 || l.bound != nil && len(a.Rows) < n)
}

func (l *leg) latest() *upstream.FeedPoint {
	if len(l.seen) > 0 {
		return &l.seen[len(l.seen)-1]
	}
	return l.from
}

// follows reports whether q comes after p in the direction of the walk.
func (l *leg) follows(p, q upstream.FeedPoint) bool {
	if l.back {
		p, q = q, p
	}
	return p.Compare(q) < 0
}

// info checks that the total and the page info were true at one moment between asOf and the response. In a merged feed each group has a
// moment of its own, since no two groups can be read at once. If the log changes between the calls for a page of 100 rows or more, one
// side of the page info may be of another moment.
func (l *leg) info(points []upstream.FeedPoint, req Request, a Response) {
	got := outlook{a.Total, a.HasPrevious, a.HasNext}
	possible := map[outlook]bool{{}: true}
	states := l.since(a.AsOf)
	for n := range l.groups {
		sums := map[outlook]bool{}
		for _, s := range states {
			here := l.around(s.groups[n], points, req)
			for o := range possible {
				sums[outlook{o.total + here.total, o.newer || here.newer, o.older || here.older}] = true
			}
		}
		possible = sums
	}
	ok := possible[got]
	if l.turmoil > 0 && l.calls > 1 && max(req.First, req.Last) >= upstream.MaxLimit {
		ok = apart(got, possible)
	}
	if !ok {
		l.Fatalf("%+v was true at no moment since %v, but %v, after the calls %v", got, a.AsOf, possible, l.latestCalls())
	}
}

// apart reports whether one side was true at some moment, and the other side together with the total at some moment.
func apart(got outlook, possible map[outlook]bool) bool {
	var newer, older, withNewer, withOlder bool
	for o := range possible {
		newer, older = newer || o.newer == got.newer, older || o.older == got.older
		withNewer = withNewer || o.total == got.total && o.newer == got.newer
		withOlder = withOlder || o.total == got.total && o.older == got.older
	}
	return withNewer && older || withOlder && newer
}

// An outlook is the total and the page info of a page.
type outlook struct {
	total        int
	newer, older bool
}

func (l *leg) around(rows, points []upstream.FeedPoint, req Request) outlook {
	o := outlook{total: len(rows)}
	if len(rows) == 0 {
		return o
	}
	newest, oldest := rows[0], rows[len(rows)-1]
	switch p := l.latest(); {
	case len(points) > 0:
		o.newer, o.older = newest.Compare(points[0]) < 0, oldest.Compare(points[len(points)-1]) > 0
	case p != nil && l.back: // just before p
		o.newer, o.older = newest.Compare(*p) < 0, oldest.Compare(*p) >= 0
	case p != nil: // just after p
		o.newer, o.older = newest.Compare(*p) <= 0, oldest.Compare(*p) > 0
	case l.back:
		o.newer = true
	default:
		o.newer, o.older = req.Offset > 0, len(rows) > req.Offset
	}
	return o
}

// complete checks that the leg returned every row in its range that was in the log all the time.
func (l *leg) complete() {
	seen := make(map[upstream.FeedPoint]bool, len(l.seen))
	for _, p := range l.seen {
		seen[p] = true
	}
	states := l.since(l.asOf)
	for n := range l.groups {
		for _, p := range states[0].groups[n] {
			if seen[p] || !l.passed(p) {
				continue
			}
			if !slices.ContainsFunc(states, func(s state) bool { return !s.has(n, p) }) {
				l.Fatalf("the row %v was there from %v to the end of the walk, and was not seen", p, l.asOf)
			}
		}
	}
}

// passed reports whether p is in the range that the leg has read.
func (l *leg) passed(p upstream.FeedPoint) bool {
	switch {
	case l.from != nil && !l.follows(*l.from, p), l.bound != nil && !l.follows(p, *l.bound):
		return false
	case l.after && (len(l.seen) == 0 || p.Compare(l.seen[0]) < 0):
		return false
	case l.over:
		return true
	}
	return len(l.seen) > 0 && !l.follows(l.seen[len(l.seen)-1], p)
}
