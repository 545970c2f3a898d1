package resolvers

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/graph/model"
	"scalegraph/resolvers/opaque"
	"scalegraph/upstream"
)

// loaders see to it that equal calls within one request are made once. They live as long as the request and are never shared,
// because what is read in them was read with one caller's credentials.
type loaders struct {
	pages  calls[pageKey, upstream.Page]
	feeds  calls[feedKey, upstream.FeedPage]
	counts calls[countKey, upstream.Count]
	passes calls[passKey, *model.ScalingInsights]
	lacks  lacks

	details    detailsLoader
	groupLists calls[upstream.Project, upstream.Snapshot[upstream.GroupDetails]]
	instances  calls[upstream.Group, upstream.Snapshot[upstream.GroupInstance]]
	policies   policiesLoader
	executions calls[string, upstream.ExecutionPage]

	arguments sync.Map // of fields, as text; see argumentsOf
}

type loadersKey struct{}

// WithLoaders returns a context in which equal calls are made once.
func WithLoaders(ctx context.Context) context.Context {
	return context.WithValue(ctx, loadersKey{}, new(loaders))
}

// loadersFrom returns those of the request, or new ones, with which every call is made, where there are none.
func loadersFrom(ctx context.Context) *loaders {
	if l, ok := ctx.Value(loadersKey{}).(*loaders); ok {
		return l
	}
	return new(loaders)
}

// Extension gives every query its own loaders, and every event of a subscription new ones.
type Extension struct{}

var (
	_ graphql.OperationInterceptor = Extension{}
	_ graphql.ResponseInterceptor  = Extension{}
)

// ExtensionName names the extension.
func (Extension) ExtensionName() string { return "Loaders" }

// Validate accepts every schema.
func (Extension) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation gives the operation its loaders, and a subscription its events.
func (Extension) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	return next(withEvents(WithLoaders(ctx)))
}

// InterceptResponse gives an event of a subscription its loaders: what an earlier event read is out of date.
func (Extension) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	if isSubscription(ctx) {
		return event(ctx, next)
	}
	return next(ctx)
}

func (r *Resolver) page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error) {
	return loadersFrom(ctx).pages.do(ctx, keyOfPage(q), q.Sections, func(ctx context.Context) (upstream.Page, error) {
		return r.Pages.Page(ctx, q)
	})
}

func (r *Resolver) feed(ctx context.Context, q upstream.FeedQuery) (upstream.FeedPage, error) {
	return loadersFrom(ctx).feeds.do(ctx, keyOfFeed(q), q.Sections, func(ctx context.Context) (upstream.FeedPage, error) {
		return r.Feeds.Feed(ctx, q)
	})
}

// count returns the count of q. Equal queries of a request share one, except those that read past the cache.
func (r *Resolver) count(ctx context.Context, q upstream.CountQuery) (upstream.Count, error) {
	if q.Anew {
		return r.Counts.Count(ctx, q)
	}
	return loadersFrom(ctx).counts.do(ctx, countKey{q.Group, q.Filter.Key()}, 0, func(ctx context.Context) (upstream.Count, error) {
		return r.Counts.Count(ctx, q)
	})
}

type countKey struct {
	group  upstream.Group
	filter string
}

type pageKey struct {
	countKey
	after, before edge[upstream.Point]
	skip, count   int
	last          bool
}

type feedKey struct {
	groups        string
	filter        string
	after, before edge[upstream.FeedPoint]
	count         int
	last          bool
}

// edge is a point that may be absent.
type edge[P any] struct {
	point P
	given bool
}

func edgeOf[P any](p *P) edge[P] {
	if p == nil {
		return edge[P]{}
	}
	return edge[P]{*p, true}
}

func keyOfPage(q upstream.PageQuery) pageKey {
	return pageKey{
		countKey: countKey{q.Group, q.Filter.Key()},
		after:    edgeOf(q.After), before: edgeOf(q.Before),
		skip: q.Skip, count: q.Count, last: q.Last,
	}
}

func keyOfFeed(q upstream.FeedQuery) feedKey {
	var groups []byte
	for _, g := range q.Groups {
		groups = opaque.AppendGroup(groups, g)
	}
	return feedKey{
		groups: string(groups), filter: q.Filter.Key(),
		after: edgeOf(q.After), before: edgeOf(q.Before),
		count: q.Count, last: q.Last,
	}
}
