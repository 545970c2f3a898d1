package rowjson

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"scalegraph/graph"
	"scalegraph/graph/model"
	"scalegraph/upstream"
	"scalegraph/upstream/fields/fieldstest"
)

// everything returns the selection of all fields of a type, down to its leaves, except for what takes a read of its own: policies, and all of a
// group but its id.
func everything(schema *ast.Schema, name string) ast.SelectionSet {
	var set ast.SelectionSet
	for _, f := range schema.Types[name].Fields {
		field := &ast.Field{Name: f.Name, Alias: f.Name}
		switch t := schema.Types[f.Type.Name()]; {
		case t.Name == "ScalingPolicy":
			continue
		case t.Name == "ScalingGroup":
			field.SelectionSet = ast.SelectionSet{&ast.Field{Name: "groupId", Alias: "groupId"}}
		case t.Kind == ast.Object:
			field.SelectionSet = everything(schema, t.Name)
		}
		set = append(set, field)
	}
	return set
}

// encodeAll returns the JSON of a row with all its fields.
func encodeAll(t *testing.T, row *upstream.Activity) string {
	t.Helper()
	ctx := graphql.WithOperationContext(context.Background(), &graphql.OperationContext{Doc: &ast.QueryDocument{}})
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	e, ok := compile(ctx, activityType, everything(schema, "ScalingActivity"))
	if !ok {
		t.Fatal("a field of ScalingActivity is left to gqlgen")
	}
	if e.sections|upstream.SectionDescriptions != upstream.AllSections {
		t.Errorf("all fields need the sections %b", e.sections)
	}
	text := string(e.append(nil, &model.ScalingActivity{Activity: row, ID: "id"}))
	if !json.Valid([]byte(text)) {
		t.Fatalf("not JSON: %s", text)
	}
	return text
}

// Every field of the schema is written here and not by gqlgen, and every field of a row is in the response.
func TestEveryFieldIsEncoded(t *testing.T) {
	full := encodeAll(t, fieldstest.Full())
	for path, row := range fieldstest.Variants() {
		if strings.HasPrefix(path, ".ListLengths.") {
			continue // for rows without their lists, and for outcome and direction
		}
		if text := encodeAll(t, row); text == full {
			t.Errorf("%s is not in the response", path)
		}
	}
}
