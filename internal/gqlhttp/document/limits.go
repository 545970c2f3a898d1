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
	Cost          int   // fields times requested rows
	UpstreamCalls int   // HTTP requests that the operation may cause
}

// Bounds on the work of validating a document. Documents of tools and of pages are far below them.
const (
	maxSelections           = 20_000 // fields, spreads and inline fragments, fragments expanded, over all definitions
	maxFieldPairs           = 20_000 // pairs of fields with one response name, which the rule on overlapping fields compares
	maxIntrospectionNesting = 1      // lists of an introspected type's parts inside one another; tools nest none
)

// limiter rejects documents over a limit. It is immutable.
type limiter struct {
	limits Limits
	sizes  introspectionSizes
}

// check measures a parsed document. It must run before the validation rules, because malicious documents make those rules slow.
func (l limiter) check(doc *ast.QueryDocument) *gqlerror.Error {
	m := newMeasurer(doc, l.sizes)
	if m.duplicate != nil {
		return validationError(m.duplicate.Position, "There can be only one fragment named %q.", m.duplicate.Name)
	}
	whole := 0
	for _, op := range doc.Operations {
		s := m.selections(op.SelectionSet)
		s.directives = add(s.directives, len(op.Directives))
		whole = add(whole, s.selections)
		if err := l.checkSize(s); err != nil {
			return err
		}
	}
	for _, f := range doc.Fragments {
		s := m.fragment(f)
		s.directives = add(s.directives, len(f.Directives))
		s.rootFields = 0 // they count only if an operation spreads the fragment at its root
		whole = add(whole, s.selections)
		if err := l.checkSize(s); err != nil {
			return err
		}
	}
	if m.cycle != nil {
		return validationError(m.cycle.Position, "Cannot spread fragment %q within itself.", m.cycle.Name)
	}
	if err := CheckLimit(whole, maxSelections, "selects %d fields and fragments; at most %d are allowed"); err != nil {
		return err
	}
	return CheckLimit(m.fieldPairs(doc), maxFieldPairs, "repeats fields %d times; at most %d repeats are allowed")
}

// checkSize returns an error for a definition that exceeds a limit.
func (l limiter) checkSize(s size) *gqlerror.Error {
	for _, bound := range []struct {
		n, limit int
		text     string
	}{
		{s.depth, l.limits.Depth, "nests fields %d deep; at most %d are allowed"},
		{s.aliases, l.limits.Aliases, "has %d aliases; at most %d are allowed"},
		{s.rootFields, l.limits.RootFields, "has %d root fields; at most %d are allowed"},
		{s.directives, l.limits.Directives, "has %d directives; at most %d are allowed"},
		{s.selections, maxSelections, "selects %d fields and fragments; at most %d are allowed"},
		{s.introspectionDepth, maxIntrospectionNesting, "nests lists of introspected parts %d deep; at most %d is allowed"},
		{s.introspected, l.sizes.maxValues, "introspects about %d values; at most %d are allowed"},
	} {
		if err := CheckLimit(bound.n, bound.limit, bound.text); err != nil {
			return err
		}
	}
	return nil
}

// CheckLimit returns an error with the code TOO_COMPLEX if n exceeds limit. The text is a format for both numbers that completes the
// sentence "The operation ...".
func CheckLimit(n, limit int, text string) *gqlerror.Error {
	if n <= limit {
		return nil
	}
	return apierr.New(apierr.TooComplex, "The operation "+text+".", n, limit)
}
