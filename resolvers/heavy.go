package resolvers

import (
	"context"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

// heavy returns one list of an activity's details. Where the row came without the section that it is part of, the section is
// read for the row's whole page, once for all rows of it.
func heavy[T any](ctx context.Context, r *Resolver, a *model.ScalingActivity, section upstream.Sections, list func(*upstream.Details) []T) ([]T, error) {
	row := a.Activity
	if !row.Details.Sections.Has(section) {
		var err error
		if row, err = r.withSection(ctx, a, section); err != nil {
			return nil, err
		}
	}
	if entries := list(&row.Details); entries != nil {
		return entries, nil
	}
	return []T{}, nil // null would mean that the list could not be read
}

// withSection reads a row again, with a section. The page may have moved on meanwhile; a row that has left it is read alone.
func (r *Resolver) withSection(ctx context.Context, a *model.ScalingActivity, section upstream.Sections) (*upstream.Activity, error) {
	rows, err := loadersFrom(ctx).lacks.load(ctx, r, lack{a.Origin, section})
	if err != nil {
		return nil, err
	}
	if row := find(rows, a.Activity, section); row != nil {
		return row, nil
	}
	alone := upstream.PageQuery{Group: a.Group, Filter: upstream.Filter{LogID: a.LogID}, Count: 1, Sections: section}
	page, err := r.page(ctx, alone)
	if err != nil {
		return nil, err
	}
	if row := find(page.Rows, a.Activity, section); row != nil {
		return row, nil
	}
	return nil, errNode
}

// again reads the page that a row came in, with all sections that its client waits for.
func (r *Resolver) again(ctx context.Context, from *model.Origin, section upstream.Sections) ([]*upstream.Activity, error) {
	switch {
	case from == nil:
		return nil, nil
	case from.Feed != nil:
		q := *from.Feed
		q.Sections = from.Later | section
		page, err := r.feed(ctx, q)
		return page.Rows, err
	}
	q := *from.Page
	q.Sections = from.Later | section
	page, err := r.page(ctx, q)
	return page.Rows, err
}

func find(rows []*upstream.Activity, a *upstream.Activity, section upstream.Sections) *upstream.Activity {
	for _, row := range rows {
		if row.LogID == a.LogID && row.Group == a.Group && row.Details.Sections.Has(section) {
			return row
		}
	}
	return nil
}

func instances(ctx context.Context, r *Resolver, a *model.ScalingActivity, list func(*upstream.Details) []*upstream.Instance) ([]*upstream.Instance, error) {
	return heavy(ctx, r, a, upstream.SectionInstances, list)
}

func loadBalancers(ctx context.Context, r *Resolver, a *model.ScalingActivity, list func(*upstream.Details) []*upstream.LoadBalancerChange) ([]*upstream.LoadBalancerChange, error) {
	return heavy(ctx, r, a, upstream.SectionLoadBalancers, list)
}
