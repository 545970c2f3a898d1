package app

import (
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/cache"
	"scalegraph/cache/inventory"
	"scalegraph/internal/apq"
	"scalegraph/internal/auth"
	"scalegraph/internal/changefeed"
	"scalegraph/internal/config"
	"scalegraph/internal/executionlog"
	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/internal/paging"
	"scalegraph/internal/redisx"
	"scalegraph/resolvers"
	"scalegraph/resolvers/estimate"
	"scalegraph/upstream"
)

// The functions below derive the configuration of each package from that of the program.

func upstreamConfig(cfg config.Config, log *slog.Logger) upstream.Config {
	endpoints := maps.Clone(cfg.Regions)
	if endpoints == nil {
		endpoints = map[string]string{}
	}
	endpoints[cfg.Region] = cfg.Upstream
	return upstream.Config{
		Endpoints:    endpoints,
		TypeSpelling: cfg.TypeSpelling,
		Timeout:      cfg.UpstreamTimeout,
		Concurrency:  cfg.UpstreamConcurrency,
		Log:          log,
	}
}

func redisConfig(cfg config.Config, instruments *instruments, log *slog.Logger) redisx.Config {
	return redisx.Config{URL: cfg.RedisURL, Timeout: cfg.RedisTimeout, Tracer: instruments.tracer(), Log: log}
}

func cacheConfig(cfg config.Config, o Options, log *slog.Logger) cache.Config {
	return cache.Config{
		Fresh: cfg.Fresh, Stale: cfg.Stale, StaleIfError: cfg.StaleIfError,
		Grant: cfg.Grant, GrantScope: cfg.GrantScope, GrantIfError: cfg.GrantIfError,
		Secret:  cfg.Secret,
		Memory:  cfg.CacheMemory - responseCacheBytes(cfg),
		Timeout: cfg.RequestTimeout,
		Redis:   o.Redis,
		Tracer:  o.instruments.tracer(),
		Log:     log,
	}
}

// responseCacheBytes is the part of the cache's memory for whole responses.
func responseCacheBytes(cfg config.Config) int64 { return cfg.CacheMemory / 8 }

func changefeedConfig(cfg config.Config, o Options, pager *paging.Pager, source paging.Source, log *slog.Logger) changefeed.Config {
	c := changefeed.Config{
		Pages: pager, Source: source, Authenticate: o.Authenticate, Poll: cfg.Poll, MaxSubscriptions: cfg.MaxSubscriptions, Log: log,
	}
	if o.WrapPolls != nil {
		c.Pages = o.WrapPolls(pager)
	}
	if o.Redis != nil {
		c.Broadcaster = changefeed.NewRedisBroadcaster(o.Redis)
	}
	return c
}

// inventoryConfig gives lists of groups, instances and policies a sixteenth of the memory of the cache. If the upstream fails, they are served stale no
// longer than a grant lasts.
func inventoryConfig(cfg config.Config, o Options) inventory.Config {
	return inventory.Config{
		Fresh: cfg.Fresh, Stale: cfg.Stale, StaleIfError: min(cfg.StaleIfError, cfg.GrantIfError),
		Secret: cfg.Secret, Memory: cfg.CacheMemory / 16, Timeout: cfg.RequestTimeout, Redis: o.Redis,
	}
}

func resolverConfig(cfg config.Config, o Options, pager *paging.Pager, changes *changefeed.Hub, lists *inventory.Cache) resolvers.Config {
	c := resolvers.Config{
		Pages: pager, Counts: pager, Feeds: pager, Changes: changes, Inventory: lists, Executions: executionlog.New(lists),
		Region:         cfg.Region,
		Regions:        slices.Sorted(maps.Keys(cfg.Regions)),
		DefaultProject: cfg.Project,
		Secret:         cfg.Secret,
	}
	if o.WrapPages != nil {
		c.Pages = o.WrapPages(pager)
	}
	if o.WrapFeeds != nil {
		c.Feeds = o.WrapFeeds(pager)
	}
	return c
}

// onLoopback reports whether a listen address can be reached from this machine only. Pages in its browsers could otherwise use the server.
func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && auth.IsLoopback(strings.ToLower(host))
}

func handlerConfig(cfg config.Config, o Options, streams *stream.Registry, log *slog.Logger) gqlhttp.Config {
	c := gqlhttp.Config{
		Limits:             cfg.Limits,
		RequestTimeout:     cfg.RequestTimeout,
		StatusProfile:      gqlhttp.StatusProfile(cfg.StatusProfile),
		CORSOrigins:        cfg.CORSOrigins,
		RejectCrossSite:    onLoopback(cfg.Listen),
		Introspection:      cfg.Introspection,
		ResponseCacheBytes: responseCacheBytes(cfg),
		Queries:            apq.New(o.Redis),
		Trusted:            cfg.Trusted,
		TrustedOnly:        cfg.TrustedOnly,
		DemoToken:          o.DemoToken,
		Authenticate:       o.Authenticate,
		UpstreamCalls:      estimate.Calls,
		Events:             resolvers.WithEvents,
		Streams:            streams,
		Log:                log,
		ErrorPresenter:     errorPresenter(cfg, log),
		RecoverFunc:        resolvers.Recover(log),
		Extensions:         []graphql.HandlerExtension{resolvers.Extension{}},
	}
	o.instruments.instrument(&c)
	return c
}
