package gqlhttp

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// The codes of errors that the edge gives, as extensions.code.
const (
	codeBadUserInput     = "BAD_USER_INPUT"
	codeParseFailed      = "GRAPHQL_PARSE_FAILED"
	codeValidationFailed = "GRAPHQL_VALIDATION_FAILED"
	codeNoOperation      = "OPERATION_RESOLUTION_FAILURE"
	codeTooComplex       = "QUERY_TOO_COMPLEX"
	codeNotFound         = "PERSISTED_QUERY_NOT_FOUND"
	codeNotSupported     = "PERSISTED_QUERY_NOT_SUPPORTED"
	codeRequestTimeout   = "REQUEST_TIMEOUT"
	codeInternal         = "INTERNAL"
	codeUnauthenticated  = "UNAUTHENTICATED"
	codeRateLimited      = "RATE_LIMITED"
	codeForbidden        = "FORBIDDEN"
)

const messageInternal = "Something went wrong on our side; the request id names it in our logs."

// retryable says of which codes a client may expect better luck. The table is that of the public description of the service.
func retryable(code string) bool {
	switch code {
	case codeRequestTimeout, codeRateLimited, "UPSTREAM_TIMEOUT", "UPSTREAM_UNAVAILABLE", "UPSTREAM_BAD_RESPONSE":
		return true
	}
	return false
}

// refusal is an error that ends a request before GraphQL begins, or instead of it.
type refusal struct {
	status int
	err    *gqlerror.Error
}

func refusef(status int, code, format string, args ...any) *refusal {
	return &refusal{status, errorf(code, format, args...)}
}

// errorf makes a coded error.
func errorf(code, format string, args ...any) *gqlerror.Error {
	return coded(&gqlerror.Error{Message: fmt.Sprintf(format, args...)}, code)
}

// coded gives err its code, and says whether to try again where err does not say so itself.
func coded(err *gqlerror.Error, code string) *gqlerror.Error {
	if err.Extensions == nil {
		err.Extensions = map[string]any{}
	}
	err.Extensions["code"] = code
	if _, said := err.Extensions["retryable"]; !said {
		err.Extensions["retryable"] = retryable(code)
	}
	return err
}

func codeOf(err *gqlerror.Error) string {
	code, _ := err.Extensions["code"].(string)
	return code
}

// presenter wraps the program's own so that every error leaves with a code, a word on trying again and a message of bounded length.
func presenter(cfg Config) graphql.ErrorPresenterFunc {
	present := cfg.ErrorPresenter
	if present == nil {
		present = func(ctx context.Context, err error) *gqlerror.Error { return mask(ctx, cfg, err) }
	}
	return func(ctx context.Context, err error) *gqlerror.Error {
		out := ours(ctx, err)
		if out == nil {
			out = present(ctx, err)
		}
		if out == nil {
			return nil
		}
		code := codeOf(out)
		if code == "" {
			code = codeInternal
		}
		out.Message = shortened(out.Message)
		return coded(out, code)
	}
}

// ours presents the errors that come of the edge's own bounds: the end of the request's time, and of its upstream calls. It
// returns nil for any other. Once the request's time is over, an upstream that did not answer in time is a consequence of that.
func ours(ctx context.Context, err error) *gqlerror.Error {
	switch {
	case errors.Is(err, request.ErrTooManyCalls):
		most := request.CallerFrom(ctx).MaxCalls
		return instead(ctx, err, codeTooComplex, "The operation needs more than %d upstream calls; at most %[1]d are allowed.", most)
	case !errors.Is(context.Cause(ctx), errRequestTimeout):
		return nil
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, upstream.ErrTimeout):
		return instead(ctx, err, codeRequestTimeout, "The request ran out of time.")
	}
	return nil
}

// instead puts a coded error in the place of another.
func instead(ctx context.Context, err error, code, format string, args ...any) *gqlerror.Error {
	place := graphql.DefaultErrorPresenter(ctx, err)
	out := errorf(code, format, args...)
	out.Path, out.Locations = place.Path, place.Locations
	return out
}

// maxMessage bounds messages, in bytes: some of gqlgen's repeat what the client sent.
const maxMessage = 400

// shortened cuts a message, not inside of a character.
func shortened(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + "…"
}

// mask is the presenter of a program that brings none: what has a code passes, anything else is logged and kept secret.
func mask(ctx context.Context, cfg Config, err error) *gqlerror.Error {
	if e, ok := errors.AsType[*gqlerror.Error](err); ok && codeOf(e) != "" {
		return e
	}
	cfg.Log.ErrorContext(ctx, "internal error", "requestId", request.CallerFrom(ctx).RequestID, "error", err)
	return instead(ctx, err, codeInternal, messageInternal)
}

// recoverer is the RecoverFunc of a program that brings none.
func recoverer(cfg Config) graphql.RecoverFunc {
	if cfg.RecoverFunc != nil {
		return cfg.RecoverFunc
	}
	return func(ctx context.Context, fault any) error {
		cfg.Log.ErrorContext(ctx, "panic in a resolver", "requestId", request.CallerFrom(ctx).RequestID, "panic", fault, "stack", string(debug.Stack()))
		return errorf(codeInternal, messageInternal)
	}
}
