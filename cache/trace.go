package cache

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"scalegraph/upstream"
)

// spans makes the spans of reads and of trips to Redis. Nothing in them names a caller, a group or a key. Where tracing is off there are
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

// trip begins the span of a trip to Redis; end it with what came of it. A trip on nobody's behalf has none.
func (s spans) trip(ctx context.Context, cmds []redis.Cmder) (end func(error)) {
	if s.tracer == nil || !trace.SpanContextFromContext(ctx).IsValid() {
		return func(error) {}
	}
	about := []attribute.KeyValue{attribute.String("db.system.name", "redis")}
	switch len(cmds) {
	case 0:
	case 1:
		about = append(about, attribute.String("db.operation.name", strings.ToUpper(cmds[0].Name())))
	default:
		about = append(about, attribute.String("db.operation.name", "PIPELINE"), attribute.Int("db.operation.batch.size", len(cmds)))
	}
	_, span := s.tracer.Start(ctx, "Redis", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(about...))
	return func(err error) {
		if err != nil && !errors.Is(err, redis.Nil) {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}
