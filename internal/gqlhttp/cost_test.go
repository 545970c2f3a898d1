package gqlhttp

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"
	"pgregory.net/rapid"

	"scalegraph/graph"
	"scalegraph/resolvers"
)

func costly() graphql.ExecutableSchema {
	return graph.NewExecutableSchema(graph.Config{Complexity: resolvers.Complexity()})
}

// TestRememberedCosts has documents of nested fields, fragments that double one another, interfaces and introspection, with and without variables
// in their arguments.
func TestRememberedCosts(t *testing.T) {
	schema := costly()
	e := newEngine(schema, Config{Introspection: true, Limits: Limits{Depth: 1000, RootFields: 1000, Aliases: 1000, Directives: 1000}}.withDefaults())
	number := rapid.SampledFrom([]any{nil, int64(-1), int64(0), int64(7), int64(math.MaxInt32)})
	rapid.Check(t, func(t *rapid.T) {
		text := documentOf(t)
		doc, errs := e.documents.read(text, false)
		if errs != nil {
			t.Fatalf("%s: %v", text, errs)
		}
		for range 20 {
			op := &graphql.OperationContext{Operation: doc.Operations[0], Variables: map[string]any{"g": rapid.SampledFrom([]any{"g", "h"}).Draw(t, "g")}}
			for _, name := range []string{"n", "m"} {
				if rapid.Bool().Draw(t, "given") {
					op.Variables[name] = number.Draw(t, name)
				}
			}
			if strings.Contains(text, "$l") {
				op.Variables["l"] = rapid.SampledFrom([]any{[]any{}, []any{"a", "b"}}).Draw(t, "l")
			}
			got := e.cost(t.Context(), op, doc)
			if want := complexity.Calculate(t.Context(), schema, op.Operation, op.Variables); got != want {
				t.Errorf("%s with %v costs %d, want %d", text, op.Variables, got, want)
			}
		}
	})
}

// documentOf draws a document of which each fragment may spread those behind it.
func documentOf(t *rapid.T) string {
	var b strings.Builder
	const fragments = 4
	list, ids := "", `["a"]`
	if rapid.Bool().Draw(t, "list") {
		list, ids = ", $l: [ID!]!", "$l"
	}
	b.WriteString(`query($n: Int, $m: Int = 3, $g: ID!` + list + `) { x: nodes(ids: ` + ids + `) { id } y: scalingGroup(groupId: $g) { id ` + rows(t, 0, fragments) + ` } ` +
		`z: nodes(ids: ["a", "b"]) { ... on ScalingGroup { ...f0 ` + rows(t, 0, fragments) + ` } } __schema { types { name } } __type(name: "ID") { name } ` +
		`all: scalingGroup(groupId: "g") { ...f0 ...f1 ...f2 ...f3 c: activities(first: $n) { totalCount } d: activities(last: $m) { totalCount } } }`)
	for i := range fragments {
		fmt.Fprintf(&b, " fragment f%d on ScalingGroup { id region %s }", i, rows(t, i+1, fragments))
	}
	return b.String()
}

// rows draws fields of a group that have rows. They may spread fragments from a number on.
func rows(t *rapid.T, from, fragments int) string {
	var b strings.Builder
	for i := range rapid.IntRange(0, 2).Draw(t, "fields") {
		rows := rapid.SampledFrom([]string{"", "(first: 5)", "(first: $n)", "(last: $m)", "(first: $n, filter: {types: [NORMAL]})"}).Draw(t, "rows")
		below := rapid.SampledFrom([]string{"totalCount", "nodes { id type }", "edges { cursor node { id group { id } } }", "... { totalCount nodes { logId } }"}).Draw(t, "below")
		if next := rapid.IntRange(from, 2*fragments).Draw(t, "spread"); next < fragments {
			below = fmt.Sprintf("nodes { group { ...f%d ...f%[1]d } }", next)
		}
		fmt.Fprintf(&b, "a%d_%d: activities%s { %s } activitySummary { byType { count } } ", from, i, rows, below)
	}
	return b.String()
}
