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

// retryPolicy configures the retries of a call and the circuit breaker of a region.
type retryPolicy struct {
	retries       int           // maximum number
	backoff       time.Duration // before the first retry; doubled for each further one, with a jitter of up to a half
	maxRetryAfter time.Duration // a call with a longer Retry-After is not retried
	window        time.Duration // in which failures of groups and callers are counted
	open          time.Duration // how long the circuit stays open before one call may try
}

func defaultRetryPolicy() retryPolicy {
	return retryPolicy{
		retries: 2, backoff: 100 * time.Millisecond, maxRetryAfter: 2 * time.Second, window: 30 * time.Second, open: 5 * time.Second,
	}
}

// region is one endpoint with its own circuit breaker, so that a failing region does not affect the others.
type region struct {
	name     string
	health   regionHealth
	base     *url.URL
	path     string // escaped path of base
	breaker  circuitbreaker.CircuitBreaker[*response]
	executor failsafe.Executor[*response]
	retries  *atomic.Int64
}

func newRegions(cfg Config) (map[string]*region, error) {
	if len(cfg.Endpoints) == 0 {
		return nil, errors.New("no region is configured")
	}
	regions := make(map[string]*region, len(cfg.Endpoints))
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(cfg.Endpoints)) {
		base, err := baseURL(cfg.Endpoints[name])
		if err != nil {
			errs = append(errs, fmt.Errorf("base URL of region %q: %w", name, err))
			continue
		}
		regions[name] = newRegion(name, base, cfg.retry, cfg.Log)
	}
	return regions, errors.Join(errs...)
}

func newRegion(name string, base *url.URL, p retryPolicy, log *slog.Logger) *region {
	retries := new(atomic.Int64)
	breaker := newBreaker(name, p, log)
	return &region{
		name: name, health: regionHealth{window: p.window}, base: base, path: base.EscapedPath(), breaker: breaker, retries: retries,
		executor: failsafe.With(newRetry(p, retries), breaker), // in this order, so that an open circuit rejects each attempt
	}
}

func newRetry(p retryPolicy, retries *atomic.Int64) retrypolicy.RetryPolicy[*response] {
	return retrypolicy.NewBuilder[*response]().
		WithMaxRetries(p.retries).
		HandleIf(p.shouldRetry).
		WithDelayFunc(p.delay).
		OnRetry(func(failsafe.ExecutionEvent[*response]) { retries.Add(1) }).
		ReturnLastFailure().
		Build()
}

// shouldRetry reports whether to retry: the upstream or the service behind its gateway was not reached. A 429 is retried only with a short
// Retry-After, and a 401 never, because failed logins lock keys.
func (p retryPolicy) shouldRetry(a *response, err error) bool {
	if err != nil {
		return errors.Is(err, ErrUnavailable)
	}
	after, sent := a.retryAfter()
	switch a.status {
	case http.StatusRequestTimeout, http.StatusMisdirectedRequest, http.StatusTooEarly, // the request was not processed: RFC 9110, RFC 8470
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return after <= p.maxRetryAfter
	case http.StatusTooManyRequests:
		return sent && after <= p.maxRetryAfter
	}
	return false
}

// delay returns the backoff plus the Retry-After.
func (p retryPolicy) delay(exec failsafe.ExecutionAttempt[*response]) time.Duration {
	backoff := p.backoff << min(exec.Retries(), 16)
	backoff = backoff/2 + rand.N(backoff+1)
	if a := exec.LastResult(); a != nil {
		after, _ := a.retryAfter()
		return after + backoff
	}
	return backoff
}

// newBreaker returns a circuit breaker that observe opens and that one successful attempt closes. An inconclusive attempt does not close it.
func newBreaker(name string, p retryPolicy, log *slog.Logger) circuitbreaker.CircuitBreaker[*response] {
	var breaker circuitbreaker.CircuitBreaker[*response]
	breaker = circuitbreaker.NewBuilder[*response]().
		HandleIf(func(a *response, err error) bool { return breaker.IsHalfOpen() && resultOf(a, err) != resultOK }).
		WithSuccessThreshold(1).
		WithDelay(p.open).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			log.Warn("the circuit breaker of an upstream region changed state", "region", name, "from", e.OldState.String(), "to", e.NewState.String())
		}).
		Build()
	return breaker
}

// observe records the result of a call and opens the circuit if calls of different groups and callers fail.
func (r *region) observe(group groupKey, caller callerKey, result result, now time.Time) {
	if r.health.record(group, caller, result, now) && r.breaker.IsClosed() {
		r.breaker.Open()
		r.health.reset()
	}
}

// resultOf returns the health of the upstream according to an attempt or a call. It is resultFailed if there was no connection, no response in
// time, or a 5xx.
func resultOf(a *response, err error) result {
	var status *StatusError
	switch {
	case err == nil && a.status >= 500, errors.As(err, &status) && status.Status >= 500:
		return resultFailed
	case err == nil, status != nil:
		return resultOK
	case isInconclusive(err):
		return resultUnclear
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrTimeout):
		return resultFailed
	}
	return resultOK
}

// isInconclusive reports whether err does not count for or against the upstream: the caller canceled, has no access or may make no more calls, the
// signature would be rejected, no slot was free, or the circuit is open.
func isInconclusive(err error) bool {
	for _, e := range []error{context.Canceled, context.DeadlineExceeded, request.ErrTooManyCalls, request.ErrProjectForbidden, ErrUnauthenticated, ErrBusy,
		circuitbreaker.ErrOpen} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
