package cache

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"scalegraph/upstream"
)

// spans makes the spans of reads. Nothing in them names a caller, a group or a key. Where tracing is off there are
// none, at no cost but that of a nil.
type spans struct{ tracer trace.Tracer }

// read is List with a span, below which are those of the trips and the upstream calls that it causes.
func (l *Logs) read(ctx context.Context, q upstream.ListQuery) (upstream.Listing, error) {
	ctx, span := l.spans.tracer.Start(ctx, "cache read")
	defer span.End()
	a := l.ask(ctx, q)
	out, err := l.answer(ctx, a)
	span.SetAttributes(
		attribute.Int("scalegraph.hits.memory", a.memoryHits), attribute.Int("scalegraph.hits.redis", len(a.found)),
		attribute.Int("scalegraph.fetched", len(a.answered)), attribute.Int("scalegraph.coalesced", a.coalesced), attribute.Bool("scalegraph.stale", out.Stale))
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	return out, err
}
