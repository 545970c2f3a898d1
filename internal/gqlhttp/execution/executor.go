// Package execution runs GraphQL operations for all transports: it wraps gqlgen's executor. It finds and checks the document of a request, charges its
// cost, bounds the operations and the cost in flight, and gives every error a code.
package execution

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/document"
	"scalegraph/internal/gqlhttp/incremental"
	"scalegraph/internal/request"
)

// Config configures an Executor. Documents.Limits and Log must be set.
type Config struct {
	Documents      document.Config
	InFlight       int // operations in flight at once, without streams; 0: no bound
	CostInFlight   int // bounds the sum of the costs of operations in flight, without subscriptions; one caller has a quarter of it. 0: no bound
	Log            *slog.Logger
	ErrorPresenter graphql.ErrorPresenterFunc // gives errors their code; nil: an error without a code is INTERNAL
	RecoverFunc    graphql.RecoverFunc        // nil: a panic is logged with its stack and is INTERNAL
	Extensions     []graphql.HandlerExtension // run inside those of this package

	// UpstreamCalls estimates the upstream calls of an operation; more than Documents.Limits.UpstreamCalls reject it. nil: they are only counted during execution.
	UpstreamCalls func(*graphql.OperationContext) int

	// Admit returns how long a caller must wait before it may spend this cost; 0: the cost is charged. nil: there is no limit.
	Admit func(ctx context.Context, c *request.Caller, cost int) time.Duration
}

// Executor runs operations. It is safe for concurrent use.
type Executor struct {
	*executor.Executor
	cfg       Config
	schema    graphql.ExecutableSchema
	documents *document.Documents
	persisted *document.Persisted
	budget    *costBudget
	inFlight  atomic.Int64
}

// New returns an Executor. It reads all trusted documents, so that those that cannot be run are logged at once and the others are cached.
func New(schema graphql.ExecutableSchema, cfg Config) *Executor {
	inner := executor.New(schema)
	inner.SetErrorPresenter(presenter(cfg))
	inner.SetRecoverFunc(recoverer(cfg))
	inner.SetQueryCache(documentCache{})
	inner.Use(explain{})
	inner.Use(errorLimit{})
	for _, x := range cfg.Extensions {
		inner.Use(x)
	}
	e := &Executor{
		Executor: inner, cfg: cfg, schema: schema, documents: document.New(schema.Schema(), cfg.Documents), persisted: document.NewPersisted(cfg.Documents),
		budget: newCostBudget(cfg.CostInFlight),
	}
	e.checkTrusted()
	return e
}

func (e *Executor) checkTrusted() {
	for id, text := range e.cfg.Documents.Trusted.All() {
		if _, errs := e.documents.Read(text, false); errs != nil {
			e.cfg.Log.Warn("a trusted document cannot be run", "id", id, "error", errs[0].Message)
		}
	}
}

// Schema returns the schema.
func (e *Executor) Schema() *ast.Schema { return e.schema.Schema() }

// Prepare checks an operation, charges its cost to the caller in ctx, and completes r.Report. If there are errors, nothing may be executed; all of them have
// codes.
func (e *Executor) Prepare(ctx context.Context, r *Request) (*graphql.OperationContext, gqlerror.List) {
	op, errs := e.check(ctx, r)
	if errs == nil {
		errs = e.charge(ctx, op)
	}
	r.setOperation(op, e.cfg.Documents.Trusted)
	return op, errs
}

// check finds and checks an operation without charging for it. A subscription loses its @defer directives: each of its events is sent at once.
func (e *Executor) check(ctx context.Context, r *Request) (*graphql.OperationContext, gqlerror.List) {
	op, errs := e.checkAsWritten(ctx, r)
	if errs == nil && op.Operation.Operation == ast.Subscription && incremental.HasDefer(op.Doc) {
		r.Defer = false
		return e.checkAsWritten(ctx, r)
	}
	return op, errs
}

func (e *Executor) checkAsWritten(ctx context.Context, r *Request) (*graphql.OperationContext, gqlerror.List) {
	errs := e.readDocument(ctx, r)
	if errs == nil {
		errs = e.checkParams(r)
	}
	if errs != nil {
		return &graphql.OperationContext{RawQuery: r.Params.Query, OperationName: r.Params.OperationName}, errs
	}
	op, errs := e.CreateOperationContext(withRequest(ctx, r), r.Params)
	if errs != nil {
		return op, withBadInputCode(errs)
	}
	if err := document.CheckRootField(op); err != nil {
		return op, gqlerror.List{err}
	}
	op.DisableIntrospection = !e.cfg.Documents.Introspection
	return op, nil
}

// readDocument reads the document of a request. If the request only has its id, it sets the text in the parameters.
func (e *Executor) readDocument(ctx context.Context, r *Request) gqlerror.List {
	text, err := e.persisted.Text(ctx, r.Params)
	if err != nil {
		return gqlerror.List{err}
	}
	doc, errs := e.documents.Read(text, r.Defer)
	if errs != nil {
		return errs
	}
	e.persisted.Register(ctx, r.Params)
	r.Params.Query, r.document = text, doc
	return nil
}

// checkParams checks the name of the operation and the variables of a request.
func (e *Executor) checkParams(r *Request) gqlerror.List {
	def, err := document.SelectOperation(r.document, r.Params.OperationName)
	if err == nil {
		err = document.CheckVariables(e.schema.Schema(), def, r.Params.Variables)
	}
	if err != nil {
		return gqlerror.List{err}
	}
	return nil
}

// withBadInputCode gives the code of bad variables to errors that gqlgen takes for faults of the document: the document has been validated.
func withBadInputCode(errs gqlerror.List) gqlerror.List {
	for i, err := range errs {
		if code := apierr.CodeOf(err); code == "" || code == apierr.ValidationFailed {
			errs[i] = apierr.WithCode(err, apierr.BadUserInput)
		}
	}
	return errs
}

// costStat is the key of the cost in the stats of an operation.
const costStat = "scalegraph.cost"

// charge rejects an operation that costs or reads too much, in itself or for its caller at the moment.
func (e *Executor) charge(ctx context.Context, op *graphql.OperationContext) gqlerror.List {
	cost := complexity.Calculate(ctx, e.schema, op.Operation, op.Variables)
	op.Stats.SetExtension(costStat, cost)
	if err := document.CheckLimit(cost, e.cfg.Documents.Limits.Cost, "costs %d (fields times rows); at most %d are allowed"); err != nil {
		return gqlerror.List{err}
	}
	if err := e.checkUpstreamCalls(op); err != nil {
		return gqlerror.List{err}
	}
	return e.Admit(ctx, request.CallerFrom(ctx), cost)
}

func (e *Executor) checkUpstreamCalls(op *graphql.OperationContext) *gqlerror.Error {
	if e.cfg.UpstreamCalls == nil {
		return nil
	}
	return document.CheckLimit(e.cfg.UpstreamCalls(op), e.cfg.Documents.Limits.UpstreamCalls,
		"needs about %d upstream calls; at most %d are allowed (SCALEGRAPH_MAX_UPSTREAM_CALLS)")
}

// costOf returns the cost of an operation; 0 if it was not charged.
func costOf(op *graphql.OperationContext) int {
	cost, _ := op.Stats.GetExtension(costStat).(int)
	return cost
}
