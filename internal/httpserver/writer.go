package httpserver

import (
	"context"
	"net/http"
	"time"
)

// answerWriter remembers the status and how many bytes were written, and gives up on a caller that takes nothing for writeTimeout.
type answerWriter struct {
	http.ResponseWriter
	control http.ResponseController
	conn    *conn // nil: it is none of ours
	status  int
	bytes   int64
	notes   notes // for the line of the log
}

func newAnswerWriter(ctx context.Context, w http.ResponseWriter) *answerWriter {
	a := &answerWriter{ResponseWriter: w, control: *http.NewResponseController(w), conn: connOf(ctx), status: http.StatusOK}
	_ = a.control.SetWriteDeadline(time.Time{}) // that of the connection's last answer; a writer without deadlines needs none
	return a
}

// Unwrap lets http.ResponseController reach what this writer does not have: deadlines and hijacking.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush makes the writer an http.Flusher, which stream writers ask for by type.
func (w *answerWriter) Flush() {
	_ = w.control.Flush()
	w.conn.sendHeld()
}

// WriteHeader notes the final status; 1xx is none, but for the switch to another protocol. An answer whose length is known comes as
// a whole, and goes out as one.
func (w *answerWriter) WriteHeader(status int) {
	if w.Header().Get("Content-Length") != "" {
		w.conn.hold()
	}
	if status >= http.StatusOK || status == http.StatusSwitchingProtocols {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(p []byte) (int, error) {
	if !w.conn.holds() {
		_ = w.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}
