package paging

import (
	"math"
	"slices"

	"scalegraph/upstream"
)

// A span is an unbroken sequence of rows assembled from windows, the newest row first.
type span struct {
	rows    []*upstream.Activity
	windows []*window // those that it was assembled from, in the direction of the walk
	start   int       // index of the requested place in windows[0]
	ended   bool      // it reaches the end of the log
	aligned bool      // all windows have the same total, and each begins at the rank at which the previous one ends
}

// assemble builds the page from the current windows. If a window is missing it returns the ranges to read instead.
func (w *walk) assemble() (span, []readRange) {
	first, i := w.locate()
	if first == nil {
		return span{}, w.planStart()
	}
	sp := span{windows: []*window{first}, start: i, aligned: true, rows: make([]*upstream.Activity, 0, min(w.q.Count, len(first.rows)))}
	if w.q.Last {
		return w.backward(sp, first, i)
	}
	return w.forward(sp, first, i)
}

// locate returns the window that is complete around the place that the walk starts from, the youngest one if there are
// several, and the place in it: the index of the first row after it (walking backward: one past the last row before it).
func (w *walk) locate() (*window, int) {
	for _, v := range slices.Backward(w.current()) {
		if i, ok := w.indexIn(v); ok {
			return v, i
		}
	}
	return nil, 0
}

func (w *walk) indexIn(v *window) (int, bool) {
	q := w.q
	switch {
	case q.Last && q.Before != nil:
		return v.lowerBound(*q.Before), v.complete(q.Before.Second)
	case q.Last:
		return len(v.rows), v.atTail() && v.complete(math.MinInt64)
	case q.After != nil:
		return v.upperBound(*q.After), v.complete(q.After.Second)
	case q.Skip > 0:
		return v.indexAtOffset(q.Skip)
	}
	return 0, v.atHead()
}

// forward appends the rows from index i of window v on, newest first. If a window is missing it returns the ranges to read as well.
func (w *walk) forward(sp span, v *window, i int) (span, []readRange) {
	for {
		lo := v.lo
		for ; i < len(v.rows) && v.second(i) >= lo; i++ {
			if len(sp.rows) == w.q.Count || w.q.Before != nil && v.rows[i].Point().Compare(*w.q.Before) >= 0 {
				return sp, nil
			}
			sp.rows = append(sp.rows, v.rows[i])
		}
		if len(sp.rows) == w.q.Count || v.atTail() {
			sp.ended = len(sp.rows) < w.q.Count
			return sp, nil
		}
		edge := lo - 1
		next := w.windowFor(edge, v)
		if next == nil {
			return sp, w.planSecond(edge, w.q.Count-len(sp.rows))
		}
		v, i = sp.extend(v, next, edge), next.firstAtOrBefore(edge)
	}
}

// backward appends the rows before index i of window v, oldest first, and reverses them at the end. If a window is missing it returns the
// ranges to read as well.
func (w *walk) backward(sp span, v *window, i int) (span, []readRange) {
	for {
		for i--; i >= 0 && v.second(i) <= v.hi; i-- {
			if len(sp.rows) == w.q.Count || w.q.After != nil && v.rows[i].Point().Compare(*w.q.After) <= 0 {
				slices.Reverse(sp.rows)
				return sp, nil
			}
			sp.rows = append(sp.rows, v.rows[i])
		}
		if len(sp.rows) == w.q.Count || v.atHead() {
			sp.ended = len(sp.rows) < w.q.Count
			slices.Reverse(sp.rows)
			return sp, nil
		}
		edge := v.hi + 1
		next := w.windowFor(edge, v)
		if next == nil {
			return sp, w.planSecond(edge, w.q.Count-len(sp.rows))
		}
		v, i = sp.extend(v, next, edge-1), next.firstAtOrBefore(edge-1)
	}
}

// extend adds the window that continues the span beyond the boundary of second s, and returns it.
func (sp *span) extend(v, next *window, s int64) *window {
	sp.aligned = sp.aligned && v.total == next.total && v.rank(v.firstAtOrBefore(s)) == next.rank(next.firstAtOrBefore(s))
	sp.windows = append(sp.windows, next)
	return next
}

// windowFor returns the youngest window that is complete at second s, to continue the span that ends with the window from; nil if there
// is none. A window of the head that is older than from does not count for seconds above its newest row if the log has changed since.
func (w *walk) windowFor(s int64, from *window) *window {
	for _, v := range slices.Backward(w.current()) {
		above := v.atHead() && (len(v.rows) == 0 || s > v.second(0))
		if v.complete(s) && !(above && v.at.Before(from.at) && v.total != from.total) {
			return v
		}
	}
	return nil
}
