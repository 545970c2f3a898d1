package walk

import (
	"math"
	"slices"
	"time"

	"scalegraph/upstream"
)

// A run is an unbroken stretch of rows laid together from windows, the newest first.
type run struct {
	rows    []*upstream.Activity
	windows []*window // those it was laid from, in the order of the walk
	place   int       // index of the place that was asked for in windows[0], for a run without rows
	asOf    time.Time // where it leans on something older than its windows; zero: it does not
}

// assemble lays the page from the windows at hand. Where one is missing it returns what to ask for.
func (w *walk) assemble() (run, []read) {
	first, i := w.begin()
	if first == nil {
		return run{}, w.seekPlace()
	}
	r := run{windows: []*window{first}, place: i}
	if first.joined && !w.q.Filter.Settled() {
		r.asOf = w.marked
	}
	if w.q.Last {
		return w.backward(r, first, i)
	}
	return w.forward(r, first, i)
}

// begin finds the window that is complete around the place the walk starts from, the youngest one where there are several,
// and the place in it: the index of the first row after it (walking backward: one past the last row before it).
func (w *walk) begin() (*window, int) {
	for _, v := range slices.Backward(w.windows) {
		if i, ok := w.placeIn(v); ok {
			return v, i
		}
	}
	return nil, 0
}

func (w *walk) placeIn(v *window) (int, bool) {
	q := w.q
	switch {
	case q.Last && q.Before != nil:
		return v.until(*q.Before), v.complete(q.Before.Second)
	case q.Last:
		return len(v.rows), v.oldest() && v.complete(math.MinInt64)
	case q.After != nil:
		return v.after(*q.After), v.complete(q.After.Second)
	case q.Skip > 0:
		return v.skip(q.Skip)
	}
	return 0, v.newest()
}

// forward takes rows older than the place.
func (w *walk) forward(r run, v *window, i int) (run, []read) {
	for {
		lo := v.lo
		for ; i < len(v.rows) && v.second(i) >= lo; i++ {
			if len(r.rows) == w.q.Count || w.q.Before != nil && v.rows[i].Point().Compare(*w.q.Before) >= 0 {
				return r, nil
			}
			r.rows = append(r.rows, v.rows[i])
		}
		if len(r.rows) == w.q.Count || v.oldest() {
			return r, nil
		}
		edge := lo - 1
		next := w.completeAt(edge)
		if next == nil {
			return r, w.seek(edge, w.q.Count-len(r.rows))
		}
		r.windows = append(r.windows, next)
		v, i = next, next.from(edge)
	}
}

// backward takes rows newer than the place; they are turned round at the end.
func (w *walk) backward(r run, v *window, i int) (run, []read) {
	for {
		for i--; i >= 0 && v.second(i) <= v.hi; i-- {
			if len(r.rows) == w.q.Count || w.q.After != nil && v.rows[i].Point().Compare(*w.q.After) <= 0 {
				slices.Reverse(r.rows)
				return r, nil
			}
			r.rows = append(r.rows, v.rows[i])
		}
		if len(r.rows) == w.q.Count || v.newest() {
			slices.Reverse(r.rows)
			return r, nil
		}
		edge := v.hi + 1
		next := w.completeAt(edge)
		if next == nil {
			return r, w.seek(edge, w.q.Count-len(r.rows))
		}
		r.windows = append(r.windows, next)
		v, i = next, next.from(edge-1)
	}
}

// completeAt returns the youngest window that is complete at second s; nil where there is none.
func (w *walk) completeAt(s int64) *window {
	for _, v := range slices.Backward(w.windows) {
		if v.complete(s) {
			return v
		}
	}
	return nil
}

// page tells of the run what the caller asked. What it says of total and neighbours was true when the youngest of its
// windows was read: between rows of one run nothing joins or leaves, so one row of it that this window has places them all.
func (r run) page() upstream.Page {
	v := r.youngest()
	page := upstream.Page{Rows: r.rows, Total: v.total, AsOf: v.at}
	for _, u := range r.windows {
		page.Stale = page.Stale || u.stale
		if u.at.Before(page.AsOf) {
			page.AsOf = u.at
		}
	}
	if !r.asOf.IsZero() && r.asOf.Before(page.AsOf) {
		page.AsOf = r.asOf
	}
	newer, older := r.around(v)
	page.HasNewer, page.HasOlder = newer > 0, older > 0
	return page
}

// around counts the rows of v's log before and after the run.
func (r run) around(v *window) (newer, older int) {
	if len(r.rows) == 0 {
		newer = min(v.rank(r.place), v.total)
		return newer, v.total - newer
	}
	newer, _ = r.before(v)
	return newer, v.total - newer - len(r.rows)
}

// before counts the rows of v's log before the run, and says whether v can tell: it has some row of it.
func (r run) before(v *window) (int, bool) {
	for j, row := range r.rows {
		if i, ok := v.find(row); ok {
			return i - j, true
		}
	}
	return 0, false
}

// youngest returns, of the windows that can place the run in their log, the one that was read last.
func (r run) youngest() *window {
	best := r.windows[0]
	if len(r.rows) == 0 {
		return best
	}
	_, found := r.before(best)
	for _, v := range r.windows[1:] {
		if _, ok := r.before(v); ok && (!found || v.at.After(best.at)) {
			best, found = v, true
		}
	}
	return best
}

func (r run) sameTotal() bool {
	for _, v := range r.windows {
		if v.total != r.windows[0].total {
			return false
		}
	}
	return true
}
