package app

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"scalegraph/cache"
	"scalegraph/internal/config"
	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/ratelimit"
	"scalegraph/internal/redisx"
	"scalegraph/internal/request"
	"scalegraph/internal/telemetry"
	"scalegraph/upstream"
)

// watch is everything that looks on: metrics, traces, and the limits that go by what each caller spends.
type watch struct {
	metrics *telemetry.Metrics
	tracing *telemetry.Tracing
	limiter *ratelimit.Limiter // nil: no limit
	cfg     config.Config
	log     *slog.Logger
}

func newWatch(ctx context.Context, cfg config.Config, log *slog.Logger) *watch {
	tracing := telemetry.StartTracing(context.WithoutCancel(ctx), config.BuildVersion(), log)
	w := &watch{metrics: telemetry.NewMetrics(config.BuildVersion()), tracing: tracing, cfg: cfg, log: log}
	if cfg.CallerCost > 0 {
		w.limiter = ratelimit.NewLimiter(cfg.CallerCost)
	}
	return w
}

// stop sends the last spans, for a few seconds at most.
func (w *watch) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := w.tracing.Stop(ctx); err != nil {
		w.log.Warn("the last traces were not sent", "error", err)
	}
}

// transport returns what sends requests upstream, with metrics and spans.
func (w *watch) transport(asking upstream.Config) *telemetry.Transport {
	regions := map[string]string{}
	for region, base := range asking.Endpoints {
		regions[hostOf(base)] = region
	}
	return &telemetry.Transport{Next: upstream.NewTransport(asking.Concurrency), Regions: regions, Metrics: w.metrics, Tracing: w.tracing}
}

func hostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Host
}

// share has all replicas with the same Redis limit callers together.
func (w *watch) share(redis *redisx.Client) {
	if w.limiter != nil && redis != nil {
		w.limiter.UseRedis(redis, w.cfg.Secret)
	}
}

// tracer is nil where no spans are made, so that nobody has to make any for nothing.
func (w *watch) tracer() trace.Tracer {
	if !w.tracing.Enabled() {
		return nil
	}
	return w.tracing.Tracer
}

// edge has the edge tell what it does, and ask before it does it.
func (w *watch) edge(cfg *gqlhttp.Config) {
	cfg.OnOperationDone = w.done
	cfg.InFlight, cfg.CostInFlight = w.cfg.InFlight, w.cfg.CostInFlight
	if w.limiter != nil {
		cfg.Admit = w.admit
	}
	if w.tracing.Enabled() {
		cfg.Begin = w.tracing.StartOperation
		cfg.Extensions = append(cfg.Extensions, telemetry.FieldSpans{Tracer: w.tracing.Tracer})
	}
}

// admit returns how long a caller must wait before it may spend so much.
func (w *watch) admit(ctx context.Context, c *request.Caller, cost int) time.Duration {
	wait := w.limiter.Take(ctx, c, cost)
	if wait <= 0 {
		return 0
	}
	w.metrics.Limited(w.cfg.CallerCostMode)
	if w.cfg.CallerCostMode == config.LimitEnforce {
		return wait
	}
	w.log.InfoContext(ctx, "a caller spends more than its limit", "caller", c.Name, "cost", cost, "wouldWait", wait)
	return 0
}

// traced gives a request its span.
func (w *watch) traced(h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ctx, span := w.tracing.StartRequest(r)
		defer span.End()
		if ctx != r.Context() {
			r = r.WithContext(ctx)
		}
		h.ServeHTTP(rw, r)
	})
}

// done counts an operation and completes its span.
func (w *watch) done(ctx context.Context, r *request.Report) {
	o := telemetry.Operation{Kind: r.Kind, Trusted: r.Name, Code: r.Code, Cost: r.Cost, Cached: r.Cached, Duration: r.Duration}
	id := ""
	if c := r.Caller; c != nil {
		id = c.RequestID
		o.Calls, o.MemoryHits, o.RedisHits = c.Tally.Calls.Load(), c.Tally.MemoryHits.Load(), c.Tally.RedisHits.Load()
	}
	w.metrics.Served(o)
	telemetry.Finish(trace.SpanFromContext(ctx), o, r.Status, id)
}

// client shows what the client of the upstream counts.
func (w *watch) client(cfg config.Config, c *upstream.Client) {
	w.metrics.Counter("upstream_retries_total", "Calls that were further attempts of a failed one.", nil, func() float64 { return float64(c.Retries()) })
	w.metrics.Counter("upstream_rows_left_out_total", "Rows without an id or a start time, which no answer has.", nil, func() float64 { return float64(c.RowsSkipped()) })
	w.metrics.Gauge("upstream_calls_in_flight_max", "SCALEGRAPH_UPSTREAM_CONCURRENCY.", nil, func() float64 { return float64(cfg.UpstreamConcurrency) })
	for _, region := range slices.Sorted(maps.Keys(c.Circuits())) {
		w.metrics.States("upstream_circuit", "Which state a region's circuit breaker is in.", telemetry.Labels{"region": region},
			[]string{"closed", "open", "half-open"}, func() string { return c.Circuits()[region] })
	}
	if cfg.Auth != config.AuthKeys {
		return
	}
	w.metrics.States("signing", "How the signing of upstream calls goes.", nil, []string{upstream.SigningOK, upstream.SigningUntried, upstream.SigningRefused,
		upstream.SigningStopped, upstream.SigningClock, upstream.SigningUnreadable}, func() string { return c.Signing().State })
	w.metrics.Gauge("clock_ahead_seconds", "By how much our clock is ahead of the upstream's, where that is a minute or more.", nil,
		func() float64 { return c.Signing().Skew.Seconds() })
}

// streams shows how many answers there are that do not end by themselves, and what feeds them.
func (w *watch) streams(count, subscriptions, trackers func() int) {
	w.metrics.Gauge("subscriptions", "Subscriptions under way, over any transport.", nil, func() float64 { return float64(subscriptions()) })
	w.metrics.Gauge("polled_groups", "Groups that are polled for subscriptions.", nil, func() float64 { return float64(trackers()) })
	w.metrics.Gauge("streams", "Subscriptions by SSE and multipart, and WebSocket connections, open now.", nil, func() float64 { return float64(count()) })
}

// redis shows how the connections to Redis are used, where there is one.
func (w *watch) redis(client *redisx.Client) {
	w.metrics.Counter("redis_faults_total", "Failed round trips to Redis.", nil, func() float64 { return float64(client.Faults()) })
	if client != nil {
		w.metrics.Pool(client.PoolStats)
	}
}

// cache shows what the cache counts.
func (w *watch) cache(read func() cache.Stats) {
	counters := []struct {
		name, help string
		labels     telemetry.Labels
		value      func(cache.Stats) int64
	}{
		{"cache_hits_total", "Pieces of answers that were kept, by tier.", telemetry.Labels{"tier": "memory"}, func(s cache.Stats) int64 { return s.MemoryHits }},
		{"cache_hits_total", "Pieces of answers that were kept, by tier.", telemetry.Labels{"tier": "redis"}, func(s cache.Stats) int64 { return s.RedisHits }},
		{"cache_fetches_total", "Reads from the upstream.", nil, func(s cache.Stats) int64 { return s.Fetches }},
		{"cache_refreshes_total", "Reads from the upstream that were begun behind an answer.", nil, func(s cache.Stats) int64 { return s.Refreshes }},
		{"cache_coalesced_total", "Waits for another caller's read.", nil, func(s cache.Stats) int64 { return s.Coalesced }},
		{"cache_stale_total", "Answers that stood in for a failing upstream.", nil, func(s cache.Stats) int64 { return s.StaleHits }},
		{"redis_read_bytes_total", "Bytes read from Redis.", nil, func(s cache.Stats) int64 { return s.RedisBytes }},
		{"redis_unreadable_total", "Values in Redis that could not be read; each was a miss and no more.", nil, func(s cache.Stats) int64 { return s.Unreadable }},
	}
	for _, c := range counters {
		w.metrics.Counter(c.name, c.help, c.labels, func() float64 { return float64(c.value(read())) })
	}
	w.metrics.Gauge("cache_memory_bytes", "What the in-process tier holds, estimated.", nil, func() float64 { return float64(read().MemoryBytes) })
}
