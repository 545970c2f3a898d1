package resolvers

import (
	"fmt"
	"strings"
	"testing"

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
