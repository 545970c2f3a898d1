// Package gqlhttp is what a GraphQL client meets: it reads requests over HTTP, refuses what is malformed or too much, has gqlgen
// execute the rest, and writes the answer in the form that the client asked for. It knows nothing of activity logs.
package gqlhttp

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/incremental"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/internal/request"
)

// handler serves one path. It is safe for concurrent use and never changed after NewHandler.
type handler struct {
	cfg         Config
	engine      *engine
	compressors *compressors
	responses   *responseCache
	buffers     buffers
	flying      atomic.Int64 // requests under way
}

// NewHandler serves GraphQL over the schema.
func NewHandler(schema graphql.ExecutableSchema, cfg Config) http.Handler {
	cfg = cfg.withDefaults()
	h := &handler{cfg: cfg, engine: newEngine(schema, cfg), compressors: newCompressors(), responses: newResponseCache(cfg.ResponseCacheBytes)}
	h.engine.checkTrusted()
	return h
}

// errRequestTimeout is the cause of a context that ended because the request's own time was over.
var errRequestTimeout = errors.New("the request ran out of time")

// The values of headers that answers share. Nobody changes them: Set and Add put others in their place.
var (
	vary         = []string{"X-Auth-Token, Scalegraph-Token, Authorization, Accept, Accept-Encoding"} // what an answer depends on
	contentTypes = map[string][]string{mediaJSON: {mediaJSON + "; charset=utf-8"}, mediaResponse: {mediaResponse + "; charset=utf-8"}}
)

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	info := request.FromContext(r.Context())
	info.Report = &request.Report{}
	x := &exchange{
		handler: h, w: w, r: r, ctx: r.Context(), connection: r.Context(), began: time.Now(), media: mediaJSON, id: info.ID, report: info.Report,
	}
	w.Header()["Vary"] = vary
	x.cors()
	defer x.done()
	defer x.leave()
	defer x.recover()
	if refused := x.serve(); refused != nil {
		x.refuse(refused)
	}
}

// exchange is one request and its answer.
type exchange struct {
	*handler
	w           http.ResponseWriter
	r           *http.Request
	began       time.Time
	ctx         context.Context // of the request; with a bound on its time and its caller once that is known
	connection  context.Context // of the request without a bound on its time
	id          string          // of the request
	media       string          // media type of an answer in one piece
	acceptable  bool            // the client takes such an answer
	prefer      preferences
	caller      *request.Caller // once it is known
	key         *responseKey    // under which the response may be cached; nil: it may not
	entered     bool            // it counts as under way
	releaseCost func()          // gives back the cost in flight; nil: none is held
	report      *request.Report // also in the Info of the request
}

// done reports the outcome of the operation.
func (x *exchange) done() {
	x.report.Duration = time.Since(x.began)
	if x.cfg.OnOperationDone != nil && x.report.Status != 0 {
		x.cfg.OnOperationDone(x.ctx, x.report)
	}
}

// allow lists the methods that the path takes.
const allow = "GET, HEAD, POST, OPTIONS"

// serve answers the request, or returns why it may not reach GraphQL.
func (x *exchange) serve() *refusal {
	x.media, x.acceptable = negotiate(x.r.Header.Values("Accept"))
	x.prefer = preferencesOf(x.r.Header.Values("Accept"))
	if isWebSocket(x.r) {
		return x.webSocket()
	}
	switch x.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	case http.MethodOptions:
		x.w.Header().Set("Allow", allow)
		x.w.WriteHeader(http.StatusNoContent)
		return nil
	default:
		x.w.Header().Set("Allow", allow)
		return refusef(http.StatusMethodNotAllowed, apierr.BadUserInput, "This path takes %s.", allow)
	}
	if refused := x.enter(); refused != nil {
		return refused
	}
	caller, refused := callerOf(x.r.Header, x.cfg, x.id)
	if refused != nil {
		return refused
	}
	if refused := x.authenticate(caller); refused != nil {
		return refused
	}
	x.caller, x.report.Caller = caller, caller
	params, refused := x.read()
	if refused != nil || params == nil {
		return refused
	}
	ctx, cancel := x.inTime()
	defer cancel()
	x.ctx = graphql.StartOperationTrace(request.WithCaller(ctx, caller))
	return x.run(params)
}

// read reads the parameters of the request. They are nil where it was answered already, as it was before.
func (x *exchange) read() (*graphql.RawParams, *refusal) {
	b := x.buffers.get()
	defer x.buffers.giveBack(b)
	if refused := readText(b, x.w, x.r, x.cfg.Limits.Body); refused != nil {
		return nil, refused
	}
	if x.serveCached(b.Bytes()) {
		return nil, nil
	}
	return readParams(x.r, b.Bytes())
}

// inTime returns a context that ends when the request's time is over. It is made only where something may take long.
func (x *exchange) inTime() (context.Context, context.CancelFunc) {
	return context.WithDeadlineCause(x.ctx, x.began.Add(x.cfg.RequestTimeout), errRequestTimeout)
}

// run executes an operation and writes its answer.
func (x *exchange) run(params *graphql.RawParams) *refusal {
	ctx := x.ctx
	if x.prefer.deferred != whole {
		ctx = withDeferral(ctx)
	}
	op, errs := x.engine.CreateOperationContext(ctx, params)
	setOperation(x.report, op, x.cfg.Trusted)
	if errs != nil {
		if !x.acceptable && x.prefer != (preferences{}) {
			x.media = mediaResponse // a client that takes nothing but streams knows by the status that this is none
		}
		x.answer(x.engine.DispatchError(graphql.WithOperationContext(ctx, op), errs))
		return nil
	}
	if refused := x.suits(op.Operation.Operation); refused != nil {
		return refused
	}
	release, refused := x.engine.acquireCost(ctx, op)
	if refused != nil {
		return refused
	}
	x.releaseCost = release
	return x.respond(ctx, op)
}

// respond executes an operation that is known to be in order.
func (x *exchange) respond(ctx context.Context, op *graphql.OperationContext) *refusal {
	switch kind := op.Operation.Operation; {
	case kind == ast.Subscription && x.prefer.subscription() == multipart:
		return x.stream(op, stream.MultipartSubscription{Multipart: stream.Multipart{W: x.w}})
	case kind == ast.Subscription:
		return x.stream(op, stream.SSE{W: x.w})
	case x.prefer.deferred != whole && incremental.HasDefer(op.Doc):
		return x.writeIncremental(op)
	}
	responses, ctx := x.engine.DispatchOperation(ctx, op)
	if resp := responses(ctx); !x.acceptable && x.prefer.events > 0 {
		x.answerByEvents(resp)
	} else {
		x.answerWhole(inTime(resp))
	}
	return nil
}

// suits decides whether an operation can be answered, now that it is known, and refuses one that the client cannot take the
// answer of, or must not cause by a mere GET.
func (x *exchange) suits(kind ast.Operation) *refusal {
	chosen := x.formOf(kind)
	switch {
	case kind == ast.Subscription && chosen == notAcceptable:
		return refusef(http.StatusNotAcceptable, apierr.BadUserInput, "A subscription cannot be answered as %s; ask for %s or %s.", x.media, stream.MediaEvents, stream.MediaMultipart)
	case chosen == notAcceptable:
		return refusef(http.StatusNotAcceptable, apierr.BadUserInput, "Answers are %s or %s; Accept allows neither.", mediaResponse, mediaJSON)
	case kind == ast.Mutation && x.r.Method != http.MethodPost:
		x.w.Header().Set("Allow", http.MethodPost)
		return refusef(http.StatusMethodNotAllowed, apierr.BadUserInput, "A %s must be sent by POST.", kind)
	}
	return nil
}

// recover turns a panic of ours into an answer. Resolvers' panics do not come here: gqlgen recovers them field by field.
func (x *exchange) recover() {
	fault := recover()
	if fault == nil {
		return
	}
	if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(fault)
	}
	x.cfg.Log.Error("panic while serving GraphQL", "requestId", x.id, "panic", fault, "stack", string(debug.Stack()))
	x.refuse(refusef(http.StatusInternalServerError, apierr.Internal, messageInternal))
}
