package gqlhttp

import (
	"context"
	"errors"
	"runtime/debug"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

const messageInternal = "Something went wrong on our side; the request id names it in our logs."

// refusal is an error that ends a request before GraphQL begins, or instead of it.
type refusal struct {
	status int
	err    *gqlerror.Error
}

func refusef(status int, code, format string, args ...any) *refusal {
	return &refusal{status, apierr.New(code, format, args...)}
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
		code := apierr.CodeOf(out)
		if code == "" {
			code = apierr.Internal
		}
		out.Message = shortened(out.Message)
		return apierr.WithCode(out, code)
	}
}

// ours presents the errors that come of the edge's own bounds: the end of the request's time, and of its upstream calls. It
// returns nil for any other. Once the request's time is over, an upstream that did not answer in time is a consequence of that.
func ours(ctx context.Context, err error) *gqlerror.Error {
	switch {
	case errors.Is(err, request.ErrTooManyCalls):
		most := request.CallerFrom(ctx).MaxCalls
		return instead(ctx, err, apierr.TooComplex, "The operation needs more than %d upstream calls; at most %[1]d are allowed.", most)
	case !errors.Is(context.Cause(ctx), errRequestTimeout):
		return nil
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, upstream.ErrTimeout):
		return instead(ctx, err, apierr.RequestTimeout, "The request ran out of time.")
	}
	return nil
}

// instead puts a coded error in the place of another.
func instead(ctx context.Context, err error, code, format string, args ...any) *gqlerror.Error {
	place := graphql.DefaultErrorPresenter(ctx, err)
	out := apierr.New(code, format, args...)
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
	if e, ok := errors.AsType[*gqlerror.Error](err); ok && apierr.CodeOf(e) != "" {
		return e
	}
	cfg.Log.ErrorContext(ctx, "internal error", "requestId", request.CallerFrom(ctx).RequestID, "error", err)
	return instead(ctx, err, apierr.Internal, messageInternal)
}

// recoverer is the RecoverFunc of a program that brings none.
func recoverer(cfg Config) graphql.RecoverFunc {
	if cfg.RecoverFunc != nil {
		return cfg.RecoverFunc
	}
	return func(ctx context.Context, fault any) error {
		cfg.Log.ErrorContext(ctx, "panic in a resolver", "requestId", request.CallerFrom(ctx).RequestID, "panic", fault, "stack", string(debug.Stack()))
		return apierr.New(apierr.Internal, messageInternal)
	}
}
