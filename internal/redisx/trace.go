package redisx

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// startSpan starts the span of a round trip and returns the function that ends it with the error of the round trip. Without a tracer, or
// outside a request, it does nothing. The attributes contain no keys of Redis.
func (c *Client) startSpan(ctx context.Context, cmds []redis.Cmder) (end func(error)) {
	if c.tracer == nil || !trace.SpanContextFromContext(ctx).IsValid() {
		return func(error) {}
	}
	attributes := []attribute.KeyValue{attribute.String("db.system.name", "redis")}
	if len(cmds) == 1 {
		attributes = append(attributes, attribute.String("db.operation.name", strings.ToUpper(cmds[0].Name())))
	} else {
		attributes = append(attributes, attribute.String("db.operation.name", "PIPELINE"), attribute.Int("db.operation.batch.size", len(cmds)))
	}
	_, span := c.tracer.Start(ctx, "Redis", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	return func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}
