package resolvers

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"scalegraph/upstream/emulator"
)

type execution struct {
	LogID, Status, RawStatus, Trigger, RawTrigger, ExecutedAt, Outcome string
	OldValue, DesiredValue                                             *int
	NotScaledReason, FailureReason                                     *string
	Policy                                                             struct{ PolicyID string }
	Activity                                                           *struct {
		LogID   string
		Reasons []struct{ ScalingPolicyID, ChangeTime string }
	}
}

type executionPage struct {
	TotalCount int
	Stale      bool
	Nodes      []execution
	Edges      []struct{ Cursor string }
	PageInfo   struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       *string
	}
	UnavailablePolicies []struct {
		Code   string
		Policy struct{ PolicyID string }
	}
}

const executionFields = `totalCount stale nodes {logId status rawStatus trigger rawTrigger executedAt outcome oldValue desiredValue notScaledReason failureReason
	policy {policyId} activity {logId reasons {scalingPolicyId changeTime}}} edges {cursor} pageInfo {hasNextPage hasPreviousPage startCursor endCursor}
	unavailablePolicies {code policy {policyId}}`

// groupExecutions reads a page of the executions of the first group.
func (w *world) groupExecutions(arguments string) (executionPage, response) {
	w.t.Helper()
	a := w.ask(fmt.Sprintf(`{scalingGroup(groupId: %q) {policyExecutions%s {%s}}}`, groupID(0), arguments, executionFields), nil)
	return must[struct {
		ScalingGroup struct{ PolicyExecutions executionPage }
	}](w.t, a).ScalingGroup.PolicyExecutions, a
}

func TestExecutionFields(t *testing.T) {
	cases := []struct {
		x                         emulator.Execution
		status, trigger, rawSince string
		outcome, reason           string
	}{
		{emulator.Execution{Old: 1, Desire: 2}, "SUCCESS", "ALARM", "ALARM", "CHANGED", ""},
		{emulator.Execution{Old: 2, Desire: 2}, "SUCCESS", "ALARM", "ALARM", "NO_EFFECT", ""},
		{emulator.Execution{Status: emulator.Executing, Trigger: emulator.TriggerManual}, "EXECUTING", "MANUAL", "MANUAL", "RUNNING", ""},
		{emulator.Execution{Trigger: emulator.TriggerRecurrence, Old: 3, Desire: 2}, "SUCCESS", "RECURRENCE", "RECURRENCE", "CHANGED", ""},
		{emulator.Execution{Status: "ODD", Trigger: "ODD"}, "UNKNOWN", "UNKNOWN", "ODD", "UNKNOWN", ""},
		{emulator.Execution{Status: emulator.ExecutionFail, Trigger: emulator.TriggerScheduled}, "FAIL", "SCHEDULED", "SCHEDULE", "FAILED", "UNKNOWN"},
	}
	for code, reason := range map[string]string{
		"AS.0026": "COOLDOWN", "AS.0034": "GROUP_BUSY", "AS.2047": "GROUP_BUSY", "AS.2054": "GROUP_BUSY", "AS.0050": "MAX_REACHED", "AS.3040": "LIMIT_REACHED",
		"AS.2028": "NO_CHANGE", "AS.2033": "NOT_IN_SERVICE", "AS.2020": "NOT_IN_SERVICE", "AS.3027": "NOT_IN_SERVICE", "AS.3038": "POLICY_BUSY", "AS.8004": "FROZEN",
		"AS.2018": "CONFIGURATION", "AS.1086": "CONFIGURATION", "AS.0001": "SYSTEM", "AS.0049": "SYSTEM", "AS.7003": "SYSTEM", "AS.7078": "SYSTEM", "AS.7079": "SYSTEM",
		"AS.9999": "UNKNOWN", "no code at all": "UNKNOWN",
	} {
		cases = append(cases, struct {
			x                         emulator.Execution
			status, trigger, rawSince string
			outcome, reason           string
		}{emulator.Execution{Status: emulator.ExecutionFail, FailedReason: emulator.FailureReason(code)}, "FAIL", "ALARM", "ALARM", "FAILED", reason})
	}
	w := newPolicyWorld(t, 1)
	for i, c := range cases {
		c.x.ID, c.x.Time = fmt.Sprintf("x%d", i), newestStart.Add(-time.Duration(i)*time.Minute)
		w.emulator.PutExecutions(project, policyID(0, 0), c.x)
	}
	page, _ := w.groupExecutions("(first: 100)")
	if len(page.Nodes) != len(cases) || page.TotalCount != len(cases) {
		t.Fatalf("%d executions of %d", len(page.Nodes), len(cases))
	}
	for i, c := range cases {
		n := page.Nodes[i]
		reason, text := "", ""
		if n.NotScaledReason != nil {
			reason = *n.NotScaledReason
		}
		if n.FailureReason != nil {
			text = *n.FailureReason
		}
		got := fmt.Sprintln(n.LogID, n.Status, n.RawStatus, n.Trigger, n.RawTrigger, n.Outcome, reason, text, *n.OldValue, *n.DesiredValue, n.ExecutedAt, n.Policy.PolicyID)
		want := fmt.Sprintln(fmt.Sprintf("x%d", i), c.status, cmp.Or(c.x.Status, emulator.Success), c.trigger, c.rawSince, c.outcome, c.reason, c.x.FailedReason, c.x.Old, c.x.Desire,
			newestStart.Add(-time.Duration(i)*time.Minute).Format(time.RFC3339), policyID(0, 0))
		if got != want {
			t.Errorf("got %swant %s", got, want)
		}
	}
}

// Two policies fire half a minute apart, again and again, and one fails once the group is full: every execution that changed something finds the
// activity that names its policy and second, every such activity is found, and a failed execution finds none.
func TestExecutionsFindTheirActivities(t *testing.T) {
	w := newPolicyWorld(t, 1)
	executePolicies(t, w, 60)
	w.emulator.UpdateGroup(project, groupID(0), func(g *emulator.Group) { g.Max = g.Desire })
	for i := range 3 {
		w.emulator.Execute(project, policyID(0, 2), newestStart.Add(time.Duration(i)*time.Minute))
	}
	page, _ := w.groupExecutions("(first: 500)")
	found := map[string]bool{}
	for _, n := range page.Nodes {
		if (n.Outcome == "CHANGED") != (n.Activity != nil) {
			t.Fatalf("%s of %s: activity %v", n.Outcome, n.ExecutedAt, n.Activity)
		}
		if n.Activity == nil {
			continue
		}
		if r := n.Activity.Reasons[0]; r.ScalingPolicyID != n.Policy.PolicyID || r.ChangeTime != n.ExecutedAt {
			t.Errorf("execution of %s at %s is joined with %+v", n.Policy.PolicyID, n.ExecutedAt, r)
		}
		if found[n.Activity.LogID] {
			t.Errorf("activity %s is there twice", n.Activity.LogID)
		}
		found[n.Activity.LogID] = true
	}
	if len(found) != 120 || page.TotalCount != 123 {
		t.Errorf("%d activities of %d executions", len(found), page.TotalCount)
	}
}

func TestExecutionFilters(t *testing.T) {
	w := newPolicyWorld(t, 1)
	w.emulator.PutPolicies(project, emulator.Policy{ID: policyID(0, 2), Name: "third", Resource: groupID(0)})
	for i := range 300 {
		x := emulator.Execution{Time: newestStart.Add(-time.Duration(i) * time.Minute), Old: 1, Desire: 2}
		if i%3 == 0 {
			x.Status, x.FailedReason = emulator.ExecutionFail, emulator.FailureReason("AS.0050")
		}
		w.emulator.PutExecutions(project, policyID(0, i%2*2), x)
	}
	for arguments, want := range map[string]struct {
		total, rows int
		next, prev  bool
	}{
		"":                                     {300, 20, true, false},
		"(filter: {})":                         {300, 20, true, false},
		"(filter: {status: FAIL}, first: 30)":  {100, 30, true, false},
		"(filter: {status: FAIL}, last: 30)":   {100, 30, false, true},
		"(filter: {status: EXECUTING})":        {0, 0, false, false},
		"(filter: {trigger: MANUAL})":          {0, 0, false, false},
		"(filter: {trigger: ALARM}, first: 0)": {300, 0, true, false},
		`(filter: {startTime: "2026-11-20T11:00:00Z"}, first: 500)`:                                      {61, 61, false, false},
		`(filter: {startTime: "2026-11-20T11:00:00Z", endTime: "2026-11-20T11:29:59.5Z", status: FAIL})`: {11, 11, false, false},
	} {
		page, _ := w.groupExecutions(arguments)
		if page.TotalCount != want.total || len(page.Nodes) != want.rows || page.PageInfo.HasNextPage != want.next || page.PageInfo.HasPreviousPage != want.prev {
			t.Errorf("%s: total %d, %d rows, %+v; want %+v", arguments, page.TotalCount, len(page.Nodes), page.PageInfo, want)
		}
	}
	var seen []string
	for arguments := "(first: 7, filter: {status: FAIL})"; ; {
		page, _ := w.groupExecutions(arguments)
		for _, n := range page.Nodes {
			seen = append(seen, n.LogID)
		}
		if !page.PageInfo.HasNextPage {
			break
		}
		arguments = fmt.Sprintf("(first: 7, after: %q, filter: {status: FAIL})", *page.PageInfo.EndCursor)
	}
	if len(seen) != 100 {
		t.Errorf("a walk sees %d of 100 failures", len(seen))
	}
	for arguments, code := range map[string]string{
		"(filter: {status: UNKNOWN})":  "BAD_USER_INPUT",
		"(filter: {trigger: UNKNOWN})": "BAD_USER_INPUT",
		"(first: 501)":                 "BAD_USER_INPUT",
		"(first: 1, last: 1)":          "BAD_USER_INPUT",
		`(after: "x")`:                 "BAD_USER_INPUT",
		`(filter: {startTime: "2026-11-20T11:00:00Z", endTime: "2026-11-20T10:00:00Z"})`: "BAD_USER_INPUT",
	} {
		if e := w.ask(fmt.Sprintf(`{scalingGroup(groupId: %q) {policyExecutions%s {totalCount}}}`, groupID(0), arguments), nil).one(t); e.code() != code {
			t.Errorf("%s: %s %q", arguments, e.code(), e.Message)
		}
	}
}

// A cursor stays the same while policies come, go and fire, and belongs to its filter.
func TestExecutionCursors(t *testing.T) {
	w := newPolicyWorld(t, 1)
	w.url = w.serve(w.pages(nil), inventoryWithoutFreshness(w))
	executePolicies(t, w, 5)
	before, _ := w.groupExecutions("")
	w.emulator.PutPolicies(project, emulator.Policy{ID: "a-new-policy", Resource: groupID(0)})
	w.emulator.PutExecutions(project, "a-new-policy", emulator.Execution{Time: newestStart.Add(time.Hour)})
	after, _ := w.groupExecutions("")
	if len(after.Edges) != 11 || len(before.Edges) != 10 || after.Edges[1] != before.Edges[0] || after.Edges[10] != before.Edges[9] {
		t.Errorf("cursors %v, then %v", before.Edges, after.Edges)
	}
	a := w.ask(fmt.Sprintf(`{scalingGroup(groupId: %q) {policyExecutions(filter: {status: FAIL}, after: %q) {totalCount}}}`, groupID(0), before.Edges[0].Cursor), nil)
	if e := a.one(t); e.code() != "CURSOR_MISMATCH" {
		t.Errorf("%s", a.raw)
	}
}

func TestExecutionsOfOnePolicy(t *testing.T) {
	w := newPolicyWorld(t, 1)
	executePolicies(t, w, 5)
	a := w.ask(fmt.Sprintf(`{scalingGroup(groupId: %q) {policies {policyId executions(first: 3) {totalCount nodes {logId policy {policyId}}}}}}`, groupID(0)), nil)
	got := must[struct {
		ScalingGroup struct {
			Policies []struct {
				PolicyID   string
				Executions executionPage
			}
		}
	}](t, a).ScalingGroup.Policies
	for _, p := range got {
		want := 5
		if p.PolicyID == policyID(0, 1) {
			want = 0
		}
		if p.Executions.TotalCount != want || len(p.Executions.Nodes) != min(want, 3) {
			t.Errorf("%s: %+v", p.PolicyID, p.Executions)
		}
	}
}

func TestUnavailablePolicies(t *testing.T) {
	w := newPolicyWorld(t, 1)
	executePolicies(t, w, 5)
	w.emulator.Fault(func(r *http.Request) *emulator.Fault {
		if strings.HasSuffix(r.URL.Path, "execute_log/"+policyID(0, 2)) {
			return &emulator.Fault{Status: http.StatusForbidden, Code: "AS.0011"}
		}
		return nil
	})
	page, a := w.groupExecutions("")
	if u := page.UnavailablePolicies; page.TotalCount != 5 || len(u) != 1 || u[0].Code != "FORBIDDEN" || u[0].Policy.PolicyID != policyID(0, 2) {
		t.Errorf("%s", a.raw)
	}
	denied := newPolicyWorld(t, 1)
	denied.emulator.RestrictToken(token, emulator.LacksPermission, emulator.Executions)
	b := denied.ask(fmt.Sprintf(`{scalingGroup(groupId: %q) {policies {name} policyExecutions {totalCount}}}`, groupID(0)), nil)
	if e := b.one(t); e.code() != "FORBIDDEN" || e.path() != "scalingGroup.policyExecutions" || !strings.Contains(string(b.Data), "grow") {
		t.Errorf("%s", b.raw)
	}
}

// executionsOf reads a page of the executions of the first group without the total, which would read whole logs.
func (w *world) executionsOf(arguments string) (executionPage, response) {
	w.t.Helper()
	fields := strings.Replace(executionFields, "totalCount", "", 1)
	a := w.ask(fmt.Sprintf(`{scalingGroup(groupId: %q) {policyExecutions%s {%s}}}`, groupID(0), arguments, fields), nil)
	return must[struct {
		ScalingGroup struct{ PolicyExecutions executionPage }
	}](w.t, a).ScalingGroup.PolicyExecutions, a
}

// A walk with a status filter over more executions than may be read for one page goes on where the search ended, in both directions, and each
// page takes a bounded number of calls.
func TestStatusFilterOverLongLogs(t *testing.T) {
	const executions, callsForAPage = 2*maxFiltered + 7, 2 * maxFiltered / 50
	w := newPolicyWorld(t, 1)
	var list []emulator.Execution
	failed := 0
	for i := range executions {
		x := emulator.Execution{ID: fmt.Sprintf("x%05d", i), Time: newestStart.Add(-time.Duration(i) * time.Minute), Old: 1, Desire: 2}
		if i < 40 || i > maxFiltered+100 && i%1000 == 0 {
			x.Status, x.FailedReason = emulator.ExecutionFail, emulator.FailureReason("AS.0050")
			failed++
		}
		list = append(list, x)
	}
	w.emulator.PutExecutions(project, policyID(0, 0), list...)
	for _, c := range []struct{ first, cursor string }{{"first", "after"}, {"last", "before"}} {
		seen, short, arguments := map[string]bool{}, 0, fmt.Sprintf("(%s: 7, filter: {status: FAIL})", c.first)
		for pages := 0; arguments != ""; pages++ {
			page, a := w.executionsOf(arguments)
			if len(a.calls) > callsForAPage || pages > failed {
				t.Fatalf("%d calls for page %d", len(a.calls), pages)
			}
			for _, n := range page.Nodes {
				if seen[n.LogID] || n.Status != "FAIL" {
					t.Errorf("%s with status %s", n.LogID, n.Status)
				}
				seen[n.LogID] = true
			}
			further, at := page.PageInfo.HasNextPage, page.PageInfo.EndCursor
			if c.first == "last" {
				further, at = page.PageInfo.HasPreviousPage, page.PageInfo.StartCursor
			}
			if arguments = ""; further {
				arguments = fmt.Sprintf("(%s: 7, %s: %q, filter: {status: FAIL})", c.first, c.cursor, *at)
				if len(page.Nodes) < 7 {
					short++
				}
			}
		}
		if len(seen) != failed || short == 0 {
			t.Errorf("%s: %d of %d failures on %d short pages", c.first, len(seen), failed, short)
		}
	}
}

func TestTooManyPoliciesAndExecutions(t *testing.T) {
	w := newPolicyWorld(t, 1)
	var list []emulator.Execution
	for i := range maxFiltered + 1 {
		list = append(list, emulator.Execution{Time: newestStart.Add(-time.Duration(i) * time.Minute)})
	}
	w.emulator.PutExecutions(project, policyID(0, 0), list...)
	query := `{scalingGroup(groupId: %q) {policyExecutions(first: 1, filter: {status: FAIL}) {totalCount}}}`
	if e := w.ask(fmt.Sprintf(query, groupID(0)), nil).one(t); e.code() != "QUERY_TOO_COMPLEX" {
		t.Errorf("%s %q", e.code(), e.Message)
	}
	for i := range maxPolicies + 1 {
		w.emulator.PutPolicies(project, emulator.Policy{ID: policyID(7, i), Resource: groupID(0)})
	}
	w.url = w.serve(w.pages(nil), inventoryWithoutFreshness(w))
	if e := w.ask(fmt.Sprintf(`{scalingGroup(groupId: %q) {policyExecutions {totalCount}}}`, groupID(0)), nil).one(t); e.code() != "QUERY_TOO_COMPLEX" {
		t.Errorf("%s %q", e.code(), e.Message)
	}
}
