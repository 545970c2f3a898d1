package loaders

import (
	"fmt"

	"scalegraph/resolvers/opaque"
	"scalegraph/upstream"
)

type countKey struct {
	group  upstream.Group
	filter string
}

type pageKey struct {
	countKey
	after, before optional[upstream.Point]
	offset, count int
	last          bool
}

type feedKey struct {
	groups        string
	filter        string
	after, before optional[upstream.FeedPoint]
	count         int
	last          bool
}

// InsightsKey identifies one pass over logs. Fields with equal keys share it.
type InsightsKey struct {
	Groups  string // as GroupsKey returns it
	Filter  string
	MaxRows int
	Spec    string
}

// optional is a point that may be missing.
type optional[P any] struct {
	point   P
	present bool
}

func optionalOf[P any](p *P) optional[P] {
	if p == nil {
		return optional[P]{}
	}
	return optional[P]{*p, true}
}

func keyOfPage(q upstream.PageQuery) pageKey {
	return pageKey{
		countKey: countKey{q.Group, q.Filter.Key()},
		after:    optionalOf(q.After), before: optionalOf(q.Before),
		offset: q.Skip, count: q.Count, last: q.Last,
	}
}

func keyOfFeed(q upstream.FeedQuery) feedKey {
	return feedKey{
		groups: GroupsKey(q.Groups), filter: q.Filter.Key(),
		after: optionalOf(q.After), before: optionalOf(q.Before),
		count: q.Count, last: q.Last,
	}
}

func keyOfExecutions(q upstream.ExecutionQuery) string {
	var policies []byte
	for _, p := range q.Policies {
		policies = opaque.AppendGroup(policies, upstream.Group(p))
	}
	return fmt.Sprintf("%q %s %v %v %d %t", policies, q.Filter.Key(), optionalOf(q.After), optionalOf(q.Before), q.Count, q.Last)
}

// GroupsKey returns a text that is equal for equal lists of groups.
func GroupsKey(groups []upstream.Group) string {
	var key []byte
	for _, g := range groups {
		key = opaque.AppendGroup(key, g)
	}
	return string(key)
}
