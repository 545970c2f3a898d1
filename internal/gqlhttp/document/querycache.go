package document

import (
	"context"

	"github.com/vektah/gqlparser/v2/ast"
)

type contextKey struct{}

// NewContext returns a context with the document of an operation, for QueryCache.
func NewContext(ctx context.Context, doc *ast.QueryDocument) context.Context {
	return context.WithValue(ctx, contextKey{}, doc)
}

// QueryCache is a query cache of gqlgen's executor that returns the document of the context, so that the executor parses nothing.
type QueryCache struct{}

// Get returns the document that NewContext attached.
func (QueryCache) Get(ctx context.Context, _ string) (*ast.QueryDocument, bool) {
	doc, ok := ctx.Value(contextKey{}).(*ast.QueryDocument)
	return doc, ok
}

// Add is never called: Get has every document.
func (QueryCache) Add(context.Context, string, *ast.QueryDocument) {}
