package emulator_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
)

// executionID is a well-formed id of an execution.
func executionID(n int) string { return emulator.ID(n) }

func TestListExecutions(t *testing.T) {
	b := newListBench(t, emulator.Switches{})
	for i := range 5 {
		b.PutExecutions(project, "p1", emulator.Execution{ID: executionID(i), Time: at(i / 2), Old: i, Desire: i + 1,
			Trigger: []string{emulator.TriggerScheduled, emulator.TriggerAlarm}[i%2]})
	}
	const log = v1 + "/scaling_policy_execute_log/p1?"
	for query, want := range map[string]string{
		"":                                "4 3 2 1 0",
		"execute_type=ALARM":              "2 1",
		"execute_type=TELEPATHY":          "",
		"log_id=" + executionID(2):        "2",
		"start_time=2026-03-01T12:00:01Z": "4 3 2",
		"end_time=2026-03-01T12:00:01Z":   "3 2 1 0",
		"scaling_resource_id=g1":          "4 3 2 1 0",
		"scaling_resource_id=g2":          "",
		"scaling_resource_type=BANDWIDTH": "",
		"start_number=1&limit=2":          "3 2",
		"start_number=9":                  "",
	} {
		want := strings.Fields(want)
		got := values(t, b.at(log+query), "old_value")
		if query == "execute_type=ALARM" {
			want = []string{"3", "1"}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	if got := values(t, b.at(log), "execute_type"); got[0] != "SCHEDULE" || got[1] != "ALARM" {
		t.Errorf("triggers %v", got)
	}
	if n := b.ExpireExecutions(project, "p1", at(1)); n != 2 || len(b.ExecutionLog(project, "p1")) != 3 {
		t.Errorf("%d expired", n)
	}
	b.PutExecutions(project, "p1", emulator.Execution{ID: executionID(2), Time: at(1), Old: 7})
	if got := values(t, b.at(log), "old_value"); !slices.Equal(got, []string{"4", "3", "7"}) {
		t.Errorf("after a replacement: %v", got)
	}
}

func TestExecutionTies(t *testing.T) {
	for ties, want := range map[emulator.Ties]string{emulator.TiesNewestFirst: "0 1 2", emulator.TiesOldestFirst: "2 1 0", emulator.TiesByID: "0 1 2"} {
		b := newListBench(t, emulator.Switches{Ties: ties})
		for i := range 3 {
			b.PutExecutions(project, "p1", emulator.Execution{ID: executionID(2 - i), Time: at(0), Old: 2 - i})
		}
		if got := strings.Join(values(t, b.at(v1+"/scaling_policy_execute_log/p1"), "old_value"), " "); got != want {
			t.Errorf("%v: %s, want %s", ties, got, want)
		}
	}
	b := newListBench(t, emulator.Switches{Ties: emulator.TiesUnstable})
	for i := range 20 {
		b.PutExecutions(project, "p1", emulator.Execution{ID: executionID(i), Time: at(i / 10), Old: i})
	}
	seen := map[string]bool{}
	for range 10 {
		got := values(t, b.at(v1+"/scaling_policy_execute_log/p1"), "old_value")
		seen[strings.Join(got, " ")] = true
		slices.SortFunc(got[:10], strings.Compare)
		if !slices.Equal(got[:10], []string{"10", "11", "12", "13", "14", "15", "16", "17", "18", "19"}) {
			t.Fatalf("seconds are mixed: %v", got)
		}
	}
	if len(seen) < 2 {
		t.Error("the order is stable")
	}
}

func TestExecute(t *testing.T) {
	for name, tc := range map[string]struct {
		group  func(*emulator.Group)
		policy func(*emulator.Policy)
		want   string // status, reason code, old and desired value
	}{
		"adds":              {nil, nil, "SUCCESS  2 3"},
		"adds up to max":    {nil, func(p *emulator.Policy) { p.Instances = 9 }, "SUCCESS  2 4"},
		"removes":           {nil, func(p *emulator.Policy) { p.Operation = emulator.OperationRemove }, "SUCCESS  2 1"},
		"sets":              {nil, func(p *emulator.Policy) { p.Operation, p.Instances = emulator.OperationSet, 4 }, "SUCCESS  2 4"},
		"sets the same":     {nil, func(p *emulator.Policy) { p.Operation, p.Instances = emulator.OperationSet, 2 }, "SUCCESS  2 2"},
		"adds a percentage": {nil, func(p *emulator.Policy) { p.Percentage = 100 }, "SUCCESS  2 4"},
		"at maximum":        {func(g *emulator.Group) { g.Desire = 4 }, nil, "FAIL AS.0050 4 4"},
		"at minimum":        {func(g *emulator.Group) { g.Desire = 1 }, func(p *emulator.Policy) { p.Operation = emulator.OperationRemove }, "FAIL AS.3040 1 1"},
		"paused group":      {func(g *emulator.Group) { g.Status = emulator.GroupPaused }, nil, "FAIL AS.2033 2 2"},
		"frozen":            {func(g *emulator.Group) { g.Status = emulator.GroupFrozen }, nil, "FAIL AS.8004 2 2"},
		"no configuration":  {func(g *emulator.Group) { g.ConfigID, g.ConfigName = "", "" }, nil, "FAIL AS.2018 2 2"},
		"paused policy":     {nil, func(p *emulator.Policy) { p.Status = emulator.PolicyPaused }, "FAIL AS.3027 2 2"},
		"busy policy":       {nil, func(p *emulator.Policy) { p.Status = emulator.PolicyExecuting }, "FAIL AS.3038 2 2"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newListBench(t, emulator.Switches{})
			if tc.group != nil {
				b.UpdateGroup(project, "g1", tc.group)
			}
			if tc.policy != nil {
				b.UpdatePolicy(project, "p1", tc.policy)
			}
			x, activity, ok := b.Execute(project, "p1", at(100))
			code, _, _ := strings.Cut(x.FailedReason, ":")
			if got := fmt.Sprint(x.Status, " ", code, " ", x.Old, " ", x.Desire); !ok || got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			if changed := x.Old != x.Desire; changed != (activity != "") {
				t.Errorf("activity %q", activity)
			}
		})
	}
	b := newListBench(t, emulator.Switches{})
	if _, _, ok := b.Execute(project, "none", at(0)); ok {
		t.Error("an unknown policy was executed")
	}
}

func TestExecutionAgreesWithItsActivity(t *testing.T) {
	b := newListBench(t, emulator.Switches{})
	b.UpdateGroup(project, "g1", func(g *emulator.Group) { g.Desire = 3 })
	x, activity, _ := b.Execute(project, "p1", at(100))
	row := b.Rows(project, "g1")[0]
	var d struct {
		Reason []struct {
			Policy string    `json:"scaling_policy_id"`
			Time   time.Time `json:"change_time"`
			Old    int       `json:"old_value"`
			New    int       `json:"new_value"`
		}
	}
	if err := json.Unmarshal([]byte(row.Description), &d); err != nil || len(d.Reason) != 1 {
		t.Fatal(err, row.Description)
	}
	if r := d.Reason[0]; row.ID != activity || r.Policy != "p1" || !r.Time.Equal(x.Time) || r.Old != x.Old || r.New != x.Desire {
		t.Errorf("%+v and %+v", r, x)
	}
	if x, _, _ := b.Execute(project, "p1", at(101)); !strings.HasPrefix(x.FailedReason, "AS.2054: ") {
		t.Errorf("a busy group: %+v", x)
	}
	if !b.Complete(project, "g1", activity, at(160)) {
		t.Fatal("the activity is gone")
	}
	members := b.Members(project, "g1")
	row = b.Rows(project, "g1")[0]
	if len(members) != 4 || len(row.Added) != 1 || row.Added[0].ID != members[3].ID || !strings.HasPrefix(row.Added[0].Name, "as-config-web_") || row.Status != emulator.Success {
		t.Errorf("%+v\n%+v", members, row)
	}
	if x, _, _ := b.Execute(project, "p1", at(160+299)); !strings.HasPrefix(x.FailedReason, "AS.0026: ") {
		t.Errorf("in cooldown: %+v", x)
	}
	b.UpdatePolicy(project, "p1", func(p *emulator.Policy) { p.Operation = emulator.OperationRemove })
	_, activity, _ = b.Execute(project, "p1", at(160+300))
	if !b.Complete(project, "g1", activity, at(500)) || len(b.Members(project, "g1")) != 3 || len(b.Rows(project, "g1")[0].Deleted) != 1 {
		t.Errorf("after shrinking: %+v", b.Rows(project, "g1")[0])
	}
}
