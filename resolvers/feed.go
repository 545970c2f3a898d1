package resolvers

import (
	"context"

	"scalegraph/graph/model"
	"scalegraph/resolvers/loaders"
	"scalegraph/upstream"
)

// scalingActivities answers a connection of several groups merged into one feed.
func (r *Resolver) scalingActivities(ctx context.Context, refs []*model.ScalingGroupRef, a pageArgs) (*model.ScalingActivityConnection, error) {
	groups, err := r.feedGroups(refs)
	if err != nil {
		return nil, err
	}
	q, s, err := r.feedQuery(groups, a)
	if err != nil {
		return nil, err
	}
	return r.mergedFeed(ctx, q, feedCursor(s, groups))
}

// mergedFeed returns a page of a feed with cursors of the caller's making.
func (r *Resolver) mergedFeed(ctx context.Context, q upstream.FeedQuery, encode func(*upstream.Activity) string) (*model.ScalingActivityConnection, error) {
	loaders.From(ctx).Expect(q.Groups...)
	want := connectionSelection(ctx)
	if !want.rows() {
		q = upstream.FeedQuery{Groups: q.Groups, Filter: q.Filter} // the count is the same wherever the page lies
	}
	q.Sections = want.sections
	page, err := r.load.Feed(ctx, q)
	if len(page.Unavailable) == len(q.Groups) {
		err = commonest(page.Unavailable)
	}
	if err != nil {
		return nil, err
	}
	c := connection(page.Page, &model.Origin{Feed: &q, Later: want.deferred}, want, encode)
	c.UnavailableGroups = r.unavailable(ctx, page.Unavailable)
	return c, nil
}

// unavailable says which groups are missing in a feed, and why, in the words of an error.
func (r *Resolver) unavailable(ctx context.Context, missing []upstream.Unavailable) []model.UnavailableGroup {
	groups := make([]model.UnavailableGroup, len(missing))
	for i, m := range missing {
		told := tell(ctx, m.Err)
		if told == internal {
			r.Log.ErrorContext(ctx, "a group is missing in a feed", "group", m.Group.ID, "error", m.Err.Error())
		}
		groups[i] = model.UnavailableGroup{Group: m.Group, Code: told.Code, Message: told.Message, Retryable: told.Retryable}
	}
	return groups
}

// commonest returns the first error with the code that most groups failed with.
func commonest(missing []upstream.Unavailable) error {
	times := map[string]int{}
	for _, m := range missing {
		times[describe(m.Err).Code]++
	}
	best := missing[0].Err
	for _, m := range missing {
		if times[describe(m.Err).Code] > times[describe(best).Code] {
			best = m.Err
		}
	}
	return best
}
