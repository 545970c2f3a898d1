package sign

import (
	"context"
	"sync"
	"time"
)

// The upstream locks a pair of keys for LockTime after more than five rejections in a row. MaxRejected leaves a margin of one.
const (
	MaxRejected = 4
	LockTime    = 5 * time.Minute
)

// maxRejectedOfOne is how many rejections one caller may cause before the keys have been accepted. The last attempt belongs to another caller:
// the upstream may have rejected the ids of the first one, not the keys.
const maxRejectedOfOne = MaxRejected - 1

// Lockout limits the signed requests in flight so that the upstream never locks the keys. Until the keys are accepted, no more requests are in
// flight than may still be rejected, and the others wait for their results. Accepted keys are not limited: keys that are revoked later are
// rejected by the requests in flight at that time, and a lock of revoked keys does no harm. A Lockout may be used concurrently.
type Lockout struct {
	mu       sync.Mutex
	accepted bool          // the last known result was Accepted
	rejected int           // results Rejected in a row
	pending  int           // requests without a result
	resume   time.Time     // when one request may try again after MaxRejected rejections
	changed  chan struct{} // closed when a result arrives
	callers  map[string]*attempts
}

// attempts are the requests of one caller since the keys were last accepted.
type attempts struct {
	rejected, pending int
	resume            time.Time // when the caller may try again after maxRejectedOfOne rejections
}

// NewLockout returns a Lockout for keys of which nothing is known.
func NewLockout() *Lockout {
	return &Lockout{changed: make(chan struct{}), callers: map[string]*attempts{}}
}

// Result is the result of a request for the keys.
type Result int

// The results. Unknown means that the response does not depend on the signature, or that there was none.
const (
	Unknown Result = iota
	Accepted
	Rejected
)

// Acquire waits until a request of a caller may be sent, and returns false if none may. It fails with ctx.Err(). If it returns true, Report
// must be called. Callers without a name are not distinguished.
func (l *Lockout) Acquire(ctx context.Context, caller string) (bool, error) {
	for {
		wait, ok := l.tryAcquire(caller, time.Now())
		if wait == nil {
			return ok, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// tryAcquire returns a channel to wait for if more results are needed to decide.
func (l *Lockout) tryAcquire(caller string, now time.Time) (wait <-chan struct{}, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.attemptsOf(caller)
	switch {
	case l.rejected >= MaxRejected && (now.Before(l.resume) || l.pending > 0):
		return nil, false
	case !l.accepted && own.rejected >= maxRejectedOfOne && (now.Before(own.resume) || own.pending > 0):
		return nil, false
	case l.rejected < MaxRejected && !l.accepted && (l.rejected+l.pending >= MaxRejected ||
		caller != "" && own.rejected < maxRejectedOfOne && own.rejected+own.pending >= maxRejectedOfOne):
		return l.changed, false
	}
	l.pending++
	if caller != "" {
		own.pending++
		l.callers[caller] = own
	}
	return nil, true
}

// attemptsOf returns the attempts of a caller; those of callers without a name are not counted.
func (l *Lockout) attemptsOf(caller string) *attempts {
	if own := l.callers[caller]; own != nil {
		return own
	}
	return new(attempts)
}

// Report records the result of a request of a caller. Rejected counts as several rejections if the request was sent several times. It returns
// true if signing stops because of this result.
func (l *Lockout) Report(caller string, r Result, rejections int) (stopped bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.attemptsOf(caller)
	l.pending--
	own.pending--
	switch r {
	case Accepted:
		l.accepted, l.rejected = true, 0
		for _, a := range l.callers {
			a.rejected = 0
		}
	case Rejected:
		l.accepted = false
		l.rejected += rejections
		own.rejected += rejections
		own.resume = time.Now().Add(2 * LockTime) // later than for other callers
		if l.rejected >= MaxRejected {
			stopped = !time.Now().Before(l.resume)
			l.resume = time.Now().Add(LockTime)
		}
	}
	if own.pending <= 0 && own.rejected == 0 {
		delete(l.callers, caller)
	}
	if !l.accepted || r != Unknown {
		close(l.changed)
		l.changed = make(chan struct{})
	}
	return stopped
}

// State returns whether the last known result was Accepted, the number of rejections in a row, and until when signing stops.
func (l *Lockout) State() (accepted bool, rejected int, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted, l.rejected, l.resume
}
