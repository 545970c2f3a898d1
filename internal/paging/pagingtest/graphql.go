package pagingtest

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

// GraphQL returns a Browser that calls a GraphQL endpoint without a socket. It returns an error if a connection is inconsistent: nodes
// must be the edges' nodes, and page info must have the edges' cursors, null on an empty page.
func GraphQL(endpoint http.Handler) Browser { return endpointBrowser{endpoint} }

// CodedError is the first error of a GraphQL response.
type CodedError struct{ Code, Message string }

func (e *CodedError) Error() string { return e.Code + ": " + e.Message }

type endpointBrowser struct{ http.Handler }

const (
	arguments      = `$first: Int, $after: String, $last: Int, $before: String, $filter: ScalingActivityFilter`
	argumentValues = `first: $first, after: $after, last: $last, before: $before, filter: $filter`
	selection      = `{
		edges { cursor node { logId startTime group { groupId projectId region } } }
		nodes { logId }
		pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
		totalCount asOf stale unavailableGroups { code group { groupId projectId region } }
	}`
	groupQuery = `query Walk($group: ID!, $project: ID, $region: String, $offset: Int, ` + arguments + `) {
		top: scalingGroup(groupId: $group, projectId: $project, region: $region) {
			list: activities(offset: $offset, ` + argumentValues + `) ` + selection + ` } }`
	feedQuery = `query Feed($groups: [ScalingGroupRef!]!, ` + arguments + `) {
		list: scalingActivities(groups: $groups, ` + argumentValues + `) ` + selection + ` }`
)

func (b endpointBrowser) Page(ctx context.Context, req Request) (Response, error) {
	query, variables := groupQuery, variablesOf(req)
	if req.Merged {
		query = feedQuery
	}
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return Response{}, err
	}
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Scalegraph-Explain", "1")
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	var a envelope
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		return Response{}, fmt.Errorf("%d %s: %w", w.Code, w.Body, err)
	}
	return a.response()
}

func variablesOf(req Request) map[string]any {
	v := map[string]any{"filter": filterOf(req.Filter)}
	if req.Merged {
		v["groups"] = refsOf(req.Groups)
	} else {
		g := req.Groups[0]
		v["group"], v["project"], v["region"] = g.ID, g.Project, g.Region
	}
	for name, n := range map[string]int{"first": req.First, "last": req.Last} {
		if n >= 0 {
			v[name] = n
		}
	}
	for name, cursor := range map[string]string{"after": req.After, "before": req.Before} {
		if cursor != "" {
			v[name] = cursor
		}
	}
	if req.Offset > 0 {
		v["offset"] = req.Offset
	}
	return v
}

// refsOf returns references to the groups in reverse order, with one repeated: neither may have an effect.
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

// envelope is the GraphQL response to one of the two queries.
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

func (e envelope) response() (Response, error) {
	if len(e.Errors) > 0 {
		return Response{}, &CodedError{e.Errors[0].Extensions.Code, e.Errors[0].Message}
	}
	c := e.Data.List
	if c == nil {
		c = e.Data.Top.List
	}
	if c == nil {
		return Response{}, errors.New("neither data nor errors")
	}
	a := Response{
		HasNext: c.PageInfo.HasNextPage, HasPrevious: c.PageInfo.HasPreviousPage,
		Total: c.TotalCount, AsOf: c.AsOf, Stale: c.Stale, Calls: e.Extensions.Explain.UpstreamCalls,
	}
	for _, edge := range c.Edges {
		p := upstream.FeedPoint{Second: edge.Node.StartTime.Unix(), Group: edge.Node.Group.group(), LogID: edge.Node.LogID}
		a.Rows = append(a.Rows, Row{p, edge.Cursor})
	}
	for _, missing := range c.UnavailableGroups {
		a.Unavailable = append(a.Unavailable, UnavailableGroup{missing.Group.group(), missing.Code})
	}
	return a, c.checkConsistent()
}

// checkConsistent returns an error if nodes, edges and page info contradict each other.
func (c *connection) checkConsistent() error {
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
