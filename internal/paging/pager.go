// Package paging returns pages of a log that grows at its head, over a source that knows only offsets.
//
// A page is assembled from windows: responses of the source, each complete for a range of start seconds. A walk tries to assemble the
// page from its windows, reads the missing ranges and tries again. Offsets are only hints for finding rows. The rows of a page are
// chosen by their start time and log id, so rows that move to other offsets are neither repeated nor skipped.
package paging

import (
	"context"

	"scalegraph/upstream"
)

// Source lists rows by offset. It may return other rows than requested, for instance cached ones, if Offset and Total of the Listing are
// those of the returned rows. It must be safe for concurrent use.
type Source interface {
	List(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error)
}

// A Pager returns pages, counts and merged feeds. It is safe for concurrent use.
type Pager struct {
	source Source
	hints  *hintCache
}

// New returns a Pager over source.
func New(source Source) *Pager {
	return &Pager{source: source, hints: newHintCache()}
}

// Over returns a Pager over another source of the same logs. Both share their hints.
func (p *Pager) Over(source Source) *Pager { return &Pager{source: source, hints: p.hints} }

// Page returns one page. Errors are those of the source; upstream.ErrPositionNotFound if a bounded search did not find the
// place, or did not find a page of one moment; upstream.ErrTooManyTies if the place cannot be found; and
// upstream.ErrBadResponse if the upstream contradicts itself.
func (p *Pager) Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error) {
	return p.newWalk(q).run(ctx)
}

// Count returns how many rows a filter lets through, with one call for the newest row.
func (p *Pager) Count(ctx context.Context, q upstream.CountQuery) (upstream.Count, error) {
	l, err := p.source.List(ctx, upstream.ListQuery{Group: q.Group, Filter: q.Filter, Limit: 1, BypassCache: q.BypassCache})
	if err != nil {
		return upstream.Count{}, err
	}
	p.hints.of(q.Group, q.Filter).observe(q.Filter, newWindow(l))
	return upstream.Count{Total: l.Total, AsOf: l.At, Stale: l.Stale}, nil
}
