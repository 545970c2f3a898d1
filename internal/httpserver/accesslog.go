package httpserver

import (
	"log/slog"
	"net/http"
	"time"

	"scalegraph/internal/request"
	"scalegraph/internal/telemetry"
)

// accessLog gives each request its Info and its id, and writes one line for it when the response is complete.
func accessLog(h http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		info := &request.Info{ID: request.ID(r.Header)}
		w.Header()[request.IDHeader] = []string{info.ID}
		rw := newResponseWriter(r.Context(), w)
		r = r.WithContext(request.WithInfo(r.Context(), info))
		defer func() { logRequest(r, rw, info, began, log) }()
		h.ServeHTTP(rw, r)
		rw.finish()
	})
}

// logRequest writes the line of a request. It leaves out the query part of the URL and all headers: they may contain secrets.
func logRequest(r *http.Request, w *responseWriter, info *request.Info, began time.Time, log *slog.Logger) {
	handler := log.Handler()
	if !handler.Enabled(r.Context(), slog.LevelInfo) {
		return
	}
	now := time.Now()
	attrs := append(make([]slog.Attr, 0, 20), // with room for those of the operation, on the stack
		slog.String(telemetry.RequestID, info.ID), slog.String("method", truncate(r.Method)), slog.String("path", truncate(r.URL.Path)),
		slog.Int("status", w.status), slog.String("duration", now.Sub(began).String()), slog.Int64("bytes", w.bytes))
	if info.TraceID != "" {
		attrs = append(attrs, slog.String(telemetry.TraceID, info.TraceID))
	}
	if info.Report != nil && info.Report.Status != 0 {
		attrs = info.Report.AppendAttrs(attrs)
	}
	record := slog.NewRecord(now, slog.LevelInfo, "request", 0) // without the source position, which is slow to find and is not written
	record.AddAttrs(attrs...)
	_ = handler.Handle(r.Context(), record) // as slog.Logger ignores errors of handlers
}

// truncate keeps a client from filling the log.
func truncate(s string) string { return s[:min(len(s), 200)] }
