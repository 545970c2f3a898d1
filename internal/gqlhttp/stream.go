package gqlhttp

import (
	"context"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
	"scalegraph/internal/request"
)

// An event is one answer of a stream.
type event struct {
	id     string
	body   []byte // the encoded response
	errors []byte // its errors alone, where it has no data; else nil
	code   string // of its first error; empty: none
}

// events answers an operation until it has no more to say or ctx ends, then closes the channel. Each answer is made when the one
// before was taken. ctx must be ended by who called. Each answer counts what it costs by itself, and all count for the caller in ctx, too.
func (e *engine) events(ctx context.Context, op *graphql.OperationContext, nextID func() string) <-chan event {
	responses, ctx := e.DispatchOperation(ctx, op)
	out := make(chan event)
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
			ev := event{body: encode(resp), code: firstCode(resp)} // before the next answer: gqlgen reuses the buffer
			if len(resp.Data) == 0 {
				ev.errors = encodeErrors(resp.Errors)
			} else {
				ev.id = nextID()
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

// A sink writes a stream in the words of its protocol. An error means that nobody is there any more.
type sink interface {
	begin(id string) error // id of where the stream begins; empty where events have none
	event(ev event) error
	beat() error // so that nobody on the way takes the connection for dead
	end() error
}

// stream answers an operation event by event, as long as the client listens.
func (x *exchange) stream(op *graphql.OperationContext, to sink) *refusal {
	draining, done, ok := x.cfg.Streams.begin()
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
	if to.begin(nextID()) == nil {
		relay(events, to, x.cfg.KeepAlive, draining, x.revoked(ctx), x.report)
	}
	return nil
}

// relay hands events on until there are no more, nobody listens, or the program stops. The report gets the code of the last error.
func relay(events <-chan event, to sink, every time.Duration, draining, lost <-chan struct{}, report *request.Report) {
	beat := time.NewTicker(every)
	defer beat.Stop()
	for {
		var err error
		select {
		case ev, more := <-events:
			if !more {
				_ = to.end() // who is gone needs no end
				return
			}
			report.Code = ev.code
			err = to.event(ev)
		case <-beat.C:
			err = to.beat()
		case <-lost:
			report.Code = apierr.Unauthenticated
			_ = to.event(refused(errUnrecognised()))
			_ = to.end()
			return
		case <-draining:
			_ = to.end()
			return
		}
		if err != nil {
			return
		}
	}
}

// endless returns the context of the exchange without the bound on the time of a request.
func (x *exchange) endless() context.Context {
	return graphql.StartOperationTrace(request.WithCaller(x.connection, x.caller))
}

// refused is the last event of a stream that may not go on.
func refused(err *gqlerror.Error) event {
	errs := gqlerror.List{err}
	return event{body: encode(&graphql.Response{Errors: errs}), errors: encodeErrors(errs)}
}

func errUnrecognised() *gqlerror.Error {
	return apierr.New(apierr.Unauthenticated, "The caller is not recognised any more.")
}

// flush sends what was written so far.
func (x *exchange) flush() error { return http.NewResponseController(x.w).Flush() }

// open begins an answer of unknown length.
func (x *exchange) open(contentType string) {
	x.report.Status = http.StatusOK
	h := x.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies must not gather events
	x.w.WriteHeader(http.StatusOK)
}
