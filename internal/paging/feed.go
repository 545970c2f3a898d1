package paging

import (
	"context"
	"slices"
	"sync"

	"scalegraph/upstream"
)

// Feed answers one page of several logs merged into one. Each log is read as far as the page needs it, and what is held in
// memory is bounded by the size of the page, however deep the walk is. A group that cannot be read is left out and named;
// where none can be read, the error is the first group's.
func (p *Pages) Feed(ctx context.Context, q upstream.FeedQuery) (upstream.FeedPage, error) {
	f := feed{q: q}
	for _, g := range q.Groups {
		f.streams = append(f.streams, &stream{walk: p.begin(streamQuery(q, g))})
	}
	for hungry := f.streams; len(hungry) > 0; hungry = f.hungry() {
		var wg sync.WaitGroup
		for _, s := range hungry {
			wg.Go(func() { s.page, s.err = p.walk(ctx, s.walk) })
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

// A stream is one group's log, read from the place of the feed's cursor on as far as the page needs it.
type stream struct {
	walk *walk
	page upstream.Page
	err  error
}

func streamQuery(q upstream.FeedQuery, g upstream.Group) upstream.PageQuery {
	return upstream.PageQuery{
		Group: g, Filter: q.Filter, Sections: q.Sections, Last: q.Last,
		After: placeIn(g, q.After), Before: placeIn(g, q.Before),
		Count: min(q.Count, 2*q.Count/len(q.Groups)+2),
	}
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

func (f *feed) merge() {
	f.rows = f.rows[:0]
	for _, s := range f.streams {
		f.rows = append(f.rows, s.page.Rows...)
	}
	slices.SortFunc(f.rows, f.compare)
}

func feedPoint(a *upstream.Activity) upstream.FeedPoint {
	return upstream.FeedPoint{Second: a.StartTime.Unix(), Group: a.Group, LogID: a.LogID}
}

// hungry returns the streams whose unread rows may belong to the page: all that was read of them is in it. They are to read
// three times as much, so that a group with most of the rows is read in few calls.
func (f *feed) hungry() []*stream {
	var out []*stream
	for _, s := range f.streams {
		count := s.walk.q.Count
		if s.err == nil && len(s.page.Rows) == count && count < f.q.Count && f.takes(s) {
			s.walk.q.Count = min(3*count, f.q.Count)
			out = append(out, s)
		}
	}
	return out
}

// sides reports whether rows lie around the feed's page in the group's log. Nothing lies beyond the end that a stream comes from, nor
// beyond the one that it has read to; what its first windows saw there has expired, or come, meanwhile.
func (s *stream) sides() (newer, older bool) {
	q := s.walk.q
	ended := len(s.page.Rows) < q.Count
	newer = s.page.HasNewer && (q.After != nil || q.Last && !ended)
	older = s.page.HasOlder && (q.Before != nil || !q.Last && !ended)
	return newer, older
}

// takes reports whether the page takes the last row that was read of s.
func (f *feed) takes(s *stream) bool {
	if len(f.rows) < f.q.Count {
		return true
	}
	last := s.page.Rows[len(s.page.Rows)-1]
	if f.q.Last {
		last = s.page.Rows[0]
	}
	return f.compare(last, f.rows[f.q.Count-1]) <= 0
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
	out.Rows = slices.Clone(f.rows[:min(f.q.Count, len(f.rows))])
	read, left := false, len(f.rows) > len(out.Rows)
	for _, s := range f.streams {
		if s.err != nil {
			out.Unavailable = append(out.Unavailable, upstream.Unavailable{Group: s.walk.q.Group, Err: s.err})
			continue
		}
		if !read || s.page.AsOf.Before(out.AsOf) {
			out.AsOf = s.page.AsOf
		}
		read = true
		out.Total += s.page.Total
		out.Stale = out.Stale || s.page.Stale
		newer, older := s.sides()
		out.HasNewer, out.HasOlder = out.HasNewer || newer, out.HasOlder || older
	}
	if !read {
		return out, f.streams[0].err
	}
	if f.q.Last {
		slices.Reverse(out.Rows)
		out.HasNewer = out.HasNewer || left
	} else {
		out.HasOlder = out.HasOlder || left
	}
	return out, nil
}
