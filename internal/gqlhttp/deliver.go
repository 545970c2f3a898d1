package gqlhttp

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/incremental"
	"scalegraph/internal/gqlhttp/stream"
)

// writeIncremental executes a query with deferred fragments and writes its response in parts.
func (x *exchange) writeIncremental(op *graphql.OperationContext) *refusal {
	_, done, ok := x.cfg.Streams.Begin()
	if !ok {
		return refusef(http.StatusServiceUnavailable, apierr.RateLimited, "The server takes no more streams now; try again later.")
	}
	deferral := incremental.Prepare(op, x.engine.schema.Schema())
	release := x.takeCost()
	responses := x.engine.responses(x.ctx, op, func() {
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
		x.answerWhole(inTime(first))
		return nil
	}
	x.report.Status = http.StatusOK
	parts := stream.Multipart{W: x.w}
	dialect := dialectFor(x.prefer.deferred)
	parts.Start(dialect.MediaTypeParameter())
	x.report.Code = firstCode(first)
	w := incremental.Writer{Deferral: deferral, Dialect: dialect, Part: parts.WritePart}
	err := w.WriteInitial(first)
	if err == nil && *first.HasNext {
		err = w.WriteRemaining(responses, x.ctx.Done(), timeoutError)
	}
	if err == nil {
		_ = parts.Close() // the client may be gone
	}
	return nil
}

func timeoutError() *gqlerror.Error {
	return apierr.New(apierr.RequestTimeout, "The request ran out of time.")
}

// dialectFor returns the dialect of a preference; the older one if the client accepts nothing but multipart.
func dialectFor(f form) incremental.Dialect {
	if f == deferNew {
		return incremental.DialectV02
	}
	return incremental.Dialect20220824
}

// responses executes an operation to its end, sends its responses, and calls done. The execution does not end with ctx, because gqlgen
// waits until its deferred results are received. It is bounded nevertheless: each upstream call has a timeout.
func (e *engine) responses(ctx context.Context, op *graphql.OperationContext, done func()) <-chan *graphql.Response {
	out := make(chan *graphql.Response)
	go func() {
		defer done()
		defer close(out)
		next, execution := e.DispatchOperation(context.WithoutCancel(ctx), op)
		for {
			resp := next(execution)
			if resp == nil {
				return
			}
			select {
			case out <- resp:
			case <-ctx.Done(): // nobody receives
			}
			if resp.HasNext == nil || !*resp.HasNext {
				return
			}
		}
	}()
	return out
}

// answerWhole writes an answer in one piece, be it as the only part for a client that takes nothing else.
func (x *exchange) answerWhole(resp *graphql.Response) {
	if x.acceptable {
		x.answer(resp)
		return
	}
	x.report.Status = http.StatusOK
	parts := stream.Multipart{W: x.w}
	parts.Start(dialectFor(x.prefer.deferred).MediaTypeParameter())
	x.report.Code = firstCode(resp)
	if parts.WritePart(encode(resp)) == nil {
		_ = parts.Close() // the client may be gone
	}
}
