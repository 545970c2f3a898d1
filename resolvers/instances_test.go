package resolvers

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
)

func TestInstancesOfAGroup(t *testing.T) {
	w := newProjectWorld(t, 1)
	var members []emulator.Member
	for i := range 250 {
		members = append(members, emulator.Member{ID: fmt.Sprintf("i-%03d", i), Name: fmt.Sprintf("as-config-%03d", i), Joined: newestStart.Add(-time.Duration(i/2) * time.Minute)})
	}
	members[0].ID, members[0].State, members[0].Health = "", emulator.Pending, emulator.HealthInitializing
	members[1].Protected = true
	w.emulator.SetMembers(project, groupID(0), members...)
	query := `{scalingGroup(groupId: "` + groupID(0) + `") {instances(first: 3) {totalCount nodes {instanceId instanceName lifecycleState health protectedFromScaleIn joinedAt}}
		protected: instances(filter: {protectedFromScaleIn: true}) {totalCount} pending: instances(filter: {lifecycleState: PENDING, health: INITIALIZING}) {totalCount}}}`
	a := w.ask(query, nil)
	var got struct {
		ScalingGroup struct {
			Instances struct {
				TotalCount int
				Nodes      []map[string]any
			}
			Protected, Pending struct{ TotalCount int }
		}
	}
	if err := json.Unmarshal(a.Data, &got); err != nil || len(a.Errors) > 0 {
		t.Fatalf("%v in %s", err, a.raw)
	}
	g := got.ScalingGroup
	if g.Instances.TotalCount != 250 || g.Protected.TotalCount != 1 || g.Pending.TotalCount != 1 || len(a.calls) != 3 {
		t.Errorf("%s after %d calls", a.raw, len(a.calls))
	}
	if n := g.Instances.Nodes; len(n) != 3 || n[0]["instanceId"] != nil || n[0]["health"] != "INITIALIZING" || n[0]["instanceName"] != "as-config-000" || n[1]["instanceId"] != "i-001" {
		t.Errorf("%v", n)
	}
	w.emulator.RestrictToken(token, emulator.LacksPermission, emulator.Instances)
	denied := newProjectWorld(t, 1)
	denied.emulator.RestrictToken(token, emulator.LacksPermission, emulator.Instances)
	b := denied.ask(`{scalingGroup(groupId: "`+groupID(0)+`") {name instances {totalCount}}}`, nil)
	if e := b.one(t); e.code() != "FORBIDDEN" || !strings.Contains(string(b.Data), groupName(0)) {
		t.Errorf("%s", b.raw)
	}
}

func TestHistoryOfAnInstance(t *testing.T) {
	w := newProjectWorld(t, 1)
	id := groupID(0)
	for i := range 300 {
		row := emulator.Row{ID: emulator.ID(7000 + i), Type: "NORMAL", Status: "SUCCESS", Start: newestStart.Add(-time.Duration(i) * time.Minute)}
		row.End = row.Start.Add(30 * time.Second)
		if i == 150 || i == 10 {
			row.Standby = []emulator.Instance{{ID: "i-1", Name: "one"}}
		}
		if i == 200 {
			row.Added = []emulator.Instance{{ID: "i-1", Name: "one"}}
		}
		w.emulator.Insert(project, id, row)
	}
	w.emulator.SetMembers(project, id, emulator.Member{ID: "i-1", Name: "one", Joined: newestStart.Add(-200*time.Minute + 20*time.Second)})
	for arguments, want := range map[string]struct {
		rows     int
		complete bool
	}{"": {3, true}, "(maxRows: 160)": {2, false}, "(first: 1)": {1, false}} {
		a := w.ask(`{scalingGroup(groupId: "`+id+`") {instances {nodes {activities`+arguments+` {complete nodes {logId standbyInstances {instanceId}}}}}}}`, nil)
		got := must[struct {
			ScalingGroup struct {
				Instances struct {
					Nodes []struct {
						Activities struct {
							Complete bool
							Nodes    []struct{ LogID string }
						}
					}
				}
			}
		}](t, a).ScalingGroup.Instances.Nodes[0].Activities
		if len(got.Nodes) != want.rows || got.Complete != want.complete {
			t.Errorf("%s: %+v, want %+v", arguments, got, want)
		}
	}
	if e := w.ask(`{scalingGroup(groupId: "`+id+`") {instances {nodes {activities(maxRows: 0) {complete}}}}}`, nil).one(t); e.code() != "BAD_USER_INPUT" {
		t.Errorf("%s", e.code())
	}
}
