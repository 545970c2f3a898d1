package document

import (
	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// introspectionSizes holds the average lengths of the lists that introspection returns for a schema.
type introspectionSizes struct {
	lists     map[string]int // length by field; other fields are not lists
	maxValues int            // that one operation may introspect: twice as many as the query that tools send
}

func newIntrospectionSizes(schema *ast.Schema) introspectionSizes {
	var fields, args, inputs, values, possible int
	for _, t := range schema.Types {
		possible += len(schema.PossibleTypes[t.Name])
		values += len(t.EnumValues)
		if t.Kind == ast.InputObject {
			inputs += len(t.Fields)
			continue
		}
		fields += len(t.Fields)
		for _, f := range t.Fields {
			args += len(f.Arguments)
		}
	}
	types := len(schema.Types)
	s := introspectionSizes{lists: map[string]int{
		"types":         types,
		"fields":        average(fields, types),
		"args":          average(args, fields),
		"inputFields":   average(inputs, types),
		"enumValues":    average(values, types),
		"possibleTypes": average(possible, types),
		"directives":    len(schema.Directives),
		"locations":     4,
	}}
	s.maxValues = 2 * s.toolQuerySize()
	return s
}

// average returns n/among rounded up, at least 1.
func average(n, among int) int { return max(1, (n+among-1)/max(among, 1)) }

// toolQuerySize returns the estimated number of values in the response to the introspection query that tools such as GraphiQL send.
func (s introspectionSizes) toolQuerySize() int {
	doc, err := parser.ParseQuery(&ast.Source{Input: introspection.Query})
	if err != nil {
		return 0
	}
	return newMeasurer(doc, s).selections(doc.Operations[0].SelectionSet).introspected
}

// introspected estimates the number of values that a selection set below __schema or __type resolves to.
func (m *measurer) introspected(set ast.SelectionSet) int {
	sum := 0
	for _, selection := range set {
		switch part := selection.(type) {
		case *ast.Field:
			length := max(1, m.sizes.lists[part.Name])
			sum = add(sum, mul(length, add(1, m.introspected(part.SelectionSet))))
		case *ast.InlineFragment:
			sum = add(sum, m.introspected(part.SelectionSet))
		case *ast.FragmentSpread:
			sum = add(sum, m.introspectedBy(part.Name))
		}
	}
	return sum
}

// introspectedBy returns the estimate for a fragment, and caches it. A fragment within itself counts as 0.
func (m *measurer) introspectedBy(name string) int {
	if known, seen := m.values[name]; seen || m.defs[name] == nil {
		return known
	}
	m.values[name] = 0
	m.values[name] = m.introspected(m.defs[name].SelectionSet)
	return m.values[name]
}
