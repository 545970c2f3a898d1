package resolvers

import (
	"context"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

// activities answers a connection of one group.
func (r *Resolver) activities(ctx context.Context, g upstream.Group, a pageArgs) (*model.ScalingActivityConnection, error) {
	q, s, err := r.pageQuery(g, a)
	if err != nil {
		return nil, err
	}
	want := connectionSelection(ctx)
	if !want.rows() {
		n, err := r.load.Count(ctx, upstream.CountQuery{Group: g, Filter: q.Filter})
		return counted(n), err
	}
	q.Sections = want.sections
	page, err := r.load.Page(ctx, q)
	if err != nil {
		return nil, err
	}
	return connection(page, &model.Origin{Page: &q, Later: want.deferred}, want, groupCursor(s)), nil
}

// counted is a connection of which only the count was selected.
func counted(n upstream.Count) *model.ScalingActivityConnection {
	return &model.ScalingActivityConnection{TotalCount: total(n.Total), AsOf: n.AsOf, Stale: n.Stale}
}

// activity answers one activity by its log id; nil where the log has no such entry.
func (r *Resolver) activity(ctx context.Context, g upstream.Group, logID string) (*model.ScalingActivity, error) {
	if err := checkID("logId", logID); err != nil {
		return nil, err
	}
	found, err := r.newest(ctx, g, upstream.Filter{LogID: logID})
	if err != nil || found == nil || found.LogID != logID {
		return nil, err
	}
	return found, nil
}

// latestActivity answers the newest activity that the filter lets through; nil where there is none.
func (r *Resolver) latestActivity(ctx context.Context, g upstream.Group, in *model.ScalingActivityFilter) (*model.ScalingActivity, error) {
	filter, err := filterOf(in)
	if err != nil {
		return nil, err
	}
	return r.newest(ctx, g, filter)
}

func (r *Resolver) newest(ctx context.Context, g upstream.Group, f upstream.Filter) (*model.ScalingActivity, error) {
	want := activitySelection(ctx)
	q := upstream.PageQuery{Group: g, Filter: f, Count: 1, Sections: want.sections}
	page, err := r.load.Page(ctx, q)
	if err != nil || len(page.Rows) == 0 {
		return nil, err
	}
	a := activity(page.Rows[0], &model.Origin{Page: &q, Later: want.deferred})
	return &a, nil
}
