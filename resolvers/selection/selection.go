// Package selection determines the parts of a connection that the selected fields need, and finds fields of an operation that need the same data.
// It resolves fragments, @skip and @include.
package selection

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

// Connection holds the selected parts of a connection of activities. It is the union over all fields of the operation that differ only in their
// alias, so that they share one read.
type Connection struct {
	Edges    bool
	Nodes    bool
	PageInfo bool
	IDs      bool              // of the rows
	Cursors  bool              // of the edges
	Sections upstream.Sections // needed at once
	Deferred upstream.Sections // needed with @defer only
}

// NeedsRows reports whether a page of rows must be read; otherwise a count is enough.
func (c Connection) NeedsRows() bool { return c.Edges || c.Nodes || c.PageInfo }

func (c *Connection) add(sections, deferred upstream.Sections) {
	c.Sections |= sections
	c.Deferred = (c.Deferred | deferred) &^ c.Sections
}

// sectionOf has the section of a row that a field needs; other fields need none.
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

// The types that a fragment on an object may name, its own first.
var (
	ConnectionTypes = []string{"ScalingActivityConnection"}
	EdgeTypes       = []string{"ScalingActivityEdge"}
	ActivityTypes   = []string{"ScalingActivity", "Node"}
	summaryTypes    = []string{"ScalingActivitySummary"}
)

// SectionsOf returns the sections that a field of an activity needs.
func SectionsOf(field string) upstream.Sections { return sectionOf[field] }

// OfConnection returns the selection of the field in ctx, which is a connection of activities.
func OfConnection(ctx context.Context) Connection {
	op := graphql.GetOperationContext(ctx)
	var c Connection
	for _, set := range EqualFields(ctx) {
		for _, f := range graphql.CollectFields(op, set, ConnectionTypes) {
			c.collect(op, f)
		}
	}
	return c
}

func (c *Connection) collect(op *graphql.OperationContext, f graphql.CollectedField) {
	switch f.Name {
	case "pageInfo":
		c.PageInfo = true
	case "nodes":
		c.Nodes = true
		c.rowFields(op, f.Selections)
	case "edges":
		c.Edges = true
		for _, e := range graphql.CollectFields(op, f.Selections, EdgeTypes) {
			switch e.Name {
			case "cursor":
				c.Cursors = true
			case "node":
				c.rowFields(op, e.Selections)
			}
		}
	}
}

func (c *Connection) rowFields(op *graphql.OperationContext, set ast.SelectionSet) {
	c.add(Sections(op, set))
	c.IDs = c.IDs || slices.ContainsFunc(graphql.CollectFields(op, set, ActivityTypes), func(f graphql.CollectedField) bool { return f.Name == "id" })
}

// OfActivity returns the sections of the field in ctx, which is an activity.
func OfActivity(ctx context.Context) Connection {
	op := graphql.GetOperationContext(ctx)
	var c Connection
	for _, set := range EqualFields(ctx) {
		c.add(Sections(op, set))
	}
	return c
}

// Sections returns the sections that a selection of an activity needs at once, and those that it needs with @defer only. Descriptions are never
// deferred.
func Sections(op *graphql.OperationContext, set ast.SelectionSet) (immediate, deferred upstream.Sections) {
	for _, f := range graphql.CollectFields(op, set, ActivityTypes) {
		if f.IsDeferred() && sectionOf[f.Name] != upstream.SectionDescriptions {
			deferred |= sectionOf[f.Name]
		} else {
			immediate |= sectionOf[f.Name]
		}
	}
	return immediate, deferred
}

// OfSummary returns the names of the fields that are selected of the field in ctx, which is a summary.
func OfSummary(ctx context.Context) map[string]bool { return Names(ctx, summaryTypes...) }

// Names returns the names of the fields that are selected of the field in ctx, which is an object of one of the types.
func Names(ctx context.Context, types ...string) map[string]bool {
	op := graphql.GetOperationContext(ctx)
	names := map[string]bool{}
	for _, f := range graphql.CollectFields(op, graphql.GetFieldContext(ctx).Field.Selections, types) {
		names[f.Name] = true
	}
	return names
}

// EqualFields returns the selection sets of the field in ctx and of all fields that differ from it, and from its parents, only in their alias. The sets
// belong to the document: CollectFields caches them by address, so they must outlive the operation.
func EqualFields(ctx context.Context) []ast.SelectionSet {
	own := graphql.GetFieldContext(ctx).Field.Selections
	sets := []ast.SelectionSet{graphql.GetOperationContext(ctx).Operation.SelectionSet}
	for _, fc := range fieldsTo(ctx) {
		sets = equalFieldsIn(ctx, sets, fc)
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

func equalFieldsIn(ctx context.Context, sets []ast.SelectionSet, fc *graphql.FieldContext) []ast.SelectionSet {
	op := graphql.GetOperationContext(ctx)
	var equal []ast.SelectionSet
	for _, set := range sets {
		for _, f := range graphql.CollectFields(op, set, []string{fc.Object, "Node"}) {
			if f.Name == fc.Field.Name && equalArguments(ctx, f.Field, fc.Field.Field) {
				equal = append(equal, f.Selections)
			}
		}
	}
	return equal
}

func equalArguments(ctx context.Context, f, g *ast.Field) bool {
	if f == g || len(f.Arguments) == 0 && len(g.Arguments) == 0 {
		return true
	}
	return argumentsOf(ctx, f) == argumentsOf(ctx, g)
}

// argumentsOf returns a text that is equal for equal arguments. It is computed once for a field, because a query of many aliases compares each field
// with all others.
func argumentsOf(ctx context.Context, f *ast.Field) string {
	known := &loaders.From(ctx).Arguments
	if text, ok := known.Load(f); ok {
		return text.(string)
	}
	text, err := json.Marshal(f.ArgumentMap(graphql.GetOperationContext(ctx).Variables))
	if err != nil { // no variable is of such a kind; the field then equals no other
		text = fmt.Appendf(nil, "%p", f)
	}
	known.Store(f, string(text))
	return string(text)
}
