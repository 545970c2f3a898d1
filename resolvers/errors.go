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

// Error is an error that a client may read as it is.
type Error struct {
	Code      string // as in extensions.code
	Message   string // one sentence, for people
	Retryable bool
}

func (e *Error) Error() string { return e.Message }

// Input returns the error of a bad argument. The message goes on after the argument's name, e.g. "must not be negative".
func Input(argument, message string) error {
	return &Error{Code: apierr.BadUserInput, Message: "`" + argument + "` " + message + "."}
}

// within returns the error of an argument that stands within another.
func within(argument string, err error) error {
	told := describe(err)
	told.Message = "`" + argument + "`: " + told.Message
	return &told
}

// errNode is the error of a global id whose object is gone.
var errNode = &Error{Code: apierr.NotFound, Message: "There is no such object, or it is gone."}

// errNoSubscriptions is the answer of a version without live updates.
var errNoSubscriptions = &Error{Code: apierr.OperationUnresolved, Message: "This version of the server does not serve subscriptions."}

// errIntrospection is the answer of a server that keeps its schema to itself.
var errIntrospection = &Error{Code: apierr.ValidationFailed, Message: "Introspection is switched off."}

// errPanic is a fault that was logged where it was caught.
var errPanic = errors.New("a resolver panicked")

// ofUpstream is how many rows of the table, from its start, are failures of the upstream.
const ofUpstream = 8

// row is an error with the code and the message that a client gets for it.
type row struct {
	err     error
	code    string
	message string
}

// table is the one place that knows which error has which code. The first row that matches counts, so an upstream timeout that
// wraps a deadline is told from the end of the whole request.
var table = []row{
	{upstream.ErrUnauthenticated, apierr.Unauthenticated, "The upstream does not accept these credentials, or there were none."},
	{upstream.ErrForbidden, apierr.Forbidden, "These credentials do not permit this upstream call."},
	{upstream.ErrNotFound, apierr.NotFound, "There is no such scaling group or policy."},
	{upstream.ErrRateLimited, apierr.RateLimited, "The upstream is throttling; try again later."},
	{upstream.ErrRejected, apierr.UpstreamRejected, "The upstream rejected this request."},
	{upstream.ErrTimeout, apierr.UpstreamTimeout, "The upstream did not answer in time."},
	{upstream.ErrUnavailable, apierr.UpstreamUnavailable, "The upstream is unavailable."},
	{upstream.ErrBadResponse, apierr.UpstreamBadResponse, "The upstream's answer could not be read."},
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

// describe returns what a client sees of err: err itself where it is one of ours, else its row of the table, else INTERNAL.
func describe(err error) Error {
	var ours *Error
	if errors.As(err, &ours) {
		return *ours
	}
	for _, row := range table {
		if errors.Is(err, row.err) {
			return Error{row.code, row.message, apierr.Retryable(row.code)}
		}
	}
	return internal
}

// tell is describe with what only the request knows.
func tell(ctx context.Context, err error) Error {
	told := describe(err)
	if bound := request.CallerFrom(ctx).MaxCalls; bound > 0 && errors.Is(err, request.ErrTooManyCalls) {
		told.Message = fmt.Sprintf("The query needs at least %d upstream calls; one request may make %d.", bound+1, bound)
	}
	return told
}

// ErrorPresenter codes every error for the client, as contract/interface.md has it, and logs those that are our own fault.
func ErrorPresenter(log *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		seen := graphql.DefaultErrorPresenter(ctx, err)
		if code, ok := seen.Extensions["code"].(string); ok {
			return framework(seen, code)
		}
		if meant := uncoded(ctx, seen); meant != nil {
			err = meant
		}
		told := tell(ctx, err)
		if told.Code == internal.Code && !errors.Is(err, errPanic) {
			log.ErrorContext(ctx, "a field failed", "path", seen.Path.String(), "error", err.Error())
		}
		return &gqlerror.Error{
			Message:    told.Message,
			Path:       seen.Path,
			Locations:  seen.Locations,
			Extensions: extensions(told, err),
		}
	}
}

// framework completes an error that was coded before it came here.
func framework(seen *gqlerror.Error, code string) *gqlerror.Error {
	if code == "COMPLEXITY_LIMIT_EXCEEDED" {
		seen.Extensions["code"] = apierr.TooComplex
	}
	if _, ok := seen.Extensions["retryable"]; !ok {
		seen.Extensions["retryable"] = false
	}
	return seen
}

// uncoded returns what an error of gqlgen means that it gives no code to; nil where it is none of those.
func uncoded(ctx context.Context, seen *gqlerror.Error) error {
	fc := graphql.GetFieldContext(ctx)
	if fc == nil || fc.Field.Field == nil {
		return nil
	}
	if strings.HasPrefix(fc.Field.Name, "__") && graphql.GetOperationContext(ctx).DisableIntrospection {
		return errIntrospection
	}
	if fc.Args == nil {
		return badArgument(fc, seen)
	}
	return nil
}

// badArgument returns the error of an argument that could not be read as its type. gqlgen reports one at the field's path
// followed by the argument's name, and where it stands within the argument.
func badArgument(fc *graphql.FieldContext, seen *gqlerror.Error) error {
	within := seen.Path[min(len(fc.Path()), len(seen.Path)):]
	if len(within) == 0 || fc.Field.Definition.Arguments.ForName(within[:1].String()) == nil {
		return nil
	}
	seen.Path = fc.Path()
	if at := fc.Field.Position; at != nil {
		seen.Locations = []gqlerror.Location{{Line: at.Line, Column: at.Column}}
	}
	return Input(within.String(), seen.Message)
}

// extensions says of a failure of the upstream what its answer said; null where there was no answer, or nothing said.
func extensions(told Error, err error) map[string]any {
	ext := map[string]any{"code": told.Code, "retryable": told.Retryable}
	if !slices.ContainsFunc(table[:ofUpstream], func(r row) bool { return errors.Is(err, r.err) }) {
		return ext
	}
	said := map[string]any{"status": nil, "code": nil, "requestId": nil}
	ext["upstream"] = said
	var status *upstream.StatusError
	if !errors.As(err, &status) {
		return ext
	}
	said["status"], said["code"], said["requestId"] = status.Status, orNil(status.Code), orNil(status.RequestID)
	if status.RetryAfter > 0 && errors.Is(err, upstream.ErrRateLimited) {
		ext["retryAfterSeconds"] = int64(math.Ceil(status.RetryAfter.Seconds()))
	}
	return ext
}

// orNil keeps an empty text out of an answer, where null says better that there was none.
func orNil(s string) any {
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
