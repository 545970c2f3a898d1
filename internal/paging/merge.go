package paging

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// Feed returns one page of several logs merged into one. Each log is read as far as the page needs it, and memory is bounded by
// the size of the page, however deep it lies. The places in q name a group that need not be among q.Groups, so the set of
// groups may change from page to page.
//
// A group that cannot be read is reported in Unavailable. If none can be read, Feed returns the error of the first group. Errors that
// do not concern a single group fail the page: the end of ctx, ErrTooManyCalls, and errors that are not in groupFaults.
func (p *Pager) Feed(ctx context.Context, q upstream.FeedQuery) (upstream.FeedPage, error) {
	m := merge{q: q}
	for _, g := range q.Groups {
		m.streams = append(m.streams, &stream{walk: p.newWalk(groupQuery(q, g))})
	}
	for incomplete := m.streams; len(incomplete) > 0; incomplete = m.incomplete() {
		if err := readAll(ctx, incomplete); err != nil {
			return upstream.FeedPage{}, err
		}
		m.mergeRows()
	}
	return m.page()
}

// maxStreams is how many groups of one feed are read at once. It exceeds a caller's share of the upstream slots by default, so that the share
// is used up, but leaves so few calls in the queue that none of them waits too long for a slot: a healthy group would be unavailable.
const maxStreams = 32

// readAll reads the pages of all streams, maxStreams at once.
func readAll(ctx context.Context, streams []*stream) error {
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(maxStreams)
	for _, s := range streams {
		g.Go(func() error {
			s.page, s.err = s.walk.run(each)
			if s.err != nil && !groupFault(s.err) {
				return s.err
			}
			return nil
		})
	}
	err := g.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// groupFaults are the errors that concern one group or its region, so that the other groups can still be read.
var groupFaults = []error{
	upstream.ErrUnauthenticated, upstream.ErrForbidden, request.ErrProjectForbidden, upstream.ErrNotFound, upstream.ErrRateLimited,
	upstream.ErrRejected, upstream.ErrTimeout, upstream.ErrUnavailable, upstream.ErrBadResponse, upstream.ErrPositionNotFound,
}

func groupFault(err error) bool {
	return slices.ContainsFunc(groupFaults, func(fault error) bool { return errors.Is(err, fault) })
}

// A merge is the work on one page of a merged feed.
type merge struct {
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

func groupQuery(q upstream.FeedQuery, g upstream.Group) upstream.PageQuery {
	return upstream.PageQuery{
		Group: g, Filter: q.Filter, Sections: q.Sections, Last: q.Last,
		After: pointInGroup(g, q.After), Before: pointInGroup(g, q.Before),
		Count: min(q.Count, 2*q.Count/len(q.Groups)+2),
	}
}

// pointInGroup converts a position in the feed to a position in the log of a group; nil if p is nil. Within a second the feed is
// sorted by group, so all rows of that second come before p in earlier groups and after p in later ones.
func pointInGroup(g upstream.Group, p *upstream.FeedPoint) *upstream.Point {
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

func (m *merge) mergeRows() {
	m.rows = m.rows[:0]
	for _, s := range m.streams {
		m.rows = append(m.rows, s.page.Rows...)
	}
	slices.SortFunc(m.rows, m.compare)
}

func feedPoint(a *upstream.Activity) upstream.FeedPoint {
	return upstream.FeedPoint{Second: a.StartTime.Unix(), Group: a.Group, LogID: a.LogID}
}

// incomplete returns the streams with unread rows that may belong to the page, because all their rows so far do. It triples their
// count, so that a group with most of the rows is read in few calls.
func (m *merge) incomplete() []*stream {
	var out []*stream
	for _, s := range m.streams {
		count := s.walk.q.Count
		if s.err == nil && len(s.page.Rows) == count && count < m.q.Count && m.reaches(s) {
			s.walk.q.Count = min(3*count, m.q.Count)
			out = append(out, s)
		}
	}
	return out
}

// reaches reports whether the page includes the last row that was read of s.
func (m *merge) reaches(s *stream) bool {
	if len(m.rows) < m.q.Count {
		return true
	}
	last := s.page.Rows[len(s.page.Rows)-1]
	if m.q.Last {
		last = s.page.Rows[0]
	}
	return m.compare(last, m.rows[m.q.Count-1]) <= 0
}

// hasMore reports whether rows are around the feed's page in the group's log. There are none beyond the end that the stream
// comes from, nor beyond the one that it has read to: those that its first windows saw there have expired, or came, meanwhile.
func (s *stream) hasMore() (newer, older bool) {
	q := s.walk.q
	ended := len(s.page.Rows) < q.Count
	newer = s.page.HasNewer && (q.After != nil || q.Last && !ended)
	older = s.page.HasOlder && (q.Before != nil || !q.Last && !ended)
	return newer, older
}

// compare is negative if the walk meets a before b.
func (m *merge) compare(a, b *upstream.Activity) int {
	if m.q.Last {
		a, b = b, a
	}
	return feedPoint(a).Compare(feedPoint(b))
}

func (m *merge) page() (upstream.FeedPage, error) {
	var out upstream.FeedPage
	out.Rows = slices.Clone(m.rows[:min(m.q.Count, len(m.rows))])
	read, left := false, len(m.rows) > len(out.Rows)
	for _, s := range m.streams {
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
		newer, older := s.hasMore()
		out.HasNewer, out.HasOlder = out.HasNewer || newer, out.HasOlder || older
	}
	if !read && len(m.streams) > 0 {
		return out, m.streams[0].err
	}
	if m.q.Last {
		slices.Reverse(out.Rows)
		out.HasNewer = out.HasNewer || left
	} else {
		out.HasOlder = out.HasOlder || left
	}
	return out, nil
}
