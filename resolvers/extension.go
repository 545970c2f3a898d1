package resolvers

import (
	"context"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/graph/model"
	"scalegraph/resolvers/loaders"
	"scalegraph/resolvers/rowjson"
)

// Extension gives every query its own loaders, and every event of a subscription new ones.
type Extension struct{}

var (
	_ graphql.OperationInterceptor = Extension{}
	_ graphql.ResponseInterceptor  = Extension{}

	_ graphql.OperationParameterMutator = Extension{}
)

// ExtensionName names the extension.
func (Extension) ExtensionName() string { return "Loaders" }

// Validate accepts every schema.
func (Extension) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation gives the operation its loaders, and a subscription its events.
func (Extension) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	return next(withEvents(loaders.WithState(ctx)))
}

// InterceptResponse gives each event of a subscription a loader state of its own, because the values of earlier events are out of date.
func (Extension) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	if isSubscription(ctx) {
		return interceptEvent(ctx, next)
	}
	return next(ctx)
}

// MutateOperationParameters writes whole numbers among the variables as such: 5.0 and 5e2 are Ints, which gqlparser refuses.
func (Extension) MutateOperationParameters(_ context.Context, p *graphql.RawParams) *gqlerror.Error {
	for name, value := range p.Variables {
		p.Variables[name] = normalizeNumbers(value)
	}
	return nil
}

func normalizeNumbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return normalizeNumber(v)
		}
	case []any:
		for i := range v {
			v[i] = normalizeNumbers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = normalizeNumbers(v[name])
		}
	}
	return value
}

// normalizeNumber writes whole numbers such as 5.0 or 5e0 without fraction and exponent. It returns n if n is not a whole number, or is too
// large for a float64 to be exact.
func normalizeNumber(n json.Number) json.Number {
	const exact = 1<<53 - 1 // beyond, two numbers may look like one
	f, err := n.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) > exact {
		return n
	}
	return json.Number(strconv.FormatInt(int64(f), 10))
}

var _ graphql.FieldInterceptor = Extension{}

// InterceptField replaces a connection with a plain selection by a marshaler of package rowjson, which encodes it without gqlgen.
func (Extension) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	value, err := next(ctx)
	c, ok := value.(*model.ScalingActivityConnection)
	if err != nil || !ok || c == nil {
		return value, err
	}
	if encoded, ok := rowjson.Connection(ctx, c, graphql.GetFieldContext(ctx).Field.Selections); ok {
		return encoded, nil
	}
	return c, nil
}
