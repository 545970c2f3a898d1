package resolvers

import (
	"log/slog"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"

	"scalegraph/graph"
)

// runner executes queries without a network.
type runner struct{ *executor.Executor }

func newRunner(t testing.TB, r *Resolver) runner {
	t.Helper()
	exec := executor.New(graph.NewExecutableSchema(graph.Config{Resolvers: r, Complexity: Complexity()}))
	exec.SetErrorPresenter(ErrorPresenter(slog.New(slog.DiscardHandler)))
	exec.SetRecoverFunc(Recover(slog.New(slog.DiscardHandler)))
	exec.Use(Extension{})
	return runner{exec}
}

func (r runner) ask(t testing.TB, query string) *graphql.Response {
	ctx := graphql.StartOperationTrace(t.Context())
	op, errs := r.CreateOperationContext(ctx, &graphql.RawParams{Query: query})
	if errs != nil {
		t.Fatal(errs)
	}
	responses, ctx := r.DispatchOperation(ctx, op)
	return responses(ctx)
}
