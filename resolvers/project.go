package resolvers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"scalegraph/graph/model"
	"scalegraph/graph/scalar"
	"scalegraph/internal/apierr"
	"scalegraph/resolvers/cursor"
	"scalegraph/resolvers/loaders"
	"scalegraph/upstream"
)

// maxFeedGroups is the most groups that the feed of a project merges.
const maxFeedGroups = 200

// project fills in the defaults. It makes no call.
func (r *Resolver) project(projectID, region *string) (*upstream.Project, error) {
	p := upstream.Project{Region: r.Region, ID: r.DefaultProject}
	if projectID != nil {
		p.ID = *projectID
	}
	if region != nil {
		p.Region = *region
	}
	return &p, r.checkProject(p)
}

// projectGroups returns a page of the groups of a project that the caller may list.
func (r *Resolver) projectGroups(ctx context.Context, p upstream.Project, filter *model.ScalingGroupFilter, a pageArgs) (*model.ScalingGroupConnection, error) {
	key, err := groupFilterKey(filter)
	if err != nil {
		return nil, err
	}
	w, err := a.listWindow(cursor.ForList("groups", upstream.Group{Region: p.Region, Project: p.ID}, key).Keyed(r.Secret))
	if err != nil {
		return nil, err
	}
	list, err := r.load.GroupList(ctx, p)
	if err != nil {
		return nil, err
	}
	all := matchingGroups(list, filter)
	page, info := pageOf(all, w)
	c := &model.ScalingGroupConnection{PageInfo: info, TotalCount: scalar.ClampInt(len(all)), AsOf: list.AsOf, Stale: list.Stale}
	for _, entry := range page {
		g := entry.value.Group
		loaders.From(ctx).Expect(g)
		c.Nodes = append(c.Nodes, &g)
		c.Edges = append(c.Edges, &model.ScalingGroupEdge{Cursor: w.scope.EncodePosition(entry.at), Node: &g})
	}
	return c, nil
}

func matchingGroups(list upstream.Snapshot[upstream.GroupDetails], filter *model.ScalingGroupFilter) []listEntry[upstream.GroupDetails] {
	return sortedList(list.Entries, func(d *upstream.GroupDetails) bool { return matchesGroup(filter, d) }, func(d *upstream.GroupDetails) cursor.Position {
		return cursor.Position{Texts: [2]string{d.Name, d.Group.ID}}
	})
}

func matchesGroup(f *model.ScalingGroupFilter, d *upstream.GroupDetails) bool {
	return f == nil ||
		(f.Name == nil || strings.Contains(strings.ToLower(d.Name), strings.ToLower(*f.Name))) &&
			(f.Status == nil || d.Status == *f.Status) &&
			equalOrUnset(f.ConfigurationID, d.ConfigurationID) &&
			equalOrUnset(f.EnterpriseProjectID, d.EnterpriseProjectID) &&
			(f.IsScaling == nil || (d.IsScaling != nil && *d.IsScaling) == *f.IsScaling)
}

// equalOrUnset reports whether got matches a member of a filter. A nil wanted matches everything.
func equalOrUnset[T comparable](wanted, got *T) bool {
	return wanted == nil || got != nil && *got == *wanted
}

// groupFilterKey returns a text that is equal for filters that match the same groups.
func groupFilterKey(f *model.ScalingGroupFilter) (string, error) {
	if f == nil {
		return "", nil
	}
	if f.Status != nil && *f.Status == upstream.GroupUnknown {
		return "", InvalidArgument("filter.status", "must not be UNKNOWN")
	}
	canonical := *f
	if f.Name != nil {
		name := strings.ToLower(*f.Name)
		canonical.Name = &name
	}
	return filterText(canonical), nil
}

// filterText returns a filter as JSON. It panics if a field cannot be encoded.
func filterText(filter any) string {
	text, err := json.Marshal(filter)
	if err != nil {
		panic(err) // no field of a filter can fail
	}
	return string(text)
}

// projectActivities returns a page of one feed over the groups of a project that match.
func (r *Resolver) projectActivities(ctx context.Context, p upstream.Project, filter *model.ScalingGroupFilter, a pageArgs) (*model.ScalingActivityConnection, error) {
	key, err := groupFilterKey(filter)
	if err != nil {
		return nil, wrapArgument("groups", err)
	}
	activities, err := filterOf(a.filter)
	if err != nil {
		return nil, err
	}
	scope := cursor.ForList("project feed", upstream.Group{Region: p.Region, Project: p.ID}, key+activities.Key()).Keyed(r.Secret)
	w, err := a.listWindow(scope)
	if err != nil {
		return nil, err
	}
	list, err := r.load.GroupList(ctx, p)
	if err != nil {
		return nil, err
	}
	q := upstream.FeedQuery{Filter: activities, After: w.feedPoint(p, w.after), Before: w.feedPoint(p, w.before), Count: w.count, Last: w.last}
	if q.Groups, err = feedGroupsOf(list, filter); err != nil {
		return nil, err
	}
	c := &model.ScalingActivityConnection{AsOf: list.AsOf}
	if len(q.Groups) > 0 {
		if c, err = r.mergedFeed(ctx, q, projectFeedCursor(scope)); err != nil {
			return nil, err
		}
	}
	if list.AsOf.Before(c.AsOf) {
		c.AsOf = list.AsOf // which groups there are is as old as the list
	}
	c.Stale = c.Stale || list.Stale
	return c, nil
}

// feedGroupsOf returns the groups of a list that match, in their canonical order.
func feedGroupsOf(list upstream.Snapshot[upstream.GroupDetails], filter *model.ScalingGroupFilter) ([]upstream.Group, error) {
	var groups []upstream.Group
	for _, entry := range matchingGroups(list, filter) {
		groups = append(groups, entry.value.Group)
	}
	if len(groups) > maxFeedGroups {
		return nil, &Error{Code: apierr.TooComplex, Message: fmt.Sprintf("%d groups match; one feed merges at most %d.", len(groups), maxFeedGroups)}
	}
	slices.SortFunc(groups, upstream.Group.Compare)
	return groups, nil
}

func (listWindow) feedPoint(p upstream.Project, at *cursor.Position) *upstream.FeedPoint {
	if at == nil {
		return nil
	}
	return &upstream.FeedPoint{Second: at.Second, Group: upstream.Group{Region: p.Region, Project: p.ID, ID: at.Texts[0]}, LogID: at.Texts[1]}
}

// projectFeedCursor names the group of a row by its id, so that cursors stay the same when groups come and go.
func projectFeedCursor(s cursor.Scope) func(*upstream.Activity) string {
	return func(a *upstream.Activity) string {
		return s.EncodePosition(cursor.Position{Second: a.StartTime.Unix(), Texts: [2]string{a.Group.ID, a.LogID}})
	}
}
