package paging

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"scalegraph/upstream"
)

// A walk is the work on one page.
type walk struct {
	source      Source
	q           upstream.PageQuery
	hints       *logHints
	started     time.Time
	bypassCache bool        // see usesCached
	windows     []*window   // in the order in which they were read
	attempt     int         // the page is assembled from windows[attempt:]; earlier ones only serve to find offsets
	requested   []readRange // in this attempt
	calls       int         // made so far
	retries     int         // attempts discarded because the log changed between their calls

	parallelRounds int  // how often several calls were made at once
	hintTries      int  // how many reads followed the hints
	lastHint       hint // the latest of them
}

// A readRange is a range of offsets to read, at most upstream.MaxLimit.
type readRange struct {
	offset, limit int
	probe         bool // some of the rows around the middle suffice
}

// probeAt returns the read of a search for a row that is expected at an offset.
func probeAt(offset int) readRange {
	return readRange{max(0, offset-upstream.MaxLimit/2), upstream.MaxLimit, true}
}

func (p *Pager) newWalk(q upstream.PageQuery) *walk {
	return &walk{source: p.source, q: q, hints: p.hints.of(q.Group, q.Filter), started: time.Now()}
}

// run reads until the page is complete and consistent: its rows, Total, HasNewer and HasOlder were true at one moment. The windows stay
// in the walk, so that run can be called again for a longer page.
func (w *walk) run(ctx context.Context) (upstream.Page, error) {
	for w.calls <= w.budget() {
		sp, missing := w.assemble()
		if len(missing) == 0 {
			if page, ok := sp.page(w.q); ok || w.acceptsMoments(sp) {
				w.hints.addEnds(sp)
				return page, nil
			}
			w.retry()
			continue
		}
		if w.looping(missing) || w.overHalf() {
			w.restart()
			continue
		}
		if w.tooManyTies() {
			return upstream.Page{}, upstream.ErrTooManyTies
		}
		if err := w.fetch(ctx, missing); err != nil {
			return upstream.Page{}, err
		}
	}
	return upstream.Page{}, upstream.ErrPositionNotFound
}

// budget bounds the calls of one walk: a binary search, the page itself, and room to read the page again while the log changes between
// any two calls. 32 instead of 64 are too few for a page of 99 rows of a log that gains 120 rows with every call: it is read only by a call
// that happens to begin where the rows are by then.
func (w *walk) budget() int {
	total, _ := w.total()
	return 64 + 2*bits.Len(uint(total/upstream.MaxLimit)) + 6*(w.q.Count/stride+1)
}

// overHalf reports whether half of the budget was spent without success: the source may have returned other rows than
// requested, each time too late for a log that changes fast.
func (w *walk) overHalf() bool { return !w.bypassCache && 2*w.calls > w.budget() }

// total returns how many rows the log has, according to the latest window or the hints.
func (w *walk) total() (n int, known bool) {
	if len(w.windows) > 0 {
		return w.windows[len(w.windows)-1].total, true
	}
	return w.hints.totalHint()
}

// current returns the windows that the page may be assembled from.
func (w *walk) current() []*window { return w.windows[w.attempt:] }

// fetch reads all ranges at once.
func (w *walk) fetch(ctx context.Context, ranges []readRange) error {
	w.calls += len(ranges)
	if len(ranges) > 1 {
		w.parallelRounds++
	}
	windows := make([]*window, len(ranges))
	if len(ranges) == 1 { // the usual case needs no goroutine
		v, err := w.readRange(ctx, ranges[0])
		if err != nil {
			return err
		}
		windows[0] = v
	} else {
		g, ctx := errgroup.WithContext(ctx)
		for i, r := range ranges {
			g.Go(func() (err error) {
				windows[i], err = w.readRange(ctx, r)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	for _, v := range windows {
		if err := w.checkOffset(ctx, v); err != nil {
			return err
		}
		w.hints.observe(w.q.Filter, v)
		w.windows = append(w.windows, v)
	}
	return nil
}

func (w *walk) readRange(ctx context.Context, r readRange) (*window, error) {
	l, err := w.source.List(ctx, upstream.ListQuery{
		Group: w.q.Group, Filter: w.q.Filter, Offset: r.offset, Limit: r.limit, Sections: w.q.Sections, BypassCache: w.bypassCache, Probe: r.probe,
	})
	if err != nil {
		return nil, err
	}
	return newWindow(l), nil
}

// checkOffset returns upstream.ErrBadResponse if v, which does not begin at the head, shows the row that the upstream still
// has at the head: the upstream ignores start_number.
func (w *walk) checkOffset(ctx context.Context, v *window) error {
	if v.at.Before(w.started) || !w.hints.suspect(v) {
		return nil
	}
	w.calls++
	l, err := w.source.List(ctx, upstream.ListQuery{Group: w.q.Group, Filter: w.q.Filter, Limit: 2, BypassCache: true})
	if err != nil {
		return err
	}
	head := newWindow(l)
	w.hints.observe(w.q.Filter, head)
	var now logHints // w.hints may have been read later by another walk, and then does not take this head
	now.observe(w.q.Filter, head)
	if head.total == v.total && now.suspect(v) {
		return fmt.Errorf("the rows at offset %d are those of the head: %w", v.offset, upstream.ErrBadResponse)
	}
	return nil
}

// looping reports whether the walk is about to repeat a read although it has cached windows: the source has windows of different ages
// that do not meet, and would return the same ones again.
func (w *walk) looping(missing []readRange) bool {
	again := slices.ContainsFunc(missing, func(r readRange) bool { return slices.Contains(w.requested, r) })
	w.requested = append(w.requested, missing...)
	return again && w.usesCached()
}

// usesCached reports whether the source returned cached windows: read before the walk began, or returned twice. If cached windows do
// not fit together the walk restarts and bypasses the cache.
func (w *walk) usesCached() bool {
	if w.bypassCache {
		return false
	}
	windows := w.current()
	for i, v := range windows {
		same := func(u *window) bool { return u.at.Equal(v.at) && u.offset == v.offset }
		if v.at.Before(w.started) || slices.ContainsFunc(windows[:i], same) {
			return true
		}
	}
	return false
}

// retry starts a new attempt because the page is inconsistent. It bypasses the cache if windows were cached.
func (w *walk) retry() {
	if w.usesCached() {
		w.restart()
		return
	}
	w.retries++
	w.attempt, w.requested, w.hintTries = len(w.windows), nil, 0
}

// restart starts the walk from the beginning and bypasses the cache.
func (w *walk) restart() {
	*w = walk{source: w.source, q: w.q, hints: w.hints, started: w.started, bypassCache: true}
}

// acceptsMoments reports whether a span may be returned although its Total, HasNewer and HasOlder are of different moments: the page
// is too long for one call, and the log keeps changing.
func (w *walk) acceptsMoments(sp span) bool {
	return w.q.Count >= upstream.MaxLimit && !sp.truncated(w.q) && !w.usesCached() && (w.retries >= maxRetries || 2*w.calls > w.budget())
}
