package httpserver

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/telemetry"
)

// line is what the log says of one request.
type line struct {
	id, method, path string
	status           int
	bytes            int64 // of the body
}

// write writes the line of a request that is answered now. The query part of the URL and all headers but the request's id stay out.
func (l line) write(ctx context.Context, log *slog.Logger, began time.Time, n *notes) {
	to := log.Handler()
	if !to.Enabled(ctx, slog.LevelInfo) {
		return
	}
	now := time.Now()
	attrs := append(make([]slog.Attr, 0, 20), // with room for those of the operation, on the stack
		slog.String(telemetry.RequestID, l.id), slog.String("method", clipped(l.method)), slog.String("path", clipped(l.path)),
		slog.Int("status", l.status), slog.Duration("duration", now.Sub(began)), slog.Int64("bytes", l.bytes))
	if r := n.report.Load(); r != nil && r.Status != 0 {
		attrs = AppendAttrs(attrs, r)
	}
	record := slog.NewRecord(now, slog.LevelInfo, "request", 0) // without its place in the program, which takes time to find and is not written
	record.AddAttrs(attrs...)
	_ = to.Handle(ctx, record) // as a Logger does: nobody is left to hear of it
}

// clipped keeps a caller from filling the log.
func clipped(s string) string { return s[:min(len(s), 200)] }

// logged writes one line for each request, when it is answered.
func logged(h http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		answer := newAnswerWriter(r.Context(), w)
		defer func() {
			line{r.Header.Get(gqlhttp.RequestIDHeader), r.Method, r.URL.Path, answer.status, answer.bytes}.write(r.Context(), log, began, &answer.notes)
		}()
		h.ServeHTTP(answer, r.WithContext(withNotes(r.Context(), &answer.notes)))
	})
}

// notes take what is known of a request's operation only further in, for the one line that the log has of it.
type notes struct {
	report atomic.Pointer[gqlhttp.Report]
}

type notesKey struct{}

func withNotes(ctx context.Context, n *notes) context.Context {
	return context.WithValue(ctx, notesKey{}, n)
}

// Note keeps a report for the one line that the log has of a request, where ctx is of one.
func Note(ctx context.Context, r *gqlhttp.Report) {
	if n, ok := ctx.Value(notesKey{}).(*notes); ok {
		n.report.Store(r)
	}
}

// AppendAttrs appends what the log says of an operation.
func AppendAttrs(attrs []slog.Attr, r *gqlhttp.Report) []slog.Attr {
	attrs = append(attrs, slog.String("operation", r.Kind), slog.String("name", r.Name), slog.String("code", r.Code), slog.Int("cost", r.Cost))
	if r.Caller == nil {
		return attrs
	}
	t := &r.Caller.Tally
	return append(attrs, slog.String("caller", r.Caller.Name), slog.Int64("upstreamCalls", t.Calls.Load()),
		slog.Int64("memoryHits", t.MemoryHits.Load()), slog.Int64("redisHits", t.RedisHits.Load()), slog.Int64("coalesced", t.Coalesced.Load()),
		slog.Int64("staleHits", t.StaleHits.Load()))
}
