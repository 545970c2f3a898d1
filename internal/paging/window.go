package paging

import (
	"math"
	"slices"
	"sort"
	"time"

	"scalegraph/upstream"
)

// A window is one answer of the source with its rows in our order. It never changes.
//
// It is complete for the seconds from lo to hi and for no others: a second at its rim may go on outside, because the
// upstream's order inside one second is unknown. Windows of different ages may therefore be laid side by side wherever
// their complete seconds meet: a row that matched all the time is then in exactly one of them, whatever came or went.
type window struct {
	rows   []*upstream.Activity // sorted by Point, without the unreadable ones
	places []int                // places[i] is rows[i]'s distance from offset, the unreadable ones counted; ties in any order; nil: i
	offset int                  // how many rows of the log come before the window
	size   int                  // rows as the upstream counts them
	total  int
	at     time.Time
	stale  bool
	hi, lo int64 // complete for second s where lo <= s <= hi

	joined bool // complete up to a place only because of what was seen before, see tight.go
}

func newWindow(l upstream.Listing) *window {
	w := &window{rows: l.Rows, offset: l.Offset, size: len(l.Rows), total: l.Total, at: l.At, stale: l.Stale}
	if slices.Contains(l.Rows, nil) {
		w.leaveOut()
	}
	if !slices.IsSortedFunc(w.rows, inOrder) { // as they are where a second has several: the source's rows are shared
		w.rows = slices.Clone(w.rows)
		slices.SortFunc(w.rows, inOrder)
	}
	w.hi, w.lo = w.bounds()
	return w
}

func inOrder(a, b *upstream.Activity) int { return a.Point().Compare(b.Point()) }

// leaveOut keeps the readable rows, and where they were.
func (w *window) leaveOut() {
	all := w.rows
	w.rows, w.places = make([]*upstream.Activity, 0, len(all)), make([]int, 0, len(all))
	for i, row := range all {
		if row != nil {
			w.rows, w.places = append(w.rows, row), append(w.places, i)
		}
	}
}

// place returns rows[i]'s distance from offset.
func (w *window) place(i int) int {
	if w.places == nil {
		return i
	}
	return w.places[i]
}

func (w *window) bounds() (hi, lo int64) {
	hi, lo = math.MaxInt64, math.MinInt64
	if len(w.rows) == 0 && !(w.newest() && w.oldest()) {
		return lo, hi // rows of the log are elsewhere: this window says nothing of any second
	}
	if !w.newest() {
		hi = w.second(0) - 1
	}
	if !w.oldest() {
		lo = w.second(len(w.rows)-1) + 1
	}
	return hi, lo
}

// newest reports whether the window begins at the head of the log, oldest whether it reaches the end.
func (w *window) newest() bool { return w.offset == 0 }
func (w *window) oldest() bool { return w.offset+w.size >= w.total }

func (w *window) second(i int) int64 { return w.rows[i].StartTime.Unix() }

// complete reports whether the window has all rows of second s, be it none.
func (w *window) complete(s int64) bool { return w.lo <= s && s <= w.hi }

// from returns the index of the first row that starts in second s or earlier; len(rows) where there is none.
func (w *window) from(s int64) int {
	return sort.Search(len(w.rows), func(i int) bool { return w.second(i) <= s })
}

// after returns the index of the first row that comes after p in the order; len(rows) where there is none.
func (w *window) after(p upstream.Point) int {
	return sort.Search(len(w.rows), func(i int) bool { return w.rows[i].Point().Compare(p) > 0 })
}

// rank returns how many rows of the log come before rows[i] (or before the end of the window, for len(rows)).
// It is exact where rows[i] begins a second; inside a second it is our order's count.
func (w *window) rank(i int) int {
	if i == len(w.rows) {
		return w.offset + w.size
	}
	return w.offset + w.place(i)
}

// boundary returns the least and the greatest number of rows that can start after second s, as far as the window tells. A
// second at the rim is taken to have no more rows than can be handed out at all.
func (w *window) boundary(s int64) (least, most int) {
	i := w.from(s)
	least, most = w.rank(i), w.rank(i)
	if i == 0 && !w.newest() {
		least = 0
		if n := w.has(s); n > 0 {
			least = max(0, most-max(0, maxTies-n))
		}
	}
	if i == len(w.rows) && !w.oldest() {
		most = w.total
		if n := w.has(s + 1); n > 0 {
			most = min(w.total, least+max(0, maxTies-n))
		}
	}
	return least, most
}

// until returns the index of the first row that does not come before p in the order; len(rows) where there is none.
func (w *window) until(p upstream.Point) int {
	return sort.Search(len(w.rows), func(i int) bool { return w.rows[i].Point().Compare(p) >= 0 })
}

// skip returns the index of the row with n rows before it, and whether the window can tell: it has all rows of that row's
// second, or the log ends before.
func (w *window) skip(n int) (int, bool) {
	if n >= w.total {
		return len(w.rows), w.oldest()
	}
	i := sort.Search(len(w.rows), func(i int) bool { return w.place(i) >= n-w.offset })
	return i, n >= w.offset && i < len(w.rows) && w.complete(w.second(i))
}

// find returns how many rows of the log come before row, whose second must be complete; 0 where the window does not have it.
func (w *window) find(row *upstream.Activity) int {
	i := w.until(row.Point())
	if i == len(w.rows) || w.rows[i].LogID != row.LogID {
		return 0
	}
	first := w.from(row.StartTime.Unix())
	return w.rank(first) + i - first
}

// has returns how many of the window's rows start in second s.
func (w *window) has(s int64) int { return w.from(s-1) - w.from(s) }

// distance returns how many seconds lie between s and the nearest row, for a window that is not around s.
func (w *window) distance(s int64) int64 {
	if len(w.rows) == 0 {
		return math.MaxInt64
	}
	return max(w.second(len(w.rows)-1)-s, s-w.second(0), 0)
}

// near reports whether second s is to be expected within a call's rows of the window.
func (w *window) near(s int64) bool {
	return float64(w.distance(s)) <= upstream.MaxLimit*w.pace()
}

// pace returns how many seconds lie between a row and the next one, on average; 0 where the window cannot tell.
func (w *window) pace() float64 {
	n := len(w.rows)
	if n < 2 {
		return 0
	}
	return float64(w.second(0)-w.second(n-1)) / float64(n-1)
}

// even reports whether the rows come rather evenly: no silence is longer than a quarter of the window.
func (w *window) even() bool {
	for i := range len(w.rows) - 1 {
		if 4*(w.second(i)-w.second(i+1)) > w.second(0)-w.second(len(w.rows)-1) {
			return false
		}
	}
	return len(w.rows) > 1
}

// expected returns the start second to expect at an offset, were the whole log as dense as the window; 0 where it has no rows.
func (w *window) expected(offset int) int64 {
	if len(w.rows) == 0 {
		return 0
	}
	return w.second(0) + int64(w.pace()*float64(w.offset-offset))
}
