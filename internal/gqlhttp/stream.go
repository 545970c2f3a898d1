package gqlhttp

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/execution"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/internal/request"
)

// stream executes a subscription and writes its events until there are no more or the client is gone.
func (x *exchange) stream(op *graphql.OperationContext, to stream.Sink) *execution.Rejection {
	draining, done, ok := x.cfg.Streams.Begin()
	if !ok {
		return execution.Rejectf(http.StatusServiceUnavailable, apierr.RateLimited, "The server takes no more streams now; try again later.")
	}
	defer done()
	x.release()
	ctx, cancel := context.WithCancel(graphql.StartOperationTrace(request.WithCaller(x.r.Context(), x.caller))) // without the bound on the time of a request
	defer cancel()
	ctx, nextID := x.cfg.Events(ctx, x.r.Header.Get("Last-Event-ID"))
	events := x.executor.Events(ctx, op, nextID)
	defer func() {
		cancel()
		for range events { // its goroutine ends before the stream
		}
	}()
	x.report.Status = http.StatusOK
	if to.Begin(nextID()) == nil {
		stream.Relay(events, to, x.cfg.KeepAlive, draining, x.cfg.authenticator().Revoked(ctx), lastEvent(execution.Unrecognised()), func(ev stream.Event) { x.report.Code = ev.Code })
	}
	return nil
}

// lastEvent returns the event of an error that ends a stream.
func lastEvent(err *gqlerror.Error) stream.Event {
	errs := gqlerror.List{err}
	return stream.Event{Body: execution.Encode(&graphql.Response{Errors: errs}), Errors: execution.EncodeErrors(errs), Code: apierr.CodeOf(err)}
}

// respondByEvent writes the only response of an operation to a client that accepts nothing but events.
func (x *exchange) respondByEvent(resp *graphql.Response) {
	x.report.Status = http.StatusOK
	to := stream.SSE{W: x.w}
	if to.Begin("") == nil && to.Event(stream.Event{Body: execution.Encode(execution.OrTimeout(resp))}) == nil {
		_ = to.End() // the client may be gone
	}
}
