package edge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/upstream"
)

// The codes of errors that the edge gives, as extensions.code.
const (
	codeBadUserInput     = "BAD_USER_INPUT"
	codeParseFailed      = "GRAPHQL_PARSE_FAILED"
	codeValidationFailed = "GRAPHQL_VALIDATION_FAILED"
	codeNoOperation      = "OPERATION_RESOLUTION_FAILURE"
	codeTooComplex       = "QUERY_TOO_COMPLEX"
	codeRequestTimeout   = "REQUEST_TIMEOUT"
	codeInternal         = "INTERNAL"
)

const messageInternal = "Something went wrong on our side; the request id names it in our logs."

// retryable says of which codes a client may expect better luck. The table is that of the public description of the service.
func retryable(code string) bool {
	switch code {
	case codeRequestTimeout, "RATE_LIMITED", "UPSTREAM_TIMEOUT", "UPSTREAM_UNAVAILABLE", "UPSTREAM_BAD_RESPONSE":
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

// presenter wraps the program's own so that every error leaves with a code and a word on trying again.
func presenter(cfg Config) graphql.ErrorPresenterFunc {
	present := cfg.ErrorPresenter
	if present == nil {
		present = func(ctx context.Context, err error) *gqlerror.Error { return mask(ctx, cfg, err) }
	}
	return func(ctx context.Context, err error) *gqlerror.Error {
		out := present(ctx, err)
		if out == nil {
			return nil
		}
		code := codeOf(out)
		if code == "" {
			code = codeInternal
		}
		return coded(out, code)
	}
}

// mask is the presenter of a program that brings none: what has a code passes, anything else is logged and kept secret.
func mask(ctx context.Context, cfg Config, err error) *gqlerror.Error {
	if e, ok := errors.AsType[*gqlerror.Error](err); ok && codeOf(e) != "" {
		return e
	}
	cfg.Log.ErrorContext(ctx, "internal error", "requestId", upstream.CallerFrom(ctx).RequestID, "error", err)
	out := graphql.DefaultErrorPresenter(ctx, err)
	return coded(&gqlerror.Error{Message: messageInternal, Path: out.Path, Locations: out.Locations}, codeInternal)
}

// recoverer is the RecoverFunc of a program that brings none.
func recoverer(cfg Config) graphql.RecoverFunc {
	if cfg.RecoverFunc != nil {
		return cfg.RecoverFunc
	}
	return func(ctx context.Context, fault any) error {
		cfg.Log.ErrorContext(ctx, "panic in a resolver", "requestId", upstream.CallerFrom(ctx).RequestID, "panic", fault, "stack", string(debug.Stack()))
		return errorf(codeInternal, messageInternal)
	}
}

// status is the HTTP status of a request error by its code.
func (x *exchange) status(code string) int {
	switch code {
	case codeInternal:
		return http.StatusInternalServerError
	case codeRequestTimeout:
		return http.StatusServiceUnavailable
	}
	if x.cfg.StatusProfile == Draft {
		return draftStatus(code)
	}
	if x.media == mediaJSON {
		return http.StatusOK // as application/json has it: HTTP went well
	}
	return http.StatusBadRequest
}

// draftStatus tells a document that cannot be read from one that cannot be run.
func draftStatus(code string) int {
	if code == codeParseFailed {
		return http.StatusBadRequest
	}
	return http.StatusUnprocessableEntity
}
