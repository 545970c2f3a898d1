package resolvers

import (
	"context"
	"slices"

	"scalegraph/graph/model"
	"scalegraph/graph/scalar"
	"scalegraph/resolvers/cursor"
	"scalegraph/resolvers/globalid"
	"scalegraph/resolvers/loaders"
	"scalegraph/resolvers/selection"
	"scalegraph/upstream"
)

// connection makes a page what clients see. Ids and cursors are made only where want says that they are looked at.
func connection(page upstream.Page, origin *model.Origin, want selection.Connection, encode func(*upstream.Activity) string) *model.ScalingActivityConnection {
	c := &model.ScalingActivityConnection{
		Nodes:      make([]model.ScalingActivity, len(page.Rows)),
		PageInfo:   model.PageInfo{HasNextPage: page.HasOlder, HasPreviousPage: page.HasNewer},
		TotalCount: scalar.ClampInt(page.Total),
		AsOf:       page.AsOf,
		Stale:      page.Stale,
	}
	var ids globalid.Activities
	for i, row := range page.Rows {
		c.Nodes[i] = model.ScalingActivity{Activity: row, Origin: origin}
		if want.IDs {
			c.Nodes[i].ID = ids.ID(row)
		}
	}
	if want.Edges {
		c.Edges = edges(c.Nodes, want.Cursors, encode)
	}
	if n := len(page.Rows); n > 0 && want.PageInfo {
		start, end := encode(page.Rows[0]), encode(page.Rows[n-1])
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &start, &end
	}
	return c
}

func edges(rows []model.ScalingActivity, cursors bool, encode func(*upstream.Activity) string) []model.ScalingActivityEdge {
	made := make([]model.ScalingActivityEdge, len(rows))
	for i := range rows {
		made[i].Node = &rows[i]
		if cursors {
			made[i].Cursor = encode(rows[i].Activity)
		}
	}
	return made
}

func activity(row *upstream.Activity, origin *model.Origin) model.ScalingActivity {
	return model.ScalingActivity{Activity: row, ID: globalid.Object{Group: row.Group, LogID: row.LogID}.ID(), Origin: origin}
}

// groupCursor returns what makes the cursors of one group's rows.
func groupCursor(s cursor.Scope) func(*upstream.Activity) string {
	return func(a *upstream.Activity) string {
		return s.EncodeRow(cursor.Row{Second: a.StartTime.Unix(), LogID: a.LogID})
	}
}

// feedCursor returns what makes the cursors of a merged feed's rows.
func feedCursor(s cursor.Scope, groups []upstream.Group) func(*upstream.Activity) string {
	return func(a *upstream.Activity) string {
		index, _ := slices.BinarySearchFunc(groups, a.Group, upstream.Group.Compare)
		return s.EncodeRow(cursor.Row{Second: a.StartTime.Unix(), Index: index, LogID: a.LogID})
	}
}

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
	want := selection.OfConnection(ctx)
	if !want.NeedsRows() {
		q = upstream.FeedQuery{Groups: q.Groups, Filter: q.Filter} // the count is the same wherever the page lies
	}
	q.Sections = want.Sections
	page, err := r.load.Feed(ctx, q)
	if len(page.Unavailable) == len(q.Groups) {
		err = commonest(page.Unavailable)
	}
	if err != nil {
		return nil, err
	}
	c := connection(page.Page, &model.Origin{Feed: &q, Later: want.Deferred}, want, encode)
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
