// Package executionlog returns pages of the execution logs of policies, merged into one.
//
// An execution log grows at its head and is read by offsets, as an activity log is, so it is paged by the same code: to package paging, an
// execution is a row of its policy's log, and its start time is the time of the execution.
package executionlog

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"scalegraph/internal/paging"
	"scalegraph/upstream"
)

// Source lists a part of the execution log of a policy as the only entry of a snapshot. With bypassCache nothing cached is served.
type Source interface {
	Executions(ctx context.Context, policy upstream.PolicyRef, f upstream.ExecutionFilter, r upstream.Range, bypassCache bool) (upstream.Snapshot[upstream.Items[upstream.Execution]], error)
}

// Logs reads pages of the execution logs of policies, merged into one. It is safe for concurrent use.
type Logs struct {
	source Source
	pages  *paging.Pager
}

// New returns Logs over source.
func New(source Source) *Logs {
	return &Logs{source: source, pages: paging.New(nil)}
}

// Executions returns one page. A policy that is gone is left out; one that cannot be read is in Unavailable. If none can be read, the error is
// that of the first. Other errors are those of paging.Pager.Feed.
func (l *Logs) Executions(ctx context.Context, q upstream.ExecutionQuery) (upstream.ExecutionPage, error) {
	if len(q.Policies) == 0 {
		return upstream.ExecutionPage{AsOf: time.Now()}, nil
	}
	rows := &rows{source: l.source, filter: q.Filter, executions: map[upstream.ExecutionPoint]*upstream.Execution{}}
	feed, err := l.pages.Over(rows).Feed(ctx, feedQuery(q))
	page := upstream.ExecutionPage{
		HasNewer: feed.HasNewer, HasOlder: feed.HasOlder, Total: feed.Total, AsOf: feed.AsOf, Stale: feed.Stale, Unavailable: unavailable(feed),
	}
	switch {
	case err == nil:
	case len(feed.Unavailable) == len(q.Policies) && len(page.Unavailable) == 0: // all policies are gone
		page.AsOf = time.Now()
	case len(page.Unavailable) > 0:
		return page, page.Unavailable[0].Err
	default:
		return page, err
	}
	for _, row := range feed.Rows {
		page.Rows = append(page.Rows, rows.executions[pointOf(row)])
	}
	return page, nil
}

// Execution returns one execution of a policy; nil if there is no such entry. An unknown policy is upstream.ErrNotFound.
func (l *Logs) Execution(ctx context.Context, policy upstream.PolicyRef, logID string) (*upstream.Execution, error) {
	part, err := l.source.Executions(ctx, policy, upstream.ExecutionFilter{LogID: logID}, upstream.Range{Limit: 1}, false)
	if err != nil {
		return nil, err
	}
	for _, e := range part.Entries[0].Entries {
		if e != nil && e.LogID == logID {
			return e, nil
		}
	}
	return nil, nil
}

func unavailable(feed upstream.FeedPage) []upstream.UnavailablePolicy {
	var list []upstream.UnavailablePolicy
	for _, u := range feed.Unavailable {
		if !errors.Is(u.Err, upstream.ErrNotFound) {
			list = append(list, upstream.UnavailablePolicy{Policy: policyOf(u.Group), Err: u.Err})
		}
	}
	return list
}

// logOf names the log of a policy as package paging does.
func logOf(p upstream.PolicyRef) upstream.Group {
	return upstream.Group(p)
}

func policyOf(log upstream.Group) upstream.PolicyRef {
	return upstream.PolicyRef(log)
}

func pointOf(row *upstream.Activity) upstream.ExecutionPoint {
	return upstream.ExecutionPoint{Second: row.StartTime.Unix(), PolicyID: row.Group.ID, LogID: row.LogID}
}

func feedQuery(q upstream.ExecutionQuery) upstream.FeedQuery {
	out := upstream.FeedQuery{Filter: rowFilter(q.Filter), Count: q.Count, Last: q.Last}
	for _, p := range q.Policies {
		out.Groups = append(out.Groups, logOf(p))
	}
	slices.SortFunc(out.Groups, upstream.Group.Compare)
	out.After, out.Before = feedPoint(q.Policies[0], q.After), feedPoint(q.Policies[0], q.Before)
	return out
}

// rowFilter converts a filter of executions to a filter of the log that stands for them. The method rows applies it.
func rowFilter(f upstream.ExecutionFilter) upstream.Filter {
	out := upstream.Filter{StartTime: f.StartTime, EndTime: f.EndTime, LogID: f.LogID}
	if f.Trigger != "" {
		out.Types = []upstream.Type{upstream.Type(f.Trigger)}
	}
	return out
}

// feedPoint converts a position among executions to a position in the merged feed. All policies have the project of sibling. It returns
// nil if p is nil.
func feedPoint(sibling upstream.PolicyRef, p *upstream.ExecutionPoint) *upstream.FeedPoint {
	if p == nil {
		return nil
	}
	sibling.ID = p.PolicyID
	return &upstream.FeedPoint{Second: p.Second, Group: logOf(sibling), LogID: p.LogID}
}

// rows converts the executions that match one filter to rows of activity logs, and records the execution of each row.
type rows struct {
	source Source
	filter upstream.ExecutionFilter

	mu         sync.Mutex
	executions map[upstream.ExecutionPoint]*upstream.Execution
}

func (r *rows) List(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error) {
	part, err := r.source.Executions(ctx, policyOf(q.Group), r.filter, aligned(q.Offset, q.Limit), q.BypassCache)
	if err != nil {
		return upstream.Listing{}, err
	}
	items := part.Entries[0]
	l := upstream.Listing{Rows: make([]*upstream.Activity, len(items.Entries)), Offset: items.Offset, Total: items.Total, At: part.AsOf, Stale: part.Stale}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, e := range items.Entries {
		if e != nil {
			l.Rows[i] = &upstream.Activity{Group: q.Group, LogID: e.LogID, StartTime: e.ExecutedAt}
			r.executions[e.MergedPoint()] = e
		}
	}
	return l, nil
}

// stride is the distance of the parts that are read, which overlap by half, so that equal parts serve pages of different sizes and places.
const stride = upstream.MaxLimit / 2

// aligned returns the part that is read for a range: the largest that a call brings, from a multiple of stride on. A range that no such part
// holds is read as it is.
func aligned(offset, limit int) upstream.Range {
	start := offset - offset%stride
	if offset+limit > start+upstream.MaxLimit {
		return upstream.Range{Offset: offset, Limit: limit}
	}
	return upstream.Range{Offset: start, Limit: upstream.MaxLimit}
}
