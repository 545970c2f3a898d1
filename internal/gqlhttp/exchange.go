package gqlhttp

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/execution"
	"scalegraph/internal/gqlhttp/identity"
	"scalegraph/internal/gqlhttp/incremental"
	"scalegraph/internal/gqlhttp/negotiation"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/internal/gqlhttp/ws"
	"scalegraph/internal/request"
)

// exchange is one request and its response.
type exchange struct {
	*handler
	w      http.ResponseWriter
	r      *http.Request
	start  time.Time
	ctx    context.Context // of the request; with the bound on its time and its caller once that is known
	id     string          // of the request
	accept negotiation.Accept
	caller *request.Caller // nil until it is known
	report *request.Report // also in the request.Info of the request

	key         *responseKey // under which the response may be cached; nil: it may not
	acquired    bool         // it counts as in flight
	releaseCost func()       // gives back the cost in flight; nil: none is held
}

// done reports the outcome of the operation.
func (x *exchange) done() {
	x.report.Duration = time.Since(x.start)
	if x.cfg.OnOperationDone != nil && x.report.Status != 0 {
		x.cfg.OnOperationDone(x.ctx, x.report)
	}
}

// allowedMethods are the methods of the path.
const allowedMethods = "GET, HEAD, POST, OPTIONS"

// serve writes the response, or returns why the request is rejected.
func (x *exchange) serve() *execution.Rejection {
	if ws.IsUpgrade(x.r) {
		return ws.Serve(x.w, x.r, x.id, x.sockets)
	}
	switch x.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	case http.MethodOptions:
		x.w.Header().Set("Allow", allowedMethods)
		x.w.WriteHeader(http.StatusNoContent)
		return nil
	default:
		x.w.Header().Set("Allow", allowedMethods)
		return execution.Rejectf(http.StatusMethodNotAllowed, apierr.BadUserInput, "This path takes %s.", allowedMethods)
	}
	if rejected := x.checkSite(); rejected != nil {
		return rejected
	}
	if rejected := x.acquire(); rejected != nil {
		return rejected
	}
	if rejected := x.authenticate(); rejected != nil {
		return rejected
	}
	params, rejected := x.read()
	if rejected != nil || params == nil {
		return rejected
	}
	ctx, cancel := x.withTimeout()
	defer cancel()
	x.ctx = graphql.StartOperationTrace(request.WithCaller(ctx, x.caller))
	return x.run(params)
}

// authenticate finds the caller. One that is not accepted is rejected before anything of the request is read or executed.
func (x *exchange) authenticate() *execution.Rejection {
	caller, err := identity.FromHeader(x.r.Header, x.cfg.callers(), x.id)
	if err != nil {
		return badRequest(err)
	}
	ctx, cancel := x.withTimeout()
	defer cancel()
	if x.cfg.authenticator().Check(ctx, caller) != nil {
		x.w.Header().Set("WWW-Authenticate", "Bearer")
		return execution.Rejectf(http.StatusUnauthorized, apierr.Unauthenticated, "The caller is not recognised; send Authorization: Bearer with a key or token of yours.")
	}
	x.caller, x.report.Caller = caller, caller
	return nil
}

// read reads the parameters of the request; nil if the response has been written from the cache.
func (x *exchange) read() (*graphql.RawParams, *execution.Rejection) {
	b := x.buffers.get()
	defer x.buffers.put(b)
	if rejected := readText(b, x.w, x.r, x.cfg.Limits.Body); rejected != nil {
		return nil, rejected
	}
	if x.serveCached(b.Bytes()) {
		return nil, nil
	}
	return readParams(x.r, b.Bytes())
}

// withTimeout returns a context that ends when the time of the request is over.
func (x *exchange) withTimeout() (context.Context, context.CancelFunc) {
	return context.WithDeadlineCause(x.ctx, x.start.Add(x.cfg.RequestTimeout), execution.ErrRequestTimeout)
}

// run executes an operation and writes its response.
func (x *exchange) run(params *graphql.RawParams) *execution.Rejection {
	req := &execution.Request{Params: params, Defer: x.accept.Deferred != negotiation.Whole, Report: x.report}
	op, errs := x.executor.Prepare(x.ctx, req)
	if errs != nil {
		if !x.accept.Whole && x.accept.Streams() {
			x.accept.Media = negotiation.MediaResponse // a client that accepts only streams sees by the status that this is none
		}
		x.respond(x.executor.DispatchError(graphql.WithOperationContext(x.ctx, op), errs))
		return nil
	}
	if rejected := x.checkForm(op.Operation.Operation); rejected != nil {
		return rejected
	}
	release, rejected := x.executor.AcquireCost(x.ctx, op)
	if rejected != nil {
		return rejected
	}
	x.releaseCost = release
	return x.execute(op)
}

// execute executes an operation that has been checked, in the form that the client accepts.
func (x *exchange) execute(op *graphql.OperationContext) *execution.Rejection {
	switch kind := op.Operation.Operation; {
	case kind == ast.Subscription && x.accept.Subscription() == negotiation.Multipart:
		return x.stream(op, stream.MultipartSubscription{Multipart: stream.Multipart{W: x.w}})
	case kind == ast.Subscription:
		return x.stream(op, stream.SSE{W: x.w})
	case x.accept.Deferred != negotiation.Whole && incremental.HasDefer(op.Doc):
		return x.writeIncremental(op)
	}
	responses, ctx := x.executor.DispatchOperation(x.ctx, op)
	if resp := responses(ctx); !x.accept.Whole && x.accept.Events() {
		x.respondByEvent(resp)
	} else {
		x.respondWhole(execution.OrTimeout(resp))
	}
	return nil
}

// checkForm rejects an operation if the client accepts no form of its response, and a mutation that is not sent by POST.
func (x *exchange) checkForm(kind ast.Operation) *execution.Rejection {
	form := x.accept.Form(kind, x.r.Method)
	switch {
	case kind == ast.Subscription && form == negotiation.NotAcceptable:
		return execution.Rejectf(http.StatusNotAcceptable, apierr.BadUserInput, "A subscription cannot be answered as %s; ask for %s or %s.", x.accept.Media, stream.MediaEvents, stream.MediaMultipart)
	case form == negotiation.NotAcceptable:
		return execution.Rejectf(http.StatusNotAcceptable, apierr.BadUserInput, "Answers are %s or %s; Accept allows neither.", negotiation.MediaResponse, negotiation.MediaJSON)
	case kind == ast.Mutation && x.r.Method != http.MethodPost:
		x.w.Header().Set("Allow", http.MethodPost)
		return execution.Rejectf(http.StatusMethodNotAllowed, apierr.BadUserInput, "A %s must be sent by POST.", kind)
	}
	return nil
}

// acquire counts the request as in flight, and rejects it if there are too many. Streams end that when they begin: they have bounds of their own.
func (x *exchange) acquire() *execution.Rejection {
	x.acquired = true
	return x.executor.Acquire()
}

// release releases the slot of acquire and the cost in flight. Further calls do nothing.
func (x *exchange) release() {
	if x.acquired {
		x.acquired = false
		x.executor.Release()
	}
	x.takeCost()()
}

// takeCost returns the function that gives back the cost in flight; the exchange no longer does.
func (x *exchange) takeCost() (release func()) {
	release, x.releaseCost = x.releaseCost, nil
	if release == nil {
		return func() {}
	}
	return release
}

// recover responds to a panic of this package. gqlgen recovers panics of resolvers field by field.
func (x *exchange) recover() {
	fault := recover()
	if fault == nil {
		return
	}
	if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(fault)
	}
	x.cfg.Log.Error("panic while serving GraphQL", "requestId", x.id, "panic", fault, "stack", string(debug.Stack()))
	x.reject(execution.Rejectf(http.StatusInternalServerError, apierr.Internal, execution.MessageInternal))
}
