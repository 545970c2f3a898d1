package request

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
)

// Info holds the id and the outcome of one HTTP request. The handler writes it; the access log reads it after the handler has returned.
type Info struct {
	ID      string  // in the response, in every log line and sent upstream; never changed
	TraceID string  // of the trace that the request belongs to; empty if there is none
	Report  *Report // the outcome of the GraphQL operation; nil, or with Status 0: there was no operation
}

type infoKey struct{}

// WithInfo returns a context from which FromContext returns info.
func WithInfo(ctx context.Context, info *Info) context.Context {
	return context.WithValue(ctx, infoKey{}, info)
}

// FromContext returns the Info that WithInfo attached, or a new one without an id if there is none. It is never nil.
func FromContext(ctx context.Context) *Info {
	if info, ok := ctx.Value(infoKey{}).(*Info); ok {
		return info
	}
	return &Info{}
}

// IDHeader carries the id of a request and of its response.
const IDHeader = "X-Request-Id"

// maxID bounds the request ids that clients choose, in bytes, because every log line contains them.
const maxID = 128

// ID returns the id in the request's headers if it is well formed, and a new random one otherwise.
func ID(h http.Header) string {
	if id := h.Get(IDHeader); validID(id) {
		return id
	}
	return rand.Text()
}

// validID accepts letters, digits and a few separators, so that an id cannot forge a log line.
func validID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-_.:/+=@", c) >= 0:
		default:
			return false
		}
	}
	return true
}
