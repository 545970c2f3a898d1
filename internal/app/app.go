// Package app composes the program from its parts and runs it.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"

	"scalegraph/cache"
	"scalegraph/cache/inventory"
	"scalegraph/graph"
	"scalegraph/internal/apq"
	"scalegraph/internal/auth"
	"scalegraph/internal/changefeed"
	"scalegraph/internal/config"
	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/internal/httpserver"
	"scalegraph/internal/paging"
	"scalegraph/internal/redisx"
	"scalegraph/internal/telemetry"
	"scalegraph/resolvers"
	"scalegraph/upstream"
)

// The exit statuses.
const (
	exitDone   = 0
	exitFailed = 1 // could not start, or could not stop cleanly
	exitConfig = 2 // the configuration is wrong; nothing was started
)

// Main reads the configuration, runs until ctx ends, and returns the exit status.
func Main(ctx context.Context, args, environ []string, out, logs io.Writer) int {
	cfg, err := config.Read(args, environ, out)
	switch {
	case errors.Is(err, config.ErrExit):
		return exitDone
	case err != nil:
		fmt.Fprintln(logs, err)
		return exitConfig
	}
	if cfg.CheckConnections {
		return checkConnections(ctx, cfg, out)
	}
	paceGC(cfg.CacheMemory)
	log := telemetry.NewLog(logs, cfg.Log)
	if err := run(ctx, cfg, log, out); err != nil {
		log.Error("stopped", "error", err)
		return exitFailed
	}
	return exitDone
}

// run serves until ctx ends, then lets requests under way finish. What a person at a terminal wants to know goes to out.
func run(ctx context.Context, cfg config.Config, log *slog.Logger, out io.Writer) error {
	for _, variable := range cfg.Unknown {
		log.Warn("unknown variable: there is no such setting", "name", variable.Name, "didYouMean", variable.Suggestion)
	}
	cfg, demo, err := withDemo(ctx, cfg)
	if err != nil {
		return err
	}
	defer demo.stop(log)
	keys, err := keySource(cfg)
	if err != nil {
		return err
	}
	callers, err := newAuthenticator(cfg, log)
	if err != nil {
		return err
	}
	if err := demo.allow(keys); err != nil {
		return err
	}
	watch := newWatch(ctx, cfg, log)
	defer watch.stop()
	asking := upstreamConfig(cfg, log)
	asking.Keys = keys
	transport := watch.transport(asking)
	asking.Transport = transport
	client, err := upstream.New(asking)
	if err != nil {
		return err
	}
	defer client.Close()
	keeping := cacheConfig(cfg, log)
	keeping.Tracer = watch.tracer()
	connecting := redisConfig(cfg, log)
	connecting.Tracer = watch.tracer()
	redis, err := redisx.Open(connecting)
	if err != nil {
		return err
	}
	defer redis.Close()
	keeping.Redis = redis
	kept := cache.New(client, keeping)
	defer kept.Close()
	watch.share(redis)
	source := auth.RestrictProjects(kept)
	pages := paging.New(source)
	following := changefeedConfig(cfg, redis, log)
	following.Pages, following.Source = pages, source
	if callers != nil {
		following.Authenticate = callers.Authenticate
	}
	changes := changefeed.New(following)
	lists := inventory.New(client, inventoryConfig(cfg, redis))
	defer lists.Close()
	schema := graph.NewExecutableSchema(graph.Config{
		Resolvers:  resolvers.New(resolverConfig(cfg, pages, changes, lists)),
		Complexity: resolvers.Complexity(),
	})

	state := &health{redis: redis, circuits: client.Circuits, signing: client.Signing, demo: demo != nil,
		reached: func(region string) (tried, reached bool) { return transport.Reached(hostOf(asking.Endpoints[region])) }}
	streams := new(stream.Registry)
	serving := edgeConfig(cfg, demo.token(), streams, log)
	serving.Queries = apq.New(redis)
	if callers != nil {
		serving.Authenticate = callers.Authenticate
	}
	watch.edge(&serving)
	watch.client(cfg, client)
	watch.cache(kept.Stats)
	watch.redis(redis)
	watch.streams(streams.Count, changes.Subscriptions, changes.Pollers)
	mux := http.NewServeMux()
	mux.Handle("/graphql", withGraphiQL(cfg, watch.traced(gqlhttp.NewHandler(schema, serving))))
	mux.HandleFunc("GET /schema.graphql", schemaText)
	mux.HandleFunc("GET /healthz", alive)
	mux.HandleFunc("GET /readyz", state.ready)
	if err := addPages(mux, cfg, demo); err != nil {
		return err
	}

	admin, err := serveAdmin(ctx, cfg, mux, watch.metrics.Handler(), log)
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close() }() // profiles under way are cut off
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return err
	}
	if err := greet(out, listener.Addr(), cfg, demo); err != nil {
		return errors.Join(err, listener.Close())
	}
	return httpserver.Serve(ctx, listener, httpserver.Config{
		Handler: httpserver.Middleware(withDemoHeader(guarded(belowPath(cfg.BasePath, mux), cfg, listener.Addr()), demo), log),
		Streams: streams, OnReady: state.serving.Store, DrainDelay: drainDelay(cfg, demo, out), Log: log,
	})
}
