package resolvers

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/99designs/gqlgen/graphql"

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
	calls map[K][]*call[V] // nil: none yet
}

// call is made by the first who wants its answer; the rest wait.
type call[V any] struct {
	sections upstream.Sections
	once     sync.Once
	answer   V
	err      error
}

// try makes the call. It keeps a panic as an error, for all who wait.
func (c *call[V]) try(ctx context.Context, ask func(context.Context) (V, error)) {
	defer func() {
		if value := recover(); value != nil {
			c.err = &panicked{value, debug.Stack()}
		}
	}()
	c.answer, c.err = ask(ctx)
}

type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("%v\n%s", p.value, p.stack) }

// do returns the answer of an earlier equal call that brings all these sections, under way or done, else that of ask. It does not wait
// for more calls: the upstream takes one page a call, so gathering them could save nothing.
func (l *loader[K, V]) do(ctx context.Context, key K, sections upstream.Sections, ask func(context.Context) (V, error)) (V, error) {
	c := l.call(key, sections)
	c.once.Do(func() { c.try(ctx, ask) })
	if p := (*panicked)(nil); errors.As(c.err, &p) {
		panic(p) // back in the resolver, where gqlgen has it logged and answered
	}
	return c.answer, c.err
}

func (l *loader[K, V]) call(key K, sections upstream.Sections) *call[V] {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.calls[key] {
		if c.sections.Has(sections) {
			return c
		}
	}
	if l.calls == nil {
		l.calls = map[K][]*call[V]{}
	}
	c := &call[V]{sections: sections}
	l.calls[key] = append(l.calls[key], c)
	return c
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
