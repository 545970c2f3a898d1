package gqlhttp

import (
	"net/http"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/execution"
	"scalegraph/internal/gqlhttp/incremental"
	"scalegraph/internal/gqlhttp/negotiation"
	"scalegraph/internal/gqlhttp/stream"
)

// writeIncremental executes a query with deferred fragments and writes its response in parts.
func (x *exchange) writeIncremental(op *graphql.OperationContext) *execution.Rejection {
	_, done, ok := x.cfg.Streams.Begin()
	if !ok {
		return execution.Rejectf(http.StatusServiceUnavailable, apierr.RateLimited, "The server takes no more streams now; try again later.")
	}
	deferral := incremental.Prepare(op, x.executor.Schema())
	release := x.takeCost()
	responses := x.executor.Responses(x.ctx, op, func() {
		release()
		done()
	})
	var first *graphql.Response
	select {
	case first = <-responses:
	case <-x.ctx.Done():
	}
	if first == nil || first.HasNext == nil || len(first.Data) == 0 {
		if first != nil && len(first.Data) > 0 {
			first.Data = deferral.WholeData(first.Data)
		}
		x.respondWhole(execution.OrTimeout(first))
		return nil
	}
	x.report.Status = http.StatusOK
	parts := stream.Multipart{W: x.w}
	dialect := dialectFor(x.accept.Deferred)
	parts.Start(dialect.MediaTypeParameter())
	x.report.Code = execution.FirstCode(first)
	w := incremental.Writer{Deferral: deferral, Dialect: dialect, Part: parts.WritePart}
	err := w.WriteInitial(first)
	if err == nil && *first.HasNext {
		err = w.WriteRemaining(responses, x.ctx.Done(), execution.TimeoutError)
	}
	if err == nil {
		_ = parts.Close() // the client may be gone
	}
	return nil
}

// dialectFor returns the dialect of a preference; the older one if the client accepts nothing but multipart.
func dialectFor(f negotiation.Form) incremental.Dialect {
	if f == negotiation.DeferNew {
		return incremental.DialectV02
	}
	return incremental.Dialect20220824
}

// respondWhole writes a response in one piece: as the only part if the client accepts only multipart.
func (x *exchange) respondWhole(resp *graphql.Response) {
	if x.accept.Whole {
		x.respond(resp)
		return
	}
	x.report.Status = http.StatusOK
	parts := stream.Multipart{W: x.w}
	parts.Start(dialectFor(x.accept.Deferred).MediaTypeParameter())
	x.report.Code = execution.FirstCode(resp)
	if parts.WritePart(execution.Encode(resp)) == nil {
		_ = parts.Close() // the client may be gone
	}
}
