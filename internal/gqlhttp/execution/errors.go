package execution

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

// MessageInternal is the message of every fault of ours.
const MessageInternal = "Something went wrong on our side; the request id names it in our logs."

// Rejection is an error that ends a request before anything is executed.
type Rejection struct {
	Status int // HTTP
	Err    *gqlerror.Error
}

// Rejectf returns a Rejection with a code and a message.
func Rejectf(status int, code, format string, args ...any) *Rejection {
	return &Rejection{status, apierr.New(code, format, args...)}
}

// ErrRequestTimeout is the cause of a context that ended because the time of the request was over.
var ErrRequestTimeout = errors.New("the request ran out of time")

// TimeoutError is the error of a request that ran out of time while it was executed.
func TimeoutError() *gqlerror.Error {
	return apierr.New(apierr.RequestTimeout, "The request ran out of time.")
}

// Unrecognised returns the error that ends a stream because its caller is not accepted any more.
func Unrecognised() *gqlerror.Error {
	return apierr.New(apierr.Unauthenticated, "The caller is not recognised any more.")
}

// presenter wraps the program's presenter, so that every error has a code, the extension retryable, and a message of bounded length.
func presenter(cfg Config) graphql.ErrorPresenterFunc {
	present := cfg.ErrorPresenter
	if present == nil {
		present = func(ctx context.Context, err error) *gqlerror.Error { return mask(ctx, cfg, err) }
	}
	return func(ctx context.Context, err error) *gqlerror.Error {
		out := presentLimit(ctx, err)
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
		out.Message = truncate(out.Message)
		return apierr.WithCode(out, code)
	}
}

// presentLimit presents the errors of the request's own limits: its time and its upstream calls. It returns nil for other errors. Once the time of the
// request is over, a timeout of the upstream is a consequence of that.
func presentLimit(ctx context.Context, err error) *gqlerror.Error {
	switch {
	case errors.Is(err, request.ErrTooManyCalls):
		maxCalls := request.CallerFrom(ctx).MaxCalls
		return replacement(ctx, err, apierr.TooComplex, "The operation needs more than %d upstream calls; at most %[1]d are allowed.", maxCalls)
	case !errors.Is(context.Cause(ctx), ErrRequestTimeout):
		return nil
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, upstream.ErrTimeout):
		return replacement(ctx, err, apierr.RequestTimeout, "The request ran out of time.")
	}
	return nil
}

// replacement returns a coded error with the path and the locations of another.
func replacement(ctx context.Context, err error, code, format string, args ...any) *gqlerror.Error {
	original := graphql.DefaultErrorPresenter(ctx, err)
	out := apierr.New(code, format, args...)
	out.Path, out.Locations = original.Path, original.Locations
	return out
}

// maxMessage bounds messages, in bytes: some of gqlgen's repeat parts of the request.
const maxMessage = 400

// truncate truncates a message between two characters.
func truncate(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + "…"
}

// mask is the presenter of a program without one: an error with a code passes, any other is logged and becomes INTERNAL.
func mask(ctx context.Context, cfg Config, err error) *gqlerror.Error {
	if e, ok := errors.AsType[*gqlerror.Error](err); ok && apierr.CodeOf(e) != "" {
		return e
	}
	cfg.Log.ErrorContext(ctx, "internal error", "requestId", request.CallerFrom(ctx).RequestID, "error", err)
	return replacement(ctx, err, apierr.Internal, MessageInternal)
}

// recoverer returns the RecoverFunc of the program; without one, a panic is logged and becomes INTERNAL.
func recoverer(cfg Config) graphql.RecoverFunc {
	if cfg.RecoverFunc != nil {
		return cfg.RecoverFunc
	}
	return func(ctx context.Context, fault any) error {
		cfg.Log.ErrorContext(ctx, "panic in a resolver", "requestId", request.CallerFrom(ctx).RequestID, "panic", fault, "stack", string(debug.Stack()))
		return apierr.New(apierr.Internal, MessageInternal)
	}
}
