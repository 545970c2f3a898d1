package resolvers

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"

	"scalegraph/resolvers/loaders"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// events passes data between the resolver of a subscription and its transport: the id of the last event that the client has received, the
// ids of the following events, and the error that ends the subscription. It is safe for concurrent use.
type events struct {
	last    string // id of the last event that the client has received; empty: none
	enabled bool   // the transport reads ids

	mu   sync.Mutex
	ids  []string // of events that the transport has not read yet
	errs []error  // the errors that replace these events; nil: the event is not replaced
	err  error    // ends the subscription
}

type eventsKey struct{}

// WithEvents prepares a context for transports with event ids, such as server-sent events. The id of an event is the cursor of its change.
// If last is not empty it replaces the argument `since`. The returned function first returns the id of the position at which the
// subscription begins, and then the id of each event in turn; an id may be empty.
func WithEvents(ctx context.Context, last string) (context.Context, func() string) {
	e := &events{last: last, enabled: true}
	return context.WithValue(ctx, eventsKey{}, e), e.pop
}

// eventsFrom returns the events of the subscription in ctx, or new ones without effect if there are none.
func eventsFrom(ctx context.Context) *events {
	if e, ok := ctx.Value(eventsKey{}).(*events); ok {
		return e
	}
	return &events{}
}

// since returns the cursor to resume from: the last event id of the transport, which is newer than the argument, or else the argument.
func (e *events) since(argument *string) *string {
	if e.last != "" {
		return &e.last
	}
	return argument
}

func (e *events) begin(id string) { e.pushID(id) }

// push adds the next event: its id, which may be empty, and the error that replaces it, or nil.
func (e *events) push(id string, replacement error) {
	e.pushID(id)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.errs = append(e.errs, replacement)
}

func (e *events) pushID(id string) {
	if !e.enabled {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ids = append(e.ids, id)
}

// popError returns the error that replaces the next event.
func (e *events) popError() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.errs) == 0 {
		return nil
	}
	err := e.errs[0]
	e.errs = e.errs[1:]
	return err
}

func (e *events) pop() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.ids) == 0 {
		return ""
	}
	id := e.ids[0]
	e.ids = e.ids[1:]
	return id
}

// fail sets the error that ends the subscription. It must be called before the transport reads the last event.
func (e *events) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = err
}

// failure returns the error of fail, and nil from then on.
func (e *events) failure() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.err
	e.err = nil
	return err
}

// isSubscription reports whether ctx is that of a subscription.
func isSubscription(ctx context.Context) bool {
	op := graphql.GetOperationContext(ctx).Operation
	return op != nil && op.Operation == ast.Subscription
}

// withEvents adds events to the context of a subscription if its transport has not. Other contexts are returned unchanged.
func withEvents(ctx context.Context) context.Context {
	if _, ok := ctx.Value(eventsKey{}).(*events); ok || !isSubscription(ctx) {
		return ctx
	}
	return context.WithValue(ctx, eventsKey{}, &events{})
}

// interceptEvent returns the response of one event of a subscription. After the last event it returns the error that ended the subscription, if any,
// and then nil.
func interceptEvent(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	ctx = inRootField(loaders.WithState(ctx))
	resp := next(ctx)
	if resp != nil {
		if err := eventsFrom(ctx).popError(); err != nil {
			presented := ErrorPresenter(slog.New(slog.DiscardHandler))(ctx, err)
			return &graphql.Response{Data: json.RawMessage("null"), Errors: gqlerror.List{presented}}
		}
		return resp
	}
	err := eventsFrom(ctx).failure()
	if err == nil {
		return nil
	}
	graphql.AddError(ctx, err)
	return &graphql.Response{Errors: graphql.GetErrors(ctx)}
}

// inRootField returns a context in which paths begin at the subscription's field: gqlgen's begin below it.
func inRootField(ctx context.Context) context.Context {
	op := graphql.GetOperationContext(ctx)
	if graphql.GetFieldContext(ctx) != nil {
		return ctx
	}
	for _, f := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Subscription"}) {
		return graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Subscription", Field: f})
	}
	return ctx
}
