package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// flights lets many callers wait for one fetch. A fetch is detached from the caller that caused it: it ends when it is done,
// when its own time is over, or when flights is closed.
type flights struct {
	timeout time.Duration
	ctx     context.Context
	stop    context.CancelFunc
	wg      sync.WaitGroup

	mu     sync.Mutex
	byKey  map[flightKey]*flight
	closed bool
}

// flightKey says whose fetches are the same.
type flightKey struct {
	view     viewHash
	part     part
	offset   int
	limit    int
	sections upstream.Sections // that it brings
	who      credential        // of a caller whose right is not known: its own call must decide. Zero: of all who have the right
	past     bool              // reads past what is kept
}

type flight struct {
	owner *request.Caller
	what  flightKey
	done  chan struct{} // closed when out is there
	out   outcome
}

// outcome is what a fetch brought.
type outcome struct {
	want    want
	piece   *piece // nil where the answer has no place among what is kept
	track   *track
	listing upstream.Listing // as it came
	err     error
}

func newFlights(timeout time.Duration) *flights {
	ctx, stop := context.WithCancel(context.Background())
	return &flights{timeout: timeout, ctx: ctx, stop: stop, byKey: map[flightKey]*flight{}}
}

// close ends all fetches and waits for them.
func (f *flights) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.stop()
	f.wg.Wait()
}

var errClosed = fmt.Errorf("the cache is closed: %w", upstream.ErrUnavailable)

// board returns the flight under key, and whether somebody else had started it. The fetch gets a context with the values of
// ctx and with a deadline of its own, and a function that lets the waiting go on before the fetch is over.
func (f *flights) board(ctx context.Context, key flightKey, fetch func(ctx context.Context, land func(outcome))) (*flight, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if under, ok := f.byKey[key]; ok {
		return under, true
	}
	fl := &flight{owner: request.CallerFrom(ctx), what: key, done: make(chan struct{})}
	if f.closed {
		fl.out.err = errClosed
		close(fl.done)
		return fl, false
	}
	f.byKey[key] = fl
	f.wg.Go(func() { f.fly(detached{f.ctx, ctx}, fl, fetch) })
	return fl, false
}

func (f *flights) fly(ctx context.Context, fl *flight, fetch func(context.Context, func(outcome))) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	var once sync.Once
	land := func(out outcome) {
		once.Do(func() {
			f.mu.Lock()
			delete(f.byKey, fl.what)
			f.mu.Unlock()
			fl.out = out
			close(fl.done)
		})
	}
	defer land(outcome{err: errClosed}) // where fetch did not
	fetch(ctx, func(out outcome) {
		if ctx.Err() != nil && errors.Is(out.err, ctx.Err()) {
			out.err = fmt.Errorf("%w: %s", upstream.ErrTimeout, out.err.Error())
		}
		land(out)
	})
}

// detached has the end of one context and the values of another.
type detached struct {
	context.Context

	values context.Context
}

// Value asks the first context first: contexts that are made of this one find there what ends them, and need no goroutine to watch it.
func (d detached) Value(key any) any {
	if v := d.Context.Value(key); v != nil {
		return v
	}
	return d.values.Value(key)
}

// errSlow ends the wait for a hanging upstream where a kept copy is at hand.
var errSlow = fmt.Errorf("no answer yet: %w", upstream.ErrTimeout)

// wait returns when the flight is over; before, with errSlow where patience runs out, and with an error where ctx ends.
func (fl *flight) wait(ctx context.Context, patience <-chan time.Time) error {
	select {
	case <-fl.done:
		return fl.out.err
	default:
	}
	select {
	case <-fl.done:
		return fl.out.err
	case <-patience:
		return errSlow
	case <-ctx.Done():
		return ctx.Err()
	}
}

// personal reports whether an error concerns the one caller whose fetch it was, so that others who waited must ask themselves.
func personal(err error) bool {
	return refusal(err) || errors.Is(err, request.ErrTooManyCalls) || errors.Is(err, upstream.ErrNotFound)
}

// refusal reports whether the upstream denied the credential.
func refusal(err error) bool {
	return errors.Is(err, upstream.ErrUnauthenticated) || errors.Is(err, upstream.ErrForbidden)
}

// failing reports whether the upstream is unwell, so that a kept copy may stand in for its answer.
func failing(err error) bool {
	return errors.Is(err, upstream.ErrRateLimited) || errors.Is(err, upstream.ErrTimeout) ||
		errors.Is(err, upstream.ErrUnavailable) || errors.Is(err, upstream.ErrBadResponse)
}
