package request

import (
	"log/slog"
	"time"
)

// Report is the outcome of one GraphQL operation, for metrics and logs. It contains no secrets, and its texts are bounded.
type Report struct {
	Kind      string        // query, mutation or subscription; empty: the request was rejected before that was known
	Name      string        // of the operation if its document is trusted, else empty: clients choose the names of other documents
	Operation string        // its name as the client chose it, at most MaxOperationName bytes of A-Z, a-z, 0-9 and _; for logs, not for metrics
	Code      string        // of the first error, of a stream's last response; empty: none
	Status    int           // HTTP; 101 for an operation of a WebSocket; 0: there was no operation, as for a preflight
	Cost      int           // charged to the caller
	Cached    bool          // the whole response came from the response cache, and nothing was executed
	Duration  time.Duration // from the request's headers to the end of its response
	Caller    *Caller       // with its Tally; nil: the request was rejected before the caller was known
}

// MaxOperationName bounds Report.Operation, in bytes.
const MaxOperationName = 64

// AppendAttrs appends the attributes of a log line about the operation.
func (r *Report) AppendAttrs(attrs []slog.Attr) []slog.Attr {
	attrs = append(attrs, slog.String("operation", r.Kind), slog.String("name", r.Name), slog.String("operationName", r.Operation), slog.String("code", r.Code), slog.Int("cost", r.Cost))
	if r.Caller == nil {
		return attrs
	}
	t := &r.Caller.Tally
	return append(attrs, slog.String("caller", r.Caller.Name), slog.Int64("upstreamCalls", t.Calls.Load()),
		slog.Int64("memoryHits", t.MemoryHits.Load()), slog.Int64("redisHits", t.RedisHits.Load()), slog.Int64("coalesced", t.Coalesced.Load()),
		slog.Int64("staleHits", t.StaleHits.Load()))
}
