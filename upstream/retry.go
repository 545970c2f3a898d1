package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"

	"scalegraph/internal/request"
)

// pace says when a failed call is made again, and when a failing region is left alone.
type pace struct {
	retries    int           // at most so many further attempts
	backoff    time.Duration // before the first of them; doubles with each, and each is up to a half longer or shorter
	patience   time.Duration // a longer Retry-After is not waited for
	minCalls   uint          // calls within the window before the circuit may open
	failedRate float64       // share of failed ones that opens it
	window     time.Duration
	open       time.Duration // how long it stays open before one call may try
}

func defaultPace() pace {
	return pace{
		retries: 2, backoff: 100 * time.Millisecond, patience: 2 * time.Second,
		minCalls: 20, failedRate: 0.5, window: 30 * time.Second, open: 5 * time.Second,
	}
}

// region is one endpoint with a circuit of its own, so that one failing region does not silence the others.
type region struct {
	base     *url.URL
	path     string // of base, escaped
	breaker  circuitbreaker.CircuitBreaker[*answer]
	executor failsafe.Executor[*answer]
	retries  *atomic.Int64
}

func newRegions(cfg Config) (map[string]*region, error) {
	if len(cfg.Endpoints) == 0 {
		return nil, errors.New("no region is configured")
	}
	regions := make(map[string]*region, len(cfg.Endpoints))
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(cfg.Endpoints)) {
		base, err := baseURL(cfg.Endpoints[name])
		if err != nil {
			wrong = append(wrong, fmt.Errorf("base URL of region %q: %w", name, err))
			continue
		}
		regions[name] = newRegion(name, base, cfg.pace, cfg.Log)
	}
	return regions, errors.Join(wrong...)
}

func newRegion(name string, base *url.URL, p pace, log *slog.Logger) *region {
	retries := new(atomic.Int64)
	breaker := newBreaker(name, p, log)
	return &region{
		base: base, path: base.EscapedPath(), breaker: breaker, retries: retries,
		executor: failsafe.With(newRetry(p, retries), breaker), // the breaker judges each attempt
	}
}

func newRetry(p pace, made *atomic.Int64) retrypolicy.RetryPolicy[*answer] {
	return retrypolicy.NewBuilder[*answer]().
		WithMaxRetries(p.retries).
		HandleIf(p.again).
		WithDelayFunc(p.wait).
		OnRetry(func(failsafe.ExecutionEvent[*answer]) { made.Add(1) }).
		ReturnLastFailure().
		Build()
}

// again reports whether a further attempt is safe and promising: nothing was reached, or a gateway reached nothing.
// A 429 is tried again only where the upstream says that it soon may be; a 401 never, since failed logins lock keys.
func (p pace) again(a *answer, err error) bool {
	if err != nil {
		return errors.Is(err, ErrUnavailable)
	}
	after, sent := a.retryAfter()
	switch a.status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return after <= p.patience
	case http.StatusTooManyRequests:
		return sent && after <= p.patience
	}
	return false
}

// wait is never shorter than a Retry-After.
func (p pace) wait(exec failsafe.ExecutionAttempt[*answer]) time.Duration {
	backoff := p.backoff << min(exec.Retries(), 16)
	backoff = backoff/2 + rand.N(backoff+1)
	if a := exec.LastResult(); a != nil {
		after, _ := a.retryAfter()
		return after + backoff
	}
	return backoff
}

// newBreaker returns a circuit breaker that opens if too many attempts of a window fail, and closes after one success. An
// inconclusive attempt must not close a half-open circuit, so it counts as a failure there.
func newBreaker(name string, p pace, log *slog.Logger) circuitbreaker.CircuitBreaker[*answer] {
	var breaker circuitbreaker.CircuitBreaker[*answer]
	breaker = circuitbreaker.NewBuilder[*answer]().
		HandleIf(func(a *answer, err error) bool { return failed(a, err) || left(err) && breaker.IsHalfOpen() }).
		WithFailureRateThreshold(p.failedRate, p.minCalls, p.window).
		WithSuccessThreshold(1).
		WithDelay(p.open).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			log.Warn("the circuit breaker of an upstream region changed state", "region", name, "from", e.OldState.String(), "to", e.NewState.String())
		}).
		Build()
	return breaker
}

// failed reports whether an attempt says that the region is unwell: no connection, no answer in time, or a fault of its own.
func failed(a *answer, err error) bool {
	if err != nil {
		return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrTimeout)
	}
	return a.status >= 500
}

// left reports whether no answer was waited for, or nothing sent (the caller went away, may make no more calls, has no right or no valid signature), which says nothing about the region. So such an attempt
// must not close a circuit that is being tried.
func left(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, request.ErrTooManyCalls) ||
		errors.Is(err, request.ErrProjectForbidden) || errors.Is(err, ErrUnauthenticated)
}
