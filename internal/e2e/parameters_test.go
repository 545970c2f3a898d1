package e2e

import (
	"net/http"
	"net/url"
	"reflect"
	"testing"
)

// Every argument that becomes a parameter of the upstream's call arrives there.
func TestParameters(t *testing.T) {
	e, base := newUpstream(t)
	s := startServer(t, "-upstream", base, "-project", testProject, "-cache-memory=0")
	rows := e.Rows(testProject, testGroup)
	const all = "start_number=0&limit=24&" // 20 rows, one more to learn whether there are more, and 3 that may share a second with it
	cases := []struct{ arguments, want string }{
		{`first: 2`, "start_number=0&limit=6"},
		{`first: 2, offset: 1`, "start_number=0&limit=4"}, // one row before and one behind
		{`filter: {startTime: "2026-01-02T05:04:05+02:00"}`, all + "start_time=2026-01-02T03:04:05Z"},
		{`filter: {startTime: "2026-01-02T03:04:05.999Z", endTime: "2026-01-02T05:04:05.001Z"}`, all + "start_time=2026-01-02T03:04:05Z&end_time=2026-01-02T05:04:06Z"},
		{`filter: {types: [NORMAL]}`, all + "type=NORMAL"},
		{`filter: {types: [MODIFY_ELB, DIFF, NORMAL, DIFF]}`, all + "type=DIFF,MODIFY_ELB,NORMAL"},
		{`filter: {types: [MANUAL_REMOVE, MANUAL_DELETE, MANUAL_ADD]}`, all + "type=MANNUAL_ADD,MANNUAL_DELETE,MANNUAL_REMOVE"},
		{`filter: {types: [ELB_CHECK_DELETE, AUDIT_CHECK_DELETE, ENTER_STANDBY, EXIT_STANDBY]}`, all + "type=AUDIT_CHECK_DELETE,ELB_CHECK_DELETE,ENTER_STANDBY,EXIT_STANDBY"},
		{`filter: {types: []}`, all},
		{`filter: {status: SUCCESS}`, all + "status=SUCCESS"},
		{`filter: {status: FAIL}`, all + "status=FAIL"},
		{`filter: {status: DOING}`, all + "status=DOING"},
		{`filter: {logId: "` + rows[0].ID + `"}`, all + "log_id=" + rows[0].ID},
		{`filter: {logId: "a&b=c d/é"}`, ""}, // not an id: no call
		{`filter: {startTime: "2026-01-01T00:00:00Z", types: [NORMAL], status: FAIL}`, all + "start_time=2026-01-01T00:00:00Z&type=NORMAL&status=FAIL"},
	}
	for _, c := range cases {
		t.Run(c.arguments, func(t *testing.T) {
			e.Reset()
			query := `{scalingGroup(groupId: "` + testGroup + `") {activities(` + c.arguments + `) {nodes {logId}}}}`
			s.do(t, http.MethodGet, "/graphql?query="+url.QueryEscape(query), "", "X-Auth-Token", testToken)
			want, err := url.ParseQuery(c.want)
			if err != nil {
				t.Fatal(err)
			}
			requests := e.Requests()
			if c.want == "" && len(requests) == 0 {
				return
			}
			if len(requests) != 1 {
				t.Fatalf("%d upstream calls, want 1", len(requests))
			}
			got := requests[0]
			if got.Path != "/autoscaling-api/v2/"+testProject+"/scaling_activity_log/"+testGroup || !reflect.DeepEqual(got.Query, want) {
				t.Errorf("the upstream got %s with %v, want %v", got.Path, got.Query, want)
			}
		})
	}
}
