package resolvers

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"scalegraph/graph/model"
	"scalegraph/upstream"
)

const (
	defaultHistoryRows = 1000
	// maxHistoryRows is the most rows of a log that one field reads.
	maxHistoryRows = 20_000
	// longestAction is how long an action can run: the longest timeout of a lifecycle hook. The activity that added an instance started no
	// earlier than this before the instance joined.
	longestAction = 24 * time.Hour
)

// history is what has been found so far in a log about one of its group's instances.
type history struct {
	*model.ScalingInstanceHistory
	instance *upstream.GroupInstance
	count    int // at most so many activities
}

// instanceHistory returns the activities that name an instance, read from the newest row of its group's log on.
func (r *Resolver) instanceHistory(ctx context.Context, i *upstream.GroupInstance, first, maxRows *int32) (*model.ScalingInstanceHistory, error) {
	count, err := rows("first", first)
	if err != nil {
		return nil, err
	}
	limit := defaultHistoryRows
	if maxRows != nil {
		limit = int(*maxRows)
	}
	if limit < 1 || limit > maxHistoryRows {
		return nil, Input("maxRows", fmt.Sprintf("must be 1 to %d, not %d", maxHistoryRows, limit))
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

// add looks through a page, whose rows are older than all before.
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
			now, _ := sectionsOf(op, f.Selections)
			sections |= now
		}
	}
	return sections
}
