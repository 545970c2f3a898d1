package paging

import (
	"strings"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"scalegraph/upstream"
)

const (
	maxHintedLogs = 2048 // logs under a filter with hints, the most used ones
	maxAnchors    = 128  // anchors of each
)

// hintCache caches the hints of each log and filter. Hints only save calls: a walk returns the same pages without hints or with wrong
// ones.
type hintCache struct {
	byLog *otter.Cache[hintKey, *logHints]
}

type hintKey struct {
	group  upstream.Group
	filter string
}

func newHintCache() *hintCache {
	return &hintCache{otter.Must(&otter.Options[hintKey, *logHints]{MaximumSize: maxHintedLogs})}
}

func (c *hintCache) of(g upstream.Group, f upstream.Filter) *logHints {
	h, _ := c.byLog.ComputeIfAbsent(hintKey{g, f.Key()}, func() (*logHints, bool) {
		return &logHints{anchors: make(map[int64]anchor)}, false
	})
	return h
}

// logHints holds the last known length of a log under one filter, and the ranks of some seconds. It is safe for concurrent use.
type logHints struct {
	mu         sync.Mutex
	totalKnown bool
	total      int
	readAt     time.Time // when total was read
	expired    int       // rows known to have expired since the first anchor
	anchors    map[int64]anchor

	headID        string  // log id of the newest row when it was last read; empty: unknown
	headUnique    bool    // whether no other row of that second was there
	secondsPerRow float64 // in the latest window with at least two seconds; 0: unknown
}

// An anchor is the rank of a second that was complete in a window. Ranks are counted from the oldest row, expired rows
// included, so that neither inserts at the head nor expiry change them.
type anchor struct {
	rankFromTail int // rows in this second and older ones, plus those that had expired by then
	size         int // rows in this second
}

func (h *logHints) totalHint() (n int, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.total, h.totalKnown
}

// observe stores a window's total. If an anchored second has moved in the window, it also stores how many rows have expired.
func (h *logHints) observe(f upstream.Filter, v *window) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if v.stale || v.at.Before(h.readAt) {
		return
	}
	h.totalKnown, h.total, h.readAt = true, v.total, v.at
	h.observeHead(v)
	if pace := v.secondsPerRow(); pace > 0 {
		h.secondsPerRow = pace
	}
	if !f.AppendOnly() {
		return
	}
	for i := range v.rows {
		s := v.second(i)
		if a, ok := h.anchors[s]; ok && v.complete(s) && v.countIn(s) == a.size {
			h.expired = a.rankFromTail - (v.total - v.rank(v.firstAtOrBefore(s)))
			return
		}
	}
}

func (h *logHints) observeHead(v *window) {
	if !v.atHead() || len(v.rows) == 0 {
		return
	}
	if h.headID != v.rows[0].LogID {
		h.headID = strings.Clone(v.rows[0].LogID) // the row's own id would keep the text of the whole row
		h.headUnique = false
	}
	switch s := v.second(0); {
	case v.countIn(s) > 1:
		h.headUnique = false
	case v.complete(s):
		h.headUnique = true
	}
}

// suspect reports whether v does not begin at the head of the log and yet begins with the row that was last seen there.
func (h *logHints) suspect(v *window) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return v.offset > 0 && len(v.rows) > 0 && v.rows[0].LogID == h.headID && (h.headUnique || v.offset >= maxTies)
}

// addEnds adds the two ends of a span as anchors.
func (h *logHints) addEnds(sp span) {
	if len(sp.rows) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, row := range []*upstream.Activity{sp.rows[0], sp.rows[len(sp.rows)-1]} {
		s := row.StartTime.Unix()
		if v := sp.windowOf(row); v.complete(s) && !v.stale {
			h.add(s, anchor{rankFromTail: v.total - v.rank(v.firstAtOrBefore(s)) + h.expired, size: v.countIn(s)})
		}
	}
}

func (h *logHints) add(s int64, a anchor) {
	if _, ok := h.anchors[s]; !ok && len(h.anchors) >= maxAnchors {
		for old := range h.anchors { // any of them: map order is random
			delete(h.anchors, old)
			break
		}
	}
	h.anchors[s] = a
}

// A hint is an estimate of a second's boundary from the anchors next to it. The boundary is between lo and hi unless rows have
// expired since the anchors were read.
type hint struct {
	lo, hi           int     // without an anchor on that side: 0 and the total
	newer, older     int64   // seconds of the two anchors
	loKnown, hiKnown bool    // whether there are such anchors
	secondsPerRow    float64 // 0: unknown
}

func (h hint) known() bool { return h.loKnown || h.hiKnown }
func (h hint) exact() bool { return h.known() && h.lo == h.hi }

// boundary returns the hint for the boundary of second s in a log of total rows.
func (h *logHints) boundary(s int64, total int) hint {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := hint{hi: total, secondsPerRow: h.secondsPerRow}
	for at, a := range h.anchors {
		after := min(max(0, total-(a.rankFromTail-h.expired)), total) // rows that start after the anchor's second
		switch {
		case at <= s && (!out.hiKnown || at > out.older):
			out.hi, out.older, out.hiKnown = after, at, true
		case at > s && (!out.loKnown || at < out.newer):
			out.lo, out.newer, out.loKnown = min(after+a.size, total), at, true
		}
	}
	switch {
	case out.hiKnown && out.older == s: // the anchor is the second itself
		out.lo = out.hi
	case out.loKnown && out.newer == s+1: // no second lies between the anchor and s
		out.hi = out.lo
	}
	out.hi = max(out.lo, out.hi)
	return out
}
