package paging

import (
	"strings"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"scalegraph/upstream"
)

const (
	maxTracks = 2048 // logs under a filter that are remembered, the most used ones
	maxMarks  = 128  // places remembered in each
)

// tracks remembers, for each log and filter, where rows were seen last. They are hints: a walk without them, or with wrong
// ones, gives the same answers with more calls.
type tracks struct {
	byLog *otter.Cache[trackKey, *track]
}

type trackKey struct {
	group  upstream.Group
	filter string
}

func newTracks() *tracks {
	return &tracks{otter.Must(&otter.Options[trackKey, *track]{MaximumSize: maxTracks})}
}

func (t *tracks) of(g upstream.Group, f upstream.Filter) *track {
	k, _ := t.byLog.ComputeIfAbsent(trackKey{g, f.Key()}, func() (*track, bool) {
		return &track{marks: make(map[int64]mark)}, false
	})
	return k
}

// A track is what is remembered of one log under one filter.
type track struct {
	mu      sync.Mutex
	known   bool // whether total was ever told
	total   int
	at      time.Time // when total was read
	expired int       // rows known to have expired since the first mark
	marks   map[int64]mark
}

// A mark is a second that was seen complete. Places are counted from the oldest end, where inserts at the head change
// nothing, with the expired rows included, so that expiry changes nothing either.
type mark struct {
	older      int    // rows in this second and older ones, and those that had expired by then
	size       int    // rows in this second
	alone      bool   // it has one row, and is not the head's second, which may still grow
	prev, next string // log ids of the rows next to that row, where it is known that they are, see beside
	at         time.Time
}

func (t *track) lastTotal() (n int, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total, t.known
}

// saw takes note of a window's total and, where a marked second turns up elsewhere than expected, of the rows that expired.
func (t *track) saw(f upstream.Filter, v *window) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if v.stale || v.at.Before(t.at) {
		return
	}
	t.known, t.total, t.at = true, v.total, v.at
	if !f.Settled() {
		return
	}
	for i := range v.rows {
		s := v.second(i)
		if m, ok := t.marks[s]; ok && v.complete(s) && v.has(s) == m.size {
			t.expired = m.older - (v.total - v.rank(v.from(s)))
			return
		}
	}
}

// mark remembers the two ends of a run.
func (t *track) mark(f upstream.Filter, r run) {
	if len(r.rows) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, row := range []*upstream.Activity{r.rows[0], r.rows[len(r.rows)-1]} {
		for _, v := range r.windows {
			if s := row.StartTime.Unix(); v.complete(s) && !v.stale {
				t.put(s, v.mark(s, f, t.expired))
				break
			}
		}
	}
}

func (t *track) put(s int64, m mark) {
	if _, ok := t.marks[s]; !ok && len(t.marks) >= maxMarks {
		for old := range t.marks { // any of them: map order is random
			delete(t.marks, old)
			break
		}
	}
	t.marks[s] = m
}

// mark describes second s, which must be complete and not empty.
func (w *window) mark(s int64, f upstream.Filter, expired int) mark {
	i := w.from(s)
	m := mark{older: w.total - w.rank(i) + expired, size: w.has(s), at: w.at}
	if m.alone = m.size == 1 && w.rank(i) > 0; m.alone {
		m.prev, m.next = w.beside(i-1, false), w.beside(i+1, f.Settled())
	}
	return m
}

// beside returns the log id of rows[i] where it is alone in its second, and else nothing. A second at the rim, of which the
// window may have only that row, does for the next row of a log where rows join and leave only at its ends: rows can then
// slide between two answers towards the older end only, away from where the next page begins.
func (w *window) beside(i int, rim bool) string {
	if i < 0 || i >= len(w.rows) || w.has(w.second(i)) > 1 || !rim && !w.complete(w.second(i)) {
		return ""
	}
	return strings.Clone(w.rows[i].LogID) // the row's own is part of a text that would be kept with it
}

// boundary returns how many rows start after second s in a log of so many rows, and whether a mark tells.
func (t *track) boundary(s int64, total int) (int, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m, ok := t.marks[s]; ok {
		return max(0, total-(m.older-t.expired)), true
	}
	if m, ok := t.marks[s+1]; ok {
		return max(0, total-(m.older-t.expired)+m.size), true
	}
	return 0, false
}

func (t *track) marked(s int64) (mark, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, ok := t.marks[s]
	return m, ok
}
