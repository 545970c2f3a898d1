package emulator_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"scalegraph/upstream/emulator"
)

const (
	v1 = "/autoscaling-api/v1/" + project
	v2 = "/autoscaling-api/v2/" + project
)

// body decodes a response.
func body(t *testing.T, a response) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.raw, &m); err != nil || a.status != 200 {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	return m
}

// values returns one member of each entry of the only list in a response.
func values(t *testing.T, a response, member string) []string {
	t.Helper()
	list := []string{}
	for _, v := range body(t, a) {
		entries, ok := v.([]any)
		for _, entry := range entries {
			list = append(list, fmt.Sprint(entry.(map[string]any)[member]))
		}
		if ok {
			return list
		}
	}
	t.Fatalf("no list in %s", a.raw)
	return nil
}

// newListBench is an emulator with three groups, a policy and instances.
func newListBench(t *testing.T, sw emulator.Switches) *bench {
	b := inMemory(t, sw)
	b.RemoveGroup(project, group)
	for i, name := range []string{"web", "Web-api", "batch"} {
		g := emulator.Group{ID: fmt.Sprint("g", i+1), Name: name, Min: 1, Max: 4, Desire: 2, Cooldown: 300, ConfigID: "c" + name, ConfigName: "as-config-" + name, Created: at(i)}
		if i == 2 {
			g.Status, g.EnterpriseProject = emulator.GroupPaused, "ep2"
		}
		b.PutGroup(project, g)
		b.PutPolicies(project, emulator.Policy{ID: fmt.Sprint("p", i+1), Name: "policy of " + name, Resource: g.ID, Instances: 1, Alarm: "alarm", Created: at(i)})
	}
	b.SetMembers(project, "g1",
		emulator.Member{ID: "i1", Name: "n1", ConfigID: "c", ConfigName: "as-config-web", Joined: at(1)},
		emulator.Member{Name: "n2", State: emulator.Pending, Health: emulator.HealthInitializing, Joined: at(3)},
		emulator.Member{ID: "i3", Name: "n3", ConfigName: emulator.AddedByHand, Protected: true, Joined: at(2)})
	return b
}

func (b *bench) at(path string) response {
	b.t.Helper()
	return b.do("GET", path, token)
}

func TestListGroups(t *testing.T) {
	b := newListBench(t, emulator.Switches{})
	for query, want := range map[string]string{
		"":                                      "g3 g2 g1",
		"scaling_group_name=eb":                 "g2 g1",
		"scaling_group_name=web":                "g1",
		"scaling_configuration_id=cweb":         "g1",
		"scaling_configuration_id=no":           "",
		"scaling_group_status=PAUSED":           "g3",
		"enterprise_project_id=ep2":             "g3",
		"enterprise_project_id=0":               "g2 g1",
		"enterprise_project_id=all_granted_eps": "g3 g2 g1",
		"start_number=1&limit=1":                "g2",
		"start_number=3":                        "",
		"limit=0":                               "",
		"scaling_group_name=eb&scaling_group_status=INSERVICE&unknown=x": "g2 g1",
	} {
		a := b.at(v1 + "/scaling_group?" + query)
		if got := strings.Join(values(t, a, "scaling_group_id"), " "); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	a := b.at(v1 + "/scaling_group?start_number=1&limit=1")
	if a.Total != 3 || a.Start != 1 || a.Limit != 1 {
		t.Errorf("%s", a.raw)
	}
	b.UpdateGroup(project, "g1", func(g *emulator.Group) { g.Name, g.Status = "renamed", emulator.GroupError })
	b.RemoveGroup(project, "g2")
	b.PutGroup(project, emulator.Group{ID: "g4", Created: at(9)})
	if got := strings.Join(values(t, b.at(v1+"/scaling_group"), "scaling_group_name"), " "); got != "g4 batch renamed" {
		t.Errorf("after changes: %q", got)
	}
	if got := strings.Join(values(t, b.at(v2+"/scaling_policy"), "scaling_policy_id"), " "); got != "p3 p1" {
		t.Errorf("policies of a deleted group: %q", got)
	}
}

func TestGroupFollowsItsLog(t *testing.T) {
	b := newListBench(t, emulator.Switches{})
	show := func() map[string]any { return body(t, b.at(v1+"/scaling_group/g1"))["scaling_group"].(map[string]any) }
	g := show()
	if g["current_instance_number"] != 3.0 || g["is_scaling"] != false || g["detail"] != nil || g["lb_listener_id"] != nil {
		t.Errorf("%v", g)
	}
	for _, absent := range []string{"activity_type", "lbaas_listeners", "description", "tags"} {
		if _, there := g[absent]; there {
			t.Errorf("%s is there", absent)
		}
	}
	if _, there := g["detail"]; !there {
		t.Error("detail is absent")
	}
	b.Insert(project, "g1",
		emulator.Row{ID: "old", Status: emulator.Fail, Type: emulator.Normal, Start: at(1), End: at(2), Failed: []emulator.Instance{{FailedReason: "AS.7003: old"}}},
		emulator.Row{ID: "new", Status: emulator.Fail, Type: emulator.Normal, Start: at(3), End: at(4), Failed: []emulator.Instance{{}, {FailedReason: "AS.7111: new"}}},
		emulator.Row{ID: "run", Status: emulator.Doing, Type: emulator.ModifyELB, Start: at(5)})
	if g := show(); g["is_scaling"] != true || g["activity_type"] != "MODIFY_ELB" || g["detail"] != nil {
		t.Errorf("%v", g)
	}
	b.Finish(project, "g1", "run", emulator.Success, at(6))
	b.UpdateGroup(project, "g1", func(g *emulator.Group) { g.Status = emulator.GroupError })
	if g := show(); g["is_scaling"] != false || g["detail"] != "AS.7111: new" {
		t.Errorf("%v", g)
	}
	b.UpdateGroup(project, "g1", func(g *emulator.Group) { g.Status = emulator.GroupPaused })
	if g := show(); g["detail"] != nil {
		t.Errorf("%v", g)
	}
}

func TestListInstances(t *testing.T) {
	b := newListBench(t, emulator.Switches{})
	const list = v1 + "/scaling_group_instance/g1/list?"
	for query, want := range map[string]string{
		"":                                "n2 n3 n1",
		"life_cycle_state=PENDING":        "n2",
		"health_status=NORMAL":            "n3 n1",
		"health_status=INITIALIZING":      "n2",
		"protect_from_scaling_down=true":  "n3",
		"protect_from_scaling_down=false": "n2 n1",
		"life_cycle_status=PENDING":       "n2 n3 n1",
		"start_number=1&limit=1":          "n3",
	} {
		if got := strings.Join(values(t, b.at(list+query), "instance_name"), " "); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	if got := values(t, b.at(list), "instance_id"); !slices.Equal(got, []string{"<nil>", "i3", "i1"}) {
		t.Errorf("ids %v", got)
	}
	if got := values(t, b.at(list), "health_status"); got[0] != "INITAILIZING" {
		t.Errorf("health %v", got)
	}
}

func TestListPolicies(t *testing.T) {
	b := newListBench(t, emulator.Switches{})
	b.PutPolicies(project,
		emulator.Policy{ID: "p4", Name: "a", Resource: "g1", Type: emulator.PolicyRecurrence, Operation: emulator.OperationRemove, Percentage: 10,
			Schedule: &emulator.Schedule{Launch: "07:00", Type: "Daily"}, Cooldown: 900, Description: "d", Created: at(4)},
		emulator.Policy{ID: "p5", Name: "b", Resource: "g1", Type: emulator.PolicyScheduled, Schedule: &emulator.Schedule{Launch: "2026-05-06T07:08Z"}, Created: at(5)},
		emulator.Policy{ID: "p6", Name: "c", Resource: "band", ResourceType: emulator.ResourceBandwidth, Created: at(6)})
	for path, want := range map[string]string{
		v1 + "/scaling_policy/g1/list":                                          "p5 p4 p1",
		v2 + "/scaling_policy/g1/list":                                          "p5 p4 p1",
		v1 + "/scaling_policy/g1/list?scaling_policy_type=SCHEDULED":            "p5",
		v1 + "/scaling_policy/g1/list?scaling_policy_name=policy":               "p1",
		v1 + "/scaling_policy/g1/list?scaling_policy_id=p4":                     "p4",
		v2 + "/scaling_policy":                                                  "p6 p5 p4 p3 p2 p1",
		v2 + "/scaling_policy?scaling_resource_type=SCALING_GROUP":              "p5 p4 p3 p2 p1",
		v2 + "/scaling_policy?scaling_resource_id=g1":                           "p5 p4 p1",
		v2 + "/scaling_policy?alarm_id=alarm&enterprise_project_id=ep2":         "p3",
		v2 + "/scaling_policy?sort_by=POLICY_NAME&order=ASC":                    "p4 p5 p6 p2 p3 p1",
		v2 + "/scaling_policy?sort_by=CREATE_TIME&order=DESC&limit=2":           "p6 p5",
		v2 + "/scaling_policy?sort_by=TRIGGER_CONDITION&scaling_resource_id=g1": "p1 p5 p4",
	} {
		if got := strings.Join(values(t, b.at(path), "scaling_policy_id"), " "); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for path, want := range map[string]string{
		v1 + "/scaling_policy/p4": `{"scaling_policy":{"scaling_policy_id":"p4","scaling_policy_name":"a","scaling_group_id":"g1","policy_status":"INSERVICE",` +
			`"scaling_policy_type":"RECURRENCE","scheduled_policy":{"launch_time":"07:00","recurrence_type":"Daily","recurrence_value":null,"start_time":null,"end_time":null},` +
			`"scaling_policy_action":{"operation":"REMOVE","instance_percentage":10},"cool_down_time":900,"create_time":"2026-03-01T12:00:04Z"}}`,
		v2 + "/scaling_policy/p4": `{"scaling_policy":{"scaling_policy_id":"p4","scaling_policy_name":"a","scaling_resource_id":"g1","scaling_resource_type":"SCALING_GROUP",` +
			`"policy_status":"INSERVICE","scaling_policy_type":"RECURRENCE","scheduled_policy":{"launch_time":"07:00","recurrence_type":"Daily","recurrence_value":null,` +
			`"start_time":null,"end_time":null},"scaling_policy_action":{"operation":"REDUCE","percentage":10},"cool_down_time":900,"create_time":"2026-03-01T12:00:04Z","description":"d"}}`,
		v1 + "/scaling_policy/p5": `{"scaling_policy":{"scaling_policy_id":"p5","scaling_policy_name":"b","scaling_group_id":"g1","policy_status":"INSERVICE",` +
			`"scaling_policy_type":"SCHEDULED","scheduled_policy":{"launch_time":"2026-05-06T07:08Z"},"scaling_policy_action":{"operation":"ADD","instance_number":0},` +
			`"cool_down_time":0,"create_time":"2026-03-01T12:00:05Z"}}`,
	} {
		if a := b.at(path); string(a.raw) != want {
			t.Errorf("%s\n%s", path, a.raw)
		}
	}
}

func TestListSwitches(t *testing.T) {
	for name, tc := range map[string]struct {
		sw   emulator.Switches
		path string
		want string
	}{
		"oldest first":       {emulator.Switches{ListOrder: emulator.OrderOldestFirst}, v1 + "/scaling_group", `"g1".*"g2".*"g3"`},
		"by id":              {emulator.Switches{ListOrder: emulator.OrderByID}, v2 + "/scaling_policy", `"p1".*"p2".*"p3"`},
		"any case":           {emulator.Switches{Fuzzy: emulator.FuzzyAnyCase}, v1 + "/scaling_group?scaling_group_name=WEB", `"total_number":2`},
		"prefix":             {emulator.Switches{Fuzzy: emulator.FuzzyPrefix}, v1 + "/scaling_group?scaling_group_name=eb", `"total_number":0`},
		"all null":           {emulator.Switches{Missing: emulator.MissingNull}, v1 + "/scaling_group/g1", `"detail":null.*"lbaas_listeners":null.*"activity_type":null`},
		"health spelt":       {emulator.Switches{HealthSpelling: emulator.HealthSpelt}, v1 + "/scaling_group_instance/g1/list", `INITIALIZING`},
		"audit time as text": {emulator.Switches{AuditTime: emulator.AuditTimeText}, v1 + "/scaling_group/g1", `"health_periodic_audit_time":"0"`},
		"default for zero":   {emulator.Switches{LimitZero: emulator.LimitZeroDefault}, v1 + "/scaling_group?limit=0", `"limit":20.*"total_number":3`},
		"empty for unknown":  {emulator.Switches{UnknownFilter: emulator.UnknownEmpty}, v1 + "/scaling_group?scaling_group_status=X", `"total_number":0`},
	} {
		t.Run(name, func(t *testing.T) {
			if a := newListBench(t, tc.sw).at(tc.path); a.status != 200 || !matches(tc.want, a.raw) {
				t.Errorf("%d %s", a.status, a.raw)
			}
		})
	}
	b := newListBench(t, emulator.Switches{Missing: emulator.MissingAbsent})
	if a := b.at(v1 + "/scaling_group_instance/g1/list?life_cycle_state=PENDING"); strings.Contains(string(a.raw), "instance_id") {
		t.Errorf("%s", a.raw)
	}
	b = newListBench(t, emulator.Switches{TriggerSpelling: emulator.TriggerAsInRequests})
	b.PutExecutions(project, "p1", emulator.Execution{Trigger: emulator.TriggerScheduled, Time: at(0)})
	if got := values(t, b.at(v1+"/scaling_policy_execute_log/p1"), "execute_type"); got[0] != "SCHEDULED" {
		t.Errorf("%v", got)
	}
	b = newListBench(t, emulator.Switches{PausedDetail: emulator.DetailRetained})
	b.Insert(project, "g3", emulator.Row{Status: emulator.Fail, Start: at(1), End: at(2), BindFailed: []emulator.LoadBalancer{{FailedReason: "AS.7118: gone"}}})
	if a := b.at(v1 + "/scaling_group/g3"); !strings.Contains(string(a.raw), `"detail":"AS.7118: gone"`) {
		t.Errorf("%s", a.raw)
	}
	b = newListBench(t, emulator.Switches{ListOrder: emulator.OrderUnstable})
	seen := map[string]bool{}
	for range 30 {
		seen[strings.Join(values(t, b.at(v1+"/scaling_group"), "scaling_group_id"), " ")] = true
	}
	if len(seen) < 2 {
		t.Error("the order is stable")
	}
}

func TestListErrors(t *testing.T) {
	b := newListBench(t, emulator.Switches{})
	const executions, instances = v1 + "/scaling_policy_execute_log/p1?", v1 + "/scaling_group_instance/g1/list?"
	for path, code := range map[string]string{
		v1 + "/scaling_group?start_number=-1":                "AS.1001",
		v1 + "/scaling_group?limit=101":                      "AS.1002",
		v1 + "/scaling_group?scaling_group_status=X":         "AS.2020",
		v1 + "/scaling_group/":                               "AS.2009",
		v1 + "/scaling_group/none":                           "AS.2007",
		instances + "start_number=x":                         "AS.4000",
		instances + "limit=":                                 "AS.4001",
		instances + "life_cycle_state=X":                     "AS.4003",
		instances + "health_status=INITAILIZING":             "AS.4004",
		v1 + "/scaling_group_instance/none/list":             "AS.2007",
		v1 + "/scaling_group_instance//list":                 "AS.2009",
		v1 + "/scaling_policy/none/list":                     "AS.2007",
		v2 + "/scaling_policy/none/list":                     "AS.3042",
		v1 + "/scaling_policy/g1/list?scaling_policy_type=X": "AS.3002",
		v1 + "/scaling_policy/g1/list?limit=-1":              "AS.1002",
		v2 + "/scaling_policy?scaling_resource_type=X":       "AS.3037",
		v2 + "/scaling_policy?scaling_resource_id=%20":       "AS.3055",
		v2 + "/scaling_policy?sort_by=X":                     "AS.3057",
		v2 + "/scaling_policy?order=asc":                     "AS.3058",
		v1 + "/scaling_policy/none":                          "AS.3020",
		v1 + "/scaling_policy/":                              "AS.3021",
		executions + "start_time=x":                          "AS.9007",
		executions + "end_time=2026-03-01T12:00:01":          "AS.9007",
		executions + "start_number=x":                        "AS.9008",
		executions + "limit=101":                             "AS.9009",
		executions + "log_id=x":                              "AS.9010",
		executions + "scaling_resource_id=":                  "AS.9011",
		executions + "scaling_resource_type=X":               "AS.3037",
		v1 + "/scaling_policy_execute_log/none":              "AS.3020",
		v1 + "/scaling_policy_execute_log/":                  "AS.3021",
	} {
		if a := b.at(path); a.status != 400 || a.code() != code {
			t.Errorf("%s: %d %s, want %s", path, a.status, a.raw, code)
		}
	}
	for _, path := range []string{v1 + "/scaling_policy", v2 + "/scaling_group", v1 + "/scaling_group/g1/list", v1 + "/scaling_group_instance/g1", v2 + "/scaling_policy_execute_log/p1"} {
		if a := b.at(path); a.status != 404 || a.code() != "AS.0007" {
			t.Errorf("%s: %d %s", path, a.status, a.raw)
		}
	}
	b = newListBench(t, emulator.Switches{UnknownGroup: emulator.UnknownGroup4005})
	if a := b.at(v1 + "/scaling_group_instance/none/list"); a.code() != "AS.4005" {
		t.Errorf("%s", a.raw)
	}
}

func TestFailureReasons(t *testing.T) {
	for code, want := range map[string]string{"AS.0026": "AS.0026: The scaling group is cooling down.", "AS.9999": "AS.9999: The scaling policy could not be executed."} {
		if got := emulator.FailureReason(code); got != want {
			t.Errorf("%s: %s", code, got)
		}
	}
}

func TestExtraMembersOfLists(t *testing.T) {
	b := newListBench(t, emulator.Switches{})
	b.UpdateGroup(project, "g1", func(g *emulator.Group) {
		g.Extra = map[string]json.RawMessage{"scaling_group_status": json.RawMessage(`7`), "detail": nil, "new": json.RawMessage(`[1]`)}
	})
	g := body(t, b.at(v1+"/scaling_group/g1"))["scaling_group"].(map[string]any)
	if _, there := g["detail"]; there || g["scaling_group_status"] != 7.0 || g["new"] == nil {
		t.Errorf("%v", g)
	}
}
