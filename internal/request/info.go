package request

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
)

// Info is known of one HTTP request. The access log reads it when the handler has returned; until then it belongs to the handler.
type Info struct {
	ID     string  // in the response, in every log line and sent upstream; never changed
	Report *Report // the outcome of the GraphQL operation; nil, or with Status 0: there was none
}

type infoKey struct{}

// WithInfo returns a context from which FromContext returns info.
func WithInfo(ctx context.Context, info *Info) context.Context {
	return context.WithValue(ctx, infoKey{}, info)
}

// FromContext returns the Info of the request that ctx belongs to. Outside of requests it returns a new one without an id.
func FromContext(ctx context.Context) *Info {
	if info, ok := ctx.Value(infoKey{}).(*Info); ok {
		return info
	}
	return &Info{}
}

// IDHeader carries the id of a request and of its response.
const IDHeader = "X-Request-Id"

// maxID bounds the ids that are taken over from clients, in bytes: they are in every log line.
const maxID = 128

// ID returns the id that the client gave the request if that is well formed, and a new random one otherwise.
func ID(h http.Header) string {
	if id := h.Get(IDHeader); validID(id) {
		return id
	}
	return rand.Text()
}

// validID rejects what could forge lines of the log.
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
