package upstream

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	minGroupBackoff = time.Second
	maxGroupBackoff = 30 * time.Second
	groupFailures   = 5       // failed calls in a row before a group that answers is left alone; after a timeout it is at once
	maxRemembered   = 100_000 // entries of a map whose keys come from clients
)

// groupKey names what a call is about, for shares and backoff.
type groupKey struct{ region, project, group string }

// groupBackoff keeps calls away from groups that have just failed, so that the next callers do not wait for the same timeout.
// After the backoff one call tries the group again.
type groupBackoff struct {
	mu     sync.Mutex
	groups map[groupKey]*sickGroup
}

type sickGroup struct {
	failures int           // in a row
	delay    time.Duration // 0: calls pass
	retryAt  time.Time
	trying   bool // a call is under way that decides
	timedOut bool
}

// admit returns an error that wraps ErrTimeout or ErrUnavailable if the group is left alone for now.
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

// record takes the result of a call that admit let pass.
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

func (b *groupBackoff) add(key groupKey) *sickGroup {
	if b.groups == nil || len(b.groups) >= maxRemembered {
		b.groups = map[groupKey]*sickGroup{}
	}
	g := new(sickGroup)
	b.groups[key] = g
	return g
}

// fail doubles the delay once per backoff, however many calls were under way.
func (g *sickGroup) fail(timedOut bool, now time.Time) {
	g.failures++
	if g.delay > 0 && now.Before(g.retryAt) || !timedOut && g.failures < groupFailures {
		return
	}
	g.trying, g.timedOut = false, timedOut
	g.delay = min(max(2*g.delay, minGroupBackoff), maxGroupBackoff)
	g.retryAt = now.Add(g.delay)
}

// throttleKey is the credential that the upstream throttles, in one region.
type throttleKey struct{ region, token string }

// throttles remembers each Retry-After of a 429, so that the credential makes no further calls before.
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
