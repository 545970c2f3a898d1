package gqlhttp

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/internal/request"
)

// explain adds extensions.explain to the answers of callers who asked for it: what the answer cost.
type explain struct{}

func (explain) ExtensionName() string                     { return "Explain" }
func (explain) Validate(_ graphql.ExecutableSchema) error { return nil }

// InterceptResponse runs last, so that the whole answer is counted.
func (explain) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	resp := next(ctx)
	caller := request.CallerFrom(ctx)
	if resp == nil || !caller.Explain {
		return resp
	}
	extend(resp, "explain", explanation(&caller.Tally, costOf(ctx)))
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

// extend adds to the extensions of an answer.
func extend(resp *graphql.Response, name string, value any) {
	if resp.Extensions == nil {
		resp.Extensions = map[string]any{}
	}
	resp.Extensions[name] = value
}
