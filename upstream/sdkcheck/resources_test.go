package sdkcheck

import (
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/as/v1/model"

	"scalegraph/upstream/emulator"
)

const (
	alarmPolicy     = "fd7d63ce-8f5c-443e-b9a0-bef9386b23b3"
	recurringPolicy = "906f73ff-a3c7-4ad6-9a76-c2c6e8e8ddb6"
)

// withResources returns an emulator with one group, two instances, two policies and one execution, and its URL.
func withResources(t *testing.T) (*emulator.Emulator, string) {
	t.Helper()
	e, url := sampled(t, emulator.Key{AK: "AK", SK: "SK"})
	e.PutGroup(project, emulator.Group{
		ID: group, Name: "shop", Min: 1, Max: 5, Desire: 2, Cooldown: 300, ConfigID: "config", ConfigName: "as-config-shop", Zones: []string{"eu-west-101a"},
		VPC: "vpc", Networks: []string{"network"}, SecurityGroups: []string{"security-group"}, Tags: []emulator.Tag{{Key: "app", Value: "shop"}}, Created: at,
		Enhanced: []emulator.Listener{{Weight: 1, PoolID: "pool", Port: 80}}, HealthInterval: 5, HealthGrace: 600,
	})
	e.SetMembers(project, group,
		emulator.Member{ID: "i-1", Name: "shop_1", ConfigID: "config", ConfigName: "as-config-shop", Joined: at, Protected: true},
		emulator.Member{Name: "shop_2", State: emulator.Pending, Health: emulator.HealthInitializing, ConfigID: "config", Joined: at.Add(-time.Hour)})
	e.PutPolicies(project,
		emulator.Policy{ID: alarmPolicy, Name: "cpu-above-70", Resource: group, Alarm: "al1", Operation: emulator.OperationRemove, Instances: 2, Cooldown: 60, Created: at},
		emulator.Policy{ID: recurringPolicy, Name: "weekdays", Resource: group, Type: emulator.PolicyRecurrence, Percentage: 50, Created: at.Add(-time.Hour),
			Schedule: &emulator.Schedule{Launch: "07:00", Type: "Weekly", Value: "2,3", Start: "2026-01-01T00:00Z", End: "2027-01-01T00:00Z"}})
	e.PutExecutions(project, alarmPolicy, emulator.Execution{
		ID: "c1a2b3c4-0000-4000-8000-000000000001", Time: at, Old: 4, Desire: 2, Status: emulator.ExecutionFail, FailedReason: emulator.FailureReason("AS.0026"),
	})
	return e, url
}

func TestSDKReadsGroups(t *testing.T) {
	_, url := withResources(t)
	client := sdk(t, url, "AK", "SK", "")
	response, err := client.ListScalingGroups(&model.ListScalingGroupsRequest{ScalingGroupName: ptr("sho"), StartNumber: ptr(int32(0)), Limit: ptr(int32(20))})
	if err != nil {
		t.Fatal(err)
	}
	if *response.TotalNumber != 1 || *response.Limit != 20 || *response.StartNumber != 0 || len(*response.ScalingGroups) != 1 {
		t.Fatalf("%+v", response)
	}
	shown, err := client.ShowScalingGroup(&model.ShowScalingGroupRequest{ScalingGroupId: group})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []model.ScalingGroups{(*response.ScalingGroups)[0], *shown.ScalingGroup} {
		if *g.ScalingGroupId != group || *g.ScalingGroupName != "shop" || g.ScalingGroupStatus.Value() != "INSERVICE" || *g.CurrentInstanceNumber != 2 ||
			*g.DesireInstanceNumber != 2 || *g.MinInstanceNumber != 1 || *g.MaxInstanceNumber != 5 || *g.CoolDownTime != 300 {
			t.Errorf("sizes: %+v", g)
		}
		if *(*g.LbaasListeners)[0].ProtocolPort != 80 || *(*g.Networks)[0].Id != "network" || *(*g.SecurityGroups)[0].Id != "security-group" ||
			!time.Time(*g.CreateTime).Equal(at) || *g.IsScaling || g.HealthPeriodicAuditMethod.Value() != "NOVA_AUDIT" || *(*g.Tags)[0].Value != "shop" {
			t.Errorf("attributes: %+v", g)
		}
	}
}

func TestSDKReadsInstances(t *testing.T) {
	_, url := withResources(t)
	response, err := sdk(t, url, "AK", "SK", "").ListScalingInstances(&model.ListScalingInstancesRequest{ScalingGroupId: group})
	if err != nil {
		t.Fatal(err)
	}
	if *response.TotalNumber != 2 || len(*response.ScalingGroupInstances) != 2 {
		t.Fatalf("%+v", response)
	}
	joined, pending := (*response.ScalingGroupInstances)[0], (*response.ScalingGroupInstances)[1]
	if *joined.InstanceId != "i-1" || *joined.InstanceName != "shop_1" || joined.LifeCycleState.Value() != "INSERVICE" || joined.HealthStatus.Value() != "NORMAL" ||
		!*joined.ProtectFromScalingDown || *joined.ScalingConfigurationName != "as-config-shop" || !time.Time(*joined.CreateTime).Equal(at) {
		t.Errorf("%+v", joined)
	}
	if pending.InstanceId != nil || pending.LifeCycleState.Value() != "PENDING" || pending.HealthStatus.Value() != "INITAILIZING" {
		t.Errorf("%+v", pending)
	}
}

func TestSDKReadsPoliciesV1(t *testing.T) {
	_, url := withResources(t)
	client := sdk(t, url, "AK", "SK", "")
	response, err := client.ListScalingPolicies(&model.ListScalingPoliciesRequest{ScalingGroupId: group})
	if err != nil {
		t.Fatal(err)
	}
	if *response.TotalNumber != 2 || len(*response.ScalingPolicies) != 2 {
		t.Fatalf("%+v", response)
	}
	shown, err := client.ShowScalingPolicy(&model.ShowScalingPolicyRequest{ScalingPolicyId: alarmPolicy})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []model.ScalingV1PolicyDetail{(*response.ScalingPolicies)[0], *shown.ScalingPolicy} {
		if *p.ScalingPolicyId != alarmPolicy || *p.ScalingGroupId != group || p.ScalingPolicyType.Value() != "ALARM" || *p.AlarmId != "al1" ||
			p.ScalingPolicyAction.Operation.Value() != "REMOVE" || *p.ScalingPolicyAction.InstanceNumber != 2 || *p.CoolDownTime != 60 || *p.PolicyStatus != "INSERVICE" {
			t.Errorf("%+v", p)
		}
	}
	p := (*response.ScalingPolicies)[1]
	if p.ScheduledPolicy.LaunchTime != "07:00" || p.ScheduledPolicy.RecurrenceType.Value() != "Weekly" || *p.ScheduledPolicy.RecurrenceValue != "2,3" ||
		*p.ScheduledPolicy.EndTime != "2027-01-01T00:00Z" || *p.ScalingPolicyAction.InstancePercentage != 50 {
		t.Errorf("%+v", p)
	}
}

func TestSDKReadsPoliciesV2(t *testing.T) {
	_, url := withResources(t)
	client := sdk(t, url, "AK", "SK", "")
	ofGroup, err := client.ListScalingV2Policies(&model.ListScalingV2PoliciesRequest{ScalingResourceId: group})
	if err != nil {
		t.Fatal(err)
	}
	if *ofGroup.TotalNumber != 2 || *(*ofGroup.ScalingPolicies)[0].ScalingResourceId != group {
		t.Errorf("%+v", ofGroup)
	}
	ofProject, err := client.ListAllScalingV2Policies(&model.ListAllScalingV2PoliciesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	shown, err := client.ShowScalingV2Policy(&model.ShowScalingV2PolicyRequest{ScalingPolicyId: alarmPolicy})
	if err != nil {
		t.Fatal(err)
	}
	if *ofProject.TotalNumber != 2 {
		t.Fatalf("%+v", ofProject)
	}
	listed := (*ofProject.ScalingPolicies)[0]
	if *listed.ScalingPolicyId != alarmPolicy || listed.ScalingResourceType.Value() != "SCALING_GROUP" || listed.ScalingPolicyAction.Operation.Value() != "REDUCE" ||
		*listed.ScalingPolicyAction.Size != 2 || !time.Time(*listed.CreateTime).Equal(at) {
		t.Errorf("%+v", listed)
	}
	if p := shown.ScalingPolicy; *p.ScalingPolicyId != alarmPolicy || p.PolicyStatus.Value() != "INSERVICE" || *p.ScalingPolicyAction.Size != 2 {
		t.Errorf("%+v", p)
	}
}

func TestSDKReadsExecutions(t *testing.T) {
	_, url := withResources(t)
	response, err := sdk(t, url, "AK", "SK", "").ListScalingPolicyExecuteLogs(&model.ListScalingPolicyExecuteLogsRequest{
		ScalingPolicyId: alarmPolicy, StartTime: ptr("2026-03-04T05:06:00Z"), EndTime: ptr("2026-03-04T05:07:00Z"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if *response.TotalNumber != 1 || len(*response.ScalingPolicyExecuteLog) != 1 {
		t.Fatalf("%+v", response)
	}
	x := (*response.ScalingPolicyExecuteLog)[0]
	if x.Status.Value() != "FAIL" || *x.FailedReason != emulator.FailureReason("AS.0026") || x.ExecuteType.Value() != "ALARM" || *x.ExecuteTime != "2026-03-04T05:06:07Z" ||
		*x.OldValue != "4" || *x.DesireValue != "2" || x.Type.Value() != "REMOVE" || *x.ScalingResourceId != group || *x.ScalingPolicyId != alarmPolicy {
		t.Errorf("%+v", x)
	}
	job := (*x.JobRecords)[0]
	if *job.JobName != "ADJUST_VM_NUMBERS" || job.RecordType.Value() != "MEG" || job.JobStatus.Value() != "FAIL" {
		t.Errorf("%+v", job)
	}
}
