package document

import (
	"math"

	"github.com/vektah/gqlparser/v2/ast"
)

// size is how much a selection set holds, its fragments expanded. Numbers stop at the largest int and do not overflow.
type size struct {
	selections   int // fields, spreads and inline fragments
	depth        int // of nested fields
	aliases      int
	roots        int // fields of the set itself
	directives   int
	listings     int // how deep lists of an introspected type's parts are nested
	introspected int // about how many values introspection answers
}

// beside is the size of two parts of one selection set.
func (s size) beside(t size) size {
	return size{
		selections:   add(s.selections, t.selections),
		depth:        max(s.depth, t.depth),
		aliases:      add(s.aliases, t.aliases),
		roots:        add(s.roots, t.roots),
		directives:   add(s.directives, t.directives),
		listings:     max(s.listings, t.listings),
		introspected: add(s.introspected, t.introspected),
	}
}

// meter measures one document. Every fragment is measured once, so that fragments which double one another cost nothing here.
type meter struct {
	scale     introspectionScale
	defs      map[string]*ast.FragmentDefinition
	fragments map[string]*size        // nil while the fragment is being measured
	values    map[string]int          // introspected by a fragment
	twice     *ast.FragmentDefinition // the second one of its name; where there is one, cycles may be overlooked
	cycle     *ast.FragmentDefinition // one that spreads itself; where there is one, sizes are too small
}

func newMeter(doc *ast.QueryDocument, scale introspectionScale) *meter {
	m := &meter{
		scale:     scale,
		defs:      make(map[string]*ast.FragmentDefinition, len(doc.Fragments)),
		fragments: map[string]*size{},
		values:    map[string]int{},
	}
	for _, f := range doc.Fragments {
		if m.defs[f.Name] != nil {
			m.twice = f
		}
		m.defs[f.Name] = f
	}
	return m
}

func (m *meter) selections(set ast.SelectionSet) size {
	var sum size
	for _, selection := range set {
		sum = sum.beside(m.selection(selection))
	}
	return sum
}

func (m *meter) selection(selection ast.Selection) size {
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

func (m *meter) field(f *ast.Field) size {
	s := m.selections(f.SelectionSet)
	s.depth++
	s.roots = 1
	if f.Alias != f.Name {
		s.aliases = add(s.aliases, 1)
	}
	switch f.Name {
	case "__schema", "__type":
		s.introspected = m.introspected(f.SelectionSet)
	case "fields", "inputFields", "interfaces", "possibleTypes":
		s.listings++
	}
	return s
}

// fragment is the size of a fragment, and zero where there is no such fragment.
func (m *meter) fragment(f *ast.FragmentDefinition) size {
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

// repeats counts the pairs of fields that share a response name where fragments and equal fields are merged, over all
// definitions. It stops soon after maxRepeats. It takes time in proportion to the selections, and needs a document without cycles.
func (m *meter) repeats(doc *ast.QueryDocument) int {
	pairs := 0
	for _, op := range doc.Operations {
		m.merge([]ast.SelectionSet{op.SelectionSet}, &pairs)
	}
	for _, f := range doc.Fragments {
		m.merge([]ast.SelectionSet{f.SelectionSet}, &pairs)
	}
	return pairs
}

// merge counts the pairs of several selection sets of one object.
func (m *meter) merge(sets []ast.SelectionSet, pairs *int) {
	named := map[string]int{}
	below := map[string][]ast.SelectionSet{}
	var collect func(ast.SelectionSet)
	collect = func(set ast.SelectionSet) {
		for _, selection := range set {
			switch part := selection.(type) {
			case *ast.Field:
				*pairs = add(*pairs, named[part.Alias])
				named[part.Alias]++
				if len(part.SelectionSet) > 0 {
					below[part.Alias] = append(below[part.Alias], part.SelectionSet)
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
	for _, sets := range below {
		if *pairs > maxRepeats {
			return
		}
		m.merge(sets, pairs)
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
