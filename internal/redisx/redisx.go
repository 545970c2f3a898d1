// Package redisx is the one way to Redis: connecting, the timeout of a round trip, the circuit breaker, spans and counters. The cache,
// the rate limit, persisted queries and the change feed all use it.
//
// Redis is never needed to serve a request. Every error of a command is returned at once, and while the breaker is open a call fails
// without a round trip, so that callers go on as if there were no Redis.
package redisx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"
)

// The states of a Client.
const (
	StateOK      = "ok"
	StateFailing = "failing" // the breaker is not closed, or the server denies a command
	StateOff     = "off"     // no Redis is configured
	StateUnknown = "unknown" // nothing was sent to Redis yet
)

// ErrOff is returned by a nil Client, ErrOpen while the breaker is open.
var (
	ErrOff  = errors.New("no Redis is configured")
	ErrOpen = errors.New("Redis is not used for a moment because it failed")
)

const (
	failuresToOpen = 3               // consecutive failures that open the breaker
	openFor        = 2 * time.Second // until the next attempt
	defaultTimeout = 80 * time.Millisecond
)

// Config of a Client.
type Config struct {
	URL     string        // see Open
	Timeout time.Duration // of one round trip, the wait for a connection included; default 80 ms
	Log     *slog.Logger  // nil: nothing is logged
	Tracer  trace.Tracer  // nil: no spans
}

// Client sends commands to one server, a cluster, or the master that sentinels name. It is safe for concurrent use. A nil *Client stands
// for no Redis: its commands return ErrOff.
type Client struct {
	rdb     redis.UniversalClient
	timeout time.Duration
	breaker circuitbreaker.CircuitBreaker[any]
	tracer  trace.Tracer
	log     *slog.Logger
	tried   atomic.Bool // a round trip has ended
	faults  atomic.Int64
	cause   atomic.Pointer[string] // of the last failure
	denied  deniedCommands
}

// Open returns a Client for a URL, and nil for an empty one. It does not connect. The forms are
//
//	redis://[user:password@]host[:port][/db]            one server; rediss:// for TLS
//	redis://[user:password@]host:port,host:port,…       a cluster, also one host with ?cluster=true
//	redis://[user:password@]host:port,…[/db]?master=name  sentinels; [sentinel_username=…&sentinel_password=…]
//
// With rediss://, ?ca_file=path names the certificates to trust besides the system's. The error never repeats the URL.
func Open(cfg Config) (*Client, error) {
	if cfg.URL == "" {
		return nil, nil
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	rdb, err := newClient(cfg.URL, cfg.Timeout)
	if err != nil {
		return nil, err
	}
	return New(rdb, cfg), nil
}

// New returns a Client that uses rdb and closes it on Close.
func New(rdb redis.UniversalClient, cfg Config) *Client {
	c := &Client{rdb: rdb, timeout: cfg.Timeout, tracer: cfg.Tracer, log: cfg.Log}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.breaker = circuitbreaker.NewBuilder[any]().WithFailureThreshold(failuresToOpen).WithDelay(openFor).WithSuccessThreshold(1).
		OnStateChanged(c.logStateChange).Build()
	return c
}

// Close closes all connections.
func (c *Client) Close() {
	if c != nil {
		_ = c.rdb.Close() // nothing is written that must arrive
	}
}

// Pipelined sends the commands that fill adds in one round trip. It returns an error if any of them failed; a missing key or field, and a
// key of another type, are no errors: the command then has no value. The end of ctx does not end the round trip, the timeout does.
func (c *Client) Pipelined(ctx context.Context, fill func(redis.Pipeliner)) error {
	if c == nil {
		return ErrOff
	}
	pipe := c.rdb.Pipeline()
	fill(pipe)
	return c.do(ctx, pipe.Cmds(), func(ctx context.Context) error {
		cmds, err := pipe.Exec(ctx)
		for _, cmd := range cmds {
			if err := failure(cmd.Err()); err != nil {
				return fmt.Errorf("%s: %w", cmd.Name(), err)
			}
		}
		return failure(err)
	})
}

// ScriptCall is one call of a script. All of its keys must be in one slot of a cluster.
type ScriptCall struct {
	Keys []string
	Args []any
}

// Run calls a script once.
func (c *Client) Run(ctx context.Context, script *redis.Script, keys []string, args ...any) (*redis.Cmd, error) {
	results, err := c.RunAll(ctx, script, []ScriptCall{{keys, args}})
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

// RunAll makes several calls of a script in one round trip, and in two if a server does not know the script yet. The results are in the order of
// the calls. It returns an error if any call failed, as Pipelined does.
func (c *Client) RunAll(ctx context.Context, script *redis.Script, calls []ScriptCall) ([]*redis.Cmd, error) {
	if c == nil {
		return nil, ErrOff
	}
	pipe := c.rdb.Pipeline()
	results := make([]*redis.Cmd, len(calls))
	for i, call := range calls {
		results[i] = script.EvalSha(ctx, pipe, call.Keys, call.Args...)
	}
	err := c.do(ctx, pipe.Cmds(), func(ctx context.Context) error {
		_, err := pipe.Exec(ctx)
		if anyUnknown(results) {
			err = c.runTexts(ctx, script, calls, results)
		}
		for _, result := range results {
			if err := failure(result.Err()); err != nil {
				return fmt.Errorf("%s: %w", result.Name(), err)
			}
		}
		return failure(err)
	})
	return results, err
}

// runTexts repeats the calls that a server could not make because it did not know the script, and replaces their results.
func (c *Client) runTexts(ctx context.Context, script *redis.Script, calls []ScriptCall, results []*redis.Cmd) error {
	pipe := c.rdb.Pipeline()
	replacements := map[int]*redis.Cmd{}
	for i, call := range calls {
		if isUnknown(results[i]) {
			replacements[i] = script.Eval(ctx, pipe, call.Keys, call.Args...)
		}
	}
	_, err := pipe.Exec(ctx)
	for i, replacement := range replacements {
		results[i].SetVal(replacement.Val())
		results[i].SetErr(replacement.Err())
	}
	return err
}

// isUnknown reports whether a server did not know the script that it was to run by its hash.
func isUnknown(result *redis.Cmd) bool { return redis.HasErrorPrefix(result.Err(), "NOSCRIPT") }

func anyUnknown(results []*redis.Cmd) bool { return slices.ContainsFunc(results, isUnknown) }

// Publish sends a message to the subscribers of a channel.
func (c *Client) Publish(ctx context.Context, channel string, message []byte) error {
	return c.Pipelined(ctx, func(p redis.Pipeliner) { p.Publish(ctx, channel, message) })
}

// do makes one round trip unless the breaker is open, and records its outcome. The commands name the span and what was denied.
func (c *Client) do(ctx context.Context, cmds []redis.Cmder, trip func(context.Context) error) error {
	if !c.breaker.TryAcquirePermit() {
		return ErrOpen
	}
	end := c.startSpan(ctx, cmds)
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout)
	defer cancel()
	err := trip(bounded)
	end(err)
	c.tried.Store(true)
	c.denied.record(c.log, cmds, err)
	if err == nil {
		c.breaker.RecordSuccess()
		return nil
	}
	cause := describe(err)
	c.cause.Store(&cause)
	c.faults.Add(1)
	c.breaker.RecordFailure()
	c.log.DebugContext(ctx, "a round trip to Redis failed", "error", err)
	return err
}

// failure returns nil if err means that a key or field is missing or has another type, otherwise err.
func failure(err error) error {
	if err == nil || errors.Is(err, redis.Nil) || strings.HasPrefix(err.Error(), "WRONGTYPE") {
		return nil
	}
	return err
}

// State returns StateOK, StateFailing, StateOff or StateUnknown.
func (c *Client) State() string {
	switch {
	case c == nil:
		return StateOff
	case !c.tried.Load():
		return StateUnknown
	case c.breaker.IsClosed() && c.denied.none():
		return StateOK
	}
	return StateFailing
}

// Cause returns a short description of the last failure if the state is StateFailing, for instance NOAUTH, timeout, or "NOPERM publish";
// else it is empty. It contains no address.
func (c *Client) Cause() string {
	if c.State() != StateFailing {
		return ""
	}
	if commands := c.denied.names(); commands != "" {
		return "NOPERM " + commands
	}
	if cause := c.cause.Load(); cause != nil {
		return *cause
	}
	return ""
}

// Faults returns the number of failed round trips since the start.
func (c *Client) Faults() int64 {
	if c == nil {
		return 0
	}
	return c.faults.Load()
}

// PoolStats returns the use of connections.
func (c *Client) PoolStats() *redis.PoolStats { return c.rdb.PoolStats() }

// AddHook adds a hook to all commands. It is for tests and must be called before the first command.
func (c *Client) AddHook(h redis.Hook) { c.rdb.AddHook(h) }
