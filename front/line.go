package front

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"scalegraph/edge"
	"scalegraph/telemetry"
)

// line is what the log says of one request.
type line struct {
	id, method, path string
	status           int
	bytes            int64 // of the body
}

// write writes the line of a request that is answered now. The query part of the URL and all headers but the request's id stay out.
func (l line) write(ctx context.Context, log *slog.Logger, began time.Time, n *notes) {
	log.LogAttrs(ctx, slog.LevelInfo, "request", append([]slog.Attr{
		slog.String(telemetry.RequestID, l.id), slog.String("method", clipped(l.method)), slog.String("path", clipped(l.path)),
		slog.Int("status", l.status), slog.Duration("duration", time.Since(began)), slog.Int64("bytes", l.bytes),
	}, n.attrs()...)...)
}

// clipped keeps a caller from filling the log.
func clipped(s string) string { return s[:min(len(s), 200)] }

// logged writes one line for each request, when it is answered.
func logged(h http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		answer := newAnswerWriter(r.Context(), w)
		n := new(notes)
		defer func() {
			line{r.Header.Get(edge.RequestIDHeader), r.Method, r.URL.Path, answer.status, answer.bytes}.write(r.Context(), log, began, n)
		}()
		h.ServeHTTP(answer, r.WithContext(withNotes(r.Context(), n)))
	})
}

// notes take what is known of a request's operation only further in, for the one line that the log has of it.
type notes struct{ report atomic.Pointer[edge.Report] }

type notesKey struct{}

func withNotes(ctx context.Context, n *notes) context.Context {
	return context.WithValue(ctx, notesKey{}, n)
}

// Note keeps a report for the one line that the log has of a request, where ctx is of one.
func Note(ctx context.Context, r *edge.Report) {
	if n, ok := ctx.Value(notesKey{}).(*notes); ok {
		n.report.Store(r)
	}
}

// attrs is what the line says of the operation; nothing where there was none.
func (n *notes) attrs() []slog.Attr {
	r := n.report.Load()
	if r == nil || r.Status == 0 {
		return nil
	}
	return Attrs(r)
}

// Attrs is what the log says of an operation.
func Attrs(r *edge.Report) []slog.Attr {
	attrs := []slog.Attr{slog.String("operation", r.Kind), slog.String("name", r.Name), slog.String("code", r.Code), slog.Int("cost", r.Cost)}
	if r.Caller == nil {
		return attrs
	}
	t := &r.Caller.Tally
	return append(attrs, slog.String("caller", r.Caller.Name), slog.Int64("upstreamCalls", t.Calls.Load()),
		slog.Int64("memoryHits", t.MemoryHits.Load()), slog.Int64("redisHits", t.RedisHits.Load()), slog.Int64("coalesced", t.Coalesced.Load()),
		slog.Int64("staleHits", t.StaleHits.Load()))
}
