package incremental

import (
	"slices"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// typenameAlias is the response name under which each object of an abstract type states its concrete type. Names that begin with two
// underscores are reserved, so that no client uses it. It is removed from every part.
const typenameAlias = "__incremental_typename"

// flattener rewrites the selection sets of one operation into ones that gqlgen defers correctly.
//
// gqlgen identifies the deferred fragments of an object by their labels. It takes two nested unlabelled fragments of one object for a
// single fragment, counts its fields twice, and never completes it. After the rewrite each deferred
// fragment has a label of its own, none is inside another one of the same object, and @defer has no other argument. Fragment spreads
// become inline fragments, because one fragment may be deferred in one place and not in another.
type flattener struct {
	schema    *ast.Schema
	fragments ast.FragmentDefinitionList
	variables map[string]any
	labels    []string // those of the client, by the number that is the label in the rewritten operation; empty if it has none
}

// flatten returns a copy of an operation's selection set. The operation must be valid.
func flatten(op *graphql.OperationContext, schema *ast.Schema) (set ast.SelectionSet, labels []string) {
	f := &flattener{schema: schema, fragments: op.Doc.Fragments, variables: op.Variables}
	return f.object(op.Operation.SelectionSet, "Query"), f.labels
}

// object rewrites the selection set of an object. typeName is its static type.
func (f *flattener) object(set ast.SelectionSet, typeName string) ast.SelectionSet {
	var list ast.SelectionSet
	if def := f.schema.Types[typeName]; def != nil && def.IsAbstractType() {
		list = append(list, typenameField(def))
	}
	for _, selection := range set {
		immediate, deferred := f.selection(selection)
		list = slices.Concat(list, immediate, deferred)
	}
	return list
}

// selection rewrites one selection. It separates the fields of the first part from the deferred fragments.
func (f *flattener) selection(selection ast.Selection) (immediate, deferred ast.SelectionSet) {
	switch s := selection.(type) {
	case *ast.Field:
		return ast.SelectionSet{f.field(s)}, nil
	case *ast.InlineFragment:
		return f.fragment(s)
	case *ast.FragmentSpread:
		return f.fragment(f.inline(s))
	}
	return nil, nil
}

func (f *flattener) field(field *ast.Field) *ast.Field {
	if len(field.SelectionSet) == 0 {
		return field
	}
	c := *field
	c.SelectionSet = f.object(field.SelectionSet, field.Definition.Type.Name())
	return &c
}

// fragment rewrites one fragment. Its type condition, @skip and @include apply to each piece.
func (f *flattener) fragment(fragment *ast.InlineFragment) (immediate, deferred ast.SelectionSet) {
	var own, nested ast.SelectionSet
	for _, selection := range fragment.SelectionSet {
		i, d := f.selection(selection)
		own, nested = append(own, i...), append(nested, d...)
	}
	rest := withoutDefer(fragment.Directives)
	piece := func(set ast.SelectionSet, directives ast.DirectiveList) ast.SelectionSet {
		if len(set) == 0 {
			return nil
		}
		c := *fragment
		c.SelectionSet, c.Directives = set, directives
		return ast.SelectionSet{&c}
	}
	directive := fragment.Directives.ForName(directiveName)
	if directive == nil || !f.enabled(directive) {
		return piece(own, rest), piece(nested, rest)
	}
	deferred = piece(own, append(rest[:len(rest):len(rest)], f.relabel(directive)))
	return nil, append(deferred, piece(nested, rest)...)
}

// inline returns the inline fragment that means the same as a spread.
func (f *flattener) inline(spread *ast.FragmentSpread) *ast.InlineFragment {
	def := f.fragments.ForName(spread.Name)
	return &ast.InlineFragment{
		TypeCondition:    def.TypeCondition,
		Directives:       spread.Directives,
		SelectionSet:     def.SelectionSet,
		ObjectDefinition: spread.ObjectDefinition,
		Position:         spread.Position,
	}
}

// enabled evaluates the argument `if`, which is true by default.
func (f *flattener) enabled(directive *ast.Directive) bool {
	value, _ := f.argument(directive, "if").(bool)
	return value || f.argument(directive, "if") == nil
}

// relabel returns the directive with a label of its own.
func (f *flattener) relabel(directive *ast.Directive) *ast.Directive {
	label, _ := f.argument(directive, "label").(string)
	f.labels = append(f.labels, label)
	c := *directive
	value := &ast.Value{Raw: strconv.Itoa(len(f.labels) - 1), Kind: ast.StringValue, Position: directive.Position}
	c.Arguments = ast.ArgumentList{{Name: "label", Value: value, Position: directive.Position}}
	return &c
}

// argument returns the value of an argument, nil if it has none.
func (f *flattener) argument(directive *ast.Directive, name string) any {
	arg := directive.Arguments.ForName(name)
	if arg == nil {
		return nil
	}
	value, err := arg.Value.Value(f.variables)
	if err != nil {
		return nil
	}
	return value
}

func typenameField(def *ast.Definition) *ast.Field {
	return &ast.Field{
		Alias:            typenameAlias,
		Name:             "__typename",
		Definition:       &ast.FieldDefinition{Name: "__typename", Type: ast.NonNullNamedType("String", nil)},
		ObjectDefinition: def,
	}
}
