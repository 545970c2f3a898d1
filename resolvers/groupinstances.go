package resolvers

import (
	"context"

	"scalegraph/graph/model"
	"scalegraph/resolvers/cursor"
	"scalegraph/upstream"
)

// groupInstances returns a page of the instances that are in a group now.
func (r *Resolver) groupInstances(ctx context.Context, g upstream.Group, filter *model.ScalingGroupInstanceFilter, a pageArgs) (*model.ScalingGroupInstanceConnection, error) {
	key, err := instanceFilterKey(filter)
	if err != nil {
		return nil, err
	}
	w, err := a.listWindow(cursor.ForList("instances", g, key).Keyed(r.Secret))
	if err != nil {
		return nil, err
	}
	list, err := r.load.Instances(ctx, g)
	if err != nil {
		return nil, err
	}
	all := sortedList(list.Entries, func(i *upstream.GroupInstance) bool { return matchesInstance(filter, i) }, instancePosition)
	page, info := pageOf(all, w)
	c := &model.ScalingGroupInstanceConnection{PageInfo: info, TotalCount: total(len(all)), AsOf: list.AsOf, Stale: list.Stale}
	for _, entry := range page {
		c.Nodes = append(c.Nodes, entry.value)
		c.Edges = append(c.Edges, &model.ScalingGroupInstanceEdge{Cursor: w.scope.EncodePosition(entry.at), Node: entry.value})
	}
	return c, nil
}

// instancePosition is made of join time and name, because an instance has no id while it is being created. One without a time is last.
func instancePosition(i *upstream.GroupInstance) cursor.Position {
	var p cursor.Position
	if i.JoinedAt != nil {
		p.Second = i.JoinedAt.Unix()
	}
	if i.InstanceName != nil {
		p.Texts[0] = *i.InstanceName
	}
	return p
}

func matchesInstance(f *model.ScalingGroupInstanceFilter, i *upstream.GroupInstance) bool {
	return f == nil ||
		(f.LifecycleState == nil || i.LifecycleState == *f.LifecycleState) &&
			(f.Health == nil || i.Health == *f.Health) &&
			equalOrUnset(f.ProtectedFromScaleIn, i.ProtectedFromScaleIn)
}

func instanceFilterKey(f *model.ScalingGroupInstanceFilter) (string, error) {
	switch {
	case f == nil:
		return "", nil
	case f.LifecycleState != nil && *f.LifecycleState == upstream.LifecycleUnknown:
		return "", Input("filter.lifecycleState", "must not be UNKNOWN")
	case f.Health != nil && *f.Health == upstream.HealthUnknown:
		return "", Input("filter.health", "must not be UNKNOWN")
	}
	return filterText(f), nil
}
