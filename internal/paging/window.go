package paging

import (
	"math"
	"slices"
	"sort"
	"time"

	"scalegraph/upstream"
)

// A window is one response of the source with its rows in our order. It never changes.
//
// It is complete for the seconds from lo to hi and for no others: a second at its edge may continue outside, because the
// upstream's order within one second is unknown. Windows of different ages may therefore be placed side by side if their
// complete seconds meet: a row that matched all the time is then in exactly one of them, even if rows were inserted or have expired.
type window struct {
	rows   []*upstream.Activity // sorted by Point, without the unreadable ones
	places []int                // places[i] is the distance of rows[i] from offset, unreadable rows counted; nil: i
	offset int                  // how many rows of the log come before the window
	size   int                  // rows as the upstream counts them
	total  int
	at     time.Time
	stale  bool
	hi, lo int64 // complete for second s if lo <= s <= hi
}

func newWindow(l upstream.Listing) *window {
	w := &window{rows: l.Rows, offset: l.Offset, size: len(l.Rows), total: l.Total, at: l.At, stale: l.Stale}
	if slices.Contains(l.Rows, nil) {
		w.dropUnreadable()
	}
	if !slices.IsSortedFunc(w.rows, comparePoints) { // the source's rows are shared: sort a copy
		w.rows = slices.Clone(w.rows)
		slices.SortFunc(w.rows, comparePoints)
	}
	w.hi, w.lo = w.bounds()
	return w
}

func comparePoints(a, b *upstream.Activity) int { return a.Point().Compare(b.Point()) }

// dropUnreadable removes unreadable rows and records the distances of the others from offset.
func (w *window) dropUnreadable() {
	all := w.rows
	w.rows, w.places = make([]*upstream.Activity, 0, len(all)), make([]int, 0, len(all))
	for i, row := range all {
		if row != nil {
			w.rows, w.places = append(w.rows, row), append(w.places, i)
		}
	}
}

// place returns the distance of rows[i] from offset.
func (w *window) place(i int) int {
	if w.places == nil {
		return i
	}
	return w.places[i]
}

func (w *window) bounds() (hi, lo int64) {
	hi, lo = math.MaxInt64, math.MinInt64
	if len(w.rows) == 0 && !(w.atHead() && w.atTail()) {
		return lo, hi // the rows of the log are elsewhere: the window is complete for no second
	}
	if !w.atHead() {
		hi = w.second(0) - 1
	}
	if !w.atTail() {
		lo = w.second(len(w.rows)-1) + 1
	}
	return hi, lo
}

// atHead reports whether the window begins at the newest row of the log.
func (w *window) atHead() bool { return w.offset == 0 }

// atTail reports whether the window reaches the oldest row of the log.
func (w *window) atTail() bool { return w.offset+w.size >= w.total }

func (w *window) second(i int) int64 { return w.rows[i].StartTime.Unix() }

// complete reports whether the window has all rows of second s, even if there are none.
func (w *window) complete(s int64) bool { return w.lo <= s && s <= w.hi }

// firstAtOrBefore returns the index of the first row that starts in second s or earlier; len(rows) if there is none.
func (w *window) firstAtOrBefore(s int64) int {
	return sort.Search(len(w.rows), func(i int) bool { return w.second(i) <= s })
}

// upperBound returns the index of the first row that comes after p in the order; len(rows) if there is none.
func (w *window) upperBound(p upstream.Point) int {
	return sort.Search(len(w.rows), func(i int) bool { return w.rows[i].Point().Compare(p) > 0 })
}

// lowerBound returns the index of the first row that does not come before p in the order; len(rows) if there is none.
func (w *window) lowerBound(p upstream.Point) int {
	return sort.Search(len(w.rows), func(i int) bool { return w.rows[i].Point().Compare(p) >= 0 })
}

// rank returns how many rows of the log come before rows[i], or before the end of the window if i is len(rows).
// It is exact if rows[i] begins a second; within a second it is our order's count.
func (w *window) rank(i int) int {
	if i == len(w.rows) {
		return w.offset + w.size
	}
	return w.offset + w.place(i)
}

// boundary returns the bounds of the number of rows that start after second s which follow from the window. A second at its edge is
// assumed to have at most maxTies rows.
func (w *window) boundary(s int64) (lo, hi int) {
	i := w.firstAtOrBefore(s)
	lo, hi = w.rank(i), w.rank(i)
	if i == 0 && !w.atHead() {
		lo = 0
		if n := w.countIn(s); n > 0 {
			lo = max(0, hi-max(0, maxTies-n))
		}
	}
	if i == len(w.rows) && !w.atTail() {
		hi = w.total
		if n := w.countIn(s + 1); n > 0 {
			hi = min(w.total, lo+max(0, maxTies-n))
		}
	}
	return lo, hi
}

// indexAtOffset returns the index of the row with n rows before it. It is false if the window does not have all rows of that
// row's second, unless the log ends before.
func (w *window) indexAtOffset(n int) (int, bool) {
	if n >= w.total {
		return len(w.rows), w.atTail()
	}
	i := sort.Search(len(w.rows), func(i int) bool { return w.place(i) >= n-w.offset })
	return i, n >= w.offset && i < len(w.rows) && w.complete(w.second(i))
}

// rankOf returns how many rows of the log come before row; 0 if the window does not have it. The row's second must be complete.
func (w *window) rankOf(row *upstream.Activity) int {
	i := w.lowerBound(row.Point())
	if i == len(w.rows) || w.rows[i].LogID != row.LogID {
		return 0
	}
	first := w.firstAtOrBefore(row.StartTime.Unix())
	return w.rank(first) + i - first
}

// countIn returns how many of the window's rows start in second s.
func (w *window) countIn(s int64) int { return w.firstAtOrBefore(s-1) - w.firstAtOrBefore(s) }

// distance returns how many seconds lie between s and the nearest row, if all rows are on one side of s; else 0.
func (w *window) distance(s int64) int64 {
	if len(w.rows) == 0 {
		return math.MaxInt64
	}
	return max(w.second(len(w.rows)-1)-s, s-w.second(0), 0)
}

// likelyWithinCall reports whether second s is to be expected within the rows of one call next to the window.
func (w *window) likelyWithinCall(s int64) bool {
	return float64(w.distance(s)) <= upstream.MaxLimit*w.secondsPerRow()
}

// secondsPerRow returns the average distance of two neighbouring rows; 0 if there are fewer than two.
func (w *window) secondsPerRow() float64 {
	n := len(w.rows)
	if n < 2 {
		return 0
	}
	return float64(w.second(0)-w.second(n-1)) / float64(n-1)
}

// uniform reports whether no gap between two rows is longer than a quarter of the window's time.
func (w *window) uniform() bool {
	for i := range len(w.rows) - 1 {
		if 4*(w.second(i)-w.second(i+1)) > w.second(0)-w.second(len(w.rows)-1) {
			return false
		}
	}
	return len(w.rows) > 1
}

// extrapolate returns the start second to expect at an offset if the whole log is as dense as the window; 0 without rows.
func (w *window) extrapolate(offset int) int64 {
	if len(w.rows) == 0 {
		return 0
	}
	return w.second(0) + int64(w.secondsPerRow()*float64(w.offset-offset))
}
