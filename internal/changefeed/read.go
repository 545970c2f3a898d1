package changefeed

import (
	"context"
	"fmt"
	"math"

	"golang.org/x/sync/errgroup"

	"scalegraph/upstream"
)

const (
	headRows = 20 // of a poll; one upstream call
	moreRows = 98 // of each further read, where the head does not reach a known row
	maxRows  = 10_000

	lookups = 4 // at once, of rows that were running
)

// Pages answers one page of a group's activity log.
type Pages interface {
	Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error)
}

// reader reads one log.
type reader struct {
	pages Pages
	group upstream.Group
}

func (r reader) page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error) {
	q.Group, q.Sections = r.group, upstream.AllSections
	page, err := r.pages.Page(ctx, q)
	if err == nil && page.Stale {
		err = fmt.Errorf("only a kept copy is there: %w", upstream.ErrUnavailable)
	}
	return page, err
}

// try reads the least that there is, to see whether the credentials in ctx are good.
func (r reader) try(ctx context.Context) error {
	_, err := r.pages.Page(ctx, upstream.PageQuery{Group: r.group, Count: 1})
	return err
}

// first reads what somebody must know who begins now.
func (r reader) first(ctx context.Context) (*snapshot, error) {
	s := newSnapshot()
	enough := func() bool {
		return len(s.rows) > maxSeen || s.covers(s.rows[0].StartTime.Unix()-lookback)
	}
	if err := r.head(ctx, s, enough); err != nil {
		return nil, err
	}
	if s.all {
		return s, nil
	}
	return s, r.running(ctx, s)
}

// refresh reads what is new to each of these positions.
func (r reader) refresh(ctx context.Context, list []*position) (*snapshot, error) {
	floor := int64(math.MaxInt64)
	for _, p := range list {
		floor = min(floor, p.floor)
	}
	s := newSnapshot()
	if err := r.head(ctx, s, func() bool { return s.covers(floor) }); err != nil {
		return nil, err
	}
	return s, r.lookUp(ctx, s, list)
}

// head reads the newest rows until they are enough. A log that goes on for more than maxRows is ErrPlaceNotFound.
func (r reader) head(ctx context.Context, s *snapshot, enough func() bool) error {
	q := upstream.PageQuery{Count: headRows}
	for {
		page, err := r.page(ctx, q)
		if err != nil {
			return err
		}
		s.add(page.Rows)
		s.all = !page.HasOlder
		if s.all || len(s.rows) > 0 && enough() {
			return nil
		}
		if len(page.Rows) == 0 || len(s.rows) > maxRows {
			return fmt.Errorf("no known row among the newest %d: %w", len(s.rows), upstream.ErrPlaceNotFound)
		}
		last := page.Rows[len(page.Rows)-1].Point()
		q = upstream.PageQuery{Count: moreRows, After: &last}
	}
}

// running reads the rows under way wherever they are.
func (r reader) running(ctx context.Context, s *snapshot) error {
	page, err := r.page(ctx, upstream.PageQuery{Count: moreRows, Filter: upstream.Filter{Status: upstream.StatusDoing}})
	if err != nil {
		return err
	}
	for _, row := range page.Rows {
		s.runs[row.LogID] = row
	}
	return nil
}

// lookUp finds the rows that ran when they were seen last and are not in the head: those that still run by one read, the others
// one by one.
func (r reader) lookUp(ctx context.Context, s *snapshot, list []*position) error {
	wanted := s.missing(list)
	if len(wanted) > 1 {
		if err := r.running(ctx, s); err != nil {
			return err
		}
		wanted = s.missing(list)
	}
	rows := make([]*upstream.Activity, len(wanted))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookups)
	for i, id := range wanted {
		g.Go(func() error {
			page, err := r.page(ctx, upstream.PageQuery{Count: 1, Filter: upstream.Filter{LogID: id}})
			if err == nil && len(page.Rows) > 0 {
				rows[i] = page.Rows[0]
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, id := range wanted {
		s.runs[id] = rows[i]
	}
	return nil
}

// missing returns the running rows that s does not tell about.
func (s *snapshot) missing(list []*position) []string {
	var ids []string
	asked := map[string]bool{}
	for _, p := range list {
		for _, r := range p.running {
			if _, told := s.find(r.id); !told && !asked[r.id] {
				asked[r.id] = true
				ids = append(ids, r.id)
			}
		}
	}
	return ids
}
