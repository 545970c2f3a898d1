package resolvers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"scalegraph/resolvers/loaders"
	"scalegraph/upstream"
)

// selection is what a client selected of a connection, fragments, @skip and @include honoured. Fields of the same operation
// that ask the same count together, so that they share one read.
type selection struct {
	edges    bool
	nodes    bool
	pageInfo bool
	ids      bool              // of the rows
	cursors  bool              // of the edges
	sections upstream.Sections // wanted at once
	deferred upstream.Sections // wanted with @defer, less those wanted at once
}

// rows reports whether a page of rows must be read; else a count will do.
func (s selection) rows() bool { return s.edges || s.nodes || s.pageInfo }

func (s *selection) add(sections, deferred upstream.Sections) {
	s.sections |= sections
	s.deferred = (s.deferred | deferred) &^ s.sections
}

// sectionOf names the fields that need a part of a row that not everybody wants.
var sectionOf = map[string]upstream.Sections{
	"description":               upstream.SectionDescriptions,
	"reasons":                   upstream.SectionDescriptions,
	"addedInstances":            upstream.SectionInstances,
	"removedInstances":          upstream.SectionInstances,
	"deletedInstances":          upstream.SectionInstances,
	"standbyInstances":          upstream.SectionInstances,
	"failedInstances":           upstream.SectionFailures,
	"boundLoadBalancers":        upstream.SectionLoadBalancers,
	"bindFailedLoadBalancers":   upstream.SectionLoadBalancers,
	"unboundLoadBalancers":      upstream.SectionLoadBalancers,
	"unbindFailedLoadBalancers": upstream.SectionLoadBalancers,
	"failureReasons":            upstream.SectionFailures | upstream.SectionLoadBalancers,
}

// The types that a fragment on each object may name.
var (
	ofConnection = []string{"ScalingActivityConnection"}
	ofEdge       = []string{"ScalingActivityEdge"}
	ofActivity   = []string{"ScalingActivity", "Node"}
	ofSummary    = []string{"ScalingActivitySummary"}
)

// connectionSelection reads the selection of the connection that the field in ctx answers.
func connectionSelection(ctx context.Context) selection {
	op := graphql.GetOperationContext(ctx)
	var s selection
	for _, set := range sameFields(ctx) {
		for _, f := range graphql.CollectFields(op, set, ofConnection) {
			s.collect(op, f)
		}
	}
	return s
}

func (s *selection) collect(op *graphql.OperationContext, f graphql.CollectedField) {
	switch f.Name {
	case "pageInfo":
		s.pageInfo = true
	case "nodes":
		s.nodes = true
		s.rowFields(op, f.Selections)
	case "edges":
		s.edges = true
		for _, e := range graphql.CollectFields(op, f.Selections, ofEdge) {
			switch e.Name {
			case "cursor":
				s.cursors = true
			case "node":
				s.rowFields(op, e.Selections)
			}
		}
	}
}

func (s *selection) rowFields(op *graphql.OperationContext, set ast.SelectionSet) {
	s.add(sectionsOf(op, set))
	s.ids = s.ids || slices.ContainsFunc(graphql.CollectFields(op, set, ofActivity), func(f graphql.CollectedField) bool { return f.Name == "id" })
}

// activitySelection reads the sections of the activity that the field in ctx answers.
func activitySelection(ctx context.Context) selection {
	op := graphql.GetOperationContext(ctx)
	var s selection
	for _, set := range sameFields(ctx) {
		s.add(sectionsOf(op, set))
	}
	return s
}

// sectionsOf returns the sections that a selection of an activity wants at once, and those it wants with @defer. Descriptions are never read later.
func sectionsOf(op *graphql.OperationContext, set ast.SelectionSet) (now, later upstream.Sections) {
	for _, f := range graphql.CollectFields(op, set, ofActivity) {
		if f.IsDeferred() && sectionOf[f.Name] != upstream.SectionDescriptions {
			later |= sectionOf[f.Name]
		} else {
			now |= sectionOf[f.Name]
		}
	}
	return now, later
}

// summarySelection returns the names of the fields selected of the summary that the field in ctx answers.
func summarySelection(ctx context.Context) map[string]bool {
	op := graphql.GetOperationContext(ctx)
	names := map[string]bool{}
	for _, f := range graphql.CollectFields(op, graphql.GetFieldContext(ctx).Field.Selections, ofSummary) {
		names[f.Name] = true
	}
	return names
}

// sameFields returns the selections of the field in ctx, and of all fields that differ from it, and from its parents, in
// nothing but the alias. The sets belong to the document: CollectFields remembers them by address, so they must outlive the
// operation.
func sameFields(ctx context.Context) []ast.SelectionSet {
	own := graphql.GetFieldContext(ctx).Field.Selections
	sets := []ast.SelectionSet{graphql.GetOperationContext(ctx).Operation.SelectionSet}
	for _, fc := range fieldsTo(ctx) {
		sets = sameIn(ctx, sets, fc)
	}
	if !slices.ContainsFunc(sets, func(set ast.SelectionSet) bool { return slices.Equal(set, own) }) {
		sets = append(sets, own) // an event of a subscription does not know the field that it came from
	}
	return sets
}

// fieldsTo returns the fields from the root to the one in ctx.
func fieldsTo(ctx context.Context) []*graphql.FieldContext {
	var path []*graphql.FieldContext
	for fc := graphql.GetFieldContext(ctx); fc != nil; fc = fc.Parent {
		if fc.Field.Field != nil {
			path = append(path, fc)
		}
	}
	slices.Reverse(path)
	return path
}

func sameIn(ctx context.Context, sets []ast.SelectionSet, fc *graphql.FieldContext) []ast.SelectionSet {
	op := graphql.GetOperationContext(ctx)
	var same []ast.SelectionSet
	for _, set := range sets {
		for _, f := range graphql.CollectFields(op, set, []string{fc.Object, "Node"}) {
			if f.Name == fc.Field.Name && sameArguments(ctx, f.Field, fc.Field.Field) {
				same = append(same, f.Selections)
			}
		}
	}
	return same
}

func sameArguments(ctx context.Context, f, g *ast.Field) bool {
	if f == g || len(f.Arguments) == 0 && len(g.Arguments) == 0 {
		return true
	}
	return argumentsOf(ctx, f) == argumentsOf(ctx, g)
}

// argumentsOf returns a field's arguments as text, equal for equal ones. It is made once, because a query of many aliases
// compares each field with all others.
func argumentsOf(ctx context.Context, f *ast.Field) string {
	known := &loaders.From(ctx).Arguments
	if text, ok := known.Load(f); ok {
		return text.(string)
	}
	text, err := json.Marshal(f.ArgumentMap(graphql.GetOperationContext(ctx).Variables))
	if err != nil { // no variable is of such a kind; the field is then like no other
		text = fmt.Appendf(nil, "%p", f)
	}
	known.Store(f, string(text))
	return string(text)
}
