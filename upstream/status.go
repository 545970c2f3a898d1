package upstream

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sentinelOf is the one table from what the upstream answered to what it means.
func sentinelOf(status int, code string) error {
	switch {
	case status == http.StatusUnauthorized:
		return ErrUnauthenticated
	case status == http.StatusForbidden:
		return ErrForbidden
	case status == http.StatusTooManyRequests:
		return ErrRateLimited
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		return ErrTimeout
	case status >= 500 && status <= 599, status == http.StatusMisdirectedRequest, status == http.StatusTooEarly:
		return ErrUnavailable
	case noSuchPath(status, code):
		return ErrBadResponse
	case status >= 400 && status <= 499:
		return rejection(code)
	}
	return ErrBadResponse // a redirect, or a success that is no page
}

// noSuchPath reports whether the server at the base URL does not serve the API: the paths are fixed, and the API names what it does not
// find by a code. The base URL is wrong then, or the region has no AutoScaling.
func noSuchPath(status int, code string) bool {
	if status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
		return false
	}
	return code == "" || code == "APIG.0101"
}

// rejection tells the 400s and 404s apart, which carry their meaning in the code.
func rejection(code string) error {
	switch code {
	case "AS.0008", "AS.0031": // a foreign project, a policy without the right
		return ErrForbidden
	case "AS.2007", "AS.4005", "AS.3020", "AS.3042": // an unknown group, twice, an unknown policy and resource
		return ErrNotFound
	}
	return ErrRejected
}

// failure is the error of an answer whose status is not 200. The secret is blotted out of its message.
func (a *answer) failure(secret string) *StatusError {
	f := readFault(a.body)
	e := a.statusError(sentinelOf(a.status, f.code), f)
	e.Message = printable(f.message, secret)
	return e
}

// unreadable is the error of an answer with status 200 that is no page.
func (a *answer) unreadable(cause error) *StatusError {
	e := a.statusError(ErrBadResponse, readFault(a.body))
	e.Message = printable(cause.Error(), "")
	return e
}

func (a *answer) statusError(sentinel error, f fault) *StatusError {
	after, _ := a.retryAfter()
	e := &StatusError{Err: sentinel, Status: a.status, Code: f.code, RequestID: a.requestID(), RetryAfter: after}
	if e.RequestID == "" {
		e.RequestID = f.requestID
	}
	return e
}

// requestID returns the request id that the header names; empty where it names none.
func (a *answer) requestID() string { return token(a.header.Get("X-Request-Id")) }

// retryAfter returns how long the upstream wants to be left alone, and whether it said so, in either form of the header.
func (a *answer) retryAfter() (time.Duration, bool) {
	const most = 24 * time.Hour
	sent := strings.TrimSpace(a.header.Get("Retry-After"))
	if sent == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseUint(sent, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(most/time.Second))) * time.Second, true
	}
	if t, err := http.ParseTime(sent); err == nil {
		return min(max(0, t.Sub(a.serverTime())), most), true
	}
	return 0, false
}

// serverTime returns the upstream's time of the response, which its other times refer to; ours if it sent none.
func (a *answer) serverTime() time.Time {
	if t, err := http.ParseTime(a.header.Get("Date")); err == nil {
		return t
	}
	return time.Now()
}
