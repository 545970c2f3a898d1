package app

import (
	"log/slog"
	"maps"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/cache"
	"scalegraph/cache/inventory"
	"scalegraph/internal/changefeed"
	"scalegraph/internal/config"
	"scalegraph/internal/executionlog"
	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/internal/paging"
	"scalegraph/internal/redisx"
	"scalegraph/resolvers"
	"scalegraph/upstream"
)

// The functions below give each part of the program its share of the configuration.

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

func redisConfig(cfg config.Config, log *slog.Logger) redisx.Config {
	return redisx.Config{URL: cfg.RedisURL, Timeout: cfg.RedisTimeout, Log: log}
}

func cacheConfig(cfg config.Config, log *slog.Logger) cache.Config {
	return cache.Config{
		Fresh: cfg.Fresh, Stale: cfg.Stale, StaleIfError: cfg.StaleIfError,
		Grant: cfg.Grant, GrantScope: cfg.GrantScope, GrantIfError: cfg.GrantIfError,
		Secret:  cfg.Secret,
		Memory:  cfg.CacheMemory - answersPart(cfg),
		Timeout: cfg.RequestTimeout,
		Log:     log,
	}
}

// answersPart is what whole answers get of the in-process tier, in bytes.
func answersPart(cfg config.Config) int64 { return cfg.CacheMemory / 8 }

func changefeedConfig(cfg config.Config, redis *redisx.Client, log *slog.Logger) changefeed.Config {
	c := changefeed.Config{Poll: cfg.Poll, MaxSubscriptions: cfg.MaxSubscriptions, Log: log}
	if redis != nil {
		c.Broadcaster = changefeed.NewRedisBroadcaster(redis.Universal(), cfg.RedisTimeout)
	}
	return c
}

// inventoryConfig gives lists of groups, instances and policies a sixteenth of the in-process tier. What the upstream accepted for a credential
// may stand in for a failing one no longer than a grant.
func inventoryConfig(cfg config.Config, redis *redisx.Client) inventory.Config {
	return inventory.Config{
		Fresh: cfg.Fresh, Stale: cfg.Stale, StaleIfError: min(cfg.StaleIfError, cfg.GrantIfError),
		Secret: cfg.Secret, Memory: cfg.CacheMemory / 16, Timeout: cfg.RequestTimeout, Redis: redis,
	}
}

func resolverConfig(cfg config.Config, pages *paging.Pages, changes *changefeed.Hub, lists *inventory.Cache) resolvers.Config {
	return resolvers.Config{
		Pages: pages, Counts: pages, Feeds: pages, Changes: changes, Inventory: lists, Executions: executionlog.New(lists),
		Region:         cfg.Region,
		Regions:        slices.Sorted(maps.Keys(cfg.Regions)),
		DefaultProject: cfg.Project,
		Secret:         cfg.Secret,
	}
}

func edgeConfig(cfg config.Config, demoToken string, streams *stream.Registry, log *slog.Logger) gqlhttp.Config {
	return gqlhttp.Config{
		Limits:             cfg.Limits,
		RequestTimeout:     cfg.RequestTimeout,
		StatusProfile:      gqlhttp.StatusProfile(cfg.StatusProfile),
		CORSOrigins:        cfg.CORSOrigins,
		Introspection:      cfg.Introspection,
		ResponseCacheBytes: answersPart(cfg),
		Trusted:            cfg.Trusted,
		TrustedOnly:        cfg.TrustedOnly,
		DemoToken:          demoToken,
		Events:             resolvers.WithEvents,
		Streams:            streams,
		Log:                log,
		ErrorPresenter:     errorPresenter(cfg, log),
		RecoverFunc:        resolvers.Recover(log),
		Extensions:         []graphql.HandlerExtension{resolvers.Extension{}},
	}
}
