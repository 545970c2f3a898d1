// Package insights computes figures over the newest rows of several activity logs: failures by cause, a histogram, durations and capacity.
// Each figure is computed row by row, newest first, in memory that grows with groups, buckets and causes but not with rows.
package insights

import (
	"container/heap"
	"context"
	"errors"
	"math"
	"time"

	"golang.org/x/sync/errgroup"

	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// Pages returns pages of one log.
type Pages interface {
	Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error)
}

// Query selects the rows that a pass reads.
type Query struct {
	Groups   []upstream.Group // sorted by Group.Compare, without repeats
	Filter   upstream.Filter
	MaxRows  int // at least 1
	Sections upstream.Sections

	// GroupFault reports whether an error concerns one group, which is then left out. Any other error ends the pass.
	GroupFault func(error) bool
}

// Pass describes the rows that a pass has read.
type Pass struct {
	Count    int
	Complete bool                   // whether these are all rows of the groups that can be read
	Newest   time.Time              // start of the newest row; zero if there are no rows
	Oldest   time.Time              // start of the oldest row; zero if there are no rows
	AsOf     time.Time              // when the oldest page was read from the upstream; zero if no group can be read
	Stale    bool                   // whether the upstream failed and any page came from a cache instead
	Failed   []upstream.Unavailable // the groups that cannot be read, in the order of Query.Groups
}

// Read calls add for the newest rows of all logs merged into one, in the order of upstream.FeedPoint, until MaxRows rows have been added,
// add returns false or the logs end. If the caller's budget of upstream calls ends before, so does the pass, without an error.
//
// A row that starts while the pass runs is added once or not at all.
func Read(ctx context.Context, pages Pages, q Query, add func(*upstream.Activity) bool) (Pass, error) {
	p := &pass{pages: pages, q: q}
	for _, g := range q.Groups {
		p.streams = append(p.streams, &stream{group: g, more: true})
	}
	if err := p.run(ctx, add); err != nil {
		return Pass{}, err
	}
	for _, s := range p.streams {
		if s.err != nil {
			p.Failed = append(p.Failed, upstream.Unavailable{Group: s.group, Err: s.err})
		}
	}
	return p.Pass, nil
}

// pass is a merge of logs under way.
type pass struct {
	Pass

	pages   Pages
	q       Query
	streams []*stream // of all groups
	open    openStreams
	spent   bool // the budget of upstream calls is
}

func (p *pass) run(ctx context.Context, add func(*upstream.Activity) bool) error {
	p.open = append(p.open, p.streams...)
	if err := p.fill(ctx, p.streams); err != nil {
		return err
	}
	for len(p.open) > 0 && p.Count < p.q.MaxRows {
		s := p.open[0]
		if len(s.rows) == 0 {
			if p.spent {
				return nil
			}
			if err := p.fill(ctx, p.running(s)); err != nil {
				return err
			}
			continue
		}
		row := s.next()
		if s.ended() {
			heap.Pop(&p.open)
		} else {
			heap.Fix(&p.open, 0)
		}
		p.count(row)
		if !add(row) {
			return nil
		}
	}
	p.Complete = len(p.open) == 0 && !p.brokeOff()
	return nil
}

func (p *pass) count(row *upstream.Activity) {
	p.Count++
	p.Oldest = row.StartTime
	if p.Newest.IsZero() {
		p.Newest = row.StartTime
	}
}

// brokeOff reports whether a group failed after some of its rows had been read.
func (p *pass) brokeOff() bool {
	for _, s := range p.streams {
		if s.err != nil && s.last != nil {
			return true
		}
	}
	return false
}

// fill reads the next page of each of these streams in parallel.
func (p *pass) fill(ctx context.Context, streams []*stream) error {
	count := p.pageSize(budget(ctx) / len(streams))
	results := make([]upstream.Page, len(streams))
	errs := make([]error, len(streams))
	var reads errgroup.Group
	for i, s := range streams {
		reads.Go(func() error {
			results[i], errs[i] = p.pages.Page(ctx, upstream.PageQuery{
				Group: s.group, Filter: p.q.Filter, After: s.last, Count: count, Sections: p.q.Sections,
			})
			return nil
		})
	}
	_ = reads.Wait() // the errors are those of errs
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for i, s := range streams {
		if err := p.receive(s, results[i], errs[i]); err != nil {
			return err
		}
	}
	p.open = p.open[:0]
	for _, s := range p.streams {
		if !s.ended() {
			p.open = append(p.open, s)
		}
	}
	heap.Init(&p.open)
	if p.spent && p.AsOf.IsZero() {
		return request.ErrTooManyCalls
	}
	return nil
}

// budget returns how many upstream calls the caller may still make.
func budget(ctx context.Context) int {
	c := request.CallerFrom(ctx)
	if c.MaxCalls == 0 {
		return math.MaxInt
	}
	return int(max(0, c.MaxCalls-c.Tally.Calls.Load()))
}

// receive adds a page to the stream that it was read for.
func (p *pass) receive(s *stream, page upstream.Page, err error) error {
	switch {
	case errors.Is(err, request.ErrTooManyCalls):
		p.spent = true
		return nil
	case err != nil && p.q.GroupFault(err):
		s.err, s.more = err, false
		return nil
	case err != nil:
		return err
	}
	if p.AsOf.IsZero() || page.AsOf.Before(p.AsOf) {
		p.AsOf = page.AsOf
	}
	p.Stale = p.Stale || page.Stale
	s.add(page)
	return nil
}
