// Package app composes the program from its parts and runs it. New composes the GraphQL API; Main adds the listeners, the pages and the telemetry.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"

	"scalegraph/internal/config"
	"scalegraph/internal/httpserver"
	"scalegraph/internal/redisx"
	"scalegraph/internal/telemetry"
)

// The exit statuses.
const (
	ExitOK     = 0
	ExitFailed = 1 // the program could not start, or could not stop cleanly
	ExitConfig = 2 // the configuration is wrong; nothing was started
)

// Main reads the configuration, runs until ctx ends, and returns the exit status.
func Main(ctx context.Context, args, environ []string, out, logs io.Writer) int {
	cfg, err := config.Read(args, environ, out)
	switch {
	case errors.Is(err, config.ErrExit):
		return ExitOK
	case err != nil:
		fmt.Fprintln(logs, err)
		return ExitConfig
	}
	if cfg.CheckConnections {
		return checkConnections(ctx, cfg, out)
	}
	tuneGC(cfg.CacheMemory)
	log := telemetry.NewLog(logs, cfg.Log)
	if err := run(ctx, cfg, log, out); err != nil {
		log.Error("stopped", "error", err)
		return ExitFailed
	}
	return ExitOK
}

// run serves until ctx ends, then waits for requests in flight. It prints the addresses and an example request to out.
func run(ctx context.Context, cfg config.Config, log *slog.Logger, out io.Writer) error {
	for _, variable := range cfg.Unknown {
		log.Warn("unknown variable: there is no such setting", "name", variable.Name, "didYouMean", variable.Suggestion)
	}
	cfg, demo, err := startDemo(ctx, cfg)
	if err != nil {
		return err
	}
	defer demo.stop(log)
	instruments := newInstruments(ctx, cfg, log)
	defer instruments.stop()
	redis, err := redisx.Open(redisConfig(cfg, instruments, log))
	if err != nil {
		return err
	}
	defer redis.Close()
	instruments.shareLimits(redis)
	options, err := newOptions(cfg, demo, redis, instruments, log)
	if err != nil {
		return err
	}
	api, err := New(cfg, options, log)
	if err != nil {
		return err
	}
	defer api.Close()
	instruments.observe(cfg, api, redis)
	health := newHealth(cfg, api, redis, instruments, demo)

	mux := http.NewServeMux()
	mux.Handle("/graphql", withGraphiQL(cfg, instruments.traced(api.Handler)))
	mux.HandleFunc("GET /schema.graphql", schemaText)
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", health.ready)
	if err := addRoutes(mux, cfg, demo); err != nil {
		return err
	}
	admin, err := serveAdmin(ctx, cfg, mux, instruments.metrics.Handler(), log)
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close() }() // ends profiles in progress
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return err
	}
	if err := printBanner(out, listener.Addr(), cfg, demo); err != nil {
		return errors.Join(err, listener.Close())
	}
	return httpserver.Serve(ctx, listener, httpserver.Config{
		Handler: httpserver.Middleware(withDemoHeader(loopbackOnly(belowPath(cfg.BasePath, mux), cfg, listener.Addr()), demo), log),
		Streams: api.Streams, OnReady: health.serving.Store, DrainDelay: drainDelay(cfg, demo, out), Log: log,
	})
}

// newOptions opens the keys and the credentials of callers, and lets the demo accept the keys.
func newOptions(cfg config.Config, demo *demoUpstream, redis *redisx.Client, instruments *instruments, log *slog.Logger) (Options, error) {
	o := Options{Transport: instruments.upstream, Redis: redis, DemoToken: demo.token(), instruments: instruments}
	var err error
	if o.Keys, err = keySource(cfg); err != nil {
		return o, err
	}
	authenticator, err := newAuthenticator(cfg, log)
	if err != nil {
		return o, err
	}
	if authenticator != nil {
		o.Authenticate = authenticator.Authenticate
	}
	return o, demo.acceptKeys(o.Keys)
}
