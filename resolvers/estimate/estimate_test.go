package estimate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"

	"scalegraph/graph"
	"scalegraph/resolvers/globalid"
	"scalegraph/upstream"
)

// refs returns n references to groups.
func refs(n int) string {
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, `{groupId: "g%d"} `, i)
	}
	return "[" + list.String() + "]"
}

// ids returns the ids of n groups, then of m policies.
func ids(n, m int) string {
	var list strings.Builder
	for i := range n + m {
		o := globalid.Object{Group: upstream.Group{Region: "r", Project: "p", ID: fmt.Sprint("g", i)}}
		if i >= n {
			o.PolicyID = "policy"
		}
		fmt.Fprintf(&list, "%q ", o.ID())
	}
	return "[" + list.String() + "]"
}

func TestCalls(t *testing.T) {
	const executions = `policyExecutions {totalCount}`
	hundred := "groups: " + refs(100)
	for name, c := range map[string]struct {
		query     string
		variables map[string]any
		want      int
	}{
		"one group":                      {query: `{scalingGroup(groupId: "g") {` + executions + `}}`, want: 3},
		"one group by aliases":           {query: `{a: scalingGroup(groupId: "g") {` + executions + `} b: scalingGroup(groupId: "g") {` + executions + `}}`, want: 3},
		"two groups by aliases":          {query: `{a: scalingGroup(groupId: "g") {` + executions + `} b: scalingGroup(groupId: "h") {` + executions + `}}`, want: 5},
		"ids that are equal when joined": {query: `{a: scalingGroup(groupId: "g", projectId: "hp") {` + executions + `} b: scalingGroup(groupId: "gh", projectId: "p") {` + executions + `}}`, want: 5},
		"twenty groups":                  {query: `{scalingGroups(groups: ` + refs(20) + `) {` + executions + `}}`, want: 41},
		"a hundred groups":               {query: `{scalingGroups(` + hundred + `) {` + executions + `}}`, want: 201},
		"a single reference":             {query: `{scalingGroups(groups: {groupId: "g"}) {` + executions + `}}`, want: 3},
		"one group many times":           {query: `{scalingGroups(groups: [{groupId: "g"}, {groupId: "g"}]) {` + executions + `}}`, want: 3},
		"too many references":            {query: `{scalingGroups(groups: ` + refs(101) + `) {` + executions + `}}`},
		"groups in a variable": {query: `query($g: [ScalingGroupRef!]!) {scalingGroups(groups: $g) {` + executions + `}}`,
			variables: map[string]any{"g": []any{map[string]any{"groupId": "g"}, map[string]any{"groupId": "h"}}}, want: 5},
		"fragments": {query: `{scalingGroups(` + hundred + `) {...a}} fragment a on ScalingGroup {... on Node {...b}} fragment b on ScalingGroup {` + executions + `}`, want: 201},
		"aliases with other pages and statuses": {query: `{scalingGroups(` + hundred + `) {a: policyExecutions(first: 1) {totalCount}
			b: policyExecutions(filter: {status: FAIL}) {totalCount} c: policyExecutions(filter: {}, last: 5) {totalCount}}}`, want: 201},
		"aliases with other filters": {query: `query($t: ScalingPolicyTrigger = MANUAL) {scalingGroups(groups: ` + refs(10) + `) {a: ` + executions + `
			b: policyExecutions(filter: {trigger: ALARM}) {totalCount} c: policyExecutions(filter: {trigger: $t}) {totalCount}}}`, want: 61},
		"each policy's":                 {query: `{scalingGroups(` + hundred + `) {policies {executions {totalCount}}}}`, want: 201},
		"each policy's and the group's": {query: `{scalingGroups(` + hundred + `) {` + executions + ` policies {executions(first: 3) {totalCount}}}}`, want: 201},
		"skipped":                       {query: `{scalingGroups(` + hundred + `) {id ` + strings.Replace(executions, " ", " @skip(if: true) ", 1) + `}}`},
		"included": {query: `query($x: Boolean!) {scalingGroups(` + hundred + `) {id ... @include(if: $x) {` + executions + `}}}`,
			variables: map[string]any{"x": true}, want: 201},
		"not included":                {query: `query($x: Boolean = false) {scalingGroups(` + hundred + `) {id ... @include(if: $x) {` + executions + `}}}`},
		"deferred":                    {query: `{scalingGroups(` + hundred + `) {id ... @defer {` + executions + `}}}`, want: 201},
		"a default page of a project": {query: `{project {scalingGroups {nodes {` + executions + `}}}}`, want: 41},
		"a page of a project":         {query: `{project {scalingGroups(first: 100) {nodes {` + executions + `} edges {node {` + executions + `}}}}}`, want: 201},
		"the last of a project": {query: `query($n: Int) {project {scalingGroups(last: $n) {edges {node {` + executions + `}}}}}`,
			variables: map[string]any{"n": 500}, want: 1001},
		"two pages of a project": {query: `{project {a: scalingGroups(first: 5) {nodes {` + executions + `}} b: scalingGroups(first: 5, after: "x") {nodes {` + executions + `}}}}`, want: 21},
		"too large a page":       {query: `{project {scalingGroups(first: 501) {nodes {` + executions + `}}}}`},
		"no rows":                {query: `{project {scalingGroups(first: 0) {nodes {` + executions + `}}}}`},
		"ids":                    {query: `{nodes(ids: ` + ids(60, 40) + `) {... on ScalingGroup {` + executions + `}}}`, want: 121},
		"ids of policies":        {query: `{nodes(ids: ` + ids(60, 40) + `) {... on ScalingPolicy {executions {totalCount}}}}`, want: 41},
		"one id":                 {query: `{node(id: ` + strings.Trim(ids(1, 0), "[]") + `) {... on ScalingGroup {` + executions + `}}}`, want: 3},
		"not an id":              {query: `{node(id: "x") {... on ScalingGroup {` + executions + `}}}`},
		"other fields":           {query: `{scalingGroups(` + hundred + `) {details {name} policies {name} instances {totalCount} activities {nodes {id group {` + executions + `}}}}}`},
	} {
		if got := calls(t, c.query, c.variables); got != c.want {
			t.Errorf("%s: %d calls, want %d", name, got, c.want)
		}
	}
}

func calls(t *testing.T, query string, variables map[string]any) int {
	t.Helper()
	exec := executor.New(graph.NewExecutableSchema(graph.Config{}))
	op, errs := exec.CreateOperationContext(graphql.StartOperationTrace(t.Context()), &graphql.RawParams{Query: query, Variables: variables})
	if errs != nil {
		t.Fatalf("%.200s: %v", query, errs)
	}
	return Calls(op)
}
