package resolvers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
)

// What the details alone show is returned if the rest cannot be read; only without the details there is an error.
func TestBlockersOfWhatCanBeRead(t *testing.T) {
	query := fmt.Sprintf(`{scalingGroup(groupId: %q) {scalingBlockers {code message until policy {name}}}}`, groupID(0))
	cases := map[string]struct {
		denied []emulator.Call
		want   string // in the response
	}{
		"everything":         {nil, `[{"code":"MAX_REACHED","message":"The group has its maximum of 3 instances.","until":null,"policy":{"name":"grow"}},{"code":"POLICY_PAUSED"`},
		"without policies":   {[]emulator.Call{emulator.GroupPolicies, emulator.ProjectPolicies}, `[{"code":"MAX_REACHED","message":"The group has its maximum of 3 instances.","until":null,"policy":null}]`},
		"without activities": {[]emulator.Call{emulator.ActivityLog}, `"POLICY_PAUSED"`},
		"without details":    {[]emulator.Call{emulator.Groups, emulator.ShowGroup}, `FORBIDDEN`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newPolicyWorld(t, 1)
			w.emulator.UpdateGroup(project, groupID(0), func(g *emulator.Group) { g.Max = 3 })
			if c.denied != nil {
				w.emulator.RestrictToken(token, emulator.LacksPermission, c.denied...)
			}
			a := w.ask(query, nil)
			if !strings.Contains(string(a.raw), c.want) || (len(a.Errors) > 0) != (c.want == "FORBIDDEN") {
				t.Errorf("%s", a.raw)
			}
		})
	}
}

// Every condition that the emulator can bring about is found in its data.
func TestBlockersOfEmulatedGroups(t *testing.T) {
	set := func(change func(*emulator.Group)) func(*world) {
		return func(w *world) { w.emulator.UpdateGroup(project, groupID(0), change) }
	}
	status := func(s string) func(*world) { return set(func(g *emulator.Group) { g.Status = s }) }
	insert := func(status string, ended time.Duration) func(*world) {
		return func(w *world) {
			end := time.Now().Add(-ended)
			w.emulator.Insert(project, groupID(0), emulator.Row{Type: emulator.Normal, Status: status, Start: end.Add(-time.Minute), End: end})
		}
	}
	const paused = "POLICY_PAUSED grow"
	for name, c := range map[string]struct {
		change func(*world)
		want   string
	}{
		"nothing but a paused policy": {func(*world) {}, paused},
		"at the maximum":              {set(func(g *emulator.Group) { g.Max = g.Desire }), "MAX_REACHED grow, " + paused},
		"at the minimum":              {set(func(g *emulator.Group) { g.Min = g.Desire }), "MIN_REACHED shrink, " + paused},
		"paused":                      {status(emulator.GroupPaused), "NOT_IN_SERVICE, " + paused},
		"in error":                    {status(emulator.GroupError), "NOT_IN_SERVICE, " + paused},
		"deleting":                    {status(emulator.GroupDeleting), "NOT_IN_SERVICE, " + paused},
		"frozen":                      {status(emulator.GroupFrozen), "FROZEN, " + paused},
		"an action in progress":       {insert(emulator.Doing, 0), "GROUP_BUSY, " + paused},
		"cooling down":                {insert(emulator.Success, 10*time.Second), paused + ", COOLDOWN shrink"},
		"cooled down":                 {insert(emulator.Success, 2*time.Minute), paused},
		"a policy that is executed": {func(w *world) {
			w.emulator.UpdatePolicy(project, policyID(0, 0), func(p *emulator.Policy) { p.Status = emulator.PolicyExecuting })
		}, paused + ", POLICY_BUSY shrink"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newPolicyWorld(t, 1, c.change)
			a := w.ask(fmt.Sprintf(`{scalingGroup(groupId: %q) {scalingBlockers {code until policy {name}}}}`, groupID(0)), nil)
			var got []string
			for _, b := range must[struct {
				ScalingGroup struct {
					ScalingBlockers []struct {
						Code   string
						Until  *time.Time
						Policy *struct{ Name string }
					}
				}
			}](t, a).ScalingGroup.ScalingBlockers {
				if (b.Code == "COOLDOWN") != (b.Until != nil) {
					t.Errorf("%s until %v", b.Code, b.Until)
				}
				text := b.Code
				if b.Policy != nil {
					text += " " + b.Policy.Name
				}
				got = append(got, text)
			}
			if text := strings.Join(got, ", "); text != c.want {
				t.Errorf("got %s, want %s", text, c.want)
			}
		})
	}
}
