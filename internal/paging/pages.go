// Package paging answers pages of a log that grows at its head, over a source that knows only offsets.
//
// A page is put together from windows: answers of the source, each complete for a range of start seconds. A walk looks at the
// windows it has, finds what is missing, asks for that, and looks again. Offsets are only ever guesses of where to look: what
// is handed out is decided by the rows themselves, so nothing that slides below the offsets can repeat or skip a row.
package paging

import (
	"context"
	"math/bits"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"scalegraph/upstream"
)

// Source lists rows by offset. It may answer with other rows than asked for (kept ones, say), as long as the Listing says
// which they are.
type Source interface {
	List(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error)
}

// Pages answers pages, counts and merged feeds. It is safe for use by many goroutines.
type Pages struct {
	source Source
	tracks *tracks
}

// New returns Pages over source.
func New(source Source) *Pages {
	return &Pages{source: source, tracks: newTracks()}
}

// Page answers one page. Errors are those of the source, and upstream.ErrPlaceNotFound where a bounded search did not find
// the place, upstream.ErrCrowdedSecond where it cannot be found.
func (p *Pages) Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error) {
	return p.walk(ctx, p.begin(q))
}

func (p *Pages) begin(q upstream.PageQuery) *walk {
	return &walk{q: q, track: p.tracks.of(q.Group, q.Filter), began: time.Now()}
}

// walk goes on until the page is there. The page is then taken from what the walk has read, and a longer one can be asked for.
func (p *Pages) walk(ctx context.Context, w *walk) (upstream.Page, error) {
	for w.calls <= w.budget() {
		r, missing := w.assemble()
		if len(missing) == 0 && w.torn(r) || len(missing) > 0 && (w.stuck(missing) || w.astray()) {
			*w = walk{q: w.q, track: w.track, began: w.began, anew: true}
			continue
		}
		if len(missing) == 0 && w.steady(r) {
			w.track.mark(w.q.Filter, r)
			return r.page(), nil
		}
		if w.crowded() {
			return upstream.Page{}, upstream.ErrCrowdedSecond
		}
		if w.calls += len(missing); len(missing) > 1 {
			w.broadsides++
		}
		if err := w.ask(ctx, p.source, missing); err != nil {
			return upstream.Page{}, err
		}
	}
	return upstream.Page{}, upstream.ErrPlaceNotFound
}

// Count answers how many rows a filter lets through, with a call for the newest row.
func (p *Pages) Count(ctx context.Context, q upstream.CountQuery) (upstream.Count, error) {
	l, err := p.source.List(ctx, upstream.ListQuery{Group: q.Group, Filter: q.Filter, Limit: 1})
	if err != nil {
		return upstream.Count{}, err
	}
	p.tracks.of(q.Group, q.Filter).saw(q.Filter, newWindow(l))
	return upstream.Count{Total: l.Total, AsOf: l.At, Stale: l.Stale}, nil
}

// A walk is the work on one page.
type walk struct {
	q       upstream.PageQuery
	track   *track
	began   time.Time
	anew    bool      // past what is kept, see leans
	windows []*window // as they came
	asked   []read    // so far
	calls   int       // made so far

	broadsides int // how often several were made side by side
	retries    int // how often it began anew, see steady
	guesses    int // how many places it tried from memory, and the last of them
	guessed    int

	joint  string    // log id of the row that a window may begin with, see tight.go; empty: none
	marked time.Time // when that was seen
	tights int       // how often that was tried
}

// A read is a stretch of offsets to ask for, at most upstream.MaxLimit.
type read struct{ offset, limit int }

// budget bounds the calls of one walk: a search by halves, the page itself, and room for a log that moves meanwhile.
func (w *walk) budget() int {
	total, _ := w.total()
	return 32 + 2*bits.Len(uint(total/upstream.MaxLimit)) + 6*(w.q.Count/stride+1)
}

// total returns how many rows the log has, as far as anybody has said.
func (w *walk) total() (n int, known bool) {
	if len(w.windows) > 0 {
		return w.windows[len(w.windows)-1].total, true
	}
	return w.track.lastTotal()
}

// ask fetches all reads at once.
func (w *walk) ask(ctx context.Context, source Source, reads []read) error {
	windows, err := w.read(ctx, source, reads)
	if err != nil {
		return err
	}
	for _, v := range windows {
		w.track.saw(w.q.Filter, v)
		w.windows = append(w.windows, w.join(v))
	}
	return nil
}

func (w *walk) read(ctx context.Context, source Source, reads []read) ([]*window, error) {
	if len(reads) == 1 { // nearly always: needs no goroutine
		v, err := w.readOne(ctx, source, reads[0])
		return []*window{v}, err
	}
	windows := make([]*window, len(reads))
	g, ctx := errgroup.WithContext(ctx)
	for i, r := range reads {
		g.Go(func() (err error) {
			windows[i], err = w.readOne(ctx, source, r)
			return err
		})
	}
	return windows, g.Wait()
}

func (w *walk) readOne(ctx context.Context, source Source, r read) (*window, error) {
	l, err := source.List(ctx, upstream.ListQuery{
		Group: w.q.Group, Filter: w.q.Filter, Offset: r.offset, Limit: r.limit, Sections: w.q.Sections, Anew: w.anew,
	})
	if err != nil {
		return nil, err
	}
	return newWindow(l), nil
}

// stuck reports whether the walk is about to ask again what it asked before, having got kept windows: the source has
// answers of different ages that do not meet, and would give the same ones for ever.
func (w *walk) stuck(missing []read) bool {
	again := slices.ContainsFunc(missing, func(r read) bool { return slices.Contains(w.asked, r) })
	w.asked = append(w.asked, missing...)
	return again && w.leans()
}

// torn reports whether a run lies across kept windows of different ages, so that what it tells of its surroundings would
// belong to different moments.
func (w *walk) torn(r run) bool {
	if !w.leans() {
		return false
	}
	return !r.oneMoment() || !w.q.Filter.Settled() && !r.sameTotal() || w.cutShort(r)
}

// cutShort reports whether a run ends before the page is full though rows are said to follow: the window that shows the end
// of the log is younger than the one with the last row.
func (w *walk) cutShort(r run) bool {
	bound, more := w.q.Before, r.page().HasOlder
	if w.q.Last {
		bound, more = w.q.After, r.page().HasNewer
	}
	return bound == nil && more && len(r.rows) < w.q.Count
}

// astray reports whether half of the calls were made in vain: the source may have answered with other rows than asked for, each
// time too late for a log that moves fast.
func (w *walk) astray() bool { return !w.anew && 2*w.calls > w.budget() }

// leans reports whether the source gave kept windows: read before the walk began, or given twice. A walk that is stuck or torn
// begins anew, past what is kept, with what the upstream says now.
func (w *walk) leans() bool {
	if w.anew {
		return false
	}
	for i, v := range w.windows {
		same := func(u *window) bool { return u.at.Equal(v.at) && u.offset == v.offset }
		if v.at.Before(w.began) || slices.ContainsFunc(w.windows[:i], same) {
			return true
		}
	}
	return false
}

// steady reports whether the totals that a run's windows tell agree. Where rows can join or leave anywhere, a difference
// means that page info and total may have no moment in common: the walk then begins anew, twice at most.
func (w *walk) steady(r run) bool {
	if w.q.Filter.Settled() || w.retries == 2 || 2*w.calls > w.budget() || r.sameTotal() {
		return true
	}
	w.retries++
	w.windows, w.guesses = nil, 0
	return false
}
