package blockers

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"scalegraph/upstream"
)

func TestFind(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	n := func(v int32) *int32 { return &v }
	yes := true
	policy := func(id string, kind upstream.PolicyType, op upstream.PolicyOperation, change ...func(*upstream.Policy)) *upstream.Policy {
		p := &upstream.Policy{Ref: upstream.PolicyRef{ID: id}, Type: kind, Status: upstream.PolicyInService, Action: &upstream.PolicyAction{Operation: op}}
		for _, f := range change {
			f(p)
		}
		return p
	}
	status := func(s upstream.PolicyStatus) func(*upstream.Policy) { return func(p *upstream.Policy) { p.Status = s } }
	cooling := func(s int32) func(*upstream.Policy) { return func(p *upstream.Policy) { p.CooldownSeconds = &s } }
	grow, shrink := policy("grow", upstream.PolicyAlarm, upstream.OperationAdd), policy("shrink", upstream.PolicyScheduled, upstream.OperationRemove)
	ended := func(ago time.Duration) *upstream.Activity {
		return &upstream.Activity{Status: upstream.StatusFail, StartTime: now.Add(-ago - time.Minute), EndTime: now.Add(-ago)}
	}
	doing := &upstream.Activity{Status: upstream.StatusDoing, StartTime: now.Add(-time.Minute)}
	group := func(s upstream.GroupStatus, desired, least, most int32) *upstream.GroupDetails {
		return &upstream.GroupDetails{Status: s, RawStatus: string(s), DesiredInstances: n(desired), MinInstances: n(least), MaxInstances: n(most), CooldownSeconds: n(300)}
	}
	type list = []*upstream.Policy
	type rows = []*upstream.Activity
	inService := group(upstream.GroupInService, 3, 1, 9)
	scaling := *inService
	scaling.IsScaling = &yes
	cases := map[string]struct {
		details    *upstream.GroupDetails
		policies   list
		activities rows
		want       []string // code, policy if there is one, seconds from now until the end if there is one
	}{
		"nothing":                        {inService, list{grow, shrink}, nil, nil},
		"nothing known":                  {&upstream.GroupDetails{Status: upstream.GroupUnknown}, nil, nil, nil},
		"paused, no cooldown":            {group(upstream.GroupPaused, 3, 1, 9), list{grow}, rows{ended(time.Minute)}, []string{"NOT_IN_SERVICE"}},
		"in error":                       {group(upstream.GroupError, 3, 1, 9), nil, nil, []string{"NOT_IN_SERVICE"}},
		"deleting":                       {group(upstream.GroupDeleting, 3, 1, 9), nil, nil, []string{"NOT_IN_SERVICE"}},
		"frozen, no cooldown":            {group(upstream.GroupFrozen, 3, 1, 9), list{grow}, rows{ended(time.Minute)}, []string{"FROZEN"}},
		"maximum without policies":       {group(upstream.GroupInService, 9, 1, 9), nil, nil, []string{"MAX_REACHED"}},
		"maximum with policies":          {group(upstream.GroupInService, 9, 1, 9), list{grow, shrink}, nil, []string{"MAX_REACHED grow"}},
		"minimum with policies":          {group(upstream.GroupInService, 1, 1, 9), list{grow, shrink}, nil, []string{"MIN_REACHED shrink"}},
		"minimum without such a policy":  {group(upstream.GroupInService, 1, 1, 9), list{grow}, nil, []string{"MIN_REACHED"}},
		"minimum is maximum":             {group(upstream.GroupInService, 2, 2, 2), list{grow, shrink}, nil, []string{"MAX_REACHED grow", "MIN_REACHED shrink"}},
		"a policy that sets is not held": {group(upstream.GroupInService, 9, 1, 9), list{policy("set", upstream.PolicyScheduled, upstream.OperationSet)}, nil, []string{"MAX_REACHED"}},
		"scaling by the details":         {&scaling, nil, nil, []string{"GROUP_BUSY"}},
		"scaling by the log":             {inService, nil, rows{doing}, []string{"GROUP_BUSY"}},
		"policies paused and executing": {inService, list{policy("a", upstream.PolicyScheduled, upstream.OperationAdd, status(upstream.PolicyPaused)),
			policy("b", upstream.PolicyScheduled, upstream.OperationAdd, status(upstream.PolicyExecuting))}, nil, []string{"POLICY_PAUSED a", "POLICY_BUSY b"}},
		"cooldown of the group": {inService, list{grow, shrink}, rows{ended(100 * time.Second)}, []string{"COOLDOWN grow 200"}},
		"cooldown of a policy": {inService, list{policy("slow", upstream.PolicyAlarm, upstream.OperationAdd, cooling(1000)),
			policy("none", upstream.PolicyAlarm, upstream.OperationAdd, cooling(0))}, rows{ended(100 * time.Second)}, []string{"COOLDOWN slow 900"}},
		"cooldown over":                        {inService, list{grow}, rows{ended(300 * time.Second)}, nil},
		"cooldown after the newest that ended": {inService, list{grow}, rows{doing, ended(10 * time.Second), ended(200 * time.Second)}, []string{"GROUP_BUSY", "COOLDOWN grow 290"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := []string{}
			for _, b := range Find(c.details, c.policies, c.activities, now) {
				text := string(b.Code)
				if b.Policy != nil {
					text += " " + b.Policy.Ref.ID
				}
				if b.Until != nil {
					text += fmt.Sprintf(" %d", int(b.Until.Sub(now).Seconds()))
				}
				if got = append(got, text); b.Message == "" {
					t.Errorf("%s has no message", text)
				}
			}
			if !slices.Equal(got, c.want) && len(got)+len(c.want) > 0 {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
