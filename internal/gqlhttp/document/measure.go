package document

import (
	"math"

	"github.com/vektah/gqlparser/v2/ast"
)

// size is the size of a selection set with its fragments expanded. The numbers saturate at the largest int.
type size struct {
	selections         int // fields, spreads and inline fragments
	depth              int // of nested fields
	aliases            int
	rootFields         int // fields of the set itself
	directives         int
	introspectionDepth int // how deep lists of an introspected type's parts are nested
	introspected       int // values that introspection returns, estimated
}

// merge returns the size of a selection set that consists of two parts.
func (s size) merge(t size) size {
	return size{
		selections:         add(s.selections, t.selections),
		depth:              max(s.depth, t.depth),
		aliases:            add(s.aliases, t.aliases),
		rootFields:         add(s.rootFields, t.rootFields),
		directives:         add(s.directives, t.directives),
		introspectionDepth: max(s.introspectionDepth, t.introspectionDepth),
		introspected:       add(s.introspected, t.introspected),
	}
}

// measurer measures one document. It measures each fragment once, so the time is linear in the length of the document even if the
// expanded fragments are exponentially large.
type measurer struct {
	sizes     introspectionSizes
	defs      map[string]*ast.FragmentDefinition
	fragments map[string]*size        // nil while the fragment is being measured
	values    map[string]int          // introspected by a fragment
	duplicate *ast.FragmentDefinition // the second one of its name; if there is one, cycles may be overlooked
	cycle     *ast.FragmentDefinition // one that spreads itself; if there is one, sizes are too small
}

func newMeasurer(doc *ast.QueryDocument, sizes introspectionSizes) *measurer {
	m := &measurer{
		sizes:     sizes,
		defs:      make(map[string]*ast.FragmentDefinition, len(doc.Fragments)),
		fragments: map[string]*size{},
		values:    map[string]int{},
	}
	for _, f := range doc.Fragments {
		if m.defs[f.Name] != nil {
			m.duplicate = f
		}
		m.defs[f.Name] = f
	}
	return m
}

func (m *measurer) selections(set ast.SelectionSet) size {
	var sum size
	for _, selection := range set {
		sum = sum.merge(m.selection(selection))
	}
	return sum
}

func (m *measurer) selection(selection ast.Selection) size {
	var s size
	var directives ast.DirectiveList
	switch part := selection.(type) {
	case *ast.Field:
		s, directives = m.field(part), part.Directives
	case *ast.InlineFragment:
		s, directives = m.selections(part.SelectionSet), part.Directives
	case *ast.FragmentSpread:
		s, directives = m.fragment(m.defs[part.Name]), part.Directives
	}
	s.selections = add(s.selections, 1)
	s.directives = add(s.directives, len(directives))
	return s
}

func (m *measurer) field(f *ast.Field) size {
	s := m.selections(f.SelectionSet)
	s.depth++
	s.rootFields = 1
	if f.Alias != f.Name {
		s.aliases = add(s.aliases, 1)
	}
	switch f.Name {
	case "__schema", "__type":
		s.introspected = m.introspected(f.SelectionSet)
	case "fields", "inputFields", "interfaces", "possibleTypes":
		s.introspectionDepth++
	}
	return s
}

// fragment returns the size of a fragment; zero if f is nil.
func (m *measurer) fragment(f *ast.FragmentDefinition) size {
	if f == nil {
		return size{}
	}
	known, seen := m.fragments[f.Name]
	switch {
	case seen && known == nil:
		m.cycle = f
		return size{}
	case seen:
		return *known
	}
	m.fragments[f.Name] = nil
	s := m.selections(f.SelectionSet)
	m.fragments[f.Name] = &s
	return s
}

// fieldPairs returns the number of pairs of fields with the same response name in all definitions, after fragments are expanded and
// fields of one name are merged. It stops soon after maxFieldPairs. The document must have no fragment cycles.
func (m *measurer) fieldPairs(doc *ast.QueryDocument) int {
	pairs := 0
	for _, op := range doc.Operations {
		m.countPairs([]ast.SelectionSet{op.SelectionSet}, &pairs)
	}
	for _, f := range doc.Fragments {
		m.countPairs([]ast.SelectionSet{f.SelectionSet}, &pairs)
	}
	return pairs
}

// countPairs adds the pairs in several selection sets of one object to pairs.
func (m *measurer) countPairs(sets []ast.SelectionSet, pairs *int) {
	counts := map[string]int{}
	children := map[string][]ast.SelectionSet{}
	var collect func(ast.SelectionSet)
	collect = func(set ast.SelectionSet) {
		for _, selection := range set {
			switch part := selection.(type) {
			case *ast.Field:
				*pairs = add(*pairs, counts[part.Alias])
				counts[part.Alias]++
				if len(part.SelectionSet) > 0 {
					children[part.Alias] = append(children[part.Alias], part.SelectionSet)
				}
			case *ast.InlineFragment:
				collect(part.SelectionSet)
			case *ast.FragmentSpread:
				if f := m.defs[part.Name]; f != nil {
					collect(f.SelectionSet)
				}
			}
		}
	}
	for _, set := range sets {
		collect(set)
	}
	for _, sets := range children {
		if *pairs > maxFieldPairs {
			return
		}
		m.countPairs(sets, pairs)
	}
}

func add(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

func mul(a, b int) int {
	if b > 0 && a > math.MaxInt/b {
		return math.MaxInt
	}
	return a * b
}
