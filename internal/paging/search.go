package paging

import (
	"math"

	"scalegraph/upstream"
)

const (
	// A second with all its rows fits one call only if a row of each neighbouring second fits, too.
	maxTies = upstream.MaxLimit - 2

	// After so many rounds of parallel reads, and after so many reads that may be shorter than a whole call, a walk makes one
	// whole call after the other.
	maxParallelRounds = 3
	maxPartialReads   = 6

	// So often a page that belongs to no moment is begun again if it takes several calls anyway.
	maxRetries = 2

	// Neighbouring reads share two rows, so that a second with one row is complete in one of them.
	stride = upstream.MaxLimit - 2

	// So many rows more than needed are read, if they fit the call: rows that share a second with the last one seldom cost
	// a further call then.
	spareRows = 3
)

// planStart returns the ranges to read to find the position that the walk starts from.
func (w *walk) planStart() []readRange {
	q := w.q
	total, known := w.total()
	switch {
	case q.Last && q.Before == nil && known:
		n := q.Count + 1
		return w.splitRange(total-n-spareFor(n), total, total)
	case q.Last && q.Before == nil, !q.Last && q.After == nil && q.Skip == 0:
		n := q.Count + 1
		return w.splitRange(0, n+spareFor(n), 0)
	case q.Last:
		return w.planSecond(q.Before.Second, q.Count)
	case q.After == nil:
		return w.planOffset()
	}
	return w.planSecond(q.After.Second, q.Count)
}

// planOffset finds the row with Skip rows before it: by its offset, then by its second if that began before the offset.
func (w *walk) planOffset() []readRange {
	if windows := w.current(); len(windows) > 0 {
		v := windows[len(windows)-1]
		i, _ := v.indexAtOffset(w.q.Skip)
		if w.q.Skip >= v.offset && i < len(v.rows) {
			return w.planSecond(v.second(i), w.q.Count)
		}
	}
	return w.splitRange(w.q.Skip-1, w.q.Skip+w.q.Count+1, w.q.Skip-1)
}

// planSecond returns the ranges to read to get a window that is complete at second s, together with the next rows that the page needs
// beyond s.
func (w *walk) planSecond(s int64, more int) []readRange {
	b := w.bounds(w.boundarySecond(s))
	if b.known && b.lo == b.hi {
		return w.readAtBoundary(b.lo, more)
	}
	if ranges := w.planByHint(w.boundarySecond(s), b, more); ranges != nil {
		return ranges
	}
	switch {
	case len(w.windows) == 0 && !b.known:
		return []readRange{{offset: 0, limit: upstream.MaxLimit}}
	case b.hi-b.lo < maxTies && w.q.Last:
		return []readRange{{offset: max(0, b.hi+1-upstream.MaxLimit), limit: upstream.MaxLimit}}
	case b.hi-b.lo < maxTies:
		return []readRange{{offset: max(0, b.lo-1), limit: upstream.MaxLimit}}
	}
	return []readRange{probeAt(w.probe(s, b))}
}

// boundarySecond returns the second that has its boundary at the start of the rows of s or, walking backward, at their end.
func (w *walk) boundarySecond(s int64) int64 {
	if w.q.Last {
		return s - 1
	}
	return s
}

// rangeAround returns the range of offsets that holds a boundary between lo and hi, one row beyond it, the rows wanted, one
// more of the place's own second and one to show that the last second is complete.
func (w *walk) rangeAround(lo, hi, more int) (from, to int) {
	if w.q.Last {
		return lo - more - 2, hi + 1
	}
	return lo - 1, hi + more + 2
}

// readAtBoundary returns the ranges to read beyond a boundary with a known offset. If the walk has already read there without success,
// the second has more rows than expected, and the result is one call of the maximum size.
func (w *walk) readAtBoundary(boundary, more int) []readRange {
	from, to := w.rangeAround(boundary, boundary, more)
	total, _ := w.total()
	for _, v := range w.current() {
		if !w.q.Last && v.offset == max(0, from) || w.q.Last && v.offset+v.size == min(to, total) {
			from, _ = w.rangeAround(boundary, boundary, upstream.MaxLimit-3)
			return []readRange{{offset: max(0, from), limit: upstream.MaxLimit}}
		}
	}
	return w.splitRange(from, to, boundary)
}

// splitRange splits a range of offsets into overlapping reads. If the length of the log is unknown it returns only the read that
// contains place, since its response will contain the length. In a log that changes faster than it is read, it returns one whole call.
func (w *walk) splitRange(from, to, place int) []readRange {
	total, known := w.total()
	from = max(0, from)
	if w.retries > 0 && to-from <= upstream.MaxLimit || w.parallelRounds >= maxParallelRounds || len(w.windows) >= maxPartialReads {
		return w.fullRead(from, to)
	}
	if known {
		to = min(to, max(total, from+upstream.MaxLimit))
	}
	var ranges []readRange
	for ; ; from += stride {
		r := readRange{offset: from, limit: min(upstream.MaxLimit, max(1, to-from))}
		end := from+r.limit >= to
		if known || end || place < from+r.limit-1 {
			ranges = append(ranges, r)
		}
		if end || len(ranges) > 0 && !known {
			return ranges
		}
	}
}

// spareFor returns how many rows to read in addition to n, so that they fit one call.
func spareFor(n int) int { return max(0, min(spareRows, upstream.MaxLimit-n)) }

// fullRead is one whole call at the near end of a range. It leaves room for rows that come meanwhile; every other one also
// begins before that end, because rows may leave as well.
func (w *walk) fullRead(from, to int) []readRange {
	room := upstream.MaxLimit / 4
	if fits := upstream.MaxLimit - (to - from); fits >= 0 {
		room = fits / 4
	}
	room *= len(w.windows) % 2
	if w.q.Last {
		return []readRange{{offset: max(0, to-upstream.MaxLimit+room), limit: upstream.MaxLimit}}
	}
	return []readRange{{offset: max(0, from-room), limit: upstream.MaxLimit}}
}

// tooManyTies reports whether the latest window has a second with more than maxTies rows, which no call is guaranteed to return completely.
func (w *walk) tooManyTies() bool {
	windows := w.current()
	if len(windows) == 0 {
		return false
	}
	v := windows[len(windows)-1]
	for i := 0; i < len(v.rows); i += max(1, v.countIn(v.second(i))) {
		if v.countIn(v.second(i)) > maxTies && !v.complete(v.second(i)) {
			return true
		}
	}
	return false
}

// planByHint returns the ranges to read at the hinted boundary of second s, within the bounds b; nil if the hints do not help. It uses
// the hints a second time if they have changed, because the first response showed new rows at the head, or if that response came so near
// to s that few rows can have expired.
func (w *walk) planByHint(s int64, b bounds, more int) []readRange {
	total, known := w.total()
	if !known || w.hintTries == 2 {
		return nil
	}
	h := w.hints.boundary(s, total)
	if !h.known() || !h.exact() && b.hi-b.lo < maxTies { // the windows are more precise than the anchors
		return nil
	}
	if w.hintTries > 0 && h.lo == w.lastHint.lo && h.hi == w.lastHint.hi && !w.windows[len(w.windows)-1].likelyWithinCall(s) {
		return nil
	}
	w.hintTries, w.lastHint = w.hintTries+1, h
	h = h.narrowed(s)
	h.lo, h.hi = max(b.lo, min(h.lo, b.hi)), max(b.lo, min(h.hi, b.hi))
	from, to := w.rangeAround(h.lo, h.hi, min(more, upstream.MaxLimit/2))
	if h.exact() || to-from <= upstream.MaxLimit {
		from, to = w.rangeAround(h.lo, h.hi, more)
		return w.splitRange(from, to, h.lo)
	}
	return []readRange{probeAt((h.lo + h.hi) / 2)}
}

// narrowed returns h with narrower bounds, estimated from the density of rows between two anchors or next to one.
func (h hint) narrowed(s int64) hint {
	const margin = 2 // rows
	switch {
	case h.hi-h.lo <= upstream.MaxLimit/2:
		return h
	case h.loKnown && h.hiKnown:
		share := float64(h.newer-s) / float64(h.newer-h.older)
		at := h.lo + int(share*float64(h.hi-h.lo))
		h.lo, h.hi = max(h.lo, at-upstream.MaxLimit/4), min(h.hi, at+upstream.MaxLimit/4)
	case h.loKnown:
		h.hi = min(h.hi, h.lo+2*h.rowsIn(h.newer-s)+margin)
	default:
		h.lo = max(h.lo, h.hi-2*h.rowsIn(s-h.older)-margin)
	}
	return h
}

// rowsIn returns how many rows to expect in some seconds.
func (h hint) rowsIn(seconds int64) int {
	if h.secondsPerRow == 0 {
		return upstream.MaxLimit / 4
	}
	return int(math.Min(float64(seconds)/h.secondsPerRow, math.MaxInt32))
}
