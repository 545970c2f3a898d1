package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"scalegraph/upstream/wirejson"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// The errors of a call. Each has an error code in GraphQL responses. Test with errors.Is.
var (
	ErrUnauthenticated = errors.New("the upstream does not accept the credentials")
	ErrForbidden       = errors.New("the upstream refuses access")
	ErrNotFound        = errors.New("the upstream knows no such group, policy or resource")
	ErrRateLimited     = errors.New("the upstream is throttling")
	ErrRejected        = errors.New("the upstream rejected the request")
	ErrTimeout         = errors.New("the upstream did not respond in time")
	ErrUnavailable     = errors.New("the upstream is unavailable")
	ErrBadResponse     = errors.New("the response of the upstream cannot be decoded")

	// ErrPositionNotFound means that a bounded search did not find a position in a log.
	ErrPositionNotFound = errors.New("the position in the log was not found")

	// ErrTooManyTies is ErrPositionNotFound because one second has more rows than can be read reliably by offset (98).
	ErrTooManyTies = fmt.Errorf("too many rows in one second: %w", ErrPositionNotFound)
)

// StatusError is an error response of the upstream, or an invalid one. It wraps one of the sentinels above.
type StatusError struct {
	Err        error         // the sentinel
	Status     int           // HTTP status
	Code       string        // e.g. AS.2007 or APIG.0308, safe to show; empty if there was none
	RequestID  string        // the upstream's request id, safe to show; empty if there was none
	RetryAfter time.Duration // as sent, at most a day; 0 if it was not sent
	Message    string        // the upstream's text, shortened; for logs only, because it may contain confidential names
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%v: HTTP %d %s: %s", e.Err, e.Status, e.Code, e.Message)
}

func (e *StatusError) Unwrap() error { return e.Err }

// sentinelOf maps a status and a code to a sentinel.
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
	return ErrBadResponse // a redirect, or a success without a valid body
}

// noSuchPath reports whether the server at the base URL does not serve the API: the base URL is wrong, or the region has no AutoScaling. The API
// reports a missing object with a code, so a 404 or 405 without one, or with that of the gateway, concerns the path.
func noSuchPath(status int, code string) bool {
	if status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
		return false
	}
	return code == "" || code == "APIG.0101"
}

// rejection maps the code of a 4xx to a sentinel.
func rejection(code string) error {
	switch code {
	case "AS.0008", "AS.0031": // a project of another token, a missing permission
		return ErrForbidden
	case "AS.2007", "AS.4005", "AS.3020", "AS.3042": // an unknown group (twice), policy and resource
		return ErrNotFound
	}
	return ErrRejected
}

// failure returns the error of a response with another status than 200. The secret is removed from its message.
func (a *response) failure(secret string) *StatusError {
	f := parseErrorBody(a.body)
	e := a.statusError(sentinelOf(a.status, f.code), f)
	e.Message = sanitizeForLog(f.message, secret)
	return e
}

// unreadable returns the error of a response with status 200 whose body is invalid.
func (a *response) unreadable(cause error) *StatusError {
	e := a.statusError(ErrBadResponse, parseErrorBody(a.body))
	e.Message = sanitizeForLog(cause.Error(), "")
	return e
}

func (a *response) statusError(sentinel error, f errorBody) *StatusError {
	after, _ := a.retryAfter()
	e := &StatusError{Err: sentinel, Status: a.status, Code: f.code, RequestID: a.requestID(), RetryAfter: after}
	if e.RequestID == "" {
		e.RequestID = f.requestID
	}
	return e
}

// requestID returns the request id of the header; empty if there is none.
func (a *response) requestID() string { return safeToken(a.header.Get("X-Request-Id")) }

// retryAfter returns the value of Retry-After, at most a day, and whether the header was sent. It accepts seconds and dates.
func (a *response) retryAfter() (time.Duration, bool) {
	const maxDelay = 24 * time.Hour
	sent := strings.TrimSpace(a.header.Get("Retry-After"))
	if sent == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseUint(sent, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxDelay/time.Second))) * time.Second, true
	}
	if t, err := http.ParseTime(sent); err == nil {
		return min(max(0, t.Sub(a.serverTime())), maxDelay), true
	}
	return 0, false
}

// serverTime returns the Date of the response; the local time if there is none.
func (a *response) serverTime() time.Time {
	if t, err := http.ParseTime(a.header.Get("Date")); err == nil {
		return t
	}
	return time.Now()
}

// errorBody is a decoded error body.
type errorBody struct {
	code      string // empty if there is none that may be shown to clients
	message   string // as sent
	requestID string // empty if there is none that may be shown to clients
}

// parseErrorBody decodes an error body of the service (nested), of the gateway (flat) or of IAM (nested, with a number as the code). Of any other
// body, for example HTML, the whole text is the message.
func parseErrorBody(body string) errorBody {
	if !wirejson.Valid(body) {
		return errorBody{message: body}
	}
	var f errorBody
	f.merge(gjson.Parse(body))
	if f.message == "" {
		f.message = body
	}
	return f
}

// merge sets the empty fields from the members of v and of its member error.
func (f *errorBody) merge(v gjson.Result) {
	if !v.IsObject() {
		return
	}
	v.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "error_code", "code":
			f.code = firstNonEmpty(f.code, safeToken(value.String()))
		case "error_msg", "message", "title":
			f.message = firstNonEmpty(f.message, value.String())
		case "request_id":
			f.requestID = firstNonEmpty(f.requestID, safeToken(value.String()))
		case "error":
			f.merge(value)
		}
		return true
	})
}

func firstNonEmpty(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// safeToken returns s if it is at most 128 letters, digits and punctuation as in codes and ids; else an empty string. Only such texts of the
// upstream are sent to clients.
func safeToken(s string) string {
	if len(s) > 128 || strings.ContainsFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._:", r)
	}) {
		return ""
	}
	return s
}

// sanitizeForLog returns s for one line of a log: shortened, without control characters and without the secret. It removes the canonical
// request, with the security token, that a gateway repeats if it rejects a signature.
func sanitizeForLog(s, secret string) string {
	const maxLen = 300
	s, _, _ = strings.Cut(s, "canonicalRequest")
	if secret != "" {
		s = strings.ReplaceAll(s, secret, "[token]")
	}
	if len(s) > maxLen {
		s = s[:maxLen] + "…"
	}
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool {
		return r != utf8.RuneError && !unicode.IsPrint(r) || r == ' '
	}), " ")
}
