package paging

import (
	"math"

	"scalegraph/upstream"
)

// bounds are the lower and the upper bound of a boundary. The boundary of a second is the number of rows that start after it.
type bounds struct {
	lo, hi       int
	known        bool  // whether hi is a bound at all
	newer, older bound // the log around rank lo and around rank hi
}

// A bound is one end of bounds.
type bound struct {
	second        int64   // start of the row there
	secondsPerRow float64 // around it
	uniform       bool    // whether rows come evenly around it
	observed      bool    // in a window; otherwise second is extrapolated
}

// bounds returns the bounds of the boundary of second s that follow from all windows. Rows that were inserted or expired between two
// windows widen the bounds of the older ones. If two windows contradict each other the younger one is right.
func (w *walk) bounds(s int64) bounds {
	total, known := w.hints.totalHint()
	b := bounds{hi: total, known: known}
	for n, v := range w.windows {
		b.hi += max(0, v.total-total)
		b.lo = max(0, b.lo+min(0, v.total-total))
		total = v.total
		lo, hi := v.boundary(s)
		if n == 0 || max(lo, b.lo) > min(hi, b.hi) {
			b = bounds{hi: v.total, known: true}
		}
		b.narrow(v, s, lo, hi)
	}
	return b
}

// narrow applies the bounds lo and hi that window v has for second s. The seconds of bounds outside of all windows are extrapolated
// from v.
func (b *bounds) narrow(v *window, s int64, lo, hi int) {
	i := v.firstAtOrBefore(s)
	if lo > b.lo && i > 0 {
		b.newer = bound{v.second(i - 1), v.secondsPerRow(), v.uniform(), true}
	}
	if hi < b.hi && i < len(v.rows) {
		b.older = bound{v.second(i), v.secondsPerRow(), v.uniform(), true}
	}
	b.lo, b.hi = max(b.lo, lo), min(b.hi, hi)
	if !b.newer.observed {
		b.newer = bound{second: v.extrapolate(b.lo)}
	}
	if !b.older.observed {
		b.older = bound{second: v.extrapolate(b.hi)}
	}
}

// probe returns the rank to read next in the search for second s. It interpolates by time if the rows seem evenly distributed.
// Otherwise it bisects, so that a log with bursts and gaps takes a number of calls logarithmic in its length. A search backward looks at the
// oldest rows first, because its client began there.
func (w *walk) probe(s int64, b bounds) int {
	if s > b.newer.second || s < b.older.second || b.newer.second <= b.older.second || !b.uniform() && !w.converging(s, b) {
		if w.q.Last && !b.older.observed && len(w.windows) < 2 {
			return b.hi - upstream.MaxLimit/2
		}
		return (b.lo + b.hi) / 2
	}
	share := float64(b.newer.second-s) / float64(b.newer.second-b.older.second)
	margin := float64(min(maxTies, b.hi-b.lo)) / 2
	at := float64(b.lo) + share*float64(b.hi-b.lo)
	return int(math.Min(math.Max(at, float64(b.lo)+margin), float64(b.hi)-margin))
}

// uniform reports whether the rows at both bounds come as fast as those between them do on average.
func (b bounds) uniform() bool {
	if !b.older.uniform || !b.newer.uniform {
		return false
	}
	average := float64(b.newer.second-b.older.second) / float64(b.hi-b.lo)
	return math.Abs(b.newer.secondsPerRow-average) < average/2 && math.Abs(b.older.secondsPerRow-average) < average/2
}

// converging reports whether to assume one density throughout while no row beyond s was seen: at first, and as long as every
// call comes four times as near as the one before.
func (w *walk) converging(s int64, b bounds) bool {
	if b.older.observed && b.newer.observed {
		return false
	}
	n := len(w.windows)
	return n < 2 || w.windows[n-1].distance(s) <= w.windows[n-2].distance(s)/4
}
