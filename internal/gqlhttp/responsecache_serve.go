package gqlhttp

import (
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// serveCached serves the request from the response cache and reports whether it could.
func (x *exchange) serveCached(text []byte) bool {
	caller := x.caller
	if x.responses == nil || !x.accept.Whole || caller.NoCache || caller.Explain {
		return false
	}
	key := keyOf(x.r.Method, x.r.Header.Values("Accept"), text, caller)
	x.key = &key
	cached, ok := x.responses.get(key, time.Now())
	if !ok {
		return false
	}
	x.report.Kind, x.report.Name, x.report.Operation, x.report.Cost = cached.kind, cached.name, cached.operation, cached.cost
	if errs := x.executor.Admit(x.ctx, caller, cached.cost); errs != nil {
		x.respond(&graphql.Response{Errors: errs})
		return true
	}
	cached.recordHit(caller)
	x.report.Status, x.report.Cached = http.StatusOK, true
	x.send(http.StatusOK, cached.encodedBody, true)
	return true
}

// cacheResponse caches a response without errors if it depends on cached pages only.
func (x *exchange) cacheResponse(body *encodedBody) {
	if x.key == nil {
		return
	}
	until, used := x.caller.Tally.FreshUntil()
	dependencies := x.caller.Tally.Dependencies()
	if used && len(dependencies) > 0 && time.Now().Before(until) {
		operation := strings.Clone(x.report.Operation) // it is a part of the request's text, which is not retained
		x.responses.put(*x.key, &cachedResponse{body, dependencies, x.report.Kind, x.report.Name, operation, x.report.Cost})
	}
}
