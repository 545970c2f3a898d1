package resolvers

import (
	"slices"

	"scalegraph/graph/model"
	"scalegraph/resolvers/cursor"
	"scalegraph/resolvers/globalid"
	"scalegraph/upstream"
)

// connection makes a page what clients see. Ids and cursors are made only where want says that they are looked at.
func connection(page upstream.Page, origin *model.Origin, want selection, encode func(*upstream.Activity) string) *model.ScalingActivityConnection {
	c := &model.ScalingActivityConnection{
		Nodes:      make([]model.ScalingActivity, len(page.Rows)),
		PageInfo:   model.PageInfo{HasNextPage: page.HasOlder, HasPreviousPage: page.HasNewer},
		TotalCount: total(page.Total),
		AsOf:       page.AsOf,
		Stale:      page.Stale,
	}
	var ids globalid.Activities
	for i, row := range page.Rows {
		c.Nodes[i] = model.ScalingActivity{Activity: row, Origin: origin}
		if want.ids {
			c.Nodes[i].ID = ids.ID(row)
		}
	}
	if want.edges {
		c.Edges = edges(c.Nodes, want.cursors, encode)
	}
	if n := len(page.Rows); n > 0 && want.pageInfo {
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
