package main

import (
	"context"
	"log/slog"
	"sync/atomic"

	"scalegraph/edge"
)

// notes take what is known of a request's operation only further in, for the one line that the log has of it.
type notes struct{ report atomic.Pointer[edge.Report] }

type notesKey struct{}

func withNotes(ctx context.Context, n *notes) context.Context {
	return context.WithValue(ctx, notesKey{}, n)
}

// note keeps a report for the log, where the request has a line there.
func note(ctx context.Context, r *edge.Report) {
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
	return attrsOf(r)
}

// attrsOf is what the log says of an operation.
func attrsOf(r *edge.Report) []slog.Attr {
	attrs := []slog.Attr{slog.String("operation", r.Kind), slog.String("name", r.Name), slog.String("code", r.Code), slog.Int("cost", r.Cost)}
	if r.Caller == nil {
		return attrs
	}
	t := &r.Caller.Tally
	return append(attrs, slog.String("caller", r.Caller.Name), slog.Int64("upstreamCalls", t.Calls.Load()),
		slog.Int64("memoryHits", t.MemoryHits.Load()), slog.Int64("redisHits", t.RedisHits.Load()), slog.Int64("coalesced", t.Coalesced.Load()),
		slog.Int64("staleHits", t.StaleHits.Load()))
}
