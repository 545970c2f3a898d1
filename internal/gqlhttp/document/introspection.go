package document

import (
	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// introspectionScale says how long the lists of introspection are in one schema, on average.
type introspectionScale struct {
	lists map[string]int // by field; a field that is not in it is no list
	most  int            // values that one operation may introspect: twice the query that tools send
}

func scaleOf(schema *ast.Schema) introspectionScale {
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
	s := introspectionScale{lists: map[string]int{
		"types":         types,
		"fields":        average(fields, types),
		"args":          average(args, fields),
		"inputFields":   average(inputs, types),
		"enumValues":    average(values, types),
		"possibleTypes": average(possible, types),
		"directives":    len(schema.Directives),
		"locations":     4,
	}}
	s.most = 2 * s.ofTools()
	return s
}

// average rounds up, and is never less than 1.
func average(n, among int) int { return max(1, (n+among-1)/max(among, 1)) }

// ofTools is how many values the query has that tools such as GraphiQL start with.
func (s introspectionScale) ofTools() int {
	doc, err := parser.ParseQuery(&ast.Source{Input: introspection.Query})
	if err != nil {
		return 0
	}
	return newMeter(doc, s).selections(doc.Operations[0].SelectionSet).introspected
}

// introspected is about how many values a selection set below __schema or __type answers.
func (m *meter) introspected(set ast.SelectionSet) int {
	sum := 0
	for _, selection := range set {
		switch part := selection.(type) {
		case *ast.Field:
			length := max(1, m.scale.lists[part.Name])
			sum = add(sum, mul(length, add(1, m.introspected(part.SelectionSet))))
		case *ast.InlineFragment:
			sum = add(sum, m.introspected(part.SelectionSet))
		case *ast.FragmentSpread:
			sum = add(sum, m.introspectedBy(part.Name))
		}
	}
	return sum
}

// introspectedBy remembers what a fragment introspects; one inside itself counts as nothing.
func (m *meter) introspectedBy(name string) int {
	if known, seen := m.values[name]; seen || m.defs[name] == nil {
		return known
	}
	m.values[name] = 0
	m.values[name] = m.introspected(m.defs[name].SelectionSet)
	return m.values[name]
}
