package telemetry

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Fields makes a span of each field that reads a log: those of the root and of groups, of which a query has few. Fields of rows have none.
type Fields struct{ Tracer trace.Tracer }

var _ graphql.FieldInterceptor = Fields{}

// ExtensionName names the extension.
func (Fields) ExtensionName() string { return "Traces" }

// Validate accepts every schema.
func (Fields) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptField wraps the resolver of such a field.
func (f Fields) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	fc := graphql.GetFieldContext(ctx)
	if !fc.IsResolver || !reads(fc) {
		return next(ctx)
	}
	ctx, span := f.Tracer.Start(ctx, fc.Object+"."+fc.Field.Name)
	defer span.End()
	answer, err := next(ctx)
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	return answer, err
}

// reads reports whether a field reads a log. To name groups costs nothing.
func reads(fc *graphql.FieldContext) bool {
	switch fc.Object {
	case "ScalingGroup":
		return true
	case "Query":
		return fc.Field.Name != "scalingGroup" && fc.Field.Name != "scalingGroups" && !strings.HasPrefix(fc.Field.Name, "__")
	}
	return false
}
