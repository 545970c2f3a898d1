package selection

import (
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// TestSelectionWithoutTheRoot reads the selection of a field whose context does not lead back to the root, as in an event of a
// subscription.
func TestSelectionWithoutTheRoot(t *testing.T) {
	field := func(name string, selected ...ast.Selection) *ast.Field {
		return &ast.Field{Name: name, Alias: name, Definition: &ast.FieldDefinition{Name: name}, SelectionSet: selected}
	}
	list := field("activities", field("nodes", field("failedInstances")))
	op := &graphql.OperationContext{
		Doc:       &ast.QueryDocument{},
		Operation: &ast.OperationDefinition{SelectionSet: ast.SelectionSet{field("scalingActivityChanged", field("activity", field("group", list)))}},
	}
	ctx := graphql.WithOperationContext(t.Context(), op)
	ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "ScalingGroup", Field: graphql.CollectedField{Field: list, Selections: list.SelectionSet}})
	if got := OfConnection(ctx); !got.Nodes || got.Sections == 0 {
		t.Errorf("got %+v", got)
	}
}
