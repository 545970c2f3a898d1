package cache

import (
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"

	"scalegraph/upstream"
)

var errResting = fmt.Errorf("failed a moment ago: %w", upstream.ErrUnavailable)

// rests remembers for a moment that a view could not be read, so that kept copies are served without asking a failing
// upstream once for every caller.
type rests struct {
	until *otter.Cache[viewHash, time.Time]
}

// rest is how long a failing upstream is left alone where kept copies stand in.
const rest = time.Second

func newRests() *rests {
	return &rests{otter.Must(&otter.Options[viewHash, time.Time]{MaximumSize: maxGroups})}
}

func (r *rests) failed(v viewHash, err error) {
	if failing(err) {
		r.until.Set(v, time.Now().Add(rest))
	}
}

func (r *rests) well(v viewHash) {
	if _, ok := r.until.GetIfPresent(v); ok {
		r.until.Invalidate(v)
	}
}

// now reports whether the view could not be read a moment ago.
func (r *rests) now(a *asked) bool {
	until, ok := r.until.GetIfPresent(a.view.hash)
	return ok && time.Now().Before(until)
}
