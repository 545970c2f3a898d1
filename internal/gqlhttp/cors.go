package gqlhttp

import (
	"net/http"
	"slices"
)

// The headers that scripts of allowed origins may send and read.
const (
	//
	// The wildcard covers what tracing libraries and GraphQL clients add (b3, baggage, apollographql-client-name); it never covers Authorization,
	// and browsers that do not know it read the names.
	corsSend = "*, Content-Type, Accept, X-Auth-Token, Scalegraph-Token, Authorization, Cache-Control, Scalegraph-Explain, X-Request-Id, traceparent, tracestate, baggage, b3, sentry-trace, " +
		"If-None-Match, Last-Event-ID, Apollo-Require-Preflight, X-APOLLO-OPERATION-NAME, X-APOLLO-OPERATION-ID, X-APOLLO-OPERATION-TYPE, apollographql-client-name, apollographql-client-version"
	corsRead = "X-Request-Id, ETag, Retry-After, Vary"
	// corsAge is how long a browser may remember a preflight, in seconds; they all cut it to two hours or less.
	corsAge = "7200"
)

// cors lets scripts of the allowed origins read answers. Without allowed origins it does nothing, and browsers refuse.
// Credentials of the browser's own are never allowed: we read no cookies.
func (x *exchange) cors() {
	if len(x.cfg.CORSOrigins) == 0 {
		return
	}
	h := x.w.Header()
	h.Add("Vary", "Origin")
	origin := x.r.Header.Get("Origin")
	if origin == "" || !originAllowed(x.cfg.CORSOrigins, origin) {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", corsRead)
	if x.r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST")
		h.Set("Access-Control-Allow-Headers", corsSend)
		h.Set("Access-Control-Max-Age", corsAge)
	}
}

func originAllowed(allowed []string, origin string) bool {
	return slices.Contains(allowed, origin) || slices.Contains(allowed, "*")
}
