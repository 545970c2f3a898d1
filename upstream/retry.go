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
	retries  int           // at most so many further attempts
	backoff  time.Duration // before the first of them; doubles with each, and each is up to a half longer or shorter
	patience time.Duration // a longer Retry-After is not waited for
	window   time.Duration // within which the failures of groups and callers open the circuit
	open     time.Duration // how long it stays open before one call may try
}

func defaultPace() pace {
	return pace{
		retries: 2, backoff: 100 * time.Millisecond, patience: 2 * time.Second, window: 30 * time.Second, open: 5 * time.Second,
	}
}

// region is one endpoint with a circuit of its own, so that one failing region does not silence the others.
type region struct {
	name     string
	health   regionHealth
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
		name: name, health: regionHealth{window: p.window}, base: base, path: base.EscapedPath(), breaker: breaker, retries: retries,
		executor: failsafe.With(newRetry(p, retries), breaker), // in this order, so that each attempt of an open circuit is refused
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
	case http.StatusRequestTimeout, http.StatusMisdirectedRequest, http.StatusTooEarly, // the request was not processed: RFC 9110, RFC 8470
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
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

// newBreaker returns a circuit breaker that observe opens and one successful attempt closes. An inconclusive attempt does not close it.
func newBreaker(name string, p pace, log *slog.Logger) circuitbreaker.CircuitBreaker[*answer] {
	var breaker circuitbreaker.CircuitBreaker[*answer]
	breaker = circuitbreaker.NewBuilder[*answer]().
		HandleIf(func(a *answer, err error) bool { return breaker.IsHalfOpen() && resultOf(a, err) != resultOK }).
		WithSuccessThreshold(1).
		WithDelay(p.open).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			log.Warn("the circuit breaker of an upstream region changed state", "region", name, "from", e.OldState.String(), "to", e.NewState.String())
		}).
		Build()
	return breaker
}

// observe opens the circuit if the result of a call shows that different groups and callers fail.
func (r *region) observe(group groupKey, caller string, result result, now time.Time) {
	if r.health.record(group, caller, result, now) && r.breaker.IsClosed() {
		r.breaker.Open()
		r.health.reset()
	}
}

// resultOf returns what an attempt or a call says about the health of the upstream. It fails without a connection, without a response in
// time, and with a 5xx.
func resultOf(a *answer, err error) result {
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

// isInconclusive reports whether no response was awaited, or nothing was sent: the caller left or may make no more calls, has no access or no
// valid signature, or the circuit is open.
func isInconclusive(err error) bool {
	for _, e := range []error{context.Canceled, context.DeadlineExceeded, request.ErrTooManyCalls, request.ErrProjectForbidden, ErrUnauthenticated, ErrBusy,
		circuitbreaker.ErrOpen} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
