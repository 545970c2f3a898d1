package pagestest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"scalegraph/upstream"
)

// GraphQL returns a Browser that asks the public endpoint, without a socket. It checks of every answer what holds for any
// connection: nodes are the edges' nodes, and page info has the edges' cursors, null on an empty page.
func GraphQL(endpoint http.Handler) Browser { return endpointBrowser{endpoint} }

// CodedError is an answer with an error that has a code.
type CodedError struct{ Code, Message string }

func (e *CodedError) Error() string { return e.Code + ": " + e.Message }

type endpointBrowser struct{ http.Handler }

const (
	arguments = `$first: Int, $after: String, $last: Int, $before: String, $filter: ScalingActivityFilter`
	given     = `first: $first, after: $after, last: $last, before: $before, filter: $filter`
	selected  = `{
		edges { cursor node { logId startTime group { groupId projectId region } } }
		nodes { logId }
		pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
		totalCount asOf stale unavailableGroups { code group { groupId projectId region } }
	}`
	ofOne = `query Walk($group: ID!, $project: ID, $region: String, $offset: Int, ` + arguments + `) {
		top: scalingGroup(groupId: $group, projectId: $project, region: $region) {
			list: activities(offset: $offset, ` + given + `) ` + selected + ` } }`
	ofMany = `query Feed($groups: [ScalingGroupRef!]!, ` + arguments + `) {
		list: scalingActivities(groups: $groups, ` + given + `) ` + selected + ` }`
)

func (b endpointBrowser) Page(ctx context.Context, ask Ask) (Answer, error) {
	query, variables := ofOne, variablesOf(ask)
	if ask.Merged {
		query = ofMany
	}
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return Answer{}, err
	}
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Scalegraph-Explain", "1")
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	var a envelope
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		return Answer{}, fmt.Errorf("%d %s: %w", w.Code, w.Body, err)
	}
	return a.answer()
}

func variablesOf(ask Ask) map[string]any {
	v := map[string]any{"filter": filterOf(ask.Filter)}
	if ask.Merged {
		v["groups"] = refsOf(ask.Groups)
	} else {
		g := ask.Groups[0]
		v["group"], v["project"], v["region"] = g.ID, g.Project, g.Region
	}
	for name, n := range map[string]int{"first": ask.First, "last": ask.Last} {
		if n >= 0 {
			v[name] = n
		}
	}
	for name, cursor := range map[string]string{"after": ask.After, "before": ask.Before} {
		if cursor != "" {
			v[name] = cursor
		}
	}
	if ask.Offset > 0 {
		v["offset"] = ask.Offset
	}
	return v
}

// refsOf names the groups backwards, the first one twice: neither may matter.
func refsOf(groups []upstream.Group) []map[string]string {
	var refs []map[string]string
	for i := range groups {
		g := groups[len(groups)-1-i]
		refs = append(refs, map[string]string{"groupId": g.ID, "projectId": g.Project, "region": g.Region})
	}
	return append(refs, refs[len(refs)-1])
}

func filterOf(f upstream.Filter) map[string]any {
	v := map[string]any{}
	if !f.StartTime.IsZero() {
		v["startTime"] = f.StartTime.Format(time.RFC3339)
	}
	if !f.EndTime.IsZero() {
		v["endTime"] = f.EndTime.Format(time.RFC3339)
	}
	if len(f.Types) > 0 {
		v["types"] = f.Types
	}
	if f.Status != "" {
		v["status"] = f.Status
	}
	return v
}

// envelope is a GraphQL answer to one of the two queries.
type envelope struct {
	Data struct {
		Top  struct{ List *connection }
		List *connection
	}
	Errors []struct {
		Message    string
		Extensions struct{ Code string }
	}
	Extensions struct {
		Explain struct{ UpstreamCalls int }
	}
}

type connection struct {
	Edges []struct {
		Cursor string
		Node   struct {
			LogID     string
			StartTime time.Time
			Group     groupRef
		}
	}
	Nodes    []struct{ LogID string }
	PageInfo struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       *string
	}
	TotalCount        int
	AsOf              time.Time
	Stale             bool
	UnavailableGroups []struct {
		Code  string
		Group groupRef
	}
}

type groupRef struct{ Region, ProjectID, GroupID string }

func (g groupRef) group() upstream.Group {
	return upstream.Group{Region: g.Region, Project: g.ProjectID, ID: g.GroupID}
}

func (e envelope) answer() (Answer, error) {
	if len(e.Errors) > 0 {
		return Answer{}, &CodedError{e.Errors[0].Extensions.Code, e.Errors[0].Message}
	}
	c := e.Data.List
	if c == nil {
		c = e.Data.Top.List
	}
	if c == nil {
		return Answer{}, errors.New("neither data nor errors")
	}
	a := Answer{
		HasNext: c.PageInfo.HasNextPage, HasPrevious: c.PageInfo.HasPreviousPage,
		Total: c.TotalCount, AsOf: c.AsOf, Stale: c.Stale, Calls: e.Extensions.Explain.UpstreamCalls,
	}
	for _, edge := range c.Edges {
		p := upstream.FeedPoint{Second: edge.Node.StartTime.Unix(), Group: edge.Node.Group.group(), LogID: edge.Node.LogID}
		a.Rows = append(a.Rows, Row{p, edge.Cursor})
	}
	for _, missing := range c.UnavailableGroups {
		a.Unavailable = append(a.Unavailable, Missing{missing.Group.group(), missing.Code})
	}
	return a, c.agrees()
}

// agrees reports where a connection contradicts itself.
func (c *connection) agrees() error {
	var nodes, edges []string
	for _, n := range c.Nodes {
		nodes = append(nodes, n.LogID)
	}
	for _, e := range c.Edges {
		edges = append(edges, e.Node.LogID)
	}
	if a, b := strings.Join(nodes, " "), strings.Join(edges, " "); a != b {
		return fmt.Errorf("nodes are %s, edges %s", a, b)
	}
	var start, end *string
	if n := len(c.Edges); n > 0 {
		start, end = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
	if !same(start, c.PageInfo.StartCursor) || !same(end, c.PageInfo.EndCursor) {
		return fmt.Errorf("page info %v, edges from %v to %v", c.PageInfo, start, end)
	}
	return nil
}

func same(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }
