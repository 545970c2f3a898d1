package upstream

import (
	"fmt"
	"testing"
	"time"
)

func showBody(t *testing.T, body string) *GroupDetails {
	t.Helper()
	d, at, err := serve(t, says(200, body)).ShowGroup(t.Context(), testGroup)
	if err != nil || at.IsZero() {
		t.Fatal(at, err)
	}
	return d
}

func TestGroupDetailsHaveEveryField(t *testing.T) {
	want := &GroupDetails{
		Group: testGroup, Name: "web", Status: GroupInService, RawStatus: "INSERVICE",
		CurrentInstances: ptr(int32(7)), DesiredInstances: ptr(int32(8)), MinInstances: ptr(int32(0)), MaxInstances: ptr(int32(500)), CooldownSeconds: ptr(int32(300)),
		IsScaling: ptr(true), CurrentActivityType: ptr(TypeModifyELB), RawCurrentActivityType: ptr("MODIFY_ELB"), LastError: ptr("AS.7003: x"),
		ConfigurationID: ptr("c1"), ConfigurationName: ptr("as-config"), AvailabilityZones: []string{"a", "b"}, VpcID: ptr("v1"),
		NetworkIDs: []string{"n1"}, SecurityGroupIDs: []string{"s1", "s2"},
		LoadBalancers:      []*LbaasListener{{ListenerID: ptr("l1"), PoolID: ptr("o1"), ProtocolPort: ptr(int32(82)), Weight: ptr(int32(4))}},
		ClassicListenerIDs: []string{"c1", "c2"},
		HealthCheckMethod:  ptr("ELB_AUDIT"), HealthCheckIntervalMinutes: ptr(int32(5)), HealthCheckGraceSeconds: ptr(int32(600)),
		TerminationPolicy: ptr("OLD_INSTANCE"), ZonePolicy: ptr("PICK_FIRST"), DeletePublicIP: ptr(false), DeleteVolume: ptr(true), AgencyName: ptr("agency"),
		EnterpriseProjectID: ptr("0"), Description: ptr("d"), Tags: []*Tag{{Key: "k", Value: "v"}},
		CreatedAt: ptr(time.Date(2018, 11, 22, 13, 44, 22, 0, time.UTC)),
	}
	body := `{"scaling_group_id":" g1 ","scaling_group_name":"web","scaling_group_status":"INSERVICE","current_instance_number":7,"desire_instance_number":8,
		"min_instance_number":0,"max_instance_number":500,"cool_down_time":300,"is_scaling":true,"activity_type":"MODIFY_ELB","detail":"AS.7003: x",
		"scaling_configuration_id":"c1","scaling_configuration_name":"as-config","available_zones":["a","b"],"vpc_id":" v1 ",
		"networks":[{"id":" n1 ","ipv6_enable":false,"ipv6_bandwidth":{"id":null}}],"security_groups":[{"id":"s1"},{"id":"s2"}],
		"lbaas_listeners":[{"listener_id":"l1","pool_id":"o1","protocol_port":82,"weight":"4","protocol_version":"ipv4"}],"lb_listener_id":"c1, c2",
		"health_periodic_audit_method":"ELB_AUDIT","health_periodic_audit_time":"5","health_periodic_audit_grace_period":600,
		"instance_terminate_policy":"OLD_INSTANCE","multi_az_priority_policy":"PICK_FIRST","delete_publicip":false,"delete_volume":"true","iam_agency_name":"agency",
		"enterprise_project_id":"0","description":"d","tags":[{"key":"k","value":"v"}],"create_time":"2018-11-22T13:44:22Z",
		"notifications":["EMAIL"],"cloud_location_id":"retired","new_member":{"x":1}}`
	wantEqual(t, showBody(t, `{"scaling_group":`+body+`}`), want)
	items, err := serve(t, says(200, `{"total_number":1,"scaling_groups":[`+body+`]}`)).ListGroups(t.Context(), testProject, Range{0, 100})
	wantEqual(t, one(t, items, err), want)
	roundTrip(t, want)
}

func TestGroupQuirks(t *testing.T) {
	bare := func(change func(*GroupDetails)) *GroupDetails {
		d := &GroupDetails{Group: testGroup, Status: GroupUnknown}
		change(d)
		return d
	}
	for body, change := range map[string]func(*GroupDetails){
		`{}`:                                 func(*GroupDetails) {},
		`{"scaling_group_status":"MELTING"}`: func(d *GroupDetails) { d.RawStatus = "MELTING" },
		`{"scaling_group_status":"FREEZED"}`: func(d *GroupDetails) { d.Status, d.RawStatus = GroupFrozen, "FREEZED" },
		`{"scaling_group_status":null}`:      func(*GroupDetails) {},
		`{"scaling_group_name":7}`:           func(d *GroupDetails) { d.Name = "7" },
		`{"detail":null,"lb_listener_id":null,"lbaas_listeners":null,"notifications":null,"networks":null,"scaling_configuration_id":null}`: func(*GroupDetails) {},
		`{"detail":"","lb_listener_id":"","scaling_configuration_id":" ","description":""}`:                                                 func(*GroupDetails) {},
		`{"lb_listener_id":["a","b"]}`:                  func(d *GroupDetails) { d.ClassicListenerIDs = []string{"a", "b"} },
		`{"lbaas_listeners":{"pool_id":"o"}}`:           func(d *GroupDetails) { d.LoadBalancers = []*LbaasListener{{PoolID: ptr("o")}} },
		`{"current_instance_number":"7"}`:               func(d *GroupDetails) { d.CurrentInstances = ptr(int32(7)) },
		`{"current_instance_number":7.5}`:               func(*GroupDetails) {},
		`{"current_instance_number":{}}`:                func(*GroupDetails) {},
		`{"current_instance_number":4294967296}`:        func(*GroupDetails) {},
		`{"health_periodic_audit_time":0}`:              func(d *GroupDetails) { d.HealthCheckIntervalMinutes = ptr(int32(0)) },
		`{"is_scaling":"false"}`:                        func(d *GroupDetails) { d.IsScaling = ptr(false) },
		`{"is_scaling":1}`:                              func(*GroupDetails) {},
		`{"is_scaling":false,"activity_type":"NORMAL"}`: func(d *GroupDetails) { d.IsScaling = ptr(false) },
		`{"is_scaling":true,"activity_type":""}`:        func(d *GroupDetails) { d.IsScaling = ptr(true) },
		`{"is_scaling":true,"activity_type":"MANNUAL_ADD"}`: func(d *GroupDetails) {
			d.IsScaling, d.CurrentActivityType, d.RawCurrentActivityType = ptr(true), ptr(TypeManualAdd), ptr("MANNUAL_ADD")
		},
		`{"is_scaling":true,"activity_type":"NEW"}`: func(d *GroupDetails) {
			d.IsScaling, d.CurrentActivityType, d.RawCurrentActivityType = ptr(true), ptr(TypeUnknown), ptr("NEW")
		},
		`{"networks":[{"id":" n "},{},null,"x"]}`: func(d *GroupDetails) { d.NetworkIDs = []string{"n"} },
		`{"tags":[]}`:                 func(d *GroupDetails) { d.Tags = []*Tag{} },
		`{"tags":null}`:               func(*GroupDetails) {},
		`{"create_time":"yesterday"}`: func(*GroupDetails) {},
		`{"create_time":"2018-11-22T14:44:22+01:00"}`: func(d *GroupDetails) { d.CreatedAt = ptr(time.Date(2018, 11, 22, 13, 44, 22, 0, time.UTC)) },
		`{"available_zones":"a,b"}`:                   func(d *GroupDetails) { d.AvailabilityZones = []string{"a", "b"} },
	} {
		t.Run(body, func(t *testing.T) {
			wantEqual(t, showBody(t, `{"scaling_group":`+body+`}`), bare(change))
		})
	}
}

func TestEveryGroupStatus(t *testing.T) {
	for _, s := range GroupStatuses() {
		if d := showBody(t, fmt.Sprintf(`{"scaling_group":{"scaling_group_status":%q}}`, s)); d.Status != s || d.RawStatus != string(s) {
			t.Errorf("%s became %s", s, d.Status)
		}
	}
}

func TestOnlyListsOfProjectsDifferByCaller(t *testing.T) {
	for kind, want := range map[CallKind]bool{
		CallActivityLog: false, CallGroups: true, CallGroup: false, CallInstances: false,
		CallGroupPolicies: false, CallProjectPolicies: true, CallPolicy: false, CallExecutions: false,
	} {
		if kind.DiffersByCaller() != want {
			t.Errorf("%s", kind)
		}
	}
}
