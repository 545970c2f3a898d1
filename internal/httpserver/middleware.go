package httpserver

import (
	"io"
	"log/slog"
	"net/http"
	"time"
)

// Middleware adds the access log, the request id, the security headers, and a bound on the time in which the request body must arrive.
func Middleware(h http.Handler, log *slog.Logger) http.Handler {
	return accessLog(securityHeaders(bodyReadTimeout(h, bodyTimeout)), log)
}

// securityHeaders sets the headers that keep browsers from sniffing content types, framing pages and sending referrers. A page that needs another
// policy replaces it. All responses share the values: handlers replace a value and do not append to it.
func securityHeaders(h http.Handler) http.Handler {
	headers := []struct {
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
		for _, fixed := range headers {
			header[fixed.name] = fixed.value
		}
		h.ServeHTTP(w, r)
	})
}

// bodyReadTimeout bounds the time in which a body must arrive. http.Server.ReadTimeout would end streams, too: it goes on after the body.
func bodyReadTimeout(h http.Handler, timeout time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
			control := http.NewResponseController(w)
			_ = control.SetReadDeadline(time.Now().Add(timeout)) // without a deadline there is no connection to hold
			r.Body = &deadlineBody{r.Body, control}
		}
		h.ServeHTTP(w, r)
	})
}

// deadlineBody removes the read deadline when the body has arrived.
type deadlineBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *deadlineBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
