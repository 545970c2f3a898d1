// Package loaders deduplicates and batches the reads of one request: equal calls are made once, and calls for several objects are combined if the
// upstream can serve them together. The results are in the State of the request, which is never shared with another request, because they were
// read with one caller's credentials.
package loaders

import (
	"context"
	"sync"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

// Pages serves pages of a group's activity log.
type Pages interface {
	Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error)
}

// Counts counts the rows of a group's activity log that match a filter, without fetching them.
type Counts interface {
	Count(ctx context.Context, q upstream.CountQuery) (upstream.Count, error)
}

// Feeds serves one page of several logs merged into one. If no group can be read, all are unavailable.
type Feeds interface {
	Feed(ctx context.Context, q upstream.FeedQuery) (upstream.FeedPage, error)
}

// Inventory serves the groups, instances and policies of a project that the caller may see. Each list is complete.
type Inventory interface {
	Groups(ctx context.Context, p upstream.Project) (upstream.Snapshot[upstream.GroupDetails], error)
	Group(ctx context.Context, g upstream.Group) (upstream.Snapshot[upstream.GroupDetails], error)
	Instances(ctx context.Context, g upstream.Group) (upstream.Snapshot[upstream.GroupInstance], error)
	GroupPolicies(ctx context.Context, g upstream.Group) (upstream.Snapshot[upstream.Policy], error)
	ProjectPolicies(ctx context.Context, p upstream.Project) (upstream.Snapshot[upstream.Policy], error)
}

// Executions serves the execution logs of policies, as the caller may see them.
type Executions interface {
	// Executions returns a page of several logs merged into one. If no log can be read, the error is that of the first.
	Executions(ctx context.Context, q upstream.ExecutionQuery) (upstream.ExecutionPage, error)
	// Execution returns nil if the log has no such entry.
	Execution(ctx context.Context, p upstream.PolicyRef, logID string) (*upstream.Execution, error)
}

// Sources are the interfaces that a Loader reads from. All must be set.
type Sources struct {
	Pages      Pages
	Counts     Counts
	Feeds      Feeds
	Inventory  Inventory
	Executions Executions
}

// Loader loads from its sources through the State in the context. It is safe for concurrent use.
type Loader struct{ sources Sources }

// New returns a Loader.
func New(s Sources) *Loader { return &Loader{s} }

// State holds the values that one request has loaded. The zero State is ready to use; it is safe for concurrent use.
type State struct {
	Insights  Memo[InsightsKey, *model.ScalingInsights]
	Arguments sync.Map // the arguments of fields as texts, by *ast.Field; see package selection

	pages      Memo[pageKey, upstream.Page]
	feeds      Memo[feedKey, upstream.FeedPage]
	counts     Memo[countKey, upstream.Count]
	groups     Memo[upstream.Project, upstream.Snapshot[upstream.GroupDetails]]
	instances  Memo[upstream.Group, upstream.Snapshot[upstream.GroupInstance]]
	executions Memo[string, upstream.ExecutionPage]
	sections   sectionLoader
	details    detailsLoader
	policies   policiesLoader
}

type stateKey struct{}

// WithState returns a context with a new State.
func WithState(ctx context.Context) context.Context {
	return context.WithValue(ctx, stateKey{}, new(State))
}

// From returns the State in ctx, or a new one if there is none: every call is made then.
func From(ctx context.Context) *State {
	if s, ok := ctx.Value(stateKey{}).(*State); ok {
		return s
	}
	return new(State)
}

// Page returns a page of a group's log.
func (l *Loader) Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error) {
	return From(ctx).pages.Do(ctx, keyOfPage(q), q.Sections, func(ctx context.Context) (upstream.Page, error) {
		return l.sources.Pages.Page(ctx, q)
	})
}

// Feed returns a page of a merged feed.
func (l *Loader) Feed(ctx context.Context, q upstream.FeedQuery) (upstream.FeedPage, error) {
	return From(ctx).feeds.Do(ctx, keyOfFeed(q), q.Sections, func(ctx context.Context) (upstream.FeedPage, error) {
		return l.sources.Feeds.Feed(ctx, q)
	})
}

// Count returns a count. Queries that bypass the cache are always made.
func (l *Loader) Count(ctx context.Context, q upstream.CountQuery) (upstream.Count, error) {
	if q.BypassCache {
		return l.sources.Counts.Count(ctx, q)
	}
	return From(ctx).counts.Do(ctx, countKey{q.Group, q.Filter.Key()}, 0, func(ctx context.Context) (upstream.Count, error) {
		return l.sources.Counts.Count(ctx, q)
	})
}

// GroupList returns the groups of a project.
func (l *Loader) GroupList(ctx context.Context, p upstream.Project) (upstream.Snapshot[upstream.GroupDetails], error) {
	return From(ctx).groups.Do(ctx, p, 0, func(ctx context.Context) (upstream.Snapshot[upstream.GroupDetails], error) {
		return l.sources.Inventory.Groups(ctx, p)
	})
}

// Instances returns the instances of a group.
func (l *Loader) Instances(ctx context.Context, g upstream.Group) (upstream.Snapshot[upstream.GroupInstance], error) {
	return From(ctx).instances.Do(ctx, g, 0, func(ctx context.Context) (upstream.Snapshot[upstream.GroupInstance], error) {
		return l.sources.Inventory.Instances(ctx, g)
	})
}

// Executions returns a page of execution logs.
func (l *Loader) Executions(ctx context.Context, q upstream.ExecutionQuery) (upstream.ExecutionPage, error) {
	return From(ctx).executions.Do(ctx, keyOfExecutions(q), 0, func(ctx context.Context) (upstream.ExecutionPage, error) {
		return l.sources.Executions.Executions(ctx, q)
	})
}

// Execution returns one entry of an execution log; nil if there is none.
func (l *Loader) Execution(ctx context.Context, p upstream.PolicyRef, logID string) (*upstream.Execution, error) {
	return l.sources.Executions.Execution(ctx, p, logID)
}
