package upstream

import (
	"fmt"
	"testing"
	"time"
)

func listInstance(t *testing.T, entry string) *GroupInstance {
	t.Helper()
	items, err := serve(t, says(200, `{"limit":20,"total_number":1,"start_number":0,"scaling_group_instances":[`+entry+`]}`)).
		ListInstances(t.Context(), testGroup, Range{0, 20})
	return one(t, items, err)
}

func TestInstancesHaveEveryField(t *testing.T) {
	want := &GroupInstance{
		Group: testGroup, InstanceID: ptr("i1"), InstanceName: ptr("as-config-web_9W8L9SSK"), LifecycleState: LifecycleInService, RawLifecycleState: "INSERVICE",
		Health: HealthNormal, RawHealth: "NORMAL", ProtectedFromScaleIn: ptr(true), ConfigurationID: ptr("c1"), ConfigurationName: ptr("as-config-web"),
		JoinedAt: ptr(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
	}
	wantEqual(t, listInstance(t, `{"instance_id":"i1","instance_name":"as-config-web_9W8L9SSK","scaling_group_id":"g1","scaling_group_name":"web",
		"life_cycle_state":"INSERVICE","health_status":"NORMAL","scaling_configuration_id":"c1","scaling_configuration_name":"as-config-web",
		"create_time":"2026-01-02T03:04:05Z","protect_from_scaling_down":true}`), want)
	roundTrip(t, want)
}

func TestInstanceQuirks(t *testing.T) {
	for entry, change := range map[string]func(*GroupInstance){
		`{}`:                               func(*GroupInstance) {},
		`{"instance_id":null}`:             func(*GroupInstance) {},
		`{"instance_id":""}`:               func(*GroupInstance) {},
		`{"instance_id":" i "}`:            func(i *GroupInstance) { i.InstanceID = ptr("i") },
		`{"health_status":"INITAILIZING"}`: func(i *GroupInstance) { i.Health, i.RawHealth = HealthInitializing, "INITAILIZING" },
		`{"health_status":"INITIALIZING"}`: func(i *GroupInstance) { i.Health, i.RawHealth = HealthInitializing, "INITIALIZING" },
		`{"health_status":"POORLY","life_cycle_state":"HIBERNATING"}`:                func(i *GroupInstance) { i.RawHealth, i.RawLifecycleState = "POORLY", "HIBERNATING" },
		`{"scaling_configuration_id":"","scaling_configuration_name":"MANNUAL_ADD"}`: func(i *GroupInstance) { i.ConfigurationName = ptr("MANNUAL_ADD") },
		`{"scaling_configuration_id":"c","scaling_configuration_name":""}`:           func(i *GroupInstance) { i.ConfigurationID = ptr("c") },
		`{"protect_from_scaling_down":"false"}`:                                      func(i *GroupInstance) { i.ProtectedFromScaleIn = ptr(false) },
		`{"create_time":null}`:                                                       func(*GroupInstance) {},
	} {
		t.Run(entry, func(t *testing.T) {
			want := &GroupInstance{Group: testGroup, LifecycleState: LifecycleUnknown, Health: HealthUnknown}
			change(want)
			wantEqual(t, listInstance(t, entry), want)
		})
	}
}

func TestEveryInstanceState(t *testing.T) {
	for _, s := range LifecycleStates() {
		if i := listInstance(t, fmt.Sprintf(`{"life_cycle_state":%q}`, s)); i.LifecycleState != s {
			t.Errorf("%s became %s", s, i.LifecycleState)
		}
	}
	for _, h := range InstanceHealths() {
		if i := listInstance(t, fmt.Sprintf(`{"health_status":%q}`, h)); i.Health != h {
			t.Errorf("%s became %s", h, i.Health)
		}
	}
}
