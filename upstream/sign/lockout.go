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
}

// NewLockout returns a Lockout for keys of which nothing is known.
func NewLockout() *Lockout { return &Lockout{changed: make(chan struct{})} }

// Result is the result of a request for the keys.
type Result int

// The results. Unknown means that the response does not depend on the signature, or that there was none.
const (
	Unknown Result = iota
	Accepted
	Rejected
)

// Acquire waits until a request may be sent, and returns false if none may. It fails with ctx.Err(). If it returns true, Report must be called.
func (l *Lockout) Acquire(ctx context.Context) (bool, error) {
	for {
		wait, ok := l.tryAcquire(time.Now())
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
func (l *Lockout) tryAcquire(now time.Time) (wait <-chan struct{}, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.rejected >= MaxRejected && (now.Before(l.resume) || l.pending > 0):
		return nil, false
	case l.rejected < MaxRejected && !l.accepted && l.rejected+l.pending >= MaxRejected:
		return l.changed, false
	}
	l.pending++
	return nil, true
}

// Report records the result of a request. Rejected counts as several rejections if the request was sent several times. It returns true if
// signing stops because of this result.
func (l *Lockout) Report(r Result, rejections int) (stopped bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending--
	switch r {
	case Accepted:
		l.accepted, l.rejected = true, 0
	case Rejected:
		l.accepted = false
		l.rejected += rejections
		if l.rejected >= MaxRejected {
			stopped = !time.Now().Before(l.resume)
			l.resume = time.Now().Add(LockTime)
		}
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
