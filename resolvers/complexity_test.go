package resolvers

import (
	"math"
	"testing"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
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

// nested requests 500 rows of each of 500 rows, and so on: more than fits into 64 bits.
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
