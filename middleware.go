package main

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"time"
)

// middleware wraps what every request goes through, from the inside out.
func middleware(h http.Handler, log *slog.Logger) http.Handler {
	h = bounded(h, bodyTimeout)
	h = secured(h)
	h = logged(h, log)
	return identified(h) // first of all, because the log names the request
}

const requestIDHeader = "X-Request-Id"

// requestIDForm is what we keep of what a caller calls its request; anything else could forge log lines.
var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9_.:/+=@-]{1,128}$`)

// identified gives the request an id, the caller's own where it has one, and names it in the answer.
func identified(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !requestIDForm.MatchString(id) {
			id = rand.Text()
		}
		r.Header.Set(requestIDHeader, id)
		w.Header().Set(requestIDHeader, id)
		h.ServeHTTP(w, r)
	})
}

// logged writes one line for each request, when it is answered. The query part of the URL and all headers but the request's id stay out.
func logged(h http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		answer := newAnswerWriter(r.Context(), w)
		n := new(notes)
		defer func() {
			log.LogAttrs(r.Context(), slog.LevelInfo, "request", append([]slog.Attr{
				slog.String(requestIDField, r.Header.Get(requestIDHeader)),
				slog.String("method", clipped(r.Method)), slog.String("path", clipped(r.URL.Path)),
				slog.Int("status", answer.status), slog.Duration("duration", time.Since(began)), slog.Int64("bytes", answer.bytes),
			}, n.attrs()...)...)
		}()
		h.ServeHTTP(answer, r.WithContext(withNotes(r.Context(), n)))
	})
}

// clipped keeps a caller from filling the log.
func clipped(s string) string { return s[:min(len(s), 200)] }

// answerWriter remembers the status and how many bytes were written, and gives up on a caller that takes nothing for writeTimeout.
type answerWriter struct {
	http.ResponseWriter
	conn   *http.ResponseController
	ctx    context.Context // of the request
	status int
	bytes  int64
}

func newAnswerWriter(ctx context.Context, w http.ResponseWriter) *answerWriter {
	conn := http.NewResponseController(w)
	_ = conn.SetWriteDeadline(time.Time{}) // that of the connection's last answer; a writer without deadlines needs none
	return &answerWriter{ResponseWriter: w, conn: conn, ctx: ctx, status: http.StatusOK}
}

// Unwrap lets http.ResponseController reach what this writer does not have: deadlines and hijacking.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush makes the writer an http.Flusher, which stream writers ask for by type.
func (w *answerWriter) Flush() {
	_ = w.conn.Flush()
	sendHeld(w.ctx)
}

// WriteHeader notes the final status; 1xx is none, but for the switch to another protocol. An answer whose length is known comes as
// a whole, and goes out as one.
func (w *answerWriter) WriteHeader(status int) {
	if w.Header().Get("Content-Length") != "" {
		hold(w.ctx)
	}
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(p []byte) (int, error) {
	_ = w.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// secured sets the headers that keep browsers from guessing, framing and telling. A page that needs more sets its own policy.
func secured(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.ServeHTTP(w, r)
	})
}

// bounded gives a body so long to arrive. http.Server's ReadTimeout would end streams, too: it goes on counting behind the body.
func bounded(h http.Handler, within time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
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
