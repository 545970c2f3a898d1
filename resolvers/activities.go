package resolvers

import (
	"context"

	"scalegraph/graph/model"
	"scalegraph/graph/scalar"
	"scalegraph/resolvers/selection"
	"scalegraph/resolvers/summary"
	"scalegraph/upstream"
)

// activities resolves the connection of one group's activities. If only the count is selected it reads no page.
func (r *Resolver) activities(ctx context.Context, g upstream.Group, a pageArgs) (*model.ScalingActivityConnection, error) {
	q, s, err := r.pageQuery(g, a)
	if err != nil {
		return nil, err
	}
	want := selection.OfConnection(ctx)
	if !want.NeedsRows() {
		n, err := r.load.Count(ctx, upstream.CountQuery{Group: g, Filter: q.Filter})
		return countOnly(n), err
	}
	q.Sections = want.Sections
	page, err := r.load.Page(ctx, q)
	if err != nil {
		return nil, err
	}
	return connection(page, &model.Origin{Page: &q, Later: want.Deferred}, want, groupCursor(s)), nil
}

// countOnly returns a connection with a count and no rows.
func countOnly(n upstream.Count) *model.ScalingActivityConnection {
	return &model.ScalingActivityConnection{TotalCount: scalar.ClampInt(n.Total), AsOf: n.AsOf, Stale: n.Stale}
}

// activity resolves one activity by its log id; nil if the log has no such entry.
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

// latestActivity resolves the newest activity that matches the filter; nil if there is none.
func (r *Resolver) latestActivity(ctx context.Context, g upstream.Group, in *model.ScalingActivityFilter) (*model.ScalingActivity, error) {
	filter, err := filterOf(in)
	if err != nil {
		return nil, err
	}
	return r.newest(ctx, g, filter)
}

func (r *Resolver) newest(ctx context.Context, g upstream.Group, f upstream.Filter) (*model.ScalingActivity, error) {
	want := selection.OfActivity(ctx)
	q := upstream.PageQuery{Group: g, Filter: f, Count: 1, Sections: want.Sections}
	page, err := r.load.Page(ctx, q)
	if err != nil || len(page.Rows) == 0 {
		return nil, err
	}
	a := activity(page.Rows[0], &model.Origin{Page: &q, Later: want.Deferred})
	return &a, nil
}

// activitySummary returns the selected counts.
func (r *Resolver) activitySummary(ctx context.Context, g upstream.Group, in *model.ScalingActivityFilter) (*model.ScalingActivitySummary, error) {
	filter, err := filterOf(in)
	if err != nil {
		return nil, err
	}
	return summary.Read(ctx, r.load, upstream.CountQuery{Group: g, Filter: filter}, selection.OfSummary(ctx))
}

// detailList returns one list of an activity's details. If the row was loaded without the section that the list is part of, the section is loaded for
// the row's whole page, once for all its rows.
func detailList[T any](ctx context.Context, r *Resolver, a *model.ScalingActivity, section upstream.Sections, list func(*upstream.Details) []T) ([]T, error) {
	row := a.Activity
	if !row.Details.Sections.Has(section) {
		var err error
		if row, err = r.load.Section(ctx, a, section); err != nil {
			return nil, err
		}
		if row == nil {
			return nil, errNode
		}
	}
	if entries := list(&row.Details); entries != nil {
		return entries, nil
	}
	return []T{}, nil // null would mean that the list could not be read
}

func instances(ctx context.Context, r *Resolver, a *model.ScalingActivity, list func(*upstream.Details) []*upstream.Instance) ([]*upstream.Instance, error) {
	return detailList(ctx, r, a, upstream.SectionInstances, list)
}

func loadBalancers(ctx context.Context, r *Resolver, a *model.ScalingActivity, list func(*upstream.Details) []*upstream.LoadBalancerChange) ([]*upstream.LoadBalancerChange, error) {
	return detailList(ctx, r, a, upstream.SectionLoadBalancers, list)
}
