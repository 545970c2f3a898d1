package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// poolCollector collects the metrics of a Redis client's connection pool. It reads the pool once for each scrape, so that the values are
// of one moment.
type poolCollector struct {
	read func() *redis.PoolStats

	connections, requests, waits, waited, stale *prometheus.Desc
}

// Pool registers the metrics of a Redis client's connection pool. The pools for commands and for pipelines are added up.
func (m *Metrics) Pool(read func() *redis.PoolStats) {
	desc := func(short, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name(short), help, labels, nil)
	}
	m.registry.MustRegister(&poolCollector{
		read:        read,
		connections: desc("redis_pool_connections", "Connections to Redis: used, idle, or subscribed to the messages of other replicas.", "state"),
		requests:    desc("redis_pool_requests_total", "Requests for a connection: hit (an idle one was reused), miss (a new one was opened) or timeout.", "result"),
		waits:       desc("redis_pool_waits_total", "Waits for a connection, because all were in use."),
		waited:      desc("redis_pool_wait_seconds_total", "Time spent in those waits."),
		stale:       desc("redis_pool_stale_connections_total", "Connections that were dropped because they were old or broken."),
	})
}

// Describe implements prometheus.Collector.
func (p *poolCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{p.connections, p.requests, p.waits, p.waited, p.stale} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (p *poolCollector) Collect(to chan<- prometheus.Metric) {
	s := p.read()
	all := *s
	if more := s.PipelineStats; more != nil {
		all.Hits += more.Hits
		all.Misses += more.Misses
		all.Timeouts += more.Timeouts
		all.WaitCount += more.WaitCount
		all.WaitDurationNs += more.WaitDurationNs
		all.TotalConns += more.TotalConns
		all.IdleConns += more.IdleConns
		all.StaleConns += more.StaleConns
	}
	count := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, value, labels...)
	}
	gauge := func(state string, value uint32) {
		to <- prometheus.MustNewConstMetric(p.connections, prometheus.GaugeValue, float64(value), state)
	}
	gauge("used", all.TotalConns-min(all.IdleConns, all.TotalConns)) // the two are not read atomically
	gauge("idle", all.IdleConns)
	gauge("subscribed", s.PubSubStats.Active)
	count(p.requests, float64(all.Hits), "hit")
	count(p.requests, float64(all.Misses), "miss")
	count(p.requests, float64(all.Timeouts), "timeout")
	count(p.waits, float64(all.WaitCount))
	count(p.waited, time.Duration(all.WaitDurationNs).Seconds())
	count(p.stale, float64(all.StaleConns))
}
