package cache

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"scalegraph/upstream"
)

// spans starts the spans of reads. Their attributes contain no caller, group or key. If tracing is off, there are none.
type spans struct{ tracer trace.Tracer }

// listWithSpan is List with a span, which is the parent of the spans of its Redis round trips and upstream calls.
func (c *Cache) listWithSpan(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error) {
	ctx, span := c.spans.tracer.Start(ctx, "cache read")
	defer span.End()
	l := c.newLookup(ctx, q)
	out, err := c.serve(ctx, l)
	span.SetAttributes(
		attribute.Int("scalegraph.hits.memory", l.memoryHits), attribute.Int("scalegraph.hits.redis", len(l.fromRedis)),
		attribute.Int("scalegraph.fetched", len(l.fetched)), attribute.Int("scalegraph.coalesced", l.coalesced), attribute.Bool("scalegraph.stale", out.Stale))
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	return out, err
}
