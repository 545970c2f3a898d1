package telemetry

import (
	"context"
	"io"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel/trace"

	"scalegraph/internal/request"
)

// NewLog returns a logger that writes to w. The format is text, json, or auto, which is text on a terminal and JSON otherwise. Callers
// must not log header values, tokens or URLs with credentials.
func NewLog(w io.Writer, format string) *slog.Logger {
	if format == "text" || format == "auto" && IsTerminal(w) {
		return slog.New(contextHandler{slog.NewTextHandler(w, nil)})
	}
	return slog.New(contextHandler{slog.NewJSONHandler(w, nil)})
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// contextHandler adds the ids of the request and of the trace that a line's context belongs to, unless the line already has them.
type contextHandler struct{ slog.Handler }

func (h contextHandler) Handle(ctx context.Context, r slog.Record) error {
	r = withUnits(r)
	if id := request.CallerFrom(ctx).RequestID; id != "" && !hasAttr(r, RequestID) {
		r.AddAttrs(slog.String(RequestID, id))
	}
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() && !hasAttr(r, TraceID) {
		r.AddAttrs(slog.String(TraceID, span.TraceID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

// withUnits returns r with durations as text such as 1.5ms. The JSON handler would write nanoseconds, without a unit.
func withUnits(r slog.Record) slog.Record {
	found := false
	r.Attrs(func(a slog.Attr) bool {
		found = a.Value.Kind() == slog.KindDuration
		return !found
	})
	if !found {
		return r
	}
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		if a.Value.Kind() == slog.KindDuration {
			a.Value = slog.StringValue(a.Value.Duration().String())
		}
		attrs = append(attrs, a)
		return true
	})
	out.AddAttrs(attrs...)
	return out
}

// The keys of the ids of the request and of the trace in log lines.
const (
	RequestID = "requestId"
	TraceID   = "traceId"
)

func hasAttr(r slog.Record, field string) (found bool) {
	r.Attrs(func(a slog.Attr) bool {
		found = a.Key == field
		return !found
	})
	return found
}

func (h contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextHandler{h.Handler.WithAttrs(attrs)}
}

func (h contextHandler) WithGroup(name string) slog.Handler {
	return contextHandler{h.Handler.WithGroup(name)}
}
