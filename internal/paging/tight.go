package paging

import (
	"time"

	"scalegraph/upstream"
)

// How long the neighbourhood of a place is believed under a filter where rows join anywhere. The page then says with AsOf
// that it leans on what was seen before.
const maxTightAge = 5 * time.Second

// tight fits a page of 98 or 99 rows into one call, which has no room for all the rows around the place. It leans on what was
// seen when the place was marked: that its row is alone in its second, and, for 99 rows, which row is next to it. Where the
// answer begins (walking backward: ends) with that joint, nothing can lie between, see join. It is tried once more where the
// first answer tells that rows came at the head.
func (w *walk) tight(s int64) (read, bool) {
	total, known := w.total()
	m, ok := w.track.marked(s)
	if !ok || !known || !m.alone || w.tights == 2 || w.tights != len(w.windows) {
		return read{}, false
	}
	if !w.q.Filter.Settled() && time.Since(m.at) > maxTightAge {
		return read{}, false
	}
	newer, _ := w.track.boundary(s, total)
	r, joint := w.jointRead(m, newer)
	if joint == "" || r.limit <= 0 || w.tights == 1 && w.windows[0].offset == r.offset {
		return read{}, false
	}
	w.joint, w.marked = joint, m.at
	w.tights++
	w.guesses, w.guessed = 1, newer
	if w.q.Last {
		w.guessed++
	}
	return r, true
}

// jointRead says which row to begin or end with, empty where none is known, and what to ask for.
func (w *walk) jointRead(m mark, newer int) (r read, joint string) {
	switch n := w.q.Count; {
	case n == upstream.MaxLimit-2 && w.q.Last:
		from := max(0, newer-n-1)
		return read{from, newer + 1 - from}, w.q.Before.LogID
	case n == upstream.MaxLimit-2:
		return read{newer, n + 2}, w.q.After.LogID
	case n == upstream.MaxLimit-1 && w.q.Last:
		from := max(0, newer-n-1)
		return read{from, newer - from}, m.prev
	case n == upstream.MaxLimit-1:
		return read{newer + 1, n + 1}, m.next
	}
	return read{}, ""
}

// join makes a window complete up to the place where it begins (walking backward: ends) with the joint, alone in its second.
func (w *walk) join(v *window) *window {
	n := len(v.rows)
	if w.joint == "" || n < 2 {
		return v
	}
	joined := *v
	joined.joined = true
	if w.q.Last && v.rows[n-1].LogID == w.joint && v.second(n-2) > v.second(n-1) {
		joined.lo = w.q.Before.Second
		return &joined
	}
	if !w.q.Last && v.rows[0].LogID == w.joint && v.second(0) > v.second(1) {
		joined.hi = w.q.After.Second
		return &joined
	}
	return v
}
