package upstream

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// result is the health of a group and a region according to a call.
type result int

const (
	resultOK result = iota
	resultFailed
	resultUnclear // the caller canceled, or nothing was sent
)

// A region is failing if at least minFailing groups and as many callers fail, and these are at least half of the recent ones.
const minFailing = 2

// regionHealth has the latest result of each group and each caller within a window. Failures of a single caller or a single group do not make
// a region failing.
type regionHealth struct {
	window time.Duration

	mu      sync.Mutex
	groups  map[groupKey]observation
	callers map[callerKey]observation
}

type observation struct {
	at     time.Time
	failed bool
}

// record records a result and reports whether the region is failing.
func (h *regionHealth) record(group groupKey, caller callerKey, r result, now time.Time) bool {
	if r == resultUnclear {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.groups == nil || len(h.groups) >= maxRemembered || len(h.callers) >= maxRemembered {
		h.groups, h.callers = map[groupKey]observation{}, map[callerKey]observation{}
	}
	o := observation{now, r == resultFailed}
	h.groups[group], h.callers[caller] = o, o
	return o.failed && widespread(h.groups, now.Add(-h.window)) && widespread(h.callers, now.Add(-h.window))
}

// reset deletes all results, after the circuit has opened.
func (h *regionHealth) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.groups, h.callers = nil, nil
}

// widespread reports whether enough keys fail. It deletes observations from before start.
func widespread[K comparable](seen map[K]observation, start time.Time) bool {
	failing := 0
	for key, o := range seen {
		if o.at.Before(start) {
			delete(seen, key)
		} else if o.failed {
			failing++
		}
	}
	return failing >= minFailing && 2*failing >= len(seen)
}

const (
	minGroupBackoff = time.Second
	maxGroupBackoff = 30 * time.Second
	groupFailures   = 5       // failed calls in a row before the first backoff; a timeout starts it at once
	maxRemembered   = 100_000 // maximum size of a map whose keys come from clients
)

// groupKey identifies the group of a call for shares and backoff.
type groupKey struct{ region, project, group string }

// groupBackoff rejects calls for groups that have just failed, so that the next callers do not wait for the same timeout. After the backoff
// one call may try the group again.
type groupBackoff struct {
	mu     sync.Mutex
	groups map[groupKey]*failingGroup
}

type failingGroup struct {
	failures int           // in a row
	delay    time.Duration // 0: no backoff
	retryAt  time.Time
	trying   bool // a call after the backoff is in flight
	timedOut bool
}

// admit returns an error that wraps ErrTimeout or ErrUnavailable if the group is in backoff.
func (b *groupBackoff) admit(key groupKey, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	g := b.groups[key]
	switch {
	case g == nil || g.delay == 0:
		return nil
	case !g.trying && !now.Before(g.retryAt):
		g.trying = true
		return nil
	case g.timedOut:
		return fmt.Errorf("the group timed out a moment ago: %w", ErrTimeout)
	}
	return fmt.Errorf("the group failed a moment ago: %w", ErrUnavailable)
}

// record records the result of an admitted call.
func (b *groupBackoff) record(key groupKey, r result, timedOut bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	g := b.groups[key]
	switch r {
	case resultOK:
		delete(b.groups, key)
	case resultUnclear:
		if g != nil {
			g.trying = false
		}
	case resultFailed:
		if g == nil {
			g = b.add(key)
		}
		g.fail(timedOut, now)
	}
}

func (b *groupBackoff) add(key groupKey) *failingGroup {
	if b.groups == nil || len(b.groups) >= maxRemembered {
		b.groups = map[groupKey]*failingGroup{}
	}
	g := new(failingGroup)
	b.groups[key] = g
	return g
}

// fail doubles the delay once per backoff, independent of the number of calls in flight.
func (g *failingGroup) fail(timedOut bool, now time.Time) {
	g.failures++
	if g.delay > 0 && now.Before(g.retryAt) || !timedOut && g.failures < groupFailures {
		return
	}
	g.trying, g.timedOut = false, timedOut
	g.delay = min(max(2*g.delay, minGroupBackoff), maxGroupBackoff)
	g.retryAt = now.Add(g.delay)
}

// throttleKey identifies the credential that a region throttles.
type throttleKey struct {
	region string
	token  callerKey
}

// throttles has the Retry-After of each throttled credential and rejects its calls until then.
type throttles struct {
	mu    sync.Mutex
	until map[throttleKey]throttled
}

type throttled struct {
	until time.Time
	err   StatusError
}

// check returns the last 429 with the remaining time if the credential must still wait.
func (t *throttles) check(key throttleKey, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, ok := t.until[key]
	if !ok {
		return nil
	}
	remaining := last.until.Sub(now)
	if remaining <= 0 {
		delete(t.until, key)
		return nil
	}
	err := last.err
	err.RetryAfter = remaining
	return &err
}

// record remembers err if it is a 429 with a Retry-After.
func (t *throttles) record(key throttleKey, err error, now time.Time) {
	var status *StatusError
	if !errors.Is(err, ErrRateLimited) || !errors.As(err, &status) || status.RetryAfter <= 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.until == nil || len(t.until) >= maxRemembered {
		t.until = map[throttleKey]throttled{}
	}
	t.until[key] = throttled{now.Add(status.RetryAfter), *status}
}
