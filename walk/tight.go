package walk

import (
	"time"

	"scalegraph/upstream"
)

// How long the neighbours of a place are believed under a filter where rows join anywhere. The page then says with AsOf that
// it leans on them.
const maxTightAge = 5 * time.Second

// tight fits a page of 98 or 99 rows into one call, which has no room for the rows around the place: the walk that marked the
// place saw which row follows it at once, and where the answer begins with that row, nothing can lie between, see join. It is
// tried once more where the answer to the first try tells that rows came at the head.
func (w *walk) tight(s int64) (read, bool) {
	n := w.q.Count
	total, known := w.total()
	m, ok := w.track.marked(s)
	if !ok || !known || w.tights == 2 || w.tights < len(w.windows) || n+3 <= upstream.MaxLimit || n >= upstream.MaxLimit {
		return read{}, false
	}
	if !w.q.Filter.Settled() && time.Since(m.at) > maxTightAge {
		return read{}, false
	}
	newer, _ := w.track.boundary(s, total)
	w.neighbour, w.marked = m.next, m.at
	r := read{newer + 1, n + 1}
	if w.q.Last {
		w.neighbour = m.prev
		r.offset = max(0, newer-n-1)
		r.limit = newer - r.offset
	}
	if w.neighbour == "" || r.limit <= 0 || w.tights == 1 && w.windows[0].offset == r.offset {
		return read{}, false
	}
	w.tights++
	w.guesses, w.guessed = 1, newer
	if w.q.Last {
		w.guessed += m.size
	}
	return r, true
}

// join makes a window complete up to the place where it begins (walking backward: ends) with the row that is known to
// follow the place at once, and where that row is alone in its second.
func (w *walk) join(v *window) *window {
	n := len(v.rows)
	if w.neighbour == "" || n < 2 {
		return v
	}
	joined := *v
	joined.joined = true
	if w.q.Last && v.rows[n-1].LogID == w.neighbour && v.second(n-2) > v.second(n-1) {
		joined.lo, joined.next = w.q.Before.Second, w.q.Before.LogID
		return &joined
	}
	if !w.q.Last && v.rows[0].LogID == w.neighbour && v.second(0) > v.second(1) {
		joined.hi, joined.prev = w.q.After.Second, w.q.After.LogID
		return &joined
	}
	return v
}
