package resolvers

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/graph/model"
	"scalegraph/graph/scalar"
	"scalegraph/resolvers/cursor"
	"scalegraph/resolvers/selection"
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
	c := &model.ScalingGroupInstanceConnection{PageInfo: info, TotalCount: scalar.ClampInt(len(all)), AsOf: list.AsOf, Stale: list.Stale}
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
		return "", InvalidArgument("filter.lifecycleState", "must not be UNKNOWN")
	case f.Health != nil && *f.Health == upstream.HealthUnknown:
		return "", InvalidArgument("filter.health", "must not be UNKNOWN")
	}
	return filterText(f), nil
}

const (
	defaultHistoryRows = 1000
	// maxHistoryRows bounds the rows of a log that one field reads.
	maxHistoryRows = 20_000
	// longestAction is how long an action can run: the longest timeout of a lifecycle hook. The activity that added an instance started no
	// earlier than this before the instance joined.
	longestAction = 24 * time.Hour
)

// history collects the activities of a log that concern one instance.
type history struct {
	*model.ScalingInstanceHistory
	instance *upstream.GroupInstance
	count    int // maximum number of activities
}

// instanceHistory returns the activities that name an instance, read from the newest row of its group's log on.
func (r *Resolver) instanceHistory(ctx context.Context, i *upstream.GroupInstance, first, maxRows *int32) (*model.ScalingInstanceHistory, error) {
	count, err := pageSize("first", first)
	if err != nil {
		return nil, err
	}
	limit := defaultHistoryRows
	if maxRows != nil {
		limit = int(*maxRows)
	}
	if limit < 1 || limit > maxHistoryRows {
		return nil, InvalidArgument("maxRows", fmt.Sprintf("must be 1 to %d, not %d", maxHistoryRows, limit))
	}
	h := history{&model.ScalingInstanceHistory{Nodes: []model.ScalingActivity{}}, i, count}
	q := upstream.PageQuery{Group: i.Group, Sections: upstream.SectionInstances | upstream.SectionFailures | historySections(ctx)}
	for read := 0; read < limit && !h.done(); {
		q.Count = min(upstream.MaxLimit-2, limit-read) // a page and its neighbours fit into one call
		page, err := r.load.Page(ctx, q)
		if err != nil {
			return nil, err
		}
		h.add(page, q)
		if len(page.Rows) == 0 {
			break
		}
		oldest := page.Rows[len(page.Rows)-1].Point()
		q.After, read = &oldest, read+len(page.Rows)
	}
	return h.ScalingInstanceHistory, nil
}

func (h history) done() bool { return h.Complete || len(h.Nodes) == h.count }

// add adds the activities of a page that concern the instance. Pages must be added from the newest to the oldest.
func (h history) add(page upstream.Page, q upstream.PageQuery) {
	if h.AsOf.IsZero() || page.AsOf.Before(h.AsOf) {
		h.AsOf = page.AsOf
	}
	h.Stale = h.Stale || page.Stale
	for _, row := range page.Rows {
		if h.done() {
			return
		}
		if concerns(row, h.instance) {
			h.Nodes = append(h.Nodes, activity(row, &model.Origin{Page: &q}))
		}
		h.Complete = slices.ContainsFunc(row.Details.Added, h.instance.Is) ||
			h.instance.JoinedAt != nil && row.StartTime.Before(h.instance.JoinedAt.Add(-longestAction))
	}
	h.Complete = h.Complete || !page.HasOlder
}

// concerns reports whether an activity names an instance in any of its lists.
func concerns(row *upstream.Activity, i *upstream.GroupInstance) bool {
	d := &row.Details
	for _, list := range [][]*upstream.Instance{d.Added, d.Removed, d.Deleted, d.Failed, d.Standby} {
		if slices.ContainsFunc(list, i.Is) {
			return true
		}
	}
	return false
}

// historySections returns the sections that the selected activities need.
func historySections(ctx context.Context) upstream.Sections {
	op := graphql.GetOperationContext(ctx)
	var sections upstream.Sections
	for _, f := range graphql.CollectFields(op, graphql.GetFieldContext(ctx).Field.Selections, []string{"ScalingInstanceHistory"}) {
		if f.Name == "nodes" {
			now, _ := selection.Sections(op, f.Selections)
			sections |= now
		}
	}
	return sections
}
