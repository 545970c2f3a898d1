package resolvers

import (
	"math"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"scalegraph/graph"
)

func TestComplexity(t *testing.T) {
	tests := map[string]int{
		`{ scalingGroup(groupId: "g") { id } }`:                                                       2,
		`{ scalingGroup(groupId: "g") { activities { nodes { id type } } } }`:                         1 + 1 + 20*3,
		`{ scalingGroup(groupId: "g") { activities(first: 100) { nodes { id type } } } }`:             1 + 1 + 100*3,
		`{ scalingGroup(groupId: "g") { activities(last: 7) { edges { cursor node { id } } } } }`:     1 + 1 + 7*4,
		`{ scalingGroup(groupId: "g") { activities(first: 0) { totalCount } } }`:                      1 + 1 + 1,
		`{ scalingGroup(groupId: "g") { activities(first: -5) { totalCount } } }`:                     1 + 1 + 500,
		`{ scalingGroup(groupId: "g") { activities(first: 2147483647) { totalCount } } }`:             1 + 1 + 500,
		`{ scalingGroup(groupId: "g") { activitySummary { total } } }`:                                3,
		`{ scalingGroup(groupId: "g") { activitySummary { byType { type count } } } }`:                1 + 1 + 1 + 11*2,
		`{ scalingGroups(groups: [{groupId: "g"}, {groupId: "h"}, {groupId: "i"}]) { id groupId } }`:  1 + 3*2,
		`{ scalingGroups(groups: []) { id } }`:                                                        2,
		`{ nodes(ids: ["a", "b", "c"]) { id } }`:                                                      1 + 3,
		`{ scalingActivities(groups: [{groupId: "g"}, {groupId: "h"}], first: 10) { nodes { id } } }`: 1 + 10*2 + 2,
		`{ scalingInsights(groups: [{groupId: "g"}]) { activityCount } }`:                             1 + 201 + 1,
		`{ scalingInsights(groups: [{groupId: "g"}], maxRows: 0) { activityCount } }`:                 1 + 2001 + 1,
		`{ scalingInsights(groups: [{groupId: "g"}], maxRows: 20000) { histogram(interval: DAY) { total } failures(first: 3) { key count } capacity(points: 6) { points { time } } } }`: 101 + 7 + 13 + 2001 + 1,
		nested: math.MaxInt32,
	}
	for query, want := range tests {
		if got := cost(t, query); got != want && (want != math.MaxInt32 || got < want) {
			t.Errorf("%s costs %d, want %d", query, got, want)
		}
	}
}

// nested asks for 500 rows of each of 500 rows, and so on: more than fits into 64 bits.
const nested = `{ scalingGroup(groupId: "g") { ...a } }
	fragment a on ScalingGroup { activities(first: 500) { nodes { group { ...b } } } }
	fragment b on ScalingGroup { activities(first: 500) { nodes { group { ...c } } } }
	fragment c on ScalingGroup { activities(first: 500) { nodes { group { ...d } } } }
	fragment d on ScalingGroup { activities(first: 500) { nodes { group { ...e } } } }
	fragment e on ScalingGroup { activities(first: 500) { nodes { group { ...f } } } }
	fragment f on ScalingGroup { activities(first: 500) { nodes { group { ...g } } } }
	fragment g on ScalingGroup { activities(first: 500) { nodes { group { ...h } } } }
	fragment h on ScalingGroup { activities(first: 500) { nodes { id } } }`

func cost(t *testing.T, query string) int {
	t.Helper()
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: New(Config{}), Complexity: Complexity()})
	doc, errs := gqlparser.LoadQueryWithRules(schema.Schema(), query, rules.NewDefaultRules())
	if errs != nil {
		t.Fatal(errs)
	}
	ctx := graphql.WithOperationContext(t.Context(), &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0]})
	return complexity.Calculate(ctx, schema, doc.Operations[0], nil)
}

// TestNoPriceGoesByAText holds all prices to what the edge relies on, see edge.Config: one text costs as much as another.
func TestNoPriceGoesByAText(t *testing.T) {
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: New(Config{}), Complexity: Complexity()})
	priced := 0
	for _, object := range schema.Schema().Types {
		for _, field := range object.Fields {
			price := func(text string) (int, bool) {
				args := map[string]any{}
				for _, arg := range field.Arguments {
					args[arg.Name] = sample(schema.Schema(), arg.Type, text)
				}
				return schema.Complexity(t.Context(), object.Name, field.Name, 7, args)
			}
			short, ok := price("")
			long, _ := price(strings.Repeat("1000", 1000))
			if short != long {
				t.Errorf("%s.%s costs %d with one text and %d with another", object.Name, field.Name, short, long)
			}
			if ok && len(field.Arguments) > 0 {
				priced++
			}
		}
	}
	if priced < 5 {
		t.Errorf("only %d fields with arguments have a price", priced)
	}
}

// sample returns a value of a type in which all that is an ID or a String is text.
func sample(schema *ast.Schema, of *ast.Type, text string) any {
	if of.Elem != nil {
		return []any{sample(schema, of.Elem, text)}
	}
	def := schema.Types[of.NamedType]
	switch {
	case def.Kind == ast.InputObject:
		fields := map[string]any{}
		for _, field := range def.Fields {
			fields[field.Name] = sample(schema, field.Type, text)
		}
		return fields
	case def.Kind == ast.Enum:
		return def.EnumValues[0].Name
	case of.NamedType == "ID", of.NamedType == "String":
		return text
	case of.NamedType == "Int":
		return int64(3)
	}
	return "2026-03-01T00:00:00Z"
}
