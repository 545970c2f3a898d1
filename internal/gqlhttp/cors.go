package gqlhttp

import (
	"net/http"
	"slices"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/execution"
)

const (
	// corsAllowHeaders are the headers that scripts of allowed origins may send. The wildcard covers further headers of tracing libraries and GraphQL clients. It does not cover
	// Authorization, and old browsers do not support it, so the headers are also listed.
	corsAllowHeaders = "*, Content-Type, Accept, X-Auth-Token, Scalegraph-Token, Authorization, Cache-Control, Scalegraph-Explain, X-Request-Id, traceparent, tracestate, baggage, b3, sentry-trace, " +
		"If-None-Match, Last-Event-ID, Apollo-Require-Preflight, X-APOLLO-OPERATION-NAME, X-APOLLO-OPERATION-ID, X-APOLLO-OPERATION-TYPE, apollographql-client-name, apollographql-client-version"
	// corsExposeHeaders are the response headers that they may read.
	corsExposeHeaders = "X-Request-Id, ETag, Retry-After, Vary"
	// corsMaxAge is how long a browser may cache a preflight, in seconds; all browsers limit it to two hours or less.
	corsMaxAge = "7200"
)

// cors lets scripts of the allowed origins read responses. Without allowed origins it does nothing, and browsers deny access. Credentials of the browser
// itself are never allowed: the server reads no cookies.
func (x *exchange) cors() {
	if len(x.cfg.CORSOrigins) == 0 {
		return
	}
	h := x.w.Header()
	h.Add("Vary", "Origin")
	origin := x.r.Header.Get("Origin")
	if origin == "" || !x.cfg.originAllowed(origin) {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", corsExposeHeaders)
	if x.r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST")
		h.Set("Access-Control-Allow-Headers", corsAllowHeaders)
		h.Set("Access-Control-Max-Age", corsMaxAge)
	}
}

// checkSite rejects a request that a page of another site makes in a browser, with or without a script, unless CORS allows its origin. Browsers
// send Sec-Fetch-Site with every request, other clients do not.
func (x *exchange) checkSite() *execution.Rejection {
	switch site := x.r.Header.Get("Sec-Fetch-Site"); {
	case !x.cfg.RejectCrossSite, site == "", site == "none", site == "same-origin":
		return nil
	case x.cfg.originAllowed(x.r.Header.Get("Origin")):
		return nil
	}
	return execution.Rejectf(http.StatusForbidden, apierr.Forbidden, "Pages of other sites may not use this server; SCALEGRAPH_CORS_ORIGINS allows origins.")
}

// originAllowed reports whether scripts of an origin may read responses.
func (c Config) originAllowed(origin string) bool {
	return slices.Contains(c.CORSOrigins, origin) || slices.Contains(c.CORSOrigins, "*")
}
