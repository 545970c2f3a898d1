package gqlhttp

import (
	"github.com/99designs/gqlgen/graphql"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/document"
	"scalegraph/internal/request"
)

// setOperation records in a report which operation was run.
func setOperation(r *request.Report, op *graphql.OperationContext, trusted *document.Trusted) {
	if op.Operation == nil {
		return
	}
	r.Kind = string(op.Operation.Operation)
	r.Operation = op.Operation.Name[:min(len(op.Operation.Name), request.MaxOperationName)] // its characters are those of GraphQL names
	if trusted.Has(op.RawQuery) {
		r.Name = op.Operation.Name
	}
	r.Cost, _ = op.Stats.GetExtension(costStat).(int)
}

// firstCode returns the code of the first error; empty if there is none.
func firstCode(resp *graphql.Response) string {
	if len(resp.Errors) == 0 {
		return ""
	}
	return apierr.CodeOf(resp.Errors[0])
}
