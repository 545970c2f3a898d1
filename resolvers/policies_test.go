package resolvers

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
)

func policyID(group, i int) string { return fmt.Sprintf("d0000000-%04d-4000-8000-%012d", group, i) }

// newPolicyWorld has n groups with two policies each, and a policy of a bandwidth.
func newPolicyWorld(t testing.TB, n int, options ...func(*world)) *world {
	t.Helper()
	w := newProjectWorld(t, n)
	for i := range n {
		w.emulator.PutPolicies(project,
			emulator.Policy{ID: policyID(i, 0), Name: "shrink", Resource: groupID(i), Operation: emulator.OperationRemove, Instances: 1, Alarm: "al-1", Cooldown: 60,
				Description: "at night", Created: newestStart},
			emulator.Policy{ID: policyID(i, 1), Name: "grow", Resource: groupID(i), Type: emulator.PolicyRecurrence, Status: emulator.PolicyPaused, Percentage: 20,
				Schedule: &emulator.Schedule{Launch: "07:00", Type: "Weekly", Value: "2,3", Start: "2026-01-01T00:00Z", End: "2027-01-01T00:00Z"}})
	}
	w.emulator.PutPolicies(project, emulator.Policy{ID: "bandwidth", Resource: "eip", ResourceType: emulator.ResourceBandwidth})
	for _, change := range options {
		change(w)
	}
	return w
}

const policyFields = `policyId group{groupId} name type rawType status rawStatus alarmId schedule{launchTime recurrenceType recurrenceValue startTime endTime}
	action{operation rawOperation instances percentage} cooldownSeconds description createdAt`

func TestPolicyFields(t *testing.T) {
	w := newPolicyWorld(t, 2)
	for name, query := range map[string]string{
		"the group's list":   fmt.Sprintf(`{scalingGroup(groupId: %q) {policies {%s}}}`, groupID(0), policyFields),
		"the project's list": fmt.Sprintf(`{scalingGroup(groupId: %q) {policies {%s}} other: scalingGroup(groupId: %q) {groupId}}`, groupID(0), policyFields, groupID(1)),
	} {
		a := w.ask(query, nil)
		got := must[struct {
			ScalingGroup struct{ Policies []json.RawMessage }
		}](t, a).ScalingGroup.Policies
		want := []string{
			`{"policyId":"` + policyID(0, 1) + `","group":{"groupId":"` + groupID(0) + `"},"name":"grow","type":"RECURRENCE","rawType":"RECURRENCE","status":"PAUSED","rawStatus":"PAUSED","alarmId":null,` +
				`"schedule":{"launchTime":"07:00","recurrenceType":"Weekly","recurrenceValue":"2,3","startTime":"2026-01-01T00:00Z","endTime":"2027-01-01T00:00Z"},` +
				`"action":{"operation":"ADD","rawOperation":"ADD","instances":null,"percentage":20},"cooldownSeconds":0,"description":null,"createdAt":`,
			`{"policyId":"` + policyID(0, 0) + `","group":{"groupId":"` + groupID(0) + `"},"name":"shrink","type":"ALARM","rawType":"ALARM","status":"INSERVICE","rawStatus":"INSERVICE","alarmId":"al-1",` +
				`"schedule":null,"action":{"operation":"REMOVE","rawOperation":"REDUCE","instances":1,"percentage":null},"cooldownSeconds":60,"description":"at night","createdAt":"2026-11-20T12:00:00Z"}`,
		}
		if len(got) != 2 {
			t.Fatalf("%s: %s", name, a.raw)
		}
		for i := range want {
			if !strings.HasPrefix(string(got[i]), want[i]) {
				t.Errorf("%s:\n got %s\nwant %s", name, got[i], want[i])
			}
		}
	}
}

// Every documented value of a policy, and one that is not documented, is read from both lists.
func TestPolicyValues(t *testing.T) {
	w := newProjectWorld(t, 2)
	operations := map[string]string{emulator.OperationAdd: "ADD", emulator.OperationRemove: "REMOVE", emulator.OperationSet: "SET", "DOUBLE": "UNKNOWN"}
	want := map[string]string{} // by policy
	for _, kind := range []string{emulator.PolicyAlarm, emulator.PolicyScheduled, emulator.PolicyRecurrence, "INTERVAL"} {
		for _, status := range []string{emulator.PolicyInService, emulator.PolicyPaused, emulator.PolicyExecuting, "ASLEEP"} {
			for operation, name := range operations {
				id := policyID(0, len(want))
				w.emulator.PutPolicies(project, emulator.Policy{ID: id, Resource: groupID(0), Type: kind, Status: status, Operation: operation, Instances: 2})
				want[id] = strings.NewReplacer("INTERVAL", "UNKNOWN", "ASLEEP", "UNKNOWN").Replace(kind+" "+status) + " " + kind + " " + status + " " + name
			}
		}
	}
	w.emulator.PutPolicies(project, emulator.Policy{ID: "other", Resource: groupID(1)})
	const fields = `policies {policyId type status rawType rawStatus action {operation instances}}`
	for name, query := range map[string]string{
		"the group's list":   fmt.Sprintf(`{scalingGroups(groups: [{groupId: %q}]) {%s}}`, groupID(0), fields),
		"the project's list": manyGroups(2, fields),
	} {
		groups := must[struct {
			ScalingGroups []struct {
				Policies []struct {
					PolicyID, Type, Status, RawType, RawStatus string
					Action                                     struct {
						Operation string
						Instances int
					}
				}
			}
		}](t, w.ask(query, nil)).ScalingGroups
		for _, p := range groups[0].Policies {
			if got := strings.Join([]string{p.Type, p.Status, p.RawType, p.RawStatus, p.Action.Operation}, " "); got != want[p.PolicyID] || p.Action.Instances != 2 {
				t.Errorf("%s: %s, want %s", name, got, want[p.PolicyID])
			}
		}
		if n := len(groups[0].Policies); n != len(want) {
			t.Errorf("%s: %d policies, want %d", name, n, len(want))
		}
	}
}

func manyGroups(n int, fields string) string {
	var refs []string
	for i := range n {
		refs = append(refs, fmt.Sprintf("{groupId: %q}", groupID(i)))
	}
	return "{scalingGroups(groups: [" + strings.Join(refs, ",") + "]) {" + fields + "}}"
}

func TestPoliciesAreReadTogether(t *testing.T) {
	without := func(w *world) { // the last three groups have no policies
		for i := 17; i < 20; i++ {
			w.emulator.RemovePolicy(project, policyID(i, 0))
			w.emulator.RemovePolicy(project, policyID(i, 1))
		}
	}
	denied := func(c emulator.Call) func(*world) {
		return func(w *world) { w.emulator.RestrictToken(token, emulator.LacksPermission, c) }
	}
	one := fmt.Sprintf(`{scalingGroup(groupId: %q) {policies {policyId}}}`, groupID(0))
	cases := map[string]struct {
		change func(*world)
		query  string
		calls  map[emulator.Call]int
		code   string
	}{
		"one group":                        {nil, one, map[emulator.Call]int{emulator.GroupPolicies: 1}, ""},
		"twenty groups":                    {nil, manyGroups(20, "policies {policyId}"), map[emulator.Call]int{emulator.ProjectPolicies: 1}, ""},
		"some without policies":            {without, manyGroups(20, "policies {policyId}"), map[emulator.Call]int{emulator.ProjectPolicies: 1, emulator.Groups: 1}, ""},
		"three groups, project refused":    {denied(emulator.ProjectPolicies), manyGroups(3, "policies {policyId}"), map[emulator.Call]int{emulator.ProjectPolicies: 1, emulator.GroupPolicies: 3}, ""},
		"one group, its own list refused":  {denied(emulator.GroupPolicies), one, map[emulator.Call]int{emulator.GroupPolicies: 1, emulator.ProjectPolicies: 1}, ""},
		"a group that there is not":        {nil, fmt.Sprintf(`{scalingGroup(groupId: %q) {policies {policyId}}}`, noGroup), map[emulator.Call]int{emulator.GroupPolicies: 1}, "NOT_FOUND"},
		"executions, with all their calls": {nil, fmt.Sprintf(`{scalingGroup(groupId: %q) {policyExecutions {totalCount}}}`, groupID(0)), map[emulator.Call]int{emulator.GroupPolicies: 1, emulator.Executions: 2}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newPolicyWorld(t, 20)
			if c.change != nil {
				c.change(w)
			}
			a := w.ask(c.query, nil)
			if c.code != "" {
				if e := a.one(t); e.code() != c.code {
					t.Errorf("%s", a.raw)
				}
			} else {
				must[any](t, a)
			}
			if got := fmt.Sprint(countCalls(a)); got != fmt.Sprint(c.calls) {
				t.Errorf("calls %v, want %v", got, c.calls)
			}
			if again := w.ask(c.query, nil); c.code == "" && c.change == nil && len(again.calls) != 0 {
				t.Errorf("again: %d calls, want none", len(again.calls))
			}
		})
	}
}

// The activity log delays the policies of the last group: they are in a second batch.
func TestPoliciesOfLaterBatchesShareCalls(t *testing.T) {
	w := newPolicyWorld(t, 4)
	for i := 2; i < 4; i++ {
		w.emulator.RemovePolicy(project, policyID(i, 0))
		w.emulator.RemovePolicy(project, policyID(i, 1))
		w.emulator.Insert(project, groupID(i), emulator.Row{Start: newestStart})
	}
	w.emulator.Fault(emulator.ForGroup(groupID(3), emulator.Fault{Delay: 50 * time.Millisecond}))
	a := w.ask(strings.TrimSuffix(manyGroups(3, "policies {policyId}"), "}")+
		fmt.Sprintf(` scalingGroup(groupId: %q) {activities(first: 1) {nodes {group {policies {policyId}}}}}}`, groupID(3)), nil)
	must[any](t, a)
	want := map[emulator.Call]int{emulator.ProjectPolicies: 1, emulator.Groups: 1, emulator.ActivityLog: 1}
	if got := countCalls(a); !maps.Equal(got, want) {
		t.Errorf("calls %v, want %v", got, want)
	}
}

func TestPoliciesForbidden(t *testing.T) {
	w := newPolicyWorld(t, 2)
	w.emulator.RestrictToken(token, emulator.LacksPermission, emulator.GroupPolicies, emulator.ProjectPolicies)
	a := w.ask(manyGroups(2, "name policies {name}"), nil)
	if len(a.Errors) != 2 || a.Errors[0].code() != "FORBIDDEN" || !strings.Contains(string(a.Data), groupName(1)) {
		t.Errorf("%s", a.raw)
	}
}

// executePolicies executes two policies of a group, the second half a minute after the first, and completes the activities that they start.
func executePolicies(t testing.TB, w *world, times int) {
	t.Helper()
	w.emulator.UpdateGroup(project, groupID(0), func(g *emulator.Group) { g.Min, g.Max, g.Desire, g.ConfigID = 0, 1000, 10, "c" })
	w.emulator.PutPolicies(project, emulator.Policy{ID: policyID(0, 2), Name: "more", Resource: groupID(0), Type: emulator.PolicyScheduled, Instances: 2})
	w.emulator.UpdatePolicy(project, policyID(0, 0), func(p *emulator.Policy) { p.Type = emulator.PolicyScheduled })
	for i := range times {
		at := newestStart.Add(time.Duration(i-times) * 2 * time.Minute)
		for j, id := range []string{policyID(0, 0), policyID(0, 2)} {
			at := at.Add(time.Duration(j) * 30 * time.Second)
			_, activity, ok := w.emulator.Execute(project, id, at)
			if !ok {
				t.Fatal("the policy cannot be executed")
			}
			if activity != "" {
				w.emulator.Complete(project, groupID(0), activity, at.Add(10*time.Second))
			}
		}
	}
}

func TestReasonsNameTheirPolicies(t *testing.T) {
	w := newPolicyWorld(t, 1)
	executePolicies(t, w, 50)
	query := fmt.Sprintf(`{scalingGroup(groupId: %q) {activities(first: 100) {nodes {reasons {scalingPolicyId policy {policyId name}}}}}}`, groupID(0))
	a := w.ask(query, nil)
	got := must[struct {
		ScalingGroup struct {
			Activities struct {
				Nodes []struct {
					Reasons []struct {
						ScalingPolicyID string
						Policy          struct{ PolicyID, Name string }
					}
				}
			}
		}
	}](t, a).ScalingGroup.Activities.Nodes
	for _, n := range got {
		for _, r := range n.Reasons {
			if r.Policy.PolicyID != r.ScalingPolicyID || r.Policy.Name == "" {
				t.Fatalf("%+v", r)
			}
		}
	}
	if calls := countCalls(a); len(got) != 100 || calls[emulator.GroupPolicies] != 1 || calls[emulator.ProjectPolicies] != 0 {
		t.Errorf("%d rows, calls %v", len(got), calls)
	}
	if calls := countCalls(w.ask(query, nil)); calls[emulator.GroupPolicies]+calls[emulator.ProjectPolicies] != 0 {
		t.Errorf("again: calls %v, want none for policies", calls)
	}
	w.emulator.RemovePolicy(project, policyID(0, 2))
	w.url = w.serve(w.pages(nil), inventoryWithoutFreshness(w))
	if b := w.ask(query, nil); len(b.Errors) > 0 || !strings.Contains(string(b.Data), `"policy":null`) {
		t.Errorf("a policy that is gone: %.300s", b.raw)
	}
}

func TestNodesOfPoliciesAndExecutions(t *testing.T) {
	w := newPolicyWorld(t, 1)
	executePolicies(t, w, 2)
	type object struct{ ID, PolicyID, LogID string }
	found := must[struct {
		ScalingGroup struct {
			Policies         []object
			PolicyExecutions struct{ Nodes []object }
		}
	}](t, w.ask(fmt.Sprintf(`{scalingGroup(groupId: %q) {policies {id policyId} policyExecutions {nodes {id logId}}}}`, groupID(0)), nil)).ScalingGroup
	node := `query($id: ID!) {node(id: $id) {id ... on ScalingPolicy {policyId} ... on ScalingPolicyExecution {logId policy {name}}}}`
	for _, want := range append(found.Policies, found.PolicyExecutions.Nodes...) {
		got := must[struct{ Node object }](t, w.ask(node, map[string]any{"id": want.ID})).Node
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	w.url = w.serve(w.pages(nil), inventoryWithoutFreshness(w))
	w.emulator.RemovePolicy(project, policyID(0, 2))
	for _, id := range []string{found.Policies[1].ID, found.PolicyExecutions.Nodes[0].ID} {
		if e := w.ask(node, map[string]any{"id": id}).one(t); e.code() != "NOT_FOUND" {
			t.Errorf("%s is %s", id, e.code())
		}
	}
}
