package upstream

import (
	"fmt"
	"testing"
	"time"
)

const (
	policyV1 = `{"scaling_policy_id":" pol1 ","scaling_policy_name":"weekdays","scaling_group_id":"g1","policy_status":"INSERVICE","scaling_policy_type":"RECURRENCE",
		"scheduled_policy":{"launch_time":"07:00","recurrence_type":"Weekly","recurrence_value":"2,3","start_time":"2026-01-01T00:00Z","end_time":"2027-01-01T00:00Z"},
		"scaling_policy_action":{"operation":"REMOVE","instance_number":3,"instance_percentage":10},"cool_down_time":"900","create_time":"2026-01-02T03:04:05Z"}`
	policyV2 = `{"scaling_policy_id":"pol1","scaling_policy_name":"weekdays","scaling_resource_id":"g1","scaling_resource_type":"SCALING_GROUP","policy_status":"INSERVICE",
		"scaling_policy_type":"RECURRENCE","alarm_id":null,
		"scheduled_policy":{"launch_time":"07:00","recurrence_type":"Weekly","recurrence_value":"2,3","start_time":"2026-01-01T00:00Z","end_time":"2027-01-01T00:00Z"},
		"scaling_policy_action":{"operation":"REDUCE","size":"3","percentage":10,"limits":5},"cool_down_time":900,"create_time":"2026-01-02T03:04:05Z","description":"d"}`
)

func weekdays() *Policy {
	return &Policy{
		Ref: testPolicy, Group: testGroup, ResourceType: ResourceGroup, Name: "weekdays", Type: PolicyRecurrence, RawType: "RECURRENCE",
		Status: PolicyInService, RawStatus: "INSERVICE",
		Schedule: &PolicySchedule{LaunchTime: ptr("07:00"), RecurrenceType: ptr("Weekly"), RecurrenceValue: ptr("2,3"),
			StartTime: ptr("2026-01-01T00:00Z"), EndTime: ptr("2027-01-01T00:00Z")},
		Action:          &PolicyAction{Operation: OperationRemove, RawOperation: "REMOVE", Instances: ptr(int32(3)), Percentage: ptr(int32(10))},
		CooldownSeconds: ptr(int32(900)), CreatedAt: ptr(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
	}
}

func TestPolicyIsEqualInBothVersions(t *testing.T) {
	v1, v2 := weekdays(), weekdays()
	v2.Description, v2.Action.RawOperation, v2.Action.Limit = ptr("d"), "REDUCE", ptr(int32(5))
	list := func(entry string) *Client {
		return serve(t, says(200, `{"limit":20,"total_number":1,"start_number":0,"scaling_policies":[`+entry+`]}`))
	}
	items, err := list(policyV1).ListGroupPolicies(t.Context(), testGroup, Range{0, 20})
	wantEqual(t, one(t, items, err), v1)
	items, err = list(policyV2).ListResourcePolicies(t.Context(), testGroup, Range{0, 20})
	wantEqual(t, one(t, items, err), v2)
	items, err = list(policyV2).ListProjectPolicies(t.Context(), testProject, Range{0, 20})
	wantEqual(t, one(t, items, err), v2)
	p, _, err := serve(t, says(200, `{"scaling_policy":`+policyV1+`}`)).ShowPolicy(t.Context(), testPolicy)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, p, v1)
	p, _, err = serve(t, says(200, `{"scaling_policy":`+policyV2+`}`)).ShowPolicyV2(t.Context(), testPolicy)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, p, v2)
	roundTrip(t, v1)
	roundTrip(t, v2)
}

func TestPolicyQuirks(t *testing.T) {
	for body, change := range map[string]func(*Policy){
		`{}`: func(p *Policy) { p.Group.ID = "" },
		`{"scaling_group_id":"g1","scaling_policy_type":"TARGET","policy_status":"ASLEEP"}`: func(p *Policy) { p.RawType, p.RawStatus = "TARGET", "ASLEEP" },
		`{"scaling_group_id":" g1 ","scaling_policy_type":"SCHEDULE"}`:                      func(p *Policy) { p.Type, p.RawType = PolicyScheduled, "SCHEDULE" },
		`{"scaling_group_id":"g1","scaling_policy_type":"ALARM","alarm_id":"al1","scheduled_policy":{}}`: func(p *Policy) {
			p.Type, p.RawType, p.AlarmID = PolicyAlarm, "ALARM", ptr("al1")
		},
		`{"scaling_group_id":"g1","alarm_id":"","scheduled_policy":null}`: func(*Policy) {},
		`{"scaling_group_id":"g1","scheduled_policy":{"launch_time":"2026-05-06T07:08Z","recurrence_type":null}}`: func(p *Policy) {
			p.Schedule = &PolicySchedule{LaunchTime: ptr("2026-05-06T07:08Z")}
		},
		`{"scaling_group_id":"g1","scaling_policy_action":{"operation":"MULTIPLY","size":"x"}}`: func(p *Policy) {
			p.Action = &PolicyAction{Operation: OperationUnknown, RawOperation: "MULTIPLY"}
		},
		`{"scaling_group_id":"g1","scaling_policy_action":{"operation":"REDUCE","instance_number":null,"size":2}}`: func(p *Policy) {
			p.Action = &PolicyAction{Operation: OperationRemove, RawOperation: "REDUCE", Instances: ptr(int32(2))}
		},
		`{"scaling_resource_type":"BANDWIDTH","scaling_resource_id":"b1","meta_data":{"metadata_bandwidth_share_type":"WHOLE","metadata_eip_id":"e1","metadata_eip_address":"1.2.3.4"}}`: func(p *Policy) {
			p.Group, p.ResourceType = Group{}, "BANDWIDTH"
			p.Bandwidth = &Bandwidth{ShareType: ptr("WHOLE"), EIPID: ptr("e1"), EIPAddress: ptr("1.2.3.4")}
		},
	} {
		t.Run(body, func(t *testing.T) {
			want := &Policy{Ref: testPolicy, Group: testGroup, ResourceType: ResourceGroup, Type: PolicyTypeUnknown, Status: PolicyStatusUnknown}
			change(want)
			got, _, err := serve(t, says(200, `{"scaling_policy":`+body+`}`)).ShowPolicy(t.Context(), testPolicy)
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, got, want)
		})
	}
}

func TestEveryPolicyEnum(t *testing.T) {
	for _, s := range PolicyStatuses() {
		if p := policy(recordOf(`{"policy_status":"`+string(s)+`"}`), testPolicy, ""); p.Status != s {
			t.Errorf("%s became %s", s, p.Status)
		}
	}
	for _, s := range PolicyTypes() {
		if p := policy(recordOf(`{"scaling_policy_type":"`+string(s)+`"}`), testPolicy, ""); p.Type != s {
			t.Errorf("%s became %s", s, p.Type)
		}
	}
	for _, o := range PolicyOperations() {
		if p := policy(recordOf(fmt.Sprintf(`{"scaling_policy_action":{"operation":%q}}`, o)), testPolicy, ""); p.Action.Operation != o {
			t.Errorf("%s became %s", o, p.Action.Operation)
		}
	}
}
