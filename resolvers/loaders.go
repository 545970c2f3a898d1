package resolvers

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"scalegraph/upstream"
)

// loaders see to it that equal calls within one request are made once. They live as long as the request and are never shared,
// because what is read in them was read with one caller's credentials. There is no window in which calls are gathered: the
// upstream takes one page a call, so waiting could save nothing.
type loaders struct {
	pages  memo[pageKey, upstream.Page]
	feeds  memo[feedKey, upstream.FeedPage]
	counts memo[countKey, upstream.Count]

	arguments sync.Map // of fields, as text; see argumentsOf
}

type loadersKey struct{}

// WithLoaders returns a context in which equal calls are made once.
func WithLoaders(ctx context.Context) context.Context {
	return context.WithValue(ctx, loadersKey{}, &loaders{})
}

// loadersFrom returns those of the request, or new ones, with which every call is made, where there are none.
func loadersFrom(ctx context.Context) *loaders {
	if l, ok := ctx.Value(loadersKey{}).(*loaders); ok {
		return l
	}
	return &loaders{}
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

// InterceptOperation gives the operation its loaders.
func (Extension) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	return next(WithLoaders(ctx))
}

// InterceptResponse gives an event of a subscription its loaders: what an earlier event read is out of date.
func (Extension) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	if op := graphql.GetOperationContext(ctx).Operation; op != nil && op.Operation == ast.Subscription {
		ctx = WithLoaders(ctx)
	}
	return next(ctx)
}

// memo keeps the calls of one kind, each under what it asked for without the sections.
type memo[K comparable, V any] struct {
	mu    sync.Mutex
	calls map[K][]call[V]
}

type call[V any] struct {
	sections upstream.Sections
	answer   func() (V, error)
}

// do returns the answer of an earlier equal call that brings all these sections, under way or done, else that of ask.
func (m *memo[K, V]) do(key K, sections upstream.Sections, ask func() (V, error)) (V, error) {
	return m.call(key, sections, ask)()
}

func (m *memo[K, V]) call(key K, sections upstream.Sections, ask func() (V, error)) func() (V, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.calls[key] {
		if c.sections.Has(sections) {
			return c.answer
		}
	}
	if m.calls == nil {
		m.calls = map[K][]call[V]{}
	}
	c := call[V]{sections, sync.OnceValues(ask)}
	m.calls[key] = append(m.calls[key], c)
	return c.answer
}

func (r *Resolver) page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error) {
	return loadersFrom(ctx).pages.do(keyOfPage(q), q.Sections, func() (upstream.Page, error) {
		return r.Pages.Page(ctx, q)
	})
}

func (r *Resolver) feed(ctx context.Context, q upstream.FeedQuery) (upstream.FeedPage, error) {
	return loadersFrom(ctx).feeds.do(keyOfFeed(q), q.Sections, func() (upstream.FeedPage, error) {
		return r.Feeds.Feed(ctx, q)
	})
}

func (r *Resolver) count(ctx context.Context, q upstream.CountQuery) (upstream.Count, error) {
	return loadersFrom(ctx).counts.do(countKey{q.Group, q.Filter.Key()}, 0, func() (upstream.Count, error) {
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
		groups = appendGroup(groups, g)
	}
	return feedKey{
		groups: string(groups), filter: q.Filter.Key(),
		after: edgeOf(q.After), before: edgeOf(q.Before),
		count: q.Count, last: q.Last,
	}
}
