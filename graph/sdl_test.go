package graph

import (
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// TestSDLDeclaresDefer parses the schema as compilers of client documents do, which know no directives but those that it declares.
func TestSDLDeclaresDefer(t *testing.T) {
	doc, err := parser.ParseSchema(&ast.Source{Name: "schema.graphql", Input: SDL})
	if err != nil {
		t.Fatal(err)
	}
	d := doc.Directives.ForName("defer")
	if d == nil {
		t.Fatal("the schema does not declare @defer")
	}
	condition, label := d.Arguments.ForName("if"), d.Arguments.ForName("label")
	if condition == nil || condition.Type.String() != "Boolean!" || condition.DefaultValue.String() != "true" {
		t.Errorf("argument if: %+v", condition)
	}
	if label == nil || label.Type.String() != "String" || label.DefaultValue != nil {
		t.Errorf("argument label: %+v", label)
	}
	introspected := NewExecutableSchema(Config{}).Schema().Directives["defer"]
	if introspected == nil || len(introspected.Arguments) != len(d.Arguments) || !slices.Equal(introspected.Locations, d.Locations) {
		t.Errorf("introspection shows %+v", introspected)
	}
}
