package gqlhttp

import (
	"net/http"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"scalegraph/internal/apierr"
	"scalegraph/internal/gqlhttp/execution"
	"scalegraph/internal/gqlhttp/negotiation"
)

// reject responds to a request that was rejected before it was executed.
func (x *exchange) reject(why *execution.Rejection) {
	x.write(why.Status, &graphql.Response{Errors: gqlerror.List{why.Err}})
}

// respond writes the response of an operation.
func (x *exchange) respond(resp *graphql.Response) {
	resp = execution.OrTimeout(resp)
	x.write(x.statusOf(resp), resp)
}

// statusOf returns 200 if the operation was executed, even if it failed; otherwise the status depends on the code of the first error.
func (x *exchange) statusOf(resp *graphql.Response) int {
	if len(resp.Data) > 0 || len(resp.Errors) == 0 {
		return http.StatusOK
	}
	return requestStatus(apierr.CodeOf(resp.Errors[0]), x.cfg.StatusProfile, x.accept.Media)
}

// write writes a response in one piece.
func (x *exchange) write(status int, resp *graphql.Response) {
	x.report.Status, x.report.Code = status, execution.FirstCode(resp)
	b := x.buffers.get()
	defer x.buffers.put(b)
	execution.Append(b, resp)
	body := &encodedBody{body: b.Bytes()}
	if len(resp.Errors) == 0 {
		x.cacheResponse(body)
		x.send(status, body, true)
		return
	}
	x.w.Header().Set("Cache-Control", "no-store")
	setRetryAfter(x.w.Header(), status, resp)
	x.send(status, body, false)
}

// send sends a body in the content encoding that the client prefers. One that may be cached, and was requested by a method that caches support, has a
// Cache-Control and an ETag, and is not sent to a client that has it.
func (x *exchange) send(status int, b *encodedBody, cacheable bool) {
	encoding := ""
	if len(b.body) >= minCompressed {
		encoding = negotiation.Encoding(x.r.Header.Values("Accept-Encoding"))
	}
	h := x.w.Header()
	if cacheable && x.r.Method != http.MethodPost {
		tag := b.etag(encoding)
		h.Set("ETag", tag)
		h.Set("Cache-Control", cacheControl(x.caller, time.Now()))
		if notModified(x.r.Header, tag) {
			x.report.Status = http.StatusNotModified
			x.w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	h["Content-Type"] = contentTypes[x.accept.Media]
	body := b.encoded(encoding, x.compressors)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // the client may be gone
}

// setRetryAfter sets Retry-After if a limit of the server rejected the request.
func setRetryAfter(h http.Header, status int, resp *graphql.Response) {
	if status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests {
		return
	}
	wait := int64(1)
	if len(resp.Errors) > 0 {
		if seconds, ok := resp.Errors[0].Extensions["retryAfterSeconds"].(int64); ok {
			wait = seconds
		}
	}
	h.Set("Retry-After", strconv.FormatInt(wait, 10))
}

// requestStatus returns the HTTP status of an operation that was not executed, by the code of its error.
func requestStatus(code string, profile StatusProfile, media string) int {
	switch code {
	case apierr.Internal:
		return http.StatusInternalServerError
	case apierr.RequestTimeout:
		return http.StatusServiceUnavailable
	case apierr.RateLimited:
		return http.StatusTooManyRequests
	case apierr.PersistedNotFound, apierr.PersistedRejected:
		return http.StatusOK // for any other status, clients of persisted queries assume that the server is broken
	}
	switch {
	case profile == Draft && code == apierr.ParseFailed:
		return http.StatusBadRequest
	case profile == Draft:
		return http.StatusUnprocessableEntity
	case media == negotiation.MediaJSON:
		return http.StatusOK // with this media type, the status describes HTTP only
	}
	return http.StatusBadRequest
}
