package emulator_test

import (
	"slices"
	"strings"
	"testing"

	"scalegraph/upstream/emulator"
)

// everyCall has a path for each call.
var everyCall = map[emulator.Call]string{
	emulator.ActivityLog:     v2 + "/scaling_activity_log/g1",
	emulator.Groups:          v1 + "/scaling_group",
	emulator.ShowGroup:       v1 + "/scaling_group/g1",
	emulator.Instances:       v1 + "/scaling_group_instance/g1/list",
	emulator.GroupPolicies:   v1 + "/scaling_policy/g1/list",
	emulator.ProjectPolicies: v2 + "/scaling_policy",
	emulator.ShowPolicy:      v2 + "/scaling_policy/p1",
	emulator.Executions:      v1 + "/scaling_policy_execute_log/p1",
}

func TestEachCallHasItsPermission(t *testing.T) {
	b := newListBench(t, emulator.Switches{})
	for denied, path := range everyCall {
		for r, code := range map[emulator.Restriction]string{emulator.LacksRole: "AS.0011", emulator.LacksPermission: "AS.0031", emulator.AccountFrozen: "AS.8004"} {
			b.RestrictToken(token, r, denied)
			if a := b.at(path); a.code() != code {
				t.Errorf("%s is not denied: %s", denied, a.raw)
			}
			for other, path := range everyCall {
				if a := b.at(path); other != denied && a.status != 200 {
					t.Errorf("%s is denied with %s", other, denied)
				}
			}
		}
		b.RestrictToken(token, emulator.Unrestricted, denied)
		if a := b.at(path); a.status != 200 {
			t.Errorf("%s stays denied", denied)
		}
	}
	b.RestrictToken(token, emulator.LacksRole)
	for call, path := range everyCall {
		if a := b.at(path); a.code() != "AS.0011" {
			t.Errorf("%s is not denied", call)
		}
	}
}

func TestTokensOfEnterpriseProjects(t *testing.T) {
	hidden := map[emulator.Call]string{
		emulator.ActivityLog: v2 + "/scaling_activity_log/g3", emulator.ShowGroup: v1 + "/scaling_group/g3",
		emulator.Instances: v1 + "/scaling_group_instance/g3/list", emulator.GroupPolicies: v1 + "/scaling_policy/g3/list",
		emulator.ShowPolicy: v1 + "/scaling_policy/p3", emulator.Executions: v1 + "/scaling_policy_execute_log/p3",
	}
	for sw, wanted := range map[emulator.HiddenGroup][]any{
		emulator.HiddenForbidden: {"AS.0011"}, emulator.HiddenUnknown: {"AS.2007", "AS.3020"}, emulator.HiddenServed: {nil},
	} {
		b := newListBench(t, emulator.Switches{HiddenGroup: sw})
		b.LimitToken(token, "0")
		if got := strings.Join(values(t, b.at(v1+"/scaling_group"), "scaling_group_id"), " "); got != "g2 g1" {
			t.Errorf("groups %s", got)
		}
		if got := strings.Join(values(t, b.at(v2+"/scaling_policy"), "scaling_policy_id"), " "); got != "p2 p1" {
			t.Errorf("policies %s", got)
		}
		for call, path := range hidden {
			if a := b.at(path); !slices.Contains(wanted, a.code()) {
				t.Errorf("%v %s: %d %s", sw, call, a.status, a.raw)
			}
		}
		b.LimitToken(token)
		if got := len(values(t, b.at(v1+"/scaling_group"), "scaling_group_id")); got != 3 {
			t.Errorf("%d groups without a limit", got)
		}
	}
}

func TestCallsAreCounted(t *testing.T) {
	b := newListBench(t, emulator.Switches{})
	var ids [][]string
	b.OnResponse(func(a emulator.Response) { ids = append(ids, a.IDs) })
	for call, path := range everyCall {
		b.at(path)
		b.at(path)
		if b.Calls(call) != 2 {
			t.Errorf("%s: %d", call, b.Calls(call))
		}
		if r := b.Requests()[len(b.Requests())-1]; r.Call != call || r.Project != project || r.Seq != b.Seq() {
			t.Errorf("%+v", r)
		}
	}
	if len(ids) != 16 || b.Count() != 16 {
		t.Errorf("%d answers of %d", len(ids), b.Count())
	}
	b.Reset()
	if b.Calls(emulator.Groups) != 0 {
		t.Error("calls are not reset")
	}
}
