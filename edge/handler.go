// Package edge is what a GraphQL client meets: it reads requests over HTTP, refuses what is malformed or too much, has gqlgen
// execute the rest, and writes the answer in the form that the client asked for. It knows nothing of activity logs.
package edge

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/upstream"
)

// handler serves one path. It is safe for concurrent use and never changed after NewHandler.
type handler struct {
	cfg    Config
	engine *engine
}

// NewHandler serves GraphQL over the schema. It panics where an extension of cfg does not fit the schema.
func NewHandler(schema graphql.ExecutableSchema, cfg Config) http.Handler {
	cfg = cfg.withDefaults()
	return &handler{cfg: cfg, engine: newEngine(schema, cfg)}
}

// errRequestTimeout is the cause of a context that ended because the request's own time was over.
var errRequestTimeout = errors.New("the request ran out of time")

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{handler: h, w: w, r: r, media: mediaJSON}
	x.id = requestID(r.Header)
	w.Header().Set("X-Request-Id", x.id)
	w.Header().Set("Vary", vary)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	defer x.recover()

	ctx, cancel := context.WithTimeoutCause(r.Context(), h.cfg.RequestTimeout, errRequestTimeout)
	defer cancel()
	x.r = r.WithContext(graphql.StartOperationTrace(ctx))
	x.serve()
}

// vary names the request headers that an answer depends on.
const vary = "X-Auth-Token, Scalegraph-Token, Authorization, Accept, Accept-Encoding"

// exchange is one request and its answer.
type exchange struct {
	*handler
	w     http.ResponseWriter
	r     *http.Request
	id    string // of the request
	media string // media type of the answer
}

func (x *exchange) serve() {
	media, acceptable := negotiate(x.r.Header.Values("Accept"))
	x.media = media
	switch {
	case !allowed(x.r.Method):
		x.w.Header().Set("Allow", allow)
		x.refuse(refusef(http.StatusMethodNotAllowed, codeBadUserInput, "This path takes GET, HEAD, POST and OPTIONS."))
		return
	case x.r.Method == http.MethodOptions:
		x.w.Header().Set("Allow", allow)
		x.w.WriteHeader(http.StatusNoContent)
		return
	case !acceptable:
		x.refuse(refusef(http.StatusNotAcceptable, codeBadUserInput, "Answers are application/graphql-response+json or application/json; Accept allows neither."))
		return
	}
	caller, refused := callerOf(x.r.Header, x.cfg, x.id)
	if refused != nil {
		x.refuse(refused)
		return
	}
	params, refused := readParams(x.w, x.r, x.cfg.Limits.Body)
	if refused != nil {
		x.refuse(refused)
		return
	}
	x.run(upstream.WithCaller(x.r.Context(), caller), params)
}

// run executes an operation and writes its answer.
func (x *exchange) run(ctx context.Context, params *graphql.RawParams) {
	op, errs := x.engine.CreateOperationContext(ctx, params)
	if errs != nil {
		x.answer(x.engine.DispatchError(graphql.WithOperationContext(ctx, op), errs))
		return
	}
	responses, ctx := x.engine.DispatchOperation(ctx, op)
	x.answer(responses(ctx))
}

// allow lists the methods that a path of GraphQL takes.
const allow = "GET, HEAD, POST, OPTIONS"

func allowed(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions:
		return true
	}
	return false
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
	x.refuse(&refusal{http.StatusInternalServerError, coded(&gqlerror.Error{Message: messageInternal}, codeInternal)})
}
