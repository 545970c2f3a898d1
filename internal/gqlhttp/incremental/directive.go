// Package incremental delivers the response to a query with @defer in several parts, in the two dialects that clients understand. gqlgen
// executes the deferred fragments; this package prepares the operation for it and converts its responses to the parts of the dialect.
package incremental

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

const directiveName = "defer"

// HasDefer reports whether a document has a @defer directive.
func HasDefer(doc *ast.QueryDocument) bool {
	return slices.ContainsFunc(doc.Operations, func(op *ast.OperationDefinition) bool { return setHasDefer(op.SelectionSet) }) ||
		slices.ContainsFunc(doc.Fragments, func(f *ast.FragmentDefinition) bool { return setHasDefer(f.SelectionSet) })
}

func setHasDefer(set ast.SelectionSet) bool {
	return slices.ContainsFunc(set, func(selection ast.Selection) bool {
		switch s := selection.(type) {
		case *ast.Field:
			return setHasDefer(s.SelectionSet)
		case *ast.InlineFragment:
			return s.Directives.ForName(directiveName) != nil || setHasDefer(s.SelectionSet)
		case *ast.FragmentSpread:
			return s.Directives.ForName(directiveName) != nil
		}
		return false
	})
}

// RemoveDefer removes the @defer directives from a document, so that its response comes in one piece. The document must not be shared yet.
func RemoveDefer(doc *ast.QueryDocument) {
	for _, op := range doc.Operations {
		removeFromSet(op.SelectionSet)
	}
	for _, f := range doc.Fragments {
		removeFromSet(f.SelectionSet)
	}
}

func removeFromSet(set ast.SelectionSet) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			removeFromSet(s.SelectionSet)
		case *ast.InlineFragment:
			s.Directives = withoutDefer(s.Directives)
			removeFromSet(s.SelectionSet)
		case *ast.FragmentSpread:
			s.Directives = withoutDefer(s.Directives)
		}
	}
}

func withoutDefer(list ast.DirectiveList) ast.DirectiveList {
	var rest ast.DirectiveList
	for _, d := range list {
		if d.Name != directiveName {
			rest = append(rest, d)
		}
	}
	return rest
}
