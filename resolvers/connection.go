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

// connection converts a page to a GraphQL connection. It encodes ids and cursors only if they are selected.
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
	list := make([]model.ScalingActivityEdge, len(rows))
	for i := range rows {
		list[i].Node = &rows[i]
		if cursors {
			list[i].Cursor = encode(rows[i].Activity)
		}
	}
	return list
}

func activity(row *upstream.Activity, origin *model.Origin) model.ScalingActivity {
	return model.ScalingActivity{Activity: row, ID: globalid.Object{Group: row.Group, LogID: row.LogID}.ID(), Origin: origin}
}

// groupCursor returns a function that encodes the cursors of one group's rows.
func groupCursor(s cursor.Scope) func(*upstream.Activity) string {
	return func(a *upstream.Activity) string {
		return s.EncodeRow(cursor.Row{Second: a.StartTime.Unix(), LogID: a.LogID})
	}
}

// feedCursor returns a function that encodes the cursors of a merged feed's rows.
func feedCursor(s cursor.Scope, groups []upstream.Group) func(*upstream.Activity) string {
	return func(a *upstream.Activity) string {
		index, _ := slices.BinarySearchFunc(groups, a.Group, upstream.Group.Compare)
		return s.EncodeRow(cursor.Row{Second: a.StartTime.Unix(), Index: index, LogID: a.LogID})
	}
}

// scalingActivities resolves the connection of several groups' activities merged into one feed.
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

// mergedFeed returns a page of a feed with cursors from encode. If all groups fail, it returns the most common error.
func (r *Resolver) mergedFeed(ctx context.Context, q upstream.FeedQuery, encode func(*upstream.Activity) string) (*model.ScalingActivityConnection, error) {
	loaders.From(ctx).Expect(q.Groups...)
	want := selection.OfConnection(ctx)
	if !want.NeedsRows() {
		q = upstream.FeedQuery{Groups: q.Groups, Filter: q.Filter} // the count does not depend on the position of the page
	}
	q.Sections = want.Sections
	page, err := r.load.Feed(ctx, q)
	if len(page.Unavailable) == len(q.Groups) {
		err = mostCommonError(page.Unavailable)
	}
	if err != nil {
		return nil, err
	}
	c := connection(page.Page, &model.Origin{Feed: &q, Later: want.Deferred}, want, encode)
	c.UnavailableGroups = r.unavailable(ctx, page.Unavailable)
	return c, nil
}

// unavailable returns the groups that are missing in a feed, each with its error as clients see it.
func (r *Resolver) unavailable(ctx context.Context, missing []upstream.Unavailable) []model.UnavailableGroup {
	groups := make([]model.UnavailableGroup, len(missing))
	for i, m := range missing {
		public := publicErrorFor(ctx, m.Err)
		if public == internal {
			r.Log.ErrorContext(ctx, "a group is missing in a feed", "group", m.Group.ID, "error", m.Err.Error())
		}
		groups[i] = model.UnavailableGroup{Group: m.Group, Code: public.Code, Message: public.Message, Retryable: public.Retryable}
	}
	return groups
}

// mostCommonError returns the first error with the code that most groups failed with.
func mostCommonError(missing []upstream.Unavailable) error {
	times := map[string]int{}
	for _, m := range missing {
		times[publicError(m.Err).Code]++
	}
	best := missing[0].Err
	for _, m := range missing {
		if times[publicError(m.Err).Code] > times[publicError(best).Code] {
			best = m.Err
		}
	}
	return best
}
