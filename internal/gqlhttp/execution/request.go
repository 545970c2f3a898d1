package execution

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"scalegraph/internal/gqlhttp/document"
	"scalegraph/internal/request"
)

// Request is one operation as a transport has received it.
type Request struct {
	Params *graphql.RawParams
	Defer  bool            // the client accepts @defer: its directives stay in the document
	Report *request.Report // completed by Prepare

	document *ast.QueryDocument
}

// setOperation records in the report which operation was requested.
func (r *Request) setOperation(op *graphql.OperationContext, trusted *document.Trusted) {
	if op.Operation == nil {
		return
	}
	r.Report.Kind = string(op.Operation.Operation)
	r.Report.Operation = op.Operation.Name[:min(len(op.Operation.Name), request.MaxOperationName)] // its characters are those of GraphQL names
	if trusted.Has(op.RawQuery) {
		r.Report.Name = op.Operation.Name
	}
	r.Report.Cost = costOf(op)
}

type requestKey struct{}

func withRequest(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// documentCache is the query cache of gqlgen's executor. It returns the document of the request in the context, so that the executor parses nothing.
type documentCache struct{}

// Get returns the document of the request.
func (documentCache) Get(ctx context.Context, _ string) (*ast.QueryDocument, bool) {
	r, ok := ctx.Value(requestKey{}).(*Request)
	if !ok {
		return nil, false
	}
	return r.document, true
}

// Add is never called: Get has every document.
func (documentCache) Add(context.Context, string, *ast.QueryDocument) {}
