package edge

import (
	"context"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// engine is gqlgen's executor, guarded. Every transport runs operations through it and through nothing else.
type engine struct {
	*executor.Executor
	schema graphql.ExecutableSchema
	cfg    Config
}

func newEngine(schema graphql.ExecutableSchema, cfg Config) *engine {
	e := executor.New(schema)
	e.SetErrorPresenter(presenter(cfg))
	e.SetRecoverFunc(recoverer(cfg))
	e.SetParserTokenLimit(cfg.Limits.Tokens)
	e.SetDisableSuggestion(!cfg.Introspection)
	e.Use(explain{})
	for _, x := range cfg.Extensions {
		e.Use(x)
	}
	return &engine{e, schema, cfg}
}

// CreateOperationContext reads and checks an operation. Nothing is executed where there are errors.
func (e *engine) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	op, errs := e.Executor.CreateOperationContext(ctx, params)
	if errs != nil {
		return op, errs
	}
	op.DisableIntrospection = !e.cfg.Introspection
	return op, e.charge(ctx, op)
}

// costStat is under which name the cost stands in an operation's stats.
const costStat = "scalegraph.cost"

// charge notes what the operation costs, and refuses it where that is too much.
func (e *engine) charge(ctx context.Context, op *graphql.OperationContext) gqlerror.List {
	cost := complexity.Calculate(ctx, e.schema, op.Operation, op.Variables)
	op.Stats.SetExtension(costStat, cost)
	if most := e.cfg.Limits.Cost; cost > most {
		return gqlerror.List{errorf(codeTooComplex, "The operation costs %d; at most %d are allowed. Ask for fewer rows or fields.", cost, most)}
	}
	return nil
}

// costOf is what an operation was charged; 0 where it did not come so far.
func costOf(ctx context.Context) int {
	if !graphql.HasOperationContext(ctx) {
		return 0
	}
	cost, _ := graphql.GetOperationContext(ctx).Stats.GetExtension(costStat).(int)
	return cost
}
