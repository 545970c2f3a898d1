package httpserver

import (
	"context"
	"net/http"
	"time"
)

// responseWriter records the status and the size of a response, and gives up on a client that takes nothing for writeTimeout.
type responseWriter struct {
	http.ResponseWriter
	control   http.ResponseController
	conn      *conn // nil: not from coalescingListener
	coalesced bool  // the connection may have buffered a piece
	status    int
	bytes     int64
}

func newResponseWriter(ctx context.Context, w http.ResponseWriter) *responseWriter {
	return &responseWriter{ResponseWriter: w, control: *http.NewResponseController(w), conn: connOf(ctx), status: http.StatusOK}
}

// Unwrap returns the wrapped writer, which http.ResponseController needs for deadlines and hijacking.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush makes the writer an http.Flusher, which writers of streams look for by type.
func (w *responseWriter) Flush() {
	_ = w.control.Flush()
	if w.conn != nil {
		w.conn.flush()
	}
}

// finish sends the piece that the connection has buffered, if any. It must be called when the handler has returned.
func (w *responseWriter) finish() {
	if w.coalesced {
		w.Flush()
	}
}

// WriteHeader records the final status. Of the informational ones only 101, the switch to another protocol, is final. A response of known
// length is sent in one piece.
func (w *responseWriter) WriteHeader(status int) {
	_ = w.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // a writer without deadlines needs none
	if w.conn != nil && status >= http.StatusOK && w.Header().Get("Content-Length") != "" {
		w.conn.hold, w.coalesced = true, true
	}
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *responseWriter) Write(p []byte) (int, error) {
	_ = w.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}
