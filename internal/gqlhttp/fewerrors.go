package gqlhttp

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/internal/gqlhttp/document"
)

// fewErrors bounds the errors of an answer, and says how many it left out.
type fewErrors struct{}

// maxFieldErrors bounds the errors of an operation that was executed. It is more than document.MaxErrors, since each is a hole in the data.
const maxFieldErrors = 100

func (fewErrors) ExtensionName() string                     { return "FewErrors" }
func (fewErrors) Validate(_ graphql.ExecutableSchema) error { return nil }

// InterceptResponse shortens the list.
func (fewErrors) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	resp := next(ctx)
	if resp == nil {
		return nil
	}
	most := document.MaxErrors
	if len(resp.Data) > 0 {
		most = maxFieldErrors
	}
	if over := len(resp.Errors) - most; over > 0 {
		resp.Errors = resp.Errors[:most]
		extend(resp, "errorsLeftOut", over)
	}
	return resp
}
