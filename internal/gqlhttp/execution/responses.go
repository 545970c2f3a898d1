package execution

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/internal/request"
)

// Events executes an operation and sends its responses as events until there are no more or ctx ends, then closes the channel. Each response is
// computed when the one before has been received. The caller of Events must end ctx. Each response has a tally of its own, which is added to that of
// the caller in ctx.
func (e *Executor) Events(ctx context.Context, op *graphql.OperationContext, nextID func() string) <-chan stream.Event {
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
			select {
			case out <- eventOf(resp, nextID):
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// eventOf encodes a response before the next one is computed, because gqlgen reuses its buffer.
func eventOf(resp *graphql.Response, nextID func() string) stream.Event {
	ev := stream.Event{Body: Encode(resp), Code: FirstCode(resp)}
	if len(resp.Data) == 0 {
		ev.Errors = EncodeErrors(resp.Errors)
	} else {
		ev.ID = nextID()
	}
	return ev
}

// Responses executes an operation to its end, sends its responses, and calls done. The execution does not end with ctx, because gqlgen waits until its
// deferred results are received. It is bounded nevertheless: each upstream call has a timeout.
func (e *Executor) Responses(ctx context.Context, op *graphql.OperationContext, done func()) <-chan *graphql.Response {
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
			case <-ctx.Done(): // there is no receiver any more
			}
			if resp.HasNext == nil || !*resp.HasNext {
				return
			}
		}
	}()
	return out
}

// OrTimeout returns resp, or the response of a timeout if it is nil: gqlgen returns nil if the time was over before anything was executed.
func OrTimeout(resp *graphql.Response) *graphql.Response {
	if resp != nil {
		return resp
	}
	return &graphql.Response{Errors: gqlerror.List{apierr.New(apierr.RequestTimeout, "The request ran out of time before it was executed.")}}
}

// FirstCode returns the code of the first error; empty if there is none.
func FirstCode(resp *graphql.Response) string {
	if len(resp.Errors) == 0 {
		return ""
	}
	return apierr.CodeOf(resp.Errors[0])
}

// Encode returns a response as JSON.
func Encode(resp *graphql.Response) []byte {
	var b bytes.Buffer
	Append(&b, resp)
	return b.Bytes()
}

// Append writes a response as JSON. The data are written as gqlgen encoded them; a response without data has no entry for them.
func Append(b *bytes.Buffer, resp *graphql.Response) {
	b.Grow(len(resp.Data) + 512)
	b.WriteByte('{')
	if len(resp.Data) > 0 {
		b.WriteString(`"data":`)
		b.Write(resp.Data)
	}
	if len(resp.Errors) > 0 {
		appendMember(b, "errors", resp.Errors)
	}
	if len(resp.Extensions) > 0 {
		appendMember(b, "extensions", resp.Extensions)
	}
	b.WriteByte('}')
}

// appendMember writes one member of an object. A value that JSON cannot express is left out; errors and extensions always can be expressed.
func appendMember(b *bytes.Buffer, name string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		return
	}
	if b.Len() > 1 {
		b.WriteByte(',')
	}
	b.WriteString(`"` + name + `":`)
	b.Write(text)
}

// EncodeErrors returns errors as a JSON list.
func EncodeErrors(errs gqlerror.List) []byte {
	text, err := json.Marshal(errs)
	if err != nil {
		return []byte("[]") // errors always can be expressed
	}
	return text
}
