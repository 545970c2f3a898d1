package telemetry

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// FieldSpans is a gqlgen extension that starts a span for each field that may read from the upstream: fields of Query and of groups.
// Fields of rows get none, since a response can have thousands of them.
type FieldSpans struct{ Tracer trace.Tracer }

var _ graphql.FieldInterceptor = FieldSpans{}

// ExtensionName implements graphql.HandlerExtension.
func (FieldSpans) ExtensionName() string { return "Traces" }

// Validate implements graphql.HandlerExtension. It accepts every schema.
func (FieldSpans) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptField resolves the field in a span if it is a data field.
func (f FieldSpans) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	fc := graphql.GetFieldContext(ctx)
	if !fc.IsResolver || !isDataField(fc) {
		return next(ctx)
	}
	ctx, span := f.Tracer.Start(ctx, fc.Object+"."+fc.Field.Name)
	defer span.End()
	value, err := next(ctx)
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	return value, err
}

// isDataField reports whether a field may read from the upstream. scalingGroup and scalingGroups do not: they only name groups.
func isDataField(fc *graphql.FieldContext) bool {
	switch fc.Object {
	case "ScalingGroup":
		return true
	case "Query":
		return fc.Field.Name != "scalingGroup" && fc.Field.Name != "scalingGroups" && !strings.HasPrefix(fc.Field.Name, "__")
	}
	return false
}
