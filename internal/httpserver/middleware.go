package httpserver

import (
	"io"
	"log/slog"
	"net/http"
	"time"

	"scalegraph/internal/gqlhttp"
)

// Middleware wraps what every request goes through, from the inside out.
func Middleware(h http.Handler, log *slog.Logger) http.Handler {
	h = bounded(h, bodyTimeout)
	h = secured(h)
	h = logged(h, log)
	return identified(h) // first of all, because the log names the request
}

// identified gives the request an id, the caller's own where it has one, and names it in the answer.
func identified(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, named := gqlhttp.RequestID(r.Header)
		if c := connOf(r.Context()); c != nil {
			c.turn.is(r, named)
		}
		line := []string{id}
		r.Header[gqlhttp.RequestIDHeader], w.Header()[gqlhttp.RequestIDHeader] = line, line
		h.ServeHTTP(w, r)
	})
}

// secured sets the headers that keep browsers from guessing, framing and telling. A page that needs more sets its own policy. All answers share
// the values: whoever changes a header sets another or adds one, as Set and Add do.
func secured(h http.Handler) http.Handler {
	fixed := []struct {
		name  string // in canonical form
		value []string
	}{
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"Referrer-Policy", []string{"no-referrer"}},
		{"X-Frame-Options", []string{"DENY"}},
		{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'"}},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		for _, f := range fixed {
			header[f.name] = f.value
		}
		h.ServeHTTP(w, r)
	})
}

// bounded gives a body so long to arrive, where it is not here already. http.Server's ReadTimeout would end streams, too: it goes on counting behind the body.
func bounded(h http.Handler, within time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c := connOf(r.Context()); r.Body != http.NoBody && (c == nil || !c.turn.whole()) {
			conn := http.NewResponseController(w)
			_ = conn.SetReadDeadline(time.Now().Add(within)) // no deadline to set: no connection to hold
			r.Body = &boundedBody{r.Body, conn}
		}
		h.ServeHTTP(w, r)
	})
}

// boundedBody takes the deadline away when the body has arrived.
type boundedBody struct {
	io.ReadCloser
	conn *http.ResponseController
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}
