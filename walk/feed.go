package walk

import (
	"context"
	"slices"
	"sync"
	"time"

	"scalegraph/upstream"
)

// Feed answers one page of several logs merged into one. Each log is read as far as the page needs it, and what is held in
// memory is bounded by the size of the page, however deep the walk is. A group that cannot be read is left out and named;
// where none can be read, the error is the first group's.
func (p *Pages) Feed(ctx context.Context, q upstream.FeedQuery) (upstream.FeedPage, error) {
	f := feed{q: q}
	for _, g := range q.Groups {
		f.streams = append(f.streams, newStream(q, g))
	}
	for hungry := f.streams; len(hungry) > 0; hungry = f.hungry() {
		var wg sync.WaitGroup
		for _, s := range hungry {
			wg.Go(func() { s.read(ctx, p) })
		}
		wg.Wait()
		if ctx.Err() != nil {
			return upstream.FeedPage{}, context.Cause(ctx)
		}
		f.merge()
	}
	return f.page()
}

// A feed is the work on one page of a merged feed.
type feed struct {
	q       upstream.FeedQuery
	streams []*stream
	rows    []*upstream.Activity // merged as far as read, in the direction of the walk
}

// A stream is one group's log, read piece by piece from the place of the feed's cursor on.
type stream struct {
	next  upstream.PageQuery   // what to read next
	rows  []*upstream.Activity // read so far, in the direction of the walk
	first *upstream.Page       // the first piece: its total and its near side speak for the log
	more  bool                 // rows lie beyond those read
	done  bool                 // but not before the far bound
	asOf  time.Time            // the oldest of all pieces
	stale bool                 // any of them
	err   error
}

func newStream(q upstream.FeedQuery, g upstream.Group) *stream {
	return &stream{next: upstream.PageQuery{
		Group: g, Filter: q.Filter, Sections: q.Sections, Last: q.Last,
		After: placeIn(g, q.After), Before: placeIn(g, q.Before),
		Count: min(q.Count, 2*q.Count/len(q.Groups)+2),
	}}
}

// placeIn returns where a place of the feed lies in the log of one of its groups. Inside a second the feed goes group by
// group, so the second is still to come in a later group and is over in an earlier one.
func placeIn(g upstream.Group, p *upstream.FeedPoint) *upstream.Point {
	if p == nil {
		return nil
	}
	switch c := g.Compare(p.Group); {
	case c < 0:
		return &upstream.Point{Second: p.Second - 1}
	case c > 0:
		return &upstream.Point{Second: p.Second}
	}
	return &upstream.Point{Second: p.Second, LogID: p.LogID}
}

// read fetches the next piece. Each piece is twice as long as the one before, so that a group with most of the rows is read
// in few calls.
func (s *stream) read(ctx context.Context, p *Pages) {
	page, err := p.Page(ctx, s.next)
	if err != nil {
		s.err, s.more, s.rows = err, false, nil
		return
	}
	if s.first == nil {
		s.first, s.asOf = &page, page.AsOf
	}
	if page.AsOf.Before(s.asOf) {
		s.asOf = page.AsOf
	}
	s.stale = s.stale || page.Stale
	s.done = len(page.Rows) < s.next.Count
	bound := s.next.Before
	s.more = page.HasOlder
	rows := page.Rows
	if s.next.Last {
		bound, s.more = s.next.After, page.HasNewer
		rows = slices.Clone(rows)
		slices.Reverse(rows)
	}
	if s.done && bound == nil {
		s.more = false // what was there for a moment has expired
	}
	s.rows = append(s.rows, rows...)
	s.turn()
}

// near reports whether rows lie on the side that the walk comes from.
func (s *stream) near() bool {
	if s.next.Last {
		return s.first.HasOlder
	}
	return s.first.HasNewer
}

// turn makes the next piece begin where the last one ended.
func (s *stream) turn() {
	s.next.Count *= 2
	if len(s.rows) == 0 {
		return
	}
	place := s.rows[len(s.rows)-1].Point()
	if s.next.Last {
		s.next.Before = &place
	} else {
		s.next.After = &place
	}
}

func (f *feed) merge() {
	f.rows = f.rows[:0]
	for _, s := range f.streams {
		f.rows = append(f.rows, s.rows...)
	}
	slices.SortFunc(f.rows, f.compare)
}

func feedPoint(a *upstream.Activity) upstream.FeedPoint {
	return upstream.FeedPoint{Second: a.StartTime.Unix(), Group: a.Group, LogID: a.LogID}
}

// hungry returns the streams whose unread rows may belong to the page: all that was read of them is in it.
func (f *feed) hungry() []*stream {
	var out []*stream
	for _, s := range f.streams {
		if s.more && !s.done && f.takes(s) {
			out = append(out, s)
		}
	}
	return out
}

// takes reports whether the page takes the last row that was read of s.
func (f *feed) takes(s *stream) bool {
	if f.q.Count == 0 || len(s.rows) == 0 {
		return false
	}
	if len(f.rows) < f.q.Count {
		return true
	}
	return f.compare(s.rows[len(s.rows)-1], f.rows[f.q.Count-1]) <= 0
}

// compare is negative where the walk meets a before b.
func (f *feed) compare(a, b *upstream.Activity) int {
	if f.q.Last {
		a, b = b, a
	}
	return feedPoint(a).Compare(feedPoint(b))
}

func (f *feed) page() (upstream.FeedPage, error) {
	var out upstream.FeedPage
	rows := slices.Clone(f.rows[:min(f.q.Count, len(f.rows))])
	near, beyond, read := false, len(f.rows) > len(rows), false
	for _, s := range f.streams {
		if s.err != nil {
			out.Unavailable = append(out.Unavailable, upstream.Unavailable{Group: s.next.Group, Err: s.err})
			continue
		}
		if !read || s.asOf.Before(out.AsOf) {
			out.AsOf = s.asOf
		}
		read = true
		out.Stale = out.Stale || s.stale
		out.Total += s.first.Total
		near, beyond = near || s.near(), beyond || s.more
	}
	if !read {
		return out, f.streams[0].err
	}
	out.Rows, out.HasNewer, out.HasOlder = rows, near, beyond
	if f.q.Last {
		slices.Reverse(rows)
		out.HasNewer, out.HasOlder = beyond, near
	}
	return out, nil
}
