package upstream

import (
	"errors"
	"fmt"
	"time"
)

// What can go wrong with a call, one sentinel for each code that a client of ours sees. Test with errors.Is.
var (
	ErrUnauthenticated = errors.New("the upstream does not accept the credentials")
	ErrForbidden       = errors.New("the upstream refuses access")
	ErrNotFound        = errors.New("the upstream knows no such group, policy or resource")
	ErrRateLimited     = errors.New("the upstream is throttling")
	ErrRejected        = errors.New("the upstream rejected the request")
	ErrTimeout         = errors.New("the upstream did not answer in time")
	ErrUnavailable     = errors.New("the upstream is unavailable")
	ErrBadResponse     = errors.New("the upstream's answer cannot be read")

	// ErrPlaceNotFound is no answer of the upstream: a bounded search did not find a place in a log.
	ErrPlaceNotFound = errors.New("the place in the log was not found")

	// ErrCrowdedSecond is ErrPlaceNotFound where one second has more rows than an offset API can hand out safely (98).
	ErrCrowdedSecond = fmt.Errorf("too many rows in one second: %w", ErrPlaceNotFound)
)

// StatusError is an answer of the upstream that is not a page. It wraps one of the sentinels above.
type StatusError struct {
	Err        error         // the sentinel
	Status     int           // HTTP status
	Code       string        // e.g. AS.2007 or APIG.0308, harmless to show; empty where the answer had none
	RequestID  string        // the upstream's request id, harmless to show; empty where the answer had none
	RetryAfter time.Duration // as sent, at most a day; 0 where it was not
	Message    string        // the upstream's text, shortened: for logs only, it may name what a client must not see
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%v: HTTP %d %s: %s", e.Err, e.Status, e.Code, e.Message)
}

func (e *StatusError) Unwrap() error { return e.Err }
