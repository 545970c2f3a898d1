package resolvers

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/graph-gophers/dataloader/v7"

	"scalegraph/upstream"
)

// loaders see to it that equal calls within one request are made once. They live as long as the request and are never shared,
// because what is read in them was read with one caller's credentials.
type loaders struct {
	pages  loader[pageKey, upstream.Page]
	feeds  loader[feedKey, upstream.FeedPage]
	counts loader[countKey, upstream.Count]

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

// A loader keeps the calls of one kind, each under what it asked for without the sections.
type loader[K comparable, V any] struct {
	mu    sync.Mutex
	calls map[K][]*call[V]
	made  *dataloader.Loader[*call[V], V] // nil before the first call
}

type call[V any] struct {
	sections upstream.Sections
	ask      func(context.Context) (V, error)
}

func askEach[V any](ctx context.Context, calls []*call[V]) []*dataloader.Result[V] {
	results := make([]*dataloader.Result[V], len(calls))
	for i, c := range calls {
		v, err := c.try(ctx)
		results[i] = &dataloader.Result[V]{Data: v, Error: err}
	}
	return results
}

// try turns a panic into an error, with the place it came from: the loader's own goroutine is no place to print it.
func (c *call[V]) try(ctx context.Context) (v V, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicked{value, debug.Stack()}
		}
	}()
	return c.ask(ctx)
}

type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("%v\n%s", p.value, p.stack) }

// do returns the answer of an earlier equal call that brings all these sections, under way or done, else that of ask.
func (l *loader[K, V]) do(ctx context.Context, key K, sections upstream.Sections, ask func(context.Context) (V, error)) (V, error) {
	made, c := l.call(key, sections, ask)
	v, err := made.Load(ctx, c)()
	if p := (*panicked)(nil); errors.As(err, &p) {
		panic(p) // back in the resolver, where gqlgen has it logged and answered
	}
	return v, err
}

// call starts each call at once: the upstream takes one page a call, so gathering calls for a while could save nothing.
func (l *loader[K, V]) call(key K, sections upstream.Sections, ask func(context.Context) (V, error)) (*dataloader.Loader[*call[V], V], *call[V]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.made == nil { // few requests need loaders of all kinds
		l.calls = map[K][]*call[V]{}
		l.made = dataloader.NewBatchedLoader(askEach[V],
			dataloader.WithBatchCapacity[*call[V], V](1), dataloader.WithInputCapacity[*call[V], V](1))
	}
	for _, c := range l.calls[key] {
		if c.sections.Has(sections) {
			return l.made, c
		}
	}
	c := &call[V]{sections, ask}
	l.calls[key] = append(l.calls[key], c)
	return l.made, c
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

func (r *Resolver) count(ctx context.Context, q upstream.CountQuery) (upstream.Count, error) {
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
		groups = appendGroup(groups, g)
	}
	return feedKey{
		groups: string(groups), filter: q.Filter.Key(),
		after: edgeOf(q.After), before: edgeOf(q.Before),
		count: q.Count, last: q.Last,
	}
}
