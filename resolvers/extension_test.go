package resolvers

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"scalegraph/resolvers/loaders"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

func TestVariablesThatAreWholeNumbers(t *testing.T) {
	p := &graphql.RawParams{Variables: map[string]any{
		"a": json.Number("5.0"), "b": json.Number("5.5"), "c": json.Number("1e400"), "d": json.Number("3e9"), "e": "5.0", "f": nil,
		"g": []any{json.Number("-2.00"), map[string]any{"h": json.Number("20e-1"), "i": true}}, "j": json.Number("9007199254740993.0"),
	}}
	if err := (Extension{}).MutateOperationParameters(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(p.Variables)
	if want := `{"a":5,"b":5.5,"c":1e400,"d":3000000000,"e":"5.0","f":null,"g":[-2,{"h":2,"i":true}],"j":9007199254740993.0}`; string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestLoadersLive as long as a query, and as long as an event of a subscription.
func TestLoadersLive(t *testing.T) {
	for operation, fresh := range map[ast.Operation]bool{ast.Query: false, ast.Subscription: true} {
		op := &graphql.OperationContext{Operation: &ast.OperationDefinition{Operation: operation}}
		seen := map[string]bool{}
		note := func(ctx context.Context) *graphql.Response {
			seen[fmt.Sprintf("%p", loaders.From(ctx))] = true
			return nil
		}
		Extension{}.InterceptOperation(graphql.WithOperationContext(t.Context(), op), func(ctx context.Context) graphql.ResponseHandler {
			note(ctx)
			for range 2 {
				Extension{}.InterceptResponse(ctx, note)
			}
			return nil
		})
		if want := map[bool]int{false: 1, true: 3}[fresh]; len(seen) != want {
			t.Errorf("%s: %d sets of loaders, want %d", operation, len(seen), want)
		}
	}
}
