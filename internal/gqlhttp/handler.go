// Package gqlhttp serves GraphQL over HTTP. It reads requests, rejects malformed and excessive ones, has package execution run the operation, and writes
// the response in the form that the client accepts: JSON, server-sent events, multipart or, by package ws, a WebSocket. It is independent of the schema.
package gqlhttp

import (
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/internal/gqlhttp/execution"
	"scalegraph/internal/gqlhttp/negotiation"
	"scalegraph/internal/gqlhttp/ws"
	"scalegraph/internal/request"
)

// handler serves one path. It is safe for concurrent use and never changed after NewHandler.
type handler struct {
	cfg         Config
	executor    *execution.Executor
	sockets     ws.Config
	compressors *compressors
	responses   *responseCache
	buffers     bufferPool
}

// NewHandler serves GraphQL over the schema.
func NewHandler(schema graphql.ExecutableSchema, cfg Config) http.Handler {
	cfg = cfg.withDefaults()
	executor := execution.New(schema, cfg.execution())
	return &handler{
		cfg: cfg, executor: executor, sockets: cfg.sockets(executor), compressors: newCompressors(), responses: newResponseCache(cfg.ResponseCacheBytes),
	}
}

// The values of headers that responses share. Nothing changes them: Set and Add replace them.
var (
	vary         = []string{"X-Auth-Token, Scalegraph-Token, Authorization, Accept, Accept-Encoding"} // the request headers that a response depends on
	contentTypes = map[string][]string{
		negotiation.MediaJSON:     {negotiation.MediaJSON + "; charset=utf-8"},
		negotiation.MediaResponse: {negotiation.MediaResponse + "; charset=utf-8"},
	}
)

// ServeHTTP serves one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	info := request.FromContext(r.Context())
	info.Report = &request.Report{}
	x := &exchange{
		handler: h, w: w, r: r, ctx: r.Context(), start: time.Now(), accept: negotiation.ParseAccept(r.Header.Values("Accept")), id: info.ID, report: info.Report,
	}
	w.Header()["Vary"] = vary
	x.cors()
	defer x.done()
	defer x.release()
	defer x.recover()
	if rejected := x.serve(); rejected != nil {
		x.reject(rejected)
	}
}
