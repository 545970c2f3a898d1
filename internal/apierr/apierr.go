// Package apierr has the codes that errors have for clients, in extensions.code. It is a leaf: it imports no other package of the program.
package apierr

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The codes, as the public description of the service lists them.
const (
	BadUserInput        = "BAD_USER_INPUT"
	CursorExpired       = "CURSOR_EXPIRED"
	CursorMismatch      = "CURSOR_MISMATCH"
	Forbidden           = "FORBIDDEN"
	Internal            = "INTERNAL"
	NotFound            = "NOT_FOUND"
	OperationUnresolved = "OPERATION_RESOLUTION_FAILURE"
	ParseFailed         = "GRAPHQL_PARSE_FAILED"
	PersistedNotFound   = "PERSISTED_QUERY_NOT_FOUND"
	PersistedRejected   = "PERSISTED_QUERY_NOT_SUPPORTED"
	RateLimited         = "RATE_LIMITED"
	RequestTimeout      = "REQUEST_TIMEOUT"
	TooComplex          = "QUERY_TOO_COMPLEX"
	Unauthenticated     = "UNAUTHENTICATED"
	UpstreamBadResponse = "UPSTREAM_BAD_RESPONSE"
	UpstreamRejected    = "UPSTREAM_REJECTED"
	UpstreamTimeout     = "UPSTREAM_TIMEOUT"
	UpstreamUnavailable = "UPSTREAM_UNAVAILABLE"
	ValidationFailed    = "GRAPHQL_VALIDATION_FAILED"
)

// Retryable reports whether a client may retry after an error with this code.
func Retryable(code string) bool {
	switch code {
	case RateLimited, RequestTimeout, UpstreamBadResponse, UpstreamTimeout, UpstreamUnavailable:
		return true
	}
	return false
}

// New returns an error with a code. Arguments are handled in the manner of fmt.Sprintf.
func New(code, format string, args ...any) *gqlerror.Error {
	return WithCode(&gqlerror.Error{Message: fmt.Sprintf(format, args...)}, code)
}

// WithCode sets the code of err, and whether to retry unless err has that already. It returns err.
func WithCode(err *gqlerror.Error, code string) *gqlerror.Error {
	if err.Extensions == nil {
		err.Extensions = map[string]any{}
	}
	err.Extensions["code"] = code
	if _, ok := err.Extensions["retryable"]; !ok {
		err.Extensions["retryable"] = Retryable(code)
	}
	return err
}

// CodeOf returns the code of err; empty if it has none.
func CodeOf(err *gqlerror.Error) string {
	code, _ := err.Extensions["code"].(string)
	return code
}
