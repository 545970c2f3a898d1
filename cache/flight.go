package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"scalegraph/cache/access"
	"scalegraph/cache/block"
	"scalegraph/cache/cachekey"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// flights coalesces concurrent fetches of the same rows. A fetch is detached from the caller that started it: it ends when it is done,
// when its own timeout expires, or when flights is closed.
type flights struct {
	timeout time.Duration
	ctx     context.Context
	stop    context.CancelFunc
	wg      sync.WaitGroup

	mu           sync.Mutex
	byKey        map[flightKey]*flight
	closed       bool
	lastResponse time.Time // of the upstream, to any fetch
}

// flightKey identifies fetches that are coalesced.
type flightKey struct {
	log        cachekey.Hash
	block      block.ID
	offset     int
	limit      int
	sections   upstream.Sections // that are decoded
	credential access.Credential // set if the caller's access is unknown and its own call must decide; zero for all callers that have access
	bypass     bool              // does not read the cache
	second     bool              // by the callers that do not wait for the first one's slot
}

type flight struct {
	caller *request.Caller
	key    flightKey
	done   chan struct{} // closed when result is set
	result fetchResult
	sent   time.Time // when its latest call was sent; zero while it waits for a slot. Protected by flights.mu
}

// fetchResult is the result of a fetch.
type fetchResult struct {
	spec    fetchSpec
	segment *block.Segment // nil if the rows have no rank in the log
	state   *block.State
	listing upstream.Listing // as the source returned it
	err     error
}

func newFlights(timeout time.Duration) *flights {
	ctx, stop := context.WithCancel(context.Background())
	return &flights{timeout: timeout, ctx: ctx, stop: stop, byKey: map[flightKey]*flight{}}
}

// close cancels all fetches and waits for them.
func (f *flights) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.stop()
	f.wg.Wait()
}

var errClosed = fmt.Errorf("the cache is closed: %w", upstream.ErrUnavailable)

// do returns the flight with the key, and whether another caller had started it. The fetch gets a context with the values of ctx and its
// own deadline, and a function that delivers the result, which may be called before the fetch returns.
func (f *flights) do(ctx context.Context, key flightKey, fetch func(ctx context.Context, deliver func(fetchResult))) (*flight, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl, ok := f.byKey[key]; ok {
		return fl, true
	}
	fl := &flight{caller: request.CallerFrom(ctx), key: key, done: make(chan struct{})}
	if f.closed {
		fl.result.err = errClosed
		close(fl.done)
		return fl, false
	}
	f.byKey[key] = fl
	f.wg.Go(func() { f.run(context.WithoutCancel(ctx), fl, fetch) })
	return fl, false
}

func (f *flights) run(ctx context.Context, fl *flight, fetch func(context.Context, func(fetchResult))) {
	ctx, cancel := context.WithTimeout(upstream.WithSent(ctx, func(at time.Time) { f.recordSent(fl, at) }), f.timeout)
	defer cancel()
	defer context.AfterFunc(f.ctx, cancel)()
	var once sync.Once
	deliver := func(out fetchResult) {
		once.Do(func() {
			f.mu.Lock()
			delete(f.byKey, fl.key)
			if !fl.sent.IsZero() && !isUnavailable(out.err) {
				f.lastResponse = time.Now()
			}
			f.mu.Unlock()
			fl.result = out
			close(fl.done)
		})
	}
	defer deliver(fetchResult{err: errClosed}) // if fetch did not
	fetch(ctx, func(out fetchResult) {
		if ctx.Err() != nil && errors.Is(out.err, ctx.Err()) {
			out.err = fmt.Errorf("%w: %s", upstream.ErrTimeout, out.err.Error())
		}
		deliver(out)
	})
}

func (f *flights) recordSent(fl *flight, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl.sent = at
}

const (
	staleWait = time.Second            // how long to wait for a hanging upstream if cached rows can be served instead
	queueWait = 100 * time.Millisecond // how long to wait for the slot of another caller
)

var (
	errStaleWait = fmt.Errorf("no response yet: %w", upstream.ErrTimeout)
	errQueued    = fmt.Errorf("the caller that reads the same rows has used up its slots: %w", upstream.ErrTimeout)
)

// waitLimits are the reasons to end a wait for a flight before its end. The zero value has none.
type waitLimits struct {
	stale  bool // not while the upstream hangs: cached rows can be served instead
	queued bool // not for the slot of the caller that started the flight: it may have many calls waiting
}

// wait waits for the end of the flight. It returns errStaleWait or errQueued if one of the limits is reached first, and the error of ctx if that ends first.
func (f *flights) wait(ctx context.Context, fl *flight, limits waitLimits) error {
	began := time.Now()
	for {
		end, why := f.waitDeadline(fl, began, limits)
		select {
		case <-fl.done:
			return fl.result.err
		default:
		}
		var expired <-chan time.Time
		if why != nil {
			if !time.Now().Before(end) {
				return why
			}
			expired = time.After(time.Until(end))
		}
		select {
		case <-fl.done:
			return fl.result.err
		case <-ctx.Done():
			return ctx.Err()
		case <-expired:
		}
	}
}

// waitDeadline returns when a wait that began at began may end, and the error by which it does; nil if it may not. The upstream hangs if the
// flight's call was sent staleWait ago, or if the call waits for a slot and the upstream has responded to no other call for so long. A long
// queue of calls is therefore no reason to serve stale rows.
func (f *flights) waitDeadline(fl *flight, began time.Time, limits waitLimits) (time.Time, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case fl.sent.IsZero() && limits.queued:
		return began.Add(queueWait), errQueued
	case !limits.stale:
		return time.Time{}, nil
	case !fl.sent.IsZero():
		return fl.sent.Add(staleWait), errStaleWait
	case f.lastResponse.After(began):
		return f.lastResponse.Add(staleWait), errStaleWait
	}
	return began.Add(staleWait), errStaleWait
}

// callerSpecific reports whether an error concerns only the caller that started the fetch, so that other waiting callers must fetch
// themselves.
func callerSpecific(err error) bool {
	return isAuthError(err) || errors.Is(err, errQueued) || errors.Is(err, request.ErrTooManyCalls) || errors.Is(err, upstream.ErrNotFound)
}

// isAuthError reports whether the upstream rejected the credential.
func isAuthError(err error) bool {
	return errors.Is(err, upstream.ErrUnauthenticated) || errors.Is(err, upstream.ErrForbidden)
}

// isUnavailable reports whether the upstream failed in a way that lets stale rows be served instead.
func isUnavailable(err error) bool {
	return errors.Is(err, upstream.ErrRateLimited) || errors.Is(err, upstream.ErrTimeout) ||
		errors.Is(err, upstream.ErrUnavailable) || errors.Is(err, upstream.ErrBadResponse)
}
