package observer

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"scalegraph/internal/changefeed"
	"scalegraph/resolvers/loaders"
	"scalegraph/upstream"
)

// TestPlantedFaults shows that the observer finds faults of the kinds that it is for, each within 50 histories.
func TestPlantedFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("judges up to 150 histories")
	}
	within := 50
	walks := func(t *testing.T, seed uint64, p planted) *trace { return walkHistory(t, seed, leisurely, inBubble(p)) }
	follows := func(t *testing.T, seed uint64, p planted) *trace { return followHistory(t, seed, minutes, inBubble(p)) }
	for name, test := range map[string]struct {
		planted
		history func(t *testing.T, seed uint64, p planted) *trace
	}{
		"off by one at a window's edge": {planted{pages: func(p loaders.Pages) loaders.Pages { return offByOne{p} }}, walks},
		"a group dropped":               {planted{feeds: func(f loaders.Feeds) loaders.Feeds { return dropping{f} }}, walks},
		"a position adopted too early": {planted{polls: func(p changefeed.Pages) changefeed.Pages {
			return &early{Pages: p, copies: map[string]upstream.Page{}}
		}}, follows},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(1); seed <= uint64(within); seed++ {
				log := bubble(t, func(t *testing.T) *trace { return test.history(t, seed, test.planted) })
				if faults := log.wrong(); len(faults) > 0 {
					t.Logf("found in history %d: %s", seed, faults[0])
					return
				}
			}
			t.Errorf("not found in %d histories", within)
		})
	}
}

// offByOne leaves out the first row of a page that goes on in the middle of a second, as a comparison of seconds alone would.
type offByOne struct{ loaders.Pages }

func (o offByOne) Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error) {
	p, err := o.Pages.Page(ctx, q)
	if q.After != nil && len(p.Rows) > 0 && p.Rows[0].StartTime.Unix() == q.After.Second {
		p.Rows = p.Rows[1:]
	}
	return p, err
}

// dropping leaves out one group of a merged feed on all pages but the first, and does not name it as unavailable.
type dropping struct{ loaders.Feeds }

func (d dropping) Feed(ctx context.Context, q upstream.FeedQuery) (upstream.FeedPage, error) {
	if (q.After != nil || q.Before != nil) && len(q.Groups) > 1 {
		q.Groups = q.Groups[1:]
	}
	return d.Feeds.Feed(ctx, q)
}

// early returns the previous page for some polls, as if it had been read now.
type early struct {
	changefeed.Pages

	mu     sync.Mutex
	polls  int
	copies map[string]upstream.Page
}

func (e *early) Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error) {
	key := fmt.Sprintf("%v %+v %v %v %d %d", q.Group, q.Filter, q.After, q.Before, q.Skip, q.Count)
	e.mu.Lock()
	e.polls++
	p, ok := e.copies[key]
	ok = ok && e.polls%4 == 0
	e.mu.Unlock()
	if ok {
		p.AsOf = time.Now()
		return p, nil
	}
	p, err := e.Pages.Page(ctx, q)
	if err == nil {
		e.mu.Lock()
		e.copies[key] = p
		e.mu.Unlock()
	}
	return p, err
}
