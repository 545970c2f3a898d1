package gqlhttp

import (
	"context"

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

// engine is gqlgen's executor, guarded. Every transport runs operations through it and through nothing else.
type engine struct {
	*executor.Executor
	schema    graphql.ExecutableSchema
	documents *document.Documents
	persisted *document.Persisted
	budget    *costBudget
	cfg       Config
}

func newEngine(schema graphql.ExecutableSchema, cfg Config) *engine {
	e := executor.New(schema)
	e.SetErrorPresenter(presenter(cfg))
	e.SetRecoverFunc(recoverer(cfg))
	e.SetQueryCache(document.QueryCache{})
	e.Use(explain{})
	e.Use(fewErrors{})
	for _, x := range cfg.Extensions {
		e.Use(x)
	}
	docs := document.Config{
		Limits: cfg.Limits, Introspection: cfg.Introspection, Trusted: cfg.Trusted, TrustedOnly: cfg.TrustedOnly, Queries: cfg.Queries,
	}
	return &engine{e, schema, document.New(schema.Schema(), docs), document.NewPersisted(docs), newCostBudget(cfg.CostInFlight), cfg}
}

// CreateOperationContext reads, checks and charges an operation. Nothing may be executed where there are errors; all of them have codes.
func (e *engine) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	op, errs := e.prepare(ctx, params)
	if errs != nil {
		return op, errs
	}
	return op, e.charge(ctx, op)
}

// prepare reads and checks an operation, and charges nothing for it. Subscriptions are read without their @defer directives: each of
// their events comes in one piece.
func (e *engine) prepare(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	op, errs := e.inspect(ctx, params)
	if errs == nil && op.Operation.Operation == ast.Subscription && incremental.HasDefer(op.Doc) {
		return e.inspect(withoutDeferral(ctx), params)
	}
	return op, errs
}

// inspect reads and checks an operation as it stands.
func (e *engine) inspect(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	doc, errs := e.document(ctx, params)
	if errs == nil {
		errs = e.suits(doc, params)
	}
	if errs != nil {
		return &graphql.OperationContext{RawQuery: params.Query, OperationName: params.OperationName}, errs
	}
	op, errs := e.Executor.CreateOperationContext(document.NewContext(ctx, doc), params)
	if errs != nil {
		return op, asBadInput(errs)
	}
	if err := document.CheckRootField(op); err != nil {
		return op, gqlerror.List{err}
	}
	op.DisableIntrospection = !e.cfg.Introspection
	return op, nil
}

// checkTrusted reads all trusted documents, so that those which cannot be run are known from the start and the rest are ready.
func (e *engine) checkTrusted() {
	for id, text := range e.cfg.Trusted.All() {
		if _, errs := e.documents.Read(text, false); errs != nil {
			e.cfg.Log.Warn("a trusted document cannot be run", "id", id, "error", errs[0].Message)
		}
	}
}

// document finds the text where the request only names it, sets it in params, and reads it.
func (e *engine) document(ctx context.Context, params *graphql.RawParams) (*ast.QueryDocument, gqlerror.List) {
	text, err := e.persisted.Text(ctx, params)
	if err != nil {
		return nil, gqlerror.List{err}
	}
	doc, errs := e.documents.Read(text, deferralWanted(ctx))
	if errs != nil {
		return nil, errs
	}
	e.persisted.Register(ctx, params)
	params.Query = text
	return doc, nil
}

// suits checks what the request adds to its document: which operation, and with which variables.
func (e *engine) suits(doc *ast.QueryDocument, params *graphql.RawParams) gqlerror.List {
	def, err := document.SelectOperation(doc, params.OperationName)
	if err == nil {
		err = document.CheckVariables(e.schema.Schema(), def, params.Variables)
	}
	if err != nil {
		return gqlerror.List{err}
	}
	return nil
}

// asBadInput gives the code of bad variables to what gqlgen takes for a fault of the document: the document was right.
func asBadInput(errs gqlerror.List) gqlerror.List {
	for i, err := range errs {
		if code := apierr.CodeOf(err); code == "" || code == apierr.ValidationFailed {
			errs[i] = apierr.WithCode(err, apierr.BadUserInput)
		}
	}
	return errs
}

// costStat is under which name the cost stands in an operation's stats.
const costStat = "scalegraph.cost"

// charge notes what the operation costs, and refuses it where that is too much, in itself or for its caller just now.
func (e *engine) charge(ctx context.Context, op *graphql.OperationContext) gqlerror.List {
	cost := complexity.Calculate(ctx, e.schema, op.Operation, op.Variables)
	op.Stats.SetExtension(costStat, cost)
	if err := document.CheckLimit(cost, e.cfg.Limits.Cost, "costs %d (fields times rows); at most %d are allowed"); err != nil {
		return gqlerror.List{err}
	}
	return e.admit(ctx, request.CallerFrom(ctx), cost)
}

// costOf returns the cost of the operation of ctx; 0 if there is none or it was not charged.
func costOf(ctx context.Context) int {
	if !graphql.HasOperationContext(ctx) {
		return 0
	}
	return chargedCost(graphql.GetOperationContext(ctx))
}

func chargedCost(op *graphql.OperationContext) int {
	cost, _ := op.Stats.GetExtension(costStat).(int)
	return cost
}

// acquireCost waits until the cost of op fits into what may be in flight. If it is not refused, release must be called once.
func (e *engine) acquireCost(ctx context.Context, op *graphql.OperationContext) (release func(), refused *refusal) {
	return e.budget.acquire(ctx, request.CallerFrom(ctx), chargedCost(op))
}
