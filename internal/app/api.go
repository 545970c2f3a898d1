package app

import (
	"context"
	"log/slog"
	"net/http"

	"scalegraph/cache"
	"scalegraph/cache/inventory"
	"scalegraph/graph"
	"scalegraph/internal/auth"
	"scalegraph/internal/changefeed"
	"scalegraph/internal/config"
	"scalegraph/internal/gqlhttp"
	"scalegraph/internal/gqlhttp/stream"
	"scalegraph/internal/paging"
	"scalegraph/internal/redisx"
	"scalegraph/internal/request"
	"scalegraph/resolvers"
	"scalegraph/resolvers/loaders"
	"scalegraph/upstream"
)

// Options are the dependencies of an API that are not in its configuration. With the zero Options it has no Redis and reaches its upstream
// over the network.
type Options struct {
	Transport    http.RoundTripper                            // sends requests to the upstream; nil: over the network
	Keys         upstream.KeySource                           // sign requests to the upstream; nil: the callers' tokens are sent
	Authenticate func(context.Context, *request.Caller) error // authenticates callers; nil: they are not authenticated
	Redis        *redisx.Client                               // nil: none
	DemoToken    string                                       // for requests without a token; empty: none
	Uncached     bool                                         // activity logs are read from the upstream each time

	// For tests that inject faults between two packages; nil: nothing is wrapped.
	WrapPages func(loaders.Pages) loaders.Pages
	WrapFeeds func(loaders.Feeds) loaders.Feeds
	WrapPolls func(changefeed.Pages) changefeed.Pages

	instruments *instruments // nil: no metrics, traces and limits by caller
}

// API is the GraphQL API of the program, without its listeners and pages.
type API struct {
	Handler http.Handler
	Streams *stream.Registry // its streams, which end when the program stops

	client  *upstream.Client
	cached  *cache.Cache
	lists   *inventory.Cache
	changes *changefeed.Hub
}

// New composes the API from the packages of the program; each gets the one below it. The caller must call Close at the end.
func New(cfg config.Config, o Options, log *slog.Logger) (*API, error) {
	upstreamConfig := upstreamConfig(cfg, log)
	upstreamConfig.Transport, upstreamConfig.Keys = o.Transport, o.Keys
	client, err := upstream.New(upstreamConfig)
	if err != nil {
		return nil, err
	}
	cached := cache.New(client, cacheConfig(cfg, o, log))
	source := auth.RestrictProjects(cached)
	if o.Uncached {
		source = auth.RestrictProjects(client)
	}
	pager := paging.New(source)
	changes := changefeed.New(changefeedConfig(cfg, o, pager, source, log))
	lists := inventory.New(client, inventoryConfig(cfg, o))
	schema := graph.NewExecutableSchema(graph.Config{
		Resolvers:  resolvers.New(resolverConfig(cfg, o, pager, changes, lists)),
		Complexity: resolvers.Complexity(),
	})
	streams := new(stream.Registry)
	handler := gqlhttp.NewHandler(schema, handlerConfig(cfg, o, streams, log))
	return &API{Handler: handler, Streams: streams, client: client, cached: cached, lists: lists, changes: changes}, nil
}

// Close stops the background work of the API and closes its connections. No request may be in flight.
func (a *API) Close() {
	a.lists.Close()
	a.cached.Close()
	a.client.Close()
}
