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

// instruments are the metrics and traces of the program, and the limit of the cost of each caller. The nil instruments do nothing.
type instruments struct {
	metrics  *telemetry.Metrics
	tracing  *telemetry.Tracing
	limiter  *ratelimit.Limiter   // nil: no limit
	upstream *telemetry.Transport // of the upstream client
	cfg      config.Config
	log      *slog.Logger
}

func newInstruments(ctx context.Context, cfg config.Config, log *slog.Logger) *instruments {
	tracing := telemetry.StartTracing(context.WithoutCancel(ctx), config.BuildVersion(), log)
	i := &instruments{metrics: telemetry.NewMetrics(config.BuildVersion()), tracing: tracing, cfg: cfg, log: log}
	if cfg.CallerCost > 0 {
		i.limiter = ratelimit.NewLimiter(cfg.CallerCost)
	}
	i.upstream = i.newTransport(upstreamConfig(cfg, log))
	return i
}

// stop sends the last spans, for at most 5 seconds.
func (i *instruments) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := i.tracing.Stop(ctx); err != nil {
		i.log.Warn("the last traces were not sent", "error", err)
	}
}

// newTransport returns the transport of the upstream client, with metrics and spans.
func (i *instruments) newTransport(cfg upstream.Config) *telemetry.Transport {
	regions := map[string]string{}
	for region, base := range cfg.Endpoints {
		regions[hostOf(base)] = region
	}
	return &telemetry.Transport{Next: upstream.NewTransport(cfg.Concurrency), Regions: regions, Metrics: i.metrics, Tracing: i.tracing}
}

func hostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Host
}

// shareLimits makes all replicas with the same Redis limit callers together.
func (i *instruments) shareLimits(redis *redisx.Client) {
	if i.limiter != nil && redis != nil {
		i.limiter.UseRedis(redis, i.cfg.Secret)
	}
}

// tracer returns nil if no spans are recorded.
func (i *instruments) tracer() trace.Tracer {
	if i == nil || !i.tracing.Enabled() {
		return nil
	}
	return i.tracing.Tracer
}

// instrument has the handler report its operations and limit the cost of callers.
func (i *instruments) instrument(cfg *gqlhttp.Config) {
	if i == nil {
		return
	}
	cfg.OnOperationDone = i.done
	cfg.InFlight, cfg.CostInFlight = i.cfg.InFlight, i.cfg.CostInFlight
	if i.limiter != nil {
		cfg.Admit = i.admit
	}
	if i.tracing.Enabled() {
		cfg.Begin = i.tracing.StartOperation
		cfg.Extensions = append(cfg.Extensions, telemetry.FieldSpans{Tracer: i.tracing.Tracer})
	}
}

// admit charges the cost to a caller. It returns how long the caller must wait first; 0 if the cost was charged, or in measure mode.
func (i *instruments) admit(ctx context.Context, c *request.Caller, cost int) time.Duration {
	wait := i.limiter.Take(ctx, c, cost)
	if wait <= 0 {
		return 0
	}
	i.metrics.Limited(i.cfg.CallerCostMode)
	if i.cfg.CallerCostMode == config.LimitEnforce {
		return wait
	}
	i.log.InfoContext(ctx, "a caller spends more than its limit", "caller", c.Name, "cost", cost, "wouldWait", wait)
	return 0
}

// traced records the span of each request, and its trace for the access log.
func (i *instruments) traced(h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ctx, span := i.tracing.StartRequest(r)
		defer span.End()
		if ctx != r.Context() {
			r = r.WithContext(ctx)
		}
		if sc := span.SpanContext(); sc.HasTraceID() {
			request.FromContext(ctx).TraceID = sc.TraceID().String()
		}
		h.ServeHTTP(rw, r)
	})
}

// done counts an operation and ends its span.
func (i *instruments) done(ctx context.Context, r *request.Report) {
	o := telemetry.Operation{Kind: r.Kind, Trusted: r.Name, Code: r.Code, Cost: r.Cost, Cached: r.Cached, Duration: r.Duration}
	id := ""
	if c := r.Caller; c != nil {
		id = c.RequestID
		o.Calls, o.MemoryHits, o.RedisHits = c.Tally.Calls.Load(), c.Tally.MemoryHits.Load(), c.Tally.RedisHits.Load()
	}
	i.metrics.Served(ctx, o)
	telemetry.Finish(trace.SpanFromContext(ctx), o, r.Status, id)
}

// observe adds the metrics of the parts of the program.
func (i *instruments) observe(cfg config.Config, api *API, redis *redisx.Client) {
	i.observeClient(cfg, api.client)
	i.observeCache(api.cached.Stats)
	i.observeRedis(redis)
	i.observeStreams(api.Streams.Count, api.changes.Subscriptions, api.changes.Pollers)
}

// observeClient adds the metrics of the upstream client.
func (i *instruments) observeClient(cfg config.Config, c *upstream.Client) {
	i.metrics.Counter("upstream_retries_total", "Calls that were further attempts of a failed one.", nil, func() float64 { return float64(c.Retries()) })
	i.metrics.Counter("upstream_rows_left_out_total", "Rows without an id or a start time, which are left out of pages.", nil, func() float64 { return float64(c.RowsSkipped()) })
	i.metrics.Gauge("upstream_calls_in_flight_max", "SCALEGRAPH_UPSTREAM_CONCURRENCY.", nil, func() float64 { return float64(cfg.UpstreamConcurrency) })
	for _, region := range slices.Sorted(maps.Keys(c.Circuits())) {
		i.metrics.StateGauges("upstream_circuit", "1 for the state of a region's circuit breaker.", telemetry.Labels{"region": region},
			[]string{"closed", "open", "half-open"}, func() string { return c.Circuits()[region] })
	}
	if cfg.Auth != config.AuthKeys {
		return
	}
	i.metrics.StateGauges("signing", "1 for the state of the signing of upstream calls.", nil, []string{upstream.SigningOK, upstream.SigningUntried, upstream.SigningRefused,
		upstream.SigningStopped, upstream.SigningClock, upstream.SigningUnreadable}, func() string { return c.Signing().State })
	i.metrics.Gauge("clock_ahead_seconds", "By how much the server's clock is ahead of the upstream's, if it is a minute or more.", nil,
		func() float64 { return c.Signing().Skew.Seconds() })
}

// observeStreams adds the metrics of subscriptions and connections.
func (i *instruments) observeStreams(count, subscriptions, trackers func() int) {
	i.metrics.Gauge("subscriptions", "Open subscriptions, over any transport.", nil, func() float64 { return float64(subscriptions()) })
	i.metrics.Gauge("polled_groups", "Groups that are polled for subscriptions.", nil, func() float64 { return float64(trackers()) })
	i.metrics.Gauge("streams", "Subscriptions by SSE and multipart, and WebSocket connections, open now.", nil, func() float64 { return float64(count()) })
}

// observeRedis adds the metrics of Redis and of its connections.
func (i *instruments) observeRedis(client *redisx.Client) {
	i.metrics.Counter("redis_faults_total", "Failed round trips to Redis.", nil, func() float64 { return float64(client.Faults()) })
	if client != nil {
		i.metrics.Pool(client.PoolStats)
	}
}

// observeCache adds the metrics of the cache.
func (i *instruments) observeCache(read func() cache.Stats) {
	counters := []struct {
		name, help string
		labels     telemetry.Labels
		value      func(cache.Stats) int64
	}{
		{"cache_hits_total", "Cached values used for responses, by tier.", telemetry.Labels{"tier": "memory"}, func(s cache.Stats) int64 { return s.MemoryHits }},
		{"cache_hits_total", "Cached values used for responses, by tier.", telemetry.Labels{"tier": "redis"}, func(s cache.Stats) int64 { return s.RedisHits }},
		{"cache_fetches_total", "Reads from the upstream.", nil, func(s cache.Stats) int64 { return s.Fetches }},
		{"cache_refreshes_total", "Reads from the upstream that revalidate in the background.", nil, func(s cache.Stats) int64 { return s.Refreshes }},
		{"cache_coalesced_total", "Lookups that waited for a read of another request.", nil, func(s cache.Stats) int64 { return s.Coalesced }},
		{"cache_stale_total", "Stale values that were served because the upstream failed.", nil, func(s cache.Stats) int64 { return s.StaleHits }},
		{"redis_read_bytes_total", "Bytes read from Redis.", nil, func(s cache.Stats) int64 { return s.RedisBytes }},
		{"redis_unreadable_total", "Values in Redis that could not be decoded; each counts as a miss.", nil, func(s cache.Stats) int64 { return s.Unreadable }},
	}
	for _, c := range counters {
		i.metrics.Counter(c.name, c.help, c.labels, func() float64 { return float64(c.value(read())) })
	}
	i.metrics.Gauge("cache_memory_bytes", "Size of the in-process cache, estimated.", nil, func() float64 { return float64(read().MemoryBytes) })
}
