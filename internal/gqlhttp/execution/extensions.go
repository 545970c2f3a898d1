package execution

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/internal/gqlhttp/document"
	"scalegraph/internal/request"
)

// explain adds extensions.explain, the cost of a response, for callers that request it.
type explain struct{}

func (explain) ExtensionName() string                     { return "Explain" }
func (explain) Validate(_ graphql.ExecutableSchema) error { return nil }

// InterceptResponse runs last, so that the whole response is counted.
func (explain) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	resp := next(ctx)
	caller := request.CallerFrom(ctx)
	if resp == nil || !caller.Explain {
		return resp
	}
	extend(resp, "explain", explanation(&caller.Tally, costIn(ctx)))
	return resp
}

func explanation(t *request.Tally, cost int) map[string]any {
	return map[string]any{
		"upstreamCalls": t.Calls.Load(),
		"upstreamRows":  t.Rows.Load(),
		"upstreamBytes": t.Bytes.Load(),
		"memoryHits":    t.MemoryHits.Load(),
		"redisHits":     t.RedisHits.Load(),
		"redisBytes":    t.RedisBytes.Load(),
		"coalesced":     t.Coalesced.Load(),
		"staleHits":     t.StaleHits.Load(),
		"cost":          cost,
	}
}

// extend adds an extension to a response.
func extend(resp *graphql.Response, name string, value any) {
	if resp.Extensions == nil {
		resp.Extensions = map[string]any{}
	}
	resp.Extensions[name] = value
}

// costIn returns the cost of the operation in ctx; 0 if there is none.
func costIn(ctx context.Context) int {
	if !graphql.HasOperationContext(ctx) {
		return 0
	}
	return costOf(graphql.GetOperationContext(ctx))
}

// errorLimit bounds the number of errors in a response. extensions.errorsLeftOut is the number of the others.
type errorLimit struct{}

// maxFieldErrors bounds the errors of an operation that was executed. It is more than document.MaxErrors, because each is a null in the data.
const maxFieldErrors = 100

func (errorLimit) ExtensionName() string                     { return "ErrorLimit" }
func (errorLimit) Validate(_ graphql.ExecutableSchema) error { return nil }

// InterceptResponse truncates the list.
func (errorLimit) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	resp := next(ctx)
	if resp == nil {
		return nil
	}
	limit := document.MaxErrors
	if len(resp.Data) > 0 {
		limit = maxFieldErrors
	}
	if over := len(resp.Errors) - limit; over > 0 {
		resp.Errors = resp.Errors[:limit]
		extend(resp, "errorsLeftOut", over)
	}
	return resp
}
