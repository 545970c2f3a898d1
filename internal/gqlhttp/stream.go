package gqlhttp

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/internal/request"
)

// events answers an operation until it has no more to say or ctx ends, then closes the channel. Each answer is made when the one
// before was taken. ctx must be ended by who called. Each answer counts what it costs by itself, and all count for the caller in ctx, too.
func (e *engine) events(ctx context.Context, op *graphql.OperationContext, nextID func() string) <-chan stream.Event {
	responses, ctx := e.DispatchOperation(ctx, op)
	out := make(chan stream.Event)
	go func() {
		defer close(out)
		caller := request.CallerFrom(ctx)
		for {
			each := caller.Clone()
			resp := responses(request.WithCaller(ctx, each))
			caller.Tally.Add(&each.Tally)
			if resp == nil {
				return
			}
			ev := stream.Event{Body: encode(resp), Code: firstCode(resp)} // before the next answer: gqlgen reuses the buffer
			if len(resp.Data) == 0 {
				ev.Errors = encodeErrors(resp.Errors)
			} else {
				ev.ID = nextID()
			}
			select {
			case out <- ev:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// stream answers an operation event by event, as long as the client listens.
func (x *exchange) stream(op *graphql.OperationContext, to stream.Sink) *refusal {
	draining, done, ok := x.cfg.Streams.Begin()
	if !ok {
		return refusef(http.StatusServiceUnavailable, apierr.RateLimited, "The server takes no more streams now; try again later.")
	}
	defer done()
	x.leave()
	ctx, cancel := context.WithCancel(x.endless())
	defer cancel()
	ctx, nextID := x.cfg.Events(ctx, x.r.Header.Get("Last-Event-ID"))
	events := x.engine.events(ctx, op, nextID)
	defer func() {
		cancel()
		for range events { // its goroutine must not outlive the stream
		}
	}()
	x.report.Status = http.StatusOK
	if to.Begin(nextID()) == nil {
		stream.Relay(events, to, x.cfg.KeepAlive, draining, x.revoked(ctx), rejected(errUnrecognised()), func(ev stream.Event) { x.report.Code = ev.Code })
	}
	return nil
}

// endless returns the context of the exchange without the bound on the time of a request.
func (x *exchange) endless() context.Context {
	return graphql.StartOperationTrace(request.WithCaller(x.connection, x.caller))
}

// rejected returns the last event of a stream that may not go on.
func rejected(err *gqlerror.Error) stream.Event {
	errs := gqlerror.List{err}
	return stream.Event{Body: encode(&graphql.Response{Errors: errs}), Errors: encodeErrors(errs), Code: apierr.CodeOf(err)}
}

func errUnrecognised() *gqlerror.Error {
	return apierr.New(apierr.Unauthenticated, "The caller is not recognised any more.")
}

// answerByEvents sends the only response of an operation to a client that accepts nothing but events.
func (x *exchange) answerByEvents(resp *graphql.Response) {
	x.report.Status = http.StatusOK
	to := stream.SSE{W: x.w}
	if to.Begin("") == nil && to.Event(stream.Event{Body: encode(inTime(resp))}) == nil {
		_ = to.End() // the client may be gone
	}
}

// encodeErrors returns errors as a JSON list.
func encodeErrors(errs any) []byte {
	text, err := json.Marshal(errs)
	if err != nil {
		return []byte("[]") // ours can always be expressed
	}
	return text
}
