package telemetry

import (
	"context"
	"io"
	"log/slog"
	"os"

	"scalegraph/internal/request"
)

// NewLog returns a log in a form: text, json, or auto, which is text for a terminal and JSON for everything else. Nothing in this program
// hands it a header's value, a token or a URL with a user in it.
func NewLog(to io.Writer, form string) *slog.Logger {
	if form == "text" || form == "auto" && IsTerminal(to) {
		return slog.New(withRequest{slog.NewTextHandler(to, nil)})
	}
	return slog.New(withRequest{slog.NewJSONHandler(to, nil)})
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

// withRequest adds the id of the request on whose behalf a line is written, where the line does not have it yet.
type withRequest struct{ slog.Handler }

func (h withRequest) Handle(ctx context.Context, r slog.Record) error {
	r = withUnits(r)
	if has(r, RequestID) {
		return h.Handler.Handle(ctx, r)
	}
	if id := request.CallerFrom(ctx).RequestID; id != "" {
		r.AddAttrs(slog.String(RequestID, id))
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

// RequestID names the request's id in all lines.
const RequestID = "requestId"

func has(r slog.Record, field string) (found bool) {
	r.Attrs(func(a slog.Attr) bool {
		found = a.Key == field
		return !found
	})
	return found
}

func (h withRequest) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withRequest{h.Handler.WithAttrs(attrs)}
}

func (h withRequest) WithGroup(name string) slog.Handler {
	return withRequest{h.Handler.WithGroup(name)}
}
