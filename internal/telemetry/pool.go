package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// pool shows a client's connections to Redis. It is read once for each answer, so that its numbers belong together.
type pool struct {
	read func() *redis.PoolStats

	connections, taken, waits, waited, stale *prometheus.Desc
}

// Pool shows the connections of a Redis client: those of its commands and of its pipelines as one.
func (m *Metrics) Pool(read func() *redis.PoolStats) {
	desc := func(what, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name(what), help, labels, nil)
	}
	m.registry.MustRegister(&pool{
		read:        read,
		connections: desc("redis_pool_connections", "Connections to Redis: used, idle, or subscribed to what other replicas tell.", "state"),
		taken:       desc("redis_pool_requests_total", "Connections asked for: a hit was idle, a miss had to be made, a timeout was not had in time.", "result"),
		waits:       desc("redis_pool_waits_total", "Waits for a connection, because all were in use."),
		waited:      desc("redis_pool_wait_seconds_total", "Time spent in those waits."),
		stale:       desc("redis_pool_stale_connections_total", "Connections that were dropped because they were old or broken."),
	})
}

// Describe names the metrics.
func (p *pool) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{p.connections, p.taken, p.waits, p.waited, p.stale} {
		to <- d
	}
}

// Collect reads the pool.
func (p *pool) Collect(to chan<- prometheus.Metric) {
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
	gauge("used", all.TotalConns-min(all.IdleConns, all.TotalConns)) // the two are not read at the same moment
	gauge("idle", all.IdleConns)
	gauge("subscribed", s.PubSubStats.Active)
	count(p.taken, float64(all.Hits), "hit")
	count(p.taken, float64(all.Misses), "miss")
	count(p.taken, float64(all.Timeouts), "timeout")
	count(p.waits, float64(all.WaitCount))
	count(p.waited, time.Duration(all.WaitDurationNs).Seconds())
	count(p.stale, float64(all.StaleConns))
}
