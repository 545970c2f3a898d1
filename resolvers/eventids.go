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

// events accompany a subscription: its transport may hand in where the client left off and takes the id of every event, and
// its resolver says why it ended.
type events struct {
	last   string // id of the last event that the client has; empty: it has none
	wanted bool   // whether anybody takes ids

	mu   sync.Mutex
	ids  []string // of events to come
	errs []error  // of events to come: what replaces each; nil: nothing
	err  error
}

type eventsKey struct{}

// WithEvents is for transports whose events have ids, such as server-sent ones. The id of an event is the cursor of its change, and
// last, where it is not empty, counts as the argument `since`. The function returns the id of where the subscription begins
// when it is called first, and from then on that of each event in turn; empty where there is none.
func WithEvents(ctx context.Context, last string) (context.Context, func() string) {
	e := &events{last: last, wanted: true}
	return context.WithValue(ctx, eventsKey{}, e), e.pop
}

// eventsFrom returns those of the subscription; they lead nowhere where there are none.
func eventsFrom(ctx context.Context) *events {
	if e, ok := ctx.Value(eventsKey{}).(*events); ok {
		return e
	}
	return &events{}
}

// since returns where to begin: what the transport knows is newer than what the client wrote into its query.
func (e *events) since(argument *string) *string {
	if e.last != "" {
		return &e.last
	}
	return argument
}

func (e *events) begin(id string) { e.pushID(id) }

// push announces the next event: its id, empty if it has none, and the error that replaces it, if any.
func (e *events) push(id string, instead error) {
	e.pushID(id)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.errs = append(e.errs, instead)
}

func (e *events) pushID(id string) {
	if !e.wanted {
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

// fail says why the subscription ends. It comes before the last event is taken.
func (e *events) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = err
}

// failure returns what fail was told, once.
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

// withEvents gives a subscription its events, where its transport did not.
func withEvents(ctx context.Context) context.Context {
	if _, ok := ctx.Value(eventsKey{}).(*events); ok || !isSubscription(ctx) {
		return ctx
	}
	return context.WithValue(ctx, eventsKey{}, &events{})
}

// event makes one event of a subscription. When there are no more, the error that ended it is the last.
func event(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	ctx = inRootField(loaders.WithState(ctx))
	resp := next(ctx)
	if resp != nil {
		if err := eventsFrom(ctx).popError(); err != nil {
			seen := ErrorPresenter(slog.New(slog.DiscardHandler))(ctx, err)
			return &graphql.Response{Data: json.RawMessage("null"), Errors: gqlerror.List{seen}}
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
