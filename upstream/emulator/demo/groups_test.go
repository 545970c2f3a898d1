package demo_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
	"scalegraph/upstream/emulator/demo"
)

// fixedNow is the time of the demo that fixedDemo returns.
var fixedNow = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

var newFixedDemo = sync.OnceValue(func() *demo.Demo { return demo.New(demo.Options{Clock: func() time.Time { return fixedNow }}) })

// fixedDemo returns the one demo with a fixed clock and the history of all groups, for tests that only read.
func fixedDemo(t *testing.T) *demo.Demo {
	t.Helper()
	d := newFixedDemo()
	for _, group := range d.Groups() {
		list(t, d, group, "limit=1")
	}
	return d
}

// policyChanges returns policy, time and values of every activity that names a policy.
func policyChanges(t *testing.T, rows []emulator.Row) map[string]bool {
	t.Helper()
	changes := map[string]bool{}
	for _, r := range rows {
		var d struct {
			Reason []struct {
				Policy string `json:"scaling_policy_id"`
				Time   string `json:"change_time"`
				Old    int    `json:"old_value"`
				New    int    `json:"new_value"`
			}
		}
		if r.Description == "" {
			continue
		}
		if err := json.Unmarshal([]byte(r.Description), &d); err != nil {
			t.Fatal(err)
		}
		for _, c := range d.Reason {
			if c.Policy != "" {
				changes[fmt.Sprint(c.Policy, c.Time, c.Old, c.New)] = true
			}
		}
	}
	return changes
}

func TestDemoGroupsAgreeWithTheirLogs(t *testing.T) {
	d := fixedDemo(t)
	e := d.Emulator()
	names, refused := map[string]bool{}, 0
	for _, g := range e.Groups(demo.Project) {
		names[g.Name] = true
		if n := len(e.Members(demo.Project, g.ID)); g.Desire > g.Max || g.Max == 0 || n > g.Max || g.Name == g.ID {
			t.Errorf("%+v has %d instances", g, n)
		}
		changes := policyChanges(t, e.Rows(demo.Project, g.ID))
		found := 0
		for _, p := range e.Policies(demo.Project) {
			if p.Resource != g.ID {
				continue
			}
			for _, x := range e.ExecutionLog(demo.Project, p.ID) {
				key := fmt.Sprint(p.ID, x.Time.Format("2006-01-02T15:04:05Z"), x.Old, x.Desire)
				switch {
				case x.Status == emulator.ExecutionFail && x.Old == x.Desire && !changes[key]:
					refused++
				case changes[key]:
					found++
				default:
					t.Fatalf("%s: an execution without an activity: %+v", g.Name, x)
				}
				if x.Operation != p.Operation && p.Type == emulator.PolicyAlarm {
					t.Fatalf("%s: policy %s did %+v", g.Name, p.Name, x)
				}
			}
		}
		if missing := len(changes) - found; missing < 0 || missing > 1 { // the oldest execution may have expired before its activity
			t.Errorf("%s: %d of %d activities have an execution", g.Name, found, len(changes))
		}
	}
	if len(names) != len(d.Groups())+1 || refused == 0 {
		t.Errorf("%d names, %d refused executions", len(names), refused)
	}
}

func TestDemoInstancesAgreeWithTheirLog(t *testing.T) {
	e := fixedDemo(t).Emulator()
	for _, g := range e.Groups(demo.Project) {
		seen := map[string]bool{}
		for _, m := range e.Members(demo.Project, g.ID) {
			if seen[m.Name] || m.Name == "" || (m.ID == "") != (m.State == emulator.Pending) {
				t.Errorf("%s: %+v", g.Name, m)
			}
			seen[m.Name] = true
		}
		rows := e.Rows(demo.Project, g.ID)
		for i := len(rows) - 1; i >= 0; i-- { // oldest first
			for _, in := range rows[i].Deleted {
				delete(seen, in.Name)
			}
		}
		if n := len(e.Members(demo.Project, g.ID)); len(seen) != n && len(rows) > 0 {
			t.Errorf("%s: %d of %d instances were deleted", g.Name, n-len(seen), n)
		}
	}
}

func TestDemoGroupAtItsMaximum(t *testing.T) {
	e := fixedDemo(t).Emulator()
	for _, g := range e.Groups(demo.Project) {
		if n := len(e.Members(demo.Project, g.ID)); g.ID == demo.FullGroup && (g.Desire != g.Max || n != g.Max) {
			t.Errorf("%+v with %d instances", g, n)
		}
	}
	for _, p := range e.Policies(demo.Project) {
		if p.Resource != demo.FullGroup {
			continue
		}
		log := e.ExecutionLog(demo.Project, p.ID)
		if len(log) != 73 || !strings.HasPrefix(log[0].FailedReason, "AS.0050: ") || log[len(log)-1].FailedReason != "" {
			t.Errorf("%d executions, the newest %+v", len(log), log[0])
		}
	}
}
