package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"scalegraph/resolvers/globalid"
	"scalegraph/upstream"
)

// TestIDsCannotBecomePaths gives the server ids that a proxy could turn into the path of another project, in every place that takes one. They are
// rejected before a call, for a caller with one project and for one with all.
func TestIDsCannotBecomePaths(t *testing.T) {
	e, args, _ := signedUpstream(t, "one key-of-one "+testProject+"\nall key-of-all *\n")
	s := startServer(t, args...)
	code := regexp.MustCompile(`"code":"([A-Z_]+)"`)
	for _, id := range []string{
		"../../" + strings.Repeat("b", 32) + "/scaling_activity_log/" + testGroup, "..", ".", "%2e%2e%2fb", "a/b", `a\b`, "a?b", "a#b", "a;b", "a b", "é", "", strings.Repeat("a", 65),
	} {
		node := func(o globalid.Object) string { return fmt.Sprintf("{node(id: %q) {id ...f}}", o.ID()) + fragments }
		group := upstream.Group{Region: "default", Project: testProject, ID: testGroup}
		badGroup := upstream.Group{Region: "default", Project: testProject, ID: id}
		quoted, _ := json.Marshal(id)
		queries := []string{
			node(globalid.Object{Group: group, LogID: id + "/"}),
			node(globalid.Object{Group: group, PolicyID: id + "/"}),
			node(globalid.Object{Group: group, PolicyID: "p", LogID: id + "/"}),
			node(globalid.Object{Group: upstream.Group{Region: "default", Project: id}}),
			fmt.Sprintf(`{project(projectId: %s) {scalingGroups {totalCount}}}`, quoted),
			fmt.Sprintf(`{scalingGroup(groupId: %q, projectId: %s) {activities {totalCount}}}`, testGroup, quoted),
			fmt.Sprintf(`{scalingActivities(groups: [{groupId: %s}]) {totalCount}}`, quoted),
			fmt.Sprintf(`{scalingInsights(groups: [{groupId: %s}]) {complete}}`, quoted),
			fmt.Sprintf(`{scalingGroup(groupId: %q) {activity(logId: %s) {id}}}`, testGroup, quoted),
			fmt.Sprintf(`{scalingGroups(groups: [{groupId: %s}]) {activities {totalCount}}}`, quoted),
		}
		if id != "" {
			queries = append(queries, node(globalid.Object{Group: badGroup}), node(globalid.Object{Group: badGroup, LogID: "l"}))
		}
		for _, field := range []string{
			"activities {totalCount}", "latestActivity {id}", "activitySummary {total}", "details {status}", "instances {totalCount}", "policies {id}",
			"policyExecutions {totalCount}", "scalingBlockers {message}",
		} {
			queries = append(queries, fmt.Sprintf("{scalingGroup(groupId: %s) {%s}}", quoted, field))
		}
		for _, query := range queries {
			for key, allowed := range map[string]string{"key-of-one": "BAD_USER_INPUT NOT_FOUND FORBIDDEN", "key-of-all": "BAD_USER_INPUT NOT_FOUND"} {
				e.Reset()
				body, _ := json.Marshal(map[string]string{"query": query})
				got := s.do(t, http.MethodPost, "/graphql", string(body), "Content-Type", "application/json", "Authorization", "Bearer "+key)
				found := code.FindStringSubmatch(got.body)
				if e.Count() > 0 || found == nil || !strings.Contains(allowed, found[1]) {
					t.Errorf("%s: %s: %d calls, %s", key, query, e.Count(), got.body)
				}
			}
		}
		e.Reset()
		changes := byEvents(t, s.base, changesOf("", id), "Authorization", "Bearer key-of-all")
		if got, ok := changes.next(); e.Count() > 0 || !ok || got.String() != "BAD_USER_INPUT" && got.String() != "NOT_FOUND" {
			t.Errorf("a subscription to %q: %d calls, %v %v", id, e.Count(), got, ok)
		}
		changes.leave()
	}
}

const fragments = ` fragment f on Node {
	... on Project {scalingGroups {totalCount}} ... on ScalingGroup {activities {totalCount}} ... on ScalingActivity {status}
	... on ScalingPolicy {name} ... on ScalingPolicyExecution {trigger}
}`
