package insights

import (
	"sort"

	"scalegraph/upstream"
)

const (
	// pageRows is how many rows a stream reads at once: with a neighbour on each side they fit into one upstream call.
	pageRows = upstream.MaxLimit - 2
	// minRows is how many rows a stream reads at least.
	minRows = 20
	// longPages is the most pages that a stream reads at once if it is certain that all of their rows are needed.
	longPages = 5
	// aheadPages bounds the pages that all streams together hold because of longPages.
	aheadPages = 40
)

// stream is the log of one group, read page by page from its newest row on.
type stream struct {
	group  upstream.Group
	rows   []*upstream.Activity // read and not yet merged
	last   *upstream.Point      // of the oldest row that was read; nil: none was
	more   bool                 // whether the log may have rows beyond those that were read
	unread int                  // about how many these are; known from the first page on
	err    error                // why the group cannot be read, or not further
}

func (s *stream) add(page upstream.Page) {
	if s.last == nil {
		s.unread = page.Total
	}
	s.more = page.HasOlder && len(page.Rows) > 0
	s.rows = append(s.rows, page.Rows...)
	s.unread = max(0, s.unread-len(page.Rows))
	if n := len(page.Rows); n > 0 {
		last := page.Rows[n-1].Point()
		s.last = &last
	}
}

func (s *stream) next() *upstream.Activity {
	row := s.rows[0]
	s.rows[0] = nil // a row that has been merged need not stay in memory
	s.rows = s.rows[1:]
	if len(s.rows) == 0 {
		s.rows = nil
	}
	return row
}

func (s *stream) ended() bool { return len(s.rows) == 0 && !s.more }

// before returns how many of the stream's rows the merge meets before a place.
func (s *stream) before(at upstream.FeedPoint) int {
	return sort.Search(len(s.rows), func(i int) bool { return pointOf(s.rows[i]).Compare(at) > 0 })
}

func pointOf(a *upstream.Activity) upstream.FeedPoint {
	return upstream.FeedPoint{Second: a.StartTime.Unix(), Group: a.Group, LogID: a.LogID}
}

// openStreams are the streams that have not ended, as a heap: the one with the next row comes first. A stream whose next row is yet to be
// read precedes all others.
type openStreams []*stream

func (o openStreams) Len() int      { return len(o) }
func (o openStreams) Swap(i, j int) { o[i], o[j] = o[j], o[i] }
func (o *openStreams) Push(s any)   { *o = append(*o, s.(*stream)) }

func (o openStreams) Less(i, j int) bool {
	a, b := o[i], o[j]
	if len(a.rows) == 0 || len(b.rows) == 0 {
		return len(a.rows) < len(b.rows)
	}
	return pointOf(a.rows[0]).Compare(pointOf(b.rows[0])) < 0
}

func (o *openStreams) Pop() any {
	last := len(*o) - 1
	s := (*o)[last]
	*o = (*o)[:last]
	return s
}

// running returns the streams whose next page is worth reading now: the one that has run out of rows, and those that are about to, unless
// MaxRows rows are likely to have been merged by then.
func (p *pass) running(out *stream) []*stream {
	streams := []*stream{out}
	for _, s := range p.open {
		if s != out && s.more && len(s.rows) < pageRows/2 && p.rowsUntil(s) <= p.q.MaxRows-p.Count {
			streams = append(streams, s)
		}
	}
	return streams
}

// rowsUntil returns how many of the rows in memory are merged until s has run out of its own.
func (p *pass) rowsUntil(s *stream) int {
	if s.last == nil {
		return 0
	}
	end := upstream.FeedPoint{Second: s.last.Second, Group: s.group, LogID: s.last.LogID}
	n := 0
	for _, other := range p.open {
		n += other.before(end)
	}
	return n
}

// pageSize returns how many rows a stream reads at once: near the end of the pass fewer, about its share of the rows that are left, so that few
// are read in vain. Several pages are read in parallel if none of them can turn out not to be needed,
// and if the budget of calls for the stream allows it: a read that exceeds the budget is lost as a whole.
func (p *pass) pageSize(budget int) int {
	left := p.q.MaxRows - p.Count
	pages := 1
	if len(p.open) == 1 || !p.AsOf.IsZero() && p.rowsLeft() <= left {
		pages = max(1, min(longPages, aheadPages/len(p.open), budget-1)) // rows that lie badly cost one call more
	}
	if pages == 1 && !p.AsOf.IsZero() {
		return min(pageRows, max(minRows, left/len(p.open)), left)
	}
	return min(pages*pageRows, left)
}

// rowsLeft returns how many rows of all logs have not been merged.
func (p *pass) rowsLeft() int {
	n := 0
	for _, s := range p.open {
		n += len(s.rows) + s.unread
	}
	return n
}
