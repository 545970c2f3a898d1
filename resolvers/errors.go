package resolvers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
	"scalegraph/internal/request"
	"scalegraph/upstream"
)

// Error is an error that is returned to clients unchanged.
type Error struct {
	Code      string // as in extensions.code
	Message   string // one sentence, for people
	Retryable bool
}

func (e *Error) Error() string { return e.Message }

// InvalidArgument returns the error for an invalid argument. The message follows the argument's name, e.g. "must not be negative".
func InvalidArgument(argument, message string) error {
	return &Error{Code: apierr.BadUserInput, Message: "`" + argument + "` " + message + "."}
}

// wrapArgument returns the public form of err with the name of the enclosing argument in front of its message.
func wrapArgument(argument string, err error) error {
	public := publicError(err)
	public.Message = "`" + argument + "`: " + public.Message
	return &public
}

// errNode is the error for a global id of an object that does not exist any more.
var errNode = &Error{Code: apierr.NotFound, Message: "There is no such object, or it is gone."}

// errNoSubscriptions is the error for a subscription if Config.Changes is nil.
var errNoSubscriptions = &Error{Code: apierr.OperationUnresolved, Message: "This version of the server does not serve subscriptions."}

// errIntrospection is the error for introspection if it is switched off.
var errIntrospection = &Error{Code: apierr.ValidationFailed, Message: "Introspection is switched off."}

// errPanic replaces a panic that Recover has logged.
var errPanic = errors.New("a resolver panicked")

// upstreamErrors is the number of entries of errorTable, from its start, that are failures of the upstream.
const upstreamErrors = 8

// errorMapping maps an error to the code and the message for clients.
type errorMapping struct {
	err     error
	code    string
	message string
}

// errorTable maps all errors that have codes. The first match counts: an upstream timeout that wraps context.DeadlineExceeded is not a
// timeout of the whole request.
var errorTable = []errorMapping{
	{upstream.ErrUnauthenticated, apierr.Unauthenticated, "The upstream does not accept these credentials, or there were none."},
	{upstream.ErrForbidden, apierr.Forbidden, "These credentials do not permit this upstream call."},
	{upstream.ErrNotFound, apierr.NotFound, "There is no such scaling group or policy."},
	{upstream.ErrRateLimited, apierr.RateLimited, "The upstream is throttling; try again later."},
	{upstream.ErrRejected, apierr.UpstreamRejected, "The upstream rejected this request."},
	{upstream.ErrTimeout, apierr.UpstreamTimeout, "The upstream did not respond in time."},
	{upstream.ErrUnavailable, apierr.UpstreamUnavailable, "The upstream is unavailable."},
	{upstream.ErrBadResponse, apierr.UpstreamBadResponse, "The upstream's response could not be read."},
	{request.ErrTooManyCalls, apierr.TooComplex, "The query needs more upstream calls than one request may make."},
	{request.ErrProjectForbidden, apierr.Forbidden, "This caller may not read this project."},
	{upstream.ErrTooManyTies, apierr.CursorExpired, "More than 98 activities started in one second here, too many to page through; start at the other end, or filter."},
	{upstream.ErrPositionNotFound, apierr.CursorExpired, "The cursor's place in the log could not be found; start again without it."},
	{upstream.ErrSlowSubscriber, apierr.RateLimited, "Changes came faster than they were taken; subscribe again with `since`."},
	{upstream.ErrTooManySubscribers, apierr.RateLimited, "The server has as many subscriptions as it may have; try again later."},
	{upstream.ErrRowsUnread, apierr.UpstreamBadResponse, "More activities started in one second than the upstream returns; some of them may be reported late or not at all."},
	{context.DeadlineExceeded, apierr.RequestTimeout, "The request ran out of time."},
	{context.Canceled, apierr.RequestTimeout, "The request was given up before it was done."},
}

var internal = Error{apierr.Internal, "Something went wrong on our side.", false}

// publicError returns the error that clients see for err: err itself if it is an Error, else its entry of errorTable, else INTERNAL.
func publicError(err error) Error {
	var ours *Error
	if errors.As(err, &ours) {
		return *ours
	}
	for _, m := range errorTable {
		if errors.Is(err, m.err) {
			return Error{m.code, m.message, apierr.Retryable(m.code)}
		}
	}
	return internal
}

// publicErrorFor returns publicError with the limits of the request in the message.
func publicErrorFor(ctx context.Context, err error) Error {
	public := publicError(err)
	if bound := request.CallerFrom(ctx).MaxCalls; bound > 0 && errors.Is(err, request.ErrTooManyCalls) {
		public.Message = fmt.Sprintf("The query needs at least %d upstream calls; one request may make %d.", bound+1, bound)
	}
	return public
}

// ErrorPresenter returns a presenter that gives every error a code and the other documented extensions. It logs errors with the code
// INTERNAL.
func ErrorPresenter(log *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		presented := graphql.DefaultErrorPresenter(ctx, err)
		if code, ok := presented.Extensions["code"].(string); ok {
			return fromFramework(presented, code)
		}
		if replaced := fromGqlgen(ctx, presented); replaced != nil {
			err = replaced
		}
		public := publicErrorFor(ctx, err)
		if public.Code == internal.Code && !errors.Is(err, errPanic) {
			log.ErrorContext(ctx, "a field failed", "path", presented.Path.String(), "error", err.Error())
		}
		return &gqlerror.Error{
			Message:    public.Message,
			Path:       presented.Path,
			Locations:  presented.Locations,
			Extensions: extensions(public, err),
		}
	}
}

// fromFramework completes an error that already has a code.
func fromFramework(e *gqlerror.Error, code string) *gqlerror.Error {
	if code == "COMPLEXITY_LIMIT_EXCEEDED" {
		e.Extensions["code"] = apierr.TooComplex
	}
	if _, ok := e.Extensions["retryable"]; !ok {
		e.Extensions["retryable"] = false
	}
	return e
}

// fromGqlgen returns the coded error for an error that gqlgen reports without a code: introspection that is switched off, or an invalid
// argument. It returns nil for all other errors.
func fromGqlgen(ctx context.Context, e *gqlerror.Error) error {
	fc := graphql.GetFieldContext(ctx)
	if fc == nil || fc.Field.Field == nil {
		return nil
	}
	if strings.HasPrefix(fc.Field.Name, "__") && graphql.GetOperationContext(ctx).DisableIntrospection {
		return errIntrospection
	}
	if fc.Args == nil {
		return badArgument(fc, e)
	}
	return nil
}

// badArgument returns the error for an argument that could not be coerced to its type; nil if e is another error. gqlgen reports it at
// the field's path followed by the path of the value within the arguments. badArgument sets the path and location of e to the field's.
func badArgument(fc *graphql.FieldContext, e *gqlerror.Error) error {
	argument := e.Path[min(len(fc.Path()), len(e.Path)):]
	if len(argument) == 0 || fc.Field.Definition.Arguments.ForName(argument[:1].String()) == nil {
		return nil
	}
	e.Path = fc.Path()
	if at := fc.Field.Position; at != nil {
		e.Locations = []gqlerror.Location{{Line: at.Line, Column: at.Column}}
	}
	return InvalidArgument(argument.String(), e.Message)
}

// extensions returns the extensions of an error. For failures of the upstream they include the status, code and request id of its
// response, null if there was no response or it lacks them.
func extensions(public Error, err error) map[string]any {
	ext := map[string]any{"code": public.Code, "retryable": public.Retryable}
	if !slices.ContainsFunc(errorTable[:upstreamErrors], func(m errorMapping) bool { return errors.Is(err, m.err) }) {
		return ext
	}
	response := map[string]any{"status": nil, "code": nil, "requestId": nil}
	ext["upstream"] = response
	var status *upstream.StatusError
	if !errors.As(err, &status) {
		return ext
	}
	response["status"], response["code"], response["requestId"] = status.Status, nullIfEmpty(status.Code), nullIfEmpty(status.RequestID)
	if status.RetryAfter > 0 && errors.Is(err, upstream.ErrRateLimited) {
		ext["retryAfterSeconds"] = int64(math.Ceil(status.RetryAfter.Seconds()))
	}
	return ext
}

// nullIfEmpty returns nil, which becomes null in the response, for an empty string.
func nullIfEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Recover turns a panic of a resolver into an error, and logs it with its stack.
func Recover(log *slog.Logger) graphql.RecoverFunc {
	return func(ctx context.Context, fault any) error {
		log.ErrorContext(ctx, "a resolver panicked", "path", graphql.GetPath(ctx).String(), "fault", fmt.Sprint(fault), "stack", string(debug.Stack()))
		return errPanic
	}
}
