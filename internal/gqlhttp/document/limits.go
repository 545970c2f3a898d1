package document

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
)

// Limits bound one operation.
type Limits struct {
	Body          int64 // bytes of a request's body, or of its query string
	Tokens        int   // of the document
	Depth         int   // of nested fields, fragments expanded
	Aliases       int   // fragments expanded
	RootFields    int   // fragments expanded
	Directives    int   // fragments expanded
	Cost          int   // fields times the rows asked for
	UpstreamCalls int   // HTTP requests that the operation may cause
}

// Bounds on the work of checking a document, far above what tools and pages send.
const (
	maxSelections = 20_000 // fields, spreads and inline fragments, fragments expanded, over all definitions
	maxRepeats    = 20_000 // pairs of fields that share a response name, which is what the rule on overlapping fields compares
	maxListings   = 1      // lists of an introspected type's parts inside one another; tools nest none
)

// limiter rejects documents over a limit. It is immutable.
type limiter struct {
	limits Limits
	scale  introspectionScale
}

// check measures a parsed document before any rule of validation runs, because those rules are what some documents attack.
func (l limiter) check(doc *ast.QueryDocument) *gqlerror.Error {
	m := newMeter(doc, l.scale)
	if m.twice != nil {
		return validationError(m.twice.Position, "There can be only one fragment named %q.", m.twice.Name)
	}
	whole := 0
	for _, op := range doc.Operations {
		s := m.selections(op.SelectionSet)
		s.directives = add(s.directives, len(op.Directives))
		whole = add(whole, s.selections)
		if err := l.compare(s); err != nil {
			return err
		}
	}
	for _, f := range doc.Fragments {
		s := m.fragment(f)
		s.directives = add(s.directives, len(f.Directives))
		s.roots = 0 // they are roots only where an operation spreads them
		whole = add(whole, s.selections)
		if err := l.compare(s); err != nil {
			return err
		}
	}
	if m.cycle != nil {
		return validationError(m.cycle.Position, "Cannot spread fragment %q within itself.", m.cycle.Name)
	}
	if err := CheckLimit(whole, maxSelections, "selects %d fields and fragments; at most %d are allowed"); err != nil {
		return err
	}
	return CheckLimit(m.repeats(doc), maxRepeats, "repeats fields %d times; at most %d repeats are allowed")
}

// compare refuses a definition that is over a limit.
func (l limiter) compare(s size) *gqlerror.Error {
	for _, bound := range []struct {
		is, most int
		text     string
	}{
		{s.depth, l.limits.Depth, "nests fields %d deep; at most %d are allowed"},
		{s.aliases, l.limits.Aliases, "has %d aliases; at most %d are allowed"},
		{s.roots, l.limits.RootFields, "has %d root fields; at most %d are allowed"},
		{s.directives, l.limits.Directives, "has %d directives; at most %d are allowed"},
		{s.selections, maxSelections, "selects %d fields and fragments; at most %d are allowed"},
		{s.listings, maxListings, "nests lists of introspected parts %d deep; at most %d is allowed"},
		{s.introspected, l.scale.most, "introspects about %d values; at most %d are allowed"},
	} {
		if err := CheckLimit(bound.is, bound.most, bound.text); err != nil {
			return err
		}
	}
	return nil
}

// CheckLimit rejects an operation that has more of something than is allowed. The text takes both numbers.
func CheckLimit(is, most int, text string) *gqlerror.Error {
	if is <= most {
		return nil
	}
	return apierr.New(apierr.TooComplex, "The operation "+text+".", is, most)
}
