package upstream

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"scalegraph/internal/request"
	"scalegraph/upstream/emulator"
)

// readAll reads a list whole, 100 entries a call, and returns its entries and the number of calls.
func readAll[T any](t *testing.T, list func(Range) (Items[T], error)) (entries []*T, calls int) {
	t.Helper()
	for {
		items, err := list(Range{len(entries), MaxLimit})
		if err != nil {
			t.Fatal(err)
		}
		calls++
		entries = append(entries, items.Entries...)
		if len(entries) >= items.Total {
			return entries, calls
		}
	}
}

func TestListsAgainstEmulator(t *testing.T) {
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, sw := range map[string]emulator.Switches{
		"defaults": {},
		"the other forms": {ListOrder: emulator.OrderByID, Missing: emulator.MissingNull, AuditTime: emulator.AuditTimeText, HealthSpelling: emulator.HealthSpelt,
			TriggerSpelling: emulator.TriggerAsInRequests, Spelling: emulator.SpellManual, Ties: emulator.TiesOldestFirst},
		"all absent": {Missing: emulator.MissingAbsent},
	} {
		t.Run(name, func(t *testing.T) {
			e, c := emulated(t, sw)
			ctx := request.WithCaller(t.Context(), &request.Caller{Token: "good"})
			e.PutGroup("p1", emulator.Group{ID: "g1", Name: "web", Min: 1, Max: 300, Desire: 250, Cooldown: 60, ConfigID: "c", ConfigName: "conf", HealthInterval: 5,
				Networks: []string{" n1 "}, Classic: []string{"a", "b"}, Created: created})
			e.Insert("p1", "g1", emulator.Row{Status: emulator.Doing, Type: emulator.ManualAdd, Start: created})
			for i := range 129 {
				e.PutGroup("p1", emulator.Group{ID: fmt.Sprint("other", i), Created: created})
			}
			members := make([]emulator.Member, 250)
			for i := range members {
				members[i] = emulator.Member{ID: fmt.Sprint("i", i), Name: fmt.Sprint("n", i), Joined: created.Add(time.Duration(i) * time.Second)}
			}
			members[7] = emulator.Member{Name: "n7", State: emulator.Pending, Health: emulator.HealthInitializing, Joined: created}
			e.SetMembers("p1", "g1", members...)
			e.PutPolicies("p1",
				emulator.Policy{ID: "pol1", Name: "up", Resource: "g1", Operation: emulator.OperationRemove, Instances: 2, Alarm: "al", Created: created},
				emulator.Policy{ID: "band", ResourceType: emulator.ResourceBandwidth, Resource: "b", Created: created})
			e.PutExecutions("p1", "pol1", emulator.Execution{Trigger: emulator.TriggerScheduled, Time: created, Old: 250, Desire: 248},
				emulator.Execution{Time: created, Status: emulator.ExecutionFail, FailedReason: emulator.FailureReason("AS.0026"), Old: 250, Desire: 250})

			groups, calls := readAll(t, func(r Range) (Items[GroupDetails], error) { return c.ListGroups(ctx, testProject, r) })
			i := slices.IndexFunc(groups, func(d *GroupDetails) bool { return d.Group == testGroup })
			if calls != 2 || len(groups) != 130 || i < 0 || e.Calls(emulator.Groups) != 2 {
				t.Fatalf("%d groups in %d calls", len(groups), calls)
			}
			shown, _, err := c.ShowGroup(ctx, testGroup)
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, groups[i], shown)
			if d := shown; d.Name != "web" || *d.CurrentInstances != 250 || !*d.IsScaling || *d.CurrentActivityType != TypeManualAdd || d.LastError != nil ||
				*d.HealthCheckIntervalMinutes != 5 || !slices.Equal(d.NetworkIDs, []string{"n1"}) || !slices.Equal(d.ClassicListenerIDs, []string{"a", "b"}) {
				t.Errorf("%+v", d)
			}

			instances, calls := readAll(t, func(r Range) (Items[GroupInstance], error) { return c.ListInstances(ctx, testGroup, r) })
			joining := instances[slices.IndexFunc(instances, func(i *GroupInstance) bool { return *i.InstanceName == "n7" })]
			if calls != 3 || len(instances) != 250 || joining.InstanceID != nil || joining.Health != HealthInitializing || joining.LifecycleState != LifecyclePending {
				t.Errorf("%d instances in %d calls, %+v", len(instances), calls, joining)
			}

			one, err := c.ListGroupPolicies(ctx, testGroup, Range{0, 100})
			if err != nil || len(one.Entries) != 1 || one.Entries[0].Action.Operation != OperationRemove || *one.Entries[0].Action.Instances != 2 {
				t.Errorf("%+v, %v", one, err)
			}
			all, err := c.ListProjectPolicies(ctx, testProject, Range{0, 100})
			if err != nil || len(all.Entries) != 2 {
				t.Errorf("%+v, %v", all, err)
			}
			executions, err := c.ListExecutions(ctx, testPolicy, ExecutionFilter{Trigger: TriggerScheduled, StartTime: created, EndTime: created}, Range{0, 100})
			if err != nil || len(executions.Entries) != 1 || executions.Entries[0].Trigger != TriggerScheduled || executions.Entries[0].Outcome() != OutcomeChanged {
				t.Errorf("%+v, %v", executions, err)
			}
			failed, err := c.ListExecutions(ctx, testPolicy, ExecutionFilter{Trigger: TriggerAlarm}, Range{0, 100})
			if err != nil || len(failed.Entries) != 1 || *failed.Entries[0].NotScaledReason() != NotScaledCooldown {
				t.Errorf("%+v, %v", failed, err)
			}
		})
	}
}

func TestEveryFailureReasonOfEmulatorHasClass(t *testing.T) {
	e, c := emulated(t, emulator.Switches{})
	ctx := request.WithCaller(t.Context(), &request.Caller{Token: "good"})
	e.PutPolicies("p1", emulator.Policy{ID: "pol1", Resource: "g1"})
	for code, want := range notScaledByCode {
		e.PutExecutions("p1", "pol1", emulator.Execution{ID: emulator.ID(1), Time: time.Now(), Status: emulator.ExecutionFail, FailedReason: emulator.FailureReason(code)})
		got, err := c.ListExecutions(ctx, testPolicy, ExecutionFilter{}, Range{0, 1})
		if err != nil || *got.Entries[0].NotScaledReason() != want || !strings.HasPrefix(*got.Entries[0].FailureReason, code) {
			t.Errorf("%s: %+v, %v", code, got, err)
		}
	}
}

func TestUnknownObjectsAreNotFound(t *testing.T) {
	for _, sw := range []emulator.Switches{{}, {UnknownGroup: emulator.UnknownGroup4005}} {
		_, c := emulated(t, sw)
		ctx := request.WithCaller(t.Context(), &request.Caller{Token: "good"})
		gone, nobody := Group{Region: "here", Project: "p1", ID: "gone"}, PolicyRef{Region: "here", Project: "p1", ID: "gone"}
		_, _, show := c.ShowGroup(ctx, gone)
		_, instances := c.ListInstances(ctx, gone, Range{0, 1})
		_, ofGroup := c.ListGroupPolicies(ctx, gone, Range{0, 1})
		_, ofResource := c.ListResourcePolicies(ctx, gone, Range{0, 1})
		_, _, policy := c.ShowPolicy(ctx, nobody)
		_, executions := c.ListExecutions(ctx, nobody, ExecutionFilter{}, Range{0, 1})
		for i, err := range []error{show, instances, ofGroup, ofResource, policy, executions} {
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("call %d: %v", i, err)
			}
		}
	}
}
