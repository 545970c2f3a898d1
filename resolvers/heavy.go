package resolvers

import (
	"context"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

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
