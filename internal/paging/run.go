package paging

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
	r.rows = make([]*upstream.Activity, 0, min(w.q.Count, len(v.rows)))
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
		next := w.completeAt(edge, v)
		if next == nil {
			return r, w.seek(edge, w.q.Count-len(r.rows))
		}
		r.windows = append(r.windows, next)
		v, i = next, next.from(edge)
	}
}

// backward takes rows newer than the place; they are turned round at the end.
func (w *walk) backward(r run, v *window, i int) (run, []read) {
	r.rows = make([]*upstream.Activity, 0, min(w.q.Count, len(v.rows)))
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
		next := w.completeAt(edge, v)
		if next == nil {
			return r, w.seek(edge, w.q.Count-len(r.rows))
		}
		r.windows = append(r.windows, next)
		v, i = next, next.from(edge-1)
	}
}

// completeAt returns the youngest window that is complete at second s, to go on from another one; nil where there is none. What
// an older window tells of the seconds above its newest row is no longer so where the log has grown since.
func (w *walk) completeAt(s int64, from *window) *window {
	for _, v := range slices.Backward(w.windows) {
		above := v.newest() && (len(v.rows) == 0 || s > v.second(0))
		if v.complete(s) && !(above && v.at.Before(from.at) && v.total != from.total) {
			return v
		}
	}
	return nil
}

// page tells of the run what the caller asked.
func (r run) page() upstream.Page {
	page := upstream.Page{Rows: r.rows, AsOf: r.windows[0].at}
	for _, v := range r.windows {
		page.Stale = page.Stale || v.stale
		if v.at.Before(page.AsOf) {
			page.AsOf = v.at
		}
	}
	if !r.asOf.IsZero() && r.asOf.Before(page.AsOf) {
		page.AsOf = r.asOf
	}
	r.surroundings(&page)
	return page
}

// surroundings tells the total, and whether rows lie around the run. All of it was true when the window with the oldest row
// was read: what lies behind stands in that window, and what lies before can be counted, because between the rows of a run
// nothing joins or leaves. Only the head's second may grow: a run that begins in it speaks, for all but what lies behind, of
// the moment when that second was read. Those two moments differ only in a page that took several calls.
func (r run) surroundings(page *upstream.Page) {
	if len(r.rows) == 0 {
		v := r.windows[0]
		newer := min(v.rank(r.place), v.total)
		page.Total, page.HasNewer, page.HasOlder = v.total, newer > 0, newer < v.total
		return
	}
	first, last := r.rows[0], r.rows[len(r.rows)-1]
	v := r.complete(last)
	before := v.find(last)
	page.Total, page.HasNewer, page.HasOlder = v.total, before+1 > len(r.rows), before+1 < v.total
	u := r.complete(first)
	top := u.find(first)
	switch {
	case top == 0 && before+1 == len(r.rows): // the whole head of the log, at both moments
	case u.newest() && u.second(0) == first.StartTime.Unix():
		page.Total, page.HasNewer = u.total, top > 0
	case !page.HasNewer && top > 0: // rows joined what was the head's second in the older window
		page.Total, page.HasNewer, page.HasOlder = u.total, true, page.HasOlder && top+len(r.rows) < u.total
	}
}

// oneMoment reports whether the windows with the first and the last row tell the same of the run's surroundings. It does not
// matter how many rows lie before a run that begins below the head's second.
func (r run) oneMoment() bool {
	if len(r.rows) == 0 {
		return true
	}
	first, last := r.rows[0], r.rows[len(r.rows)-1]
	u, v := r.complete(first), r.complete(last)
	top, counted := u.find(first), v.find(last)+1-len(r.rows)
	inHead := u.newest() && u.second(0) == first.StartTime.Unix()
	return u == v || top == counted && u.total == v.total || top > 0 && counted > 0 && !inHead
}

// complete returns the window that gave a row of the run.
func (r run) complete(row *upstream.Activity) *window {
	i := slices.IndexFunc(r.windows, func(v *window) bool { return v.complete(row.StartTime.Unix()) })
	return r.windows[max(0, i)]
}

func (r run) sameTotal() bool {
	for _, v := range r.windows {
		if v.total != r.windows[0].total {
			return false
		}
	}
	return true
}
