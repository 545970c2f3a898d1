package resolvers

import (
	"fmt"
	"slices"
	"testing"

	"scalegraph/upstream/emulator"
)

func TestFailureReasonsAreDistinctAndInOrder(t *testing.T) {
	w := newWorld(t)
	row := sampleRow(0, 9000)
	row.Failed = nil
	for _, reason := range []string{"b", "a", "b", "", "c"} {
		row.Failed = append(row.Failed, emulator.Instance{Name: "i", FailedReason: reason, FailedDetails: "details"})
	}
	row.BindFailed = []emulator.LoadBalancer{{Classic: "l", FailedReason: "d"}, {Classic: "l", FailedReason: "a"}}
	row.UnbindFailed = []emulator.LoadBalancer{{Classic: "l", FailedReason: "e"}, {Classic: "l", FailedReason: "f"}}
	row.Start = newestStart.AddDate(0, 0, 1)
	w.emulator.Insert(project, smallGroup, row)
	for name, field := range map[string]string{"at once": "failureReasons", "by gqlgen": "failureReasons group {latestActivity {logId}}"} {
		type list struct {
			Nodes []struct{ FailureReasons []string }
		}
		a := w.ask(fmt.Sprintf("{scalingGroup(groupId: %q) {activities(first: 2) {nodes {%s}}}}", smallGroup, field), nil)
		nodes := must[struct{ ScalingGroup struct{ Activities list } }](t, a).ScalingGroup.Activities.Nodes
		if want := []string{"b", "a", "c", "d", "e"}; !slices.Equal(nodes[0].FailureReasons, want) {
			t.Errorf("%s: %q, want %q", name, nodes[0].FailureReasons, want)
		}
	}
	a := w.ask(fmt.Sprintf("{scalingGroup(groupId: %q) {activities(first: 12) {nodes {failureReasons}}}}", smallGroup), nil)
	if len(a.calls) != 1 {
		t.Errorf("%d calls, want 1: the reasons come with their rows", len(a.calls))
	}
}
