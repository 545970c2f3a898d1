package observer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

func (q request) String() string {
	groups := strings.Join(q.groups, " ")
	if n := len(q.groups); n > 8 {
		groups = fmt.Sprintf("%s … (%d groups)", strings.Join(q.groups[:8], " "), n)
	}
	merged := q.merged
	q.merged = false // which would list them again
	return fmt.Sprintf("[%s, merged %v]%s", groups, merged, q.arguments())
}

// arguments writes the arguments of a connection.
func (q request) arguments() string {
	var args []string
	add := func(format string, v ...any) { args = append(args, fmt.Sprintf(format, v...)) }
	if q.first >= 0 {
		add("first: %d", q.first)
	}
	if q.last >= 0 {
		add("last: %d", q.last)
	}
	if q.offset >= 0 {
		add("offset: %d", q.offset)
	}
	if q.after != nil {
		add("after: %q", q.after.cursor)
	}
	if q.before != nil {
		add("before: %q", q.before.cursor)
	}
	if f := q.filter.text(); f != "" {
		add("filter: %s", f)
	}
	if q.merged {
		add("groups: %s", refs(q.groups))
	}
	if len(args) == 0 {
		return ""
	}
	return "(" + strings.Join(args, ", ") + ")"
}

func refs(groups []string) string {
	all := make([]string, len(groups))
	for i, g := range groups {
		all[i] = fmt.Sprintf("{groupId: %q}", g)
	}
	return "[" + strings.Join(all, " ") + "]"
}

func (f filter) text() string {
	var all []string
	if len(f.types) > 0 {
		all = append(all, "types: ["+strings.ReplaceAll(strings.Join(f.types, " "), "MANNUAL", "MANUAL")+"]")
	}
	if f.status != "" {
		all = append(all, "status: "+f.status)
	}
	if !f.start.IsZero() {
		all = append(all, "startTime: "+quoted(f.start))
	}
	if !f.end.IsZero() {
		all = append(all, "endTime: "+quoted(f.end))
	}
	if len(all) == 0 {
		return ""
	}
	return "{" + strings.Join(all, ", ") + "}"
}

func quoted(t time.Time) string { return fmt.Sprintf("%q", t.UTC().Format(time.RFC3339)) }

// selections are the forms of a query for a page. All of them have the same response once their parts are merged.
var selections = map[form][]string{
	plain: {`totalCount asOf stale pageInfo { hasNextPage hasPreviousPage startCursor endCursor } unavailableGroups { group { groupId } code }
		edges { cursor node { logId group { groupId } startTime status type endTime desireValue } }`},
	deferred2022: deferrals,
	deferredV02:  deferrals,
}

var deferrals = []string{
	`totalCount asOf stale pageInfo { hasNextPage hasPreviousPage startCursor endCursor } unavailableGroups { group { groupId } code }
		edges { cursor node { logId group { groupId } startTime ... @defer { status type endTime desireValue } } }`,
	`totalCount asOf stale pageInfo { hasNextPage hasPreviousPage startCursor endCursor } unavailableGroups { group { groupId } code }
		edges { cursor node { logId group { groupId } startTime ... @defer { status ... @defer { type endTime } desireValue } } }`,
	`asOf stale edges { cursor node { logId ... @defer(label: "row") { group { groupId } startTime ... on ScalingActivity @defer(label: "rest") { status type endTime desireValue } } } }
		... @defer(label: "page") { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } unavailableGroups { group { groupId } code } }`,
	`asOf stale ... @defer { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } unavailableGroups { group { groupId } code }
		... @defer { edges { cursor node { logId group { groupId } startTime status type ... @defer { endTime desireValue } } } } }`,
}

type connection struct {
	TotalCount int
	AsOf       time.Time
	Stale      bool
	PageInfo   struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       *string
	}
	UnavailableGroups []struct {
		Group struct{ GroupID string }
		Code  string
	}
	Edges []struct {
		Cursor string
		Node   activity
	}
}

type activity struct {
	LogID        string
	Group        struct{ GroupID string }
	StartTime    time.Time
	Status, Type string
	EndTime      *time.Time
	DesireValue  int
}

func (a activity) edge(cursor string) edge {
	return edge{
		point:  point{a.StartTime.Unix(), a.Group.GroupID, a.LogID},
		cursor: cursor, status: a.Status, kind: a.Type, ended: a.EndTime != nil, revision: a.DesireValue,
	}
}

// page requests a page.
func (c client) page(ctx context.Context, q request, rng *rand.Rand) (page, error) {
	ways := selections[q.form]
	selection := ways[rng.IntN(len(ways))]
	var query string
	if q.merged {
		query = fmt.Sprintf("{ connection: scalingActivities%s { %s } }", q.arguments(), selection)
	} else {
		query = fmt.Sprintf("{ group: scalingGroup(groupId: %q) { activities%s { %s } } }", q.groups[0], q.arguments(), selection)
	}
	var data struct {
		Connection *connection
		Group      struct{ Activities *connection }
	}
	if err := c.do(ctx, query, q.form, &data); err != nil {
		return page{}, err
	}
	found := data.Connection
	if found == nil {
		found = data.Group.Activities
	}
	if found == nil {
		return page{}, fmt.Errorf("no connection and no error for %s", query)
	}
	return found.page()
}

func (c *connection) page() (page, error) {
	p := page{total: c.TotalCount, hasNext: c.PageInfo.HasNextPage, hasPrev: c.PageInfo.HasPreviousPage, asOf: c.AsOf, stale: c.Stale}
	for _, u := range c.UnavailableGroups {
		p.missing = append(p.missing, u.Group.GroupID)
	}
	for _, e := range c.Edges {
		p.edges = append(p.edges, e.Node.edge(e.Cursor))
	}
	first, last := "", ""
	if n := len(p.edges); n > 0 {
		first, last = p.edges[0].cursor, p.edges[n-1].cursor
	}
	if text(c.PageInfo.StartCursor) != first || text(c.PageInfo.EndCursor) != last {
		return p, fmt.Errorf("startCursor or endCursor is not that of the first or last of %d edges", len(p.edges))
	}
	return p, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

type summary struct {
	Total, Succeeded, Failed, InProgress int
	ByType                               []struct {
		Type  string
		Count int
	}
	AsOf  time.Time
	Stale bool
}

// summary requests the counts of a group and its newest row.
func (c client) summary(ctx context.Context, group string, f filter) (s summary, err error) {
	var data struct {
		Group struct{ ActivitySummary *summary }
	}
	query := fmt.Sprintf("{ group: scalingGroup(groupId: %q) { activitySummary%s { total succeeded failed inProgress byType { type count } asOf stale } } }",
		group, request{first: -1, last: -1, offset: -1, filter: f}.arguments())
	if err := c.do(ctx, query, plain, &data); err != nil {
		return s, err
	}
	if data.Group.ActivitySummary == nil {
		return s, fmt.Errorf("no summary and no error for %s", query)
	}
	return *data.Group.ActivitySummary, nil
}
