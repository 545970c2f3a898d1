package resolvers

import (
	"fmt"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
)

// busyJoin is a group whose log has a row every two seconds for an hour, and more than a thousand newer and older rows around it. Two policies fire in
// that hour, the second half a minute after the first, and their activities start between half a minute before and four minutes after the execution, the
// latter more than a page later.
type busyJoin struct {
	*world
	activityOf map[string]string // log ids of activities by those of the executions that caused them; empty: more than a page later
}

func newBusyJoin(t *testing.T) *busyJoin {
	j := &busyJoin{newPolicyWorld(t, 1), map[string]string{}}
	j.emulator.PutPolicies(project, emulator.Policy{ID: policyID(0, 2), Name: "more", Resource: groupID(0)})
	busy := newestStart.Add(-48 * time.Hour)
	var rows []emulator.Row
	add := func(at time.Time, description string) string {
		id := emulator.ID(100_000 + len(rows)*7919%99_991) // in no order
		rows = append(rows, emulator.Row{ID: id, Type: emulator.Normal, Status: emulator.Success, Start: at, End: at, Description: description})
		return id
	}
	for i := range 1100 {
		add(newestStart.Add(-time.Duration(i)*time.Minute), "")
		add(busy.Add(-time.Duration(i+1)*time.Minute), "")
	}
	for i := range 1800 {
		add(busy.Add(time.Duration(2*i)*time.Second), "")
	}
	describe := func(policy string, at time.Time) string {
		return emulator.Describe(emulator.Reason{ChangeReason: "SCHEDULED", OldValue: 1, NewValue: 2, ChangeTime: at.Format(time.RFC3339), PolicyID: policy})
	}
	delays := []int{-30, 0, 1, 60, 110, 240}
	for i := range 18 {
		for k, policy := range []string{policyID(0, 0), policyID(0, 2)} {
			at := busy.Add(time.Duration(i*3*60+i%60+120+30*k) * time.Second)
			x := emulator.Execution{ID: fmt.Sprintf("x%02d-%d", i, k), Time: at, Old: 1, Desire: 2}
			j.emulator.PutExecutions(project, policy, x)
			delay := delays[i%len(delays)]
			j.activityOf[x.ID] = add(at.Add(time.Duration(delay)*time.Second), describe(policy, at))
			if delay == 240 {
				j.activityOf[x.ID] = ""
			}
			add(at, describe(policy, at.Add(7*time.Second))) // names the policy and another second
			add(at, describe(policyID(0, 1), at))            // names the second and another policy
		}
	}
	j.emulator.Insert(project, groupID(0), rows...)
	for i := range 500 { // the executions above are on no first page
		for k := range 2 {
			j.emulator.PutExecutions(project, policyID(0, 2*k), emulator.Execution{Time: newestStart.Add(time.Duration(i) * time.Minute)})
		}
	}
	return j
}

// An execution finds its activity wherever it is in the log, if it is within a page of the log from the execution on.
func TestExecutionsFindActivitiesOfFurtherPages(t *testing.T) {
	j := newBusyJoin(t)
	for _, arguments := range []string{"(last: 36)", `(first: 36, filter: {endTime: "2026-11-19T00:00:00Z"})`} {
		page, a := j.groupExecutions(arguments)
		for _, n := range page.Nodes {
			got, want := "", j.activityOf[n.LogID]
			if n.Activity != nil {
				got = n.Activity.LogID
			}
			if got != want {
				t.Errorf("%s: %s at %s finds %q, want %q", arguments, n.LogID, n.ExecutedAt, got, want)
			}
		}
		if len(page.Nodes) != len(j.activityOf) || len(a.calls) > 3*len(page.Nodes) {
			t.Errorf("%s: %d executions, %d calls", arguments, len(page.Nodes), len(a.calls))
		}
	}
}

// An activity that names a policy and a second finds its execution among those of the policy in that second, with one call of its log.
func TestActivitiesFindTheirExecutions(t *testing.T) {
	j := newBusyJoin(t)
	type reason struct {
		ChangeTime string
		Policy     struct{ ID string }
	}
	activities := `query($after: String) {scalingGroup(groupId: "` + groupID(0) + `") {activities(first: 500, after: $after) {
		nodes {logId reasons {changeTime policy {id}}} pageInfo {hasNextPage endCursor}}}}`
	found := map[string]string{}
	for variables := map[string]any{}; ; {
		page := must[struct {
			ScalingGroup struct {
				Activities struct {
					Nodes []struct {
						LogID   string
						Reasons []reason
					}
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
				}
			}
		}](t, j.ask(activities, variables)).ScalingGroup.Activities
		for _, n := range page.Nodes {
			for _, r := range n.Reasons {
				if x := j.executionAt(r.Policy.ID, r.ChangeTime); x != "" {
					found[x] = n.LogID
				}
			}
		}
		if !page.PageInfo.HasNextPage {
			break
		}
		variables["after"] = page.PageInfo.EndCursor
	}
	for x, activity := range j.activityOf {
		if found[x] == "" || activity != "" && found[x] != activity {
			t.Errorf("%s is found by %q, want %q", x, found[x], activity)
		}
	}
	if len(found) != len(j.activityOf) {
		t.Errorf("%d executions are found, want %d", len(found), len(j.activityOf))
	}
}

// executionAt returns the log id of the only execution of a policy in a second; empty if there is none.
func (j *busyJoin) executionAt(policy, second string) string {
	j.t.Helper()
	a := j.ask(`query($id: ID!, $at: DateTime!) {node(id: $id) {... on ScalingPolicy {executions(filter: {startTime: $at, endTime: $at}, first: 5) {nodes {logId}}}}}`,
		map[string]any{"id": policy, "at": second})
	nodes := must[struct {
		Node struct {
			Executions struct{ Nodes []struct{ LogID string } }
		}
	}](j.t, a).Node.Executions.Nodes
	if n := countCalls(a)[emulator.Executions]; n > 1 || len(nodes) > 1 {
		j.t.Errorf("%s at %s: %d calls, %v", policy, second, n, nodes)
	}
	if len(nodes) == 0 {
		return ""
	}
	return nodes[0].LogID
}
