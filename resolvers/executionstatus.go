package resolvers

import (
	"context"
	"fmt"
	"slices"

	"scalegraph/internal/apierr"
	"scalegraph/resolvers/selection"
	"scalegraph/upstream"
)

const (
	// maxFiltered is the most executions that are read for one page to filter them by status.
	maxFiltered = 5000
	// firstFiltered is how many executions are read at first; each further read doubles that, up to maxRows.
	firstFiltered = 98
)

// executionPage returns the page of a window. With a status filter, which the upstream does not have, the page may be short: reached is then the
// execution at which the search ended, from which the next page goes on; otherwise it is nil.
func (r *Resolver) executionPage(ctx context.Context, q upstream.ExecutionQuery, w executionWindow) (page upstream.ExecutionPage, reached *upstream.Execution, err error) {
	switch {
	case w.status == nil:
		page, err = r.load.Executions(ctx, q)
		return page, nil, err
	case selection.Names(ctx, "ScalingPolicyExecutionConnection")["totalCount"]:
		page, err = r.countedPage(ctx, q, w)
		return page, nil, err
	}
	s := statusSearch{read: r.load.Executions, status: *w.status, left: maxFiltered}
	return s.page(ctx, q)
}

// statusSearch reads merged logs from one place on in one direction and retains the executions with one status.
type statusSearch struct {
	read   func(context.Context, upstream.ExecutionQuery) (upstream.ExecutionPage, error)
	status upstream.ExecutionStatus
	left   int // executions that may still be read

	out  upstream.ExecutionPage
	more bool // whether there are more matching executions, or may be
}

// page returns at most q.Count matching executions. A page that lies beyond a cursor has neighbours on its other side.
func (s *statusSearch) page(ctx context.Context, q upstream.ExecutionQuery) (upstream.ExecutionPage, *upstream.Execution, error) {
	reached, err := s.search(ctx, q)
	if err != nil {
		return s.out, nil, err
	}
	s.out.HasOlder, s.out.HasNewer = s.more || q.Before != nil, q.After != nil
	if q.Last {
		slices.Reverse(s.out.Rows)
		s.out.HasOlder, s.out.HasNewer = q.Before != nil, s.more || q.After != nil
	}
	return s.out, reached, nil
}

// search fills s.out.Rows, in the order of reading. If it ends because it may read no more, it returns the last execution that it has read.
func (s *statusSearch) search(ctx context.Context, q upstream.ExecutionQuery) (reached *upstream.Execution, err error) {
	wanted := q.Count
	for size := max(firstFiltered, wanted+1); s.left > 0; size *= 2 {
		q.Count = min(size, maxRows, s.left)
		page, err := s.read(ctx, q)
		if err != nil {
			return nil, err
		}
		s.note(page)
		rows, further := page.Rows, page.HasOlder
		if q.Last {
			rows, further = slices.Clone(rows), page.HasNewer
			slices.Reverse(rows)
		}
		for _, e := range rows {
			if e.Status != s.status {
				continue
			}
			if s.more = len(s.out.Rows) == wanted; s.more {
				return nil, nil
			}
			s.out.Rows = append(s.out.Rows, e)
		}
		if !further || len(rows) == 0 {
			return nil, nil
		}
		s.left -= len(rows)
		reached = rows[len(rows)-1]
		q = beyond(q, reached)
	}
	s.more = true
	return reached, nil
}

// beyond returns the query for the executions after e in the direction of q.
func beyond(q upstream.ExecutionQuery, e *upstream.Execution) upstream.ExecutionQuery {
	at := e.MergedPoint()
	if q.Last {
		q.Before = &at
	} else {
		q.After = &at
	}
	return q
}

// note merges the age and the failures of one read into the page.
func (s *statusSearch) note(page upstream.ExecutionPage) {
	s.out.Stale, s.out.Unavailable = s.out.Stale || page.Stale, page.Unavailable
	if s.out.AsOf.IsZero() || page.AsOf.Before(s.out.AsOf) {
		s.out.AsOf = page.AsOf
	}
}

// countedPage reads whole logs, because the executions with one status can be counted in no other way.
func (r *Resolver) countedPage(ctx context.Context, q upstream.ExecutionQuery, w executionWindow) (upstream.ExecutionPage, error) {
	whole := upstream.ExecutionQuery{Policies: q.Policies, Filter: q.Filter, Count: maxRows}
	s := statusSearch{}
	var matching []*upstream.Execution
	for more := true; more; {
		page, err := r.load.Executions(ctx, whole)
		if err != nil {
			return page, err
		}
		if page.Total > maxFiltered {
			return page, &Error{Code: apierr.TooComplex, Message: fmt.Sprintf("There are %d executions; at most %d are read to count those with one status. "+
				"Give a period or a trigger as well, or do not select `totalCount`.", page.Total, maxFiltered)}
		}
		s.note(page)
		for _, e := range page.Rows {
			if e.Status == *w.status {
				matching = append(matching, e)
			}
		}
		if more = page.HasOlder && len(page.Rows) > 0; more {
			whole = beyond(whole, page.Rows[len(page.Rows)-1])
		}
	}
	all := sortedList(matching, func(*upstream.Execution) bool { return true }, executionPosition)
	entries, info := pageOf(all, w.listWindow)
	for _, entry := range entries {
		s.out.Rows = append(s.out.Rows, entry.value)
	}
	s.out.HasNewer, s.out.HasOlder, s.out.Total = info.HasPreviousPage, info.HasNextPage, len(all)
	return s.out, nil
}
