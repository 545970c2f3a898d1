package changefeed

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"scalegraph/upstream"
)

const (
	headRows = 20 // of a poll; one upstream call
	moreRows = 94 // of each further page, if the head does not reach a known row; one upstream call has room for ties at both ends
	maxRows  = 10_000

	// maxLookups bounds the rows that one read looks up by id. Others are looked up by later reads.
	maxLookups = 32

	// maxRunningPages bounds the pages of rows in progress that one read reads: enough for maxRunning rows.
	maxRunningPages = maxRunning/moreRows + 1

	parallelLookups = 4
)

// Pages returns one page of a group's activity log.
type Pages interface {
	Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error)
}

// Source lists rows by offset, as the upstream does.
type Source interface {
	List(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error)
}

// logReader reads one log.
type logReader struct {
	pages  Pages
	source Source // nil: a log with too many rows in one second cannot be read
	group  upstream.Group
}

// page adds to s when the page was read. The caller adds the rows.
func (r logReader) page(ctx context.Context, s *snapshot, q upstream.PageQuery) (upstream.Page, error) {
	q.Group, q.Sections = r.group, upstream.AllSections
	page, err := r.pages.Page(ctx, q)
	if err == nil && page.Stale {
		err = fmt.Errorf("only a stale page is cached: %w", upstream.ErrUnavailable)
	}
	if err == nil {
		s.read(page.AsOf)
	}
	return page, err
}

// probe makes the smallest read, to see whether the credentials in ctx are accepted.
func (r logReader) probe(ctx context.Context) error {
	_, err := r.pages.Page(ctx, upstream.PageQuery{Group: r.group, Count: 1})
	return err
}

// readInitial reads the rows for the position of a subscriber that begins now.
func (r logReader) readInitial(ctx context.Context) (*snapshot, error) {
	s := newSnapshot()
	enough := func() bool {
		return len(s.rows) > maxSeen || s.covers(s.rows[0].StartTime.Unix()-lookback)
	}
	if err := r.readHead(ctx, s, enough); err != nil {
		return nil, err
	}
	if s.complete {
		return s, nil
	}
	return s, r.readRunning(ctx, s, func() bool { return false })
}

// readChanges reads the changes since each of the positions.
func (r logReader) readChanges(ctx context.Context, list []*position) (*snapshot, error) {
	floor := int64(math.MaxInt64)
	for _, p := range list {
		floor = min(floor, p.floor)
	}
	s := newSnapshot()
	if err := r.readHead(ctx, s, func() bool { return s.covers(floor) }); err != nil {
		return nil, err
	}
	return s, r.readMissing(ctx, s, list)
}

// readHead reads the newest rows until they are enough. It fails with ErrPositionNotFound after maxRows.
func (r logReader) readHead(ctx context.Context, s *snapshot, enough func() bool) error {
	q := upstream.PageQuery{Count: headRows}
	for {
		page, err := r.page(ctx, s, q)
		if crowded(err) && r.source != nil {
			return r.readWindows(ctx, s, enough)
		}
		if err != nil {
			return err
		}
		s.add(page.Rows)
		s.complete = !page.HasOlder
		if s.complete || len(s.rows) > 0 && enough() {
			return nil
		}
		if len(page.Rows) == 0 || len(s.rows) > maxRows {
			return noKnownRow(s)
		}
		last := page.Rows[len(page.Rows)-1].Point()
		q = upstream.PageQuery{Count: moreRows, After: &last}
	}
}

func noKnownRow(s *snapshot) error {
	return fmt.Errorf("no known row among the newest %d: %w", len(s.rows), upstream.ErrPositionNotFound)
}

// readRunning reads the rows in progress in the whole log, newest first, until they are enough, and at most maxRunningPages pages of them.
func (r logReader) readRunning(ctx context.Context, s *snapshot, enough func() bool) error {
	q := upstream.PageQuery{Count: moreRows, Filter: upstream.Filter{Status: upstream.StatusDoing}}
	for range maxRunningPages {
		page, err := r.page(ctx, s, q)
		if crowded(err) {
			return nil // those that a position names are looked up by id
		}
		if err != nil {
			return err
		}
		for _, row := range page.Rows {
			s.running[row.LogID] = row
		}
		if !page.HasOlder || len(page.Rows) == 0 || enough() {
			return nil
		}
		last := page.Rows[len(page.Rows)-1].Point()
		q.After = &last
	}
	return nil
}

// readMissing reads the rows that were in progress when they were read last and are not in the head: those that still are page by page, the
// others one by one, up to maxLookups. If there are more, they are chosen at random, so that later reads find all of them.
func (r logReader) readMissing(ctx context.Context, s *snapshot, list []*position) error {
	ids := s.missingIDs(list)
	if len(ids) > 1 {
		if err := r.readRunning(ctx, s, func() bool { return len(s.missingIDs(list)) <= 1 }); err != nil {
			return err
		}
		ids = s.missingIDs(list)
		rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	}
	ids = ids[:min(len(ids), maxLookups)]
	found := make([]upstream.Page, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelLookups)
	for i, id := range ids {
		g.Go(func() (err error) {
			found[i], err = r.lookUp(ctx, id)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, id := range ids {
		s.read(found[i].AsOf)
		s.running[id] = nil
		if rows := found[i].Rows; len(rows) > 0 {
			s.running[id] = rows[0]
		}
	}
	return nil
}

// lookUp reads one row. An id that the upstream rejects is not its own, so there is no such row; positions come from clients.
func (r logReader) lookUp(ctx context.Context, id string) (upstream.Page, error) {
	page, err := r.page(ctx, newSnapshot(), upstream.PageQuery{Count: 1, Filter: upstream.Filter{LogID: id}})
	if errors.Is(err, upstream.ErrRejected) {
		return upstream.Page{AsOf: time.Now()}, nil
	}
	return page, err
}

// missingIDs returns the ids of the running rows that are not in s.
func (s *snapshot) missingIDs(list []*position) []string {
	var ids []string
	listed := map[string]bool{}
	for _, p := range list {
		for _, r := range p.running {
			if _, found := s.find(r.id); !found && !listed[r.id] {
				listed[r.id] = true
				ids = append(ids, r.id)
			}
		}
	}
	return ids
}
