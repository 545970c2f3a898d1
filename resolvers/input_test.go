package resolvers

import (
	"encoding/json"
	"strings"
	"testing"

	"scalegraph/resolvers/cursor"
	"scalegraph/resolvers/globalid"
	"scalegraph/upstream"
)

// byVariables uses all variables that inGroup declares.
const byVariables = `activities(first: $first, after: $after, last: $last, before: $before, offset: $offset, filter: $filter) { nodes { id } }`

// inGroup requests a field of the busy group, with variables for all arguments of a connection.
func inGroup(field string) string {
	return `query ($first: Int, $after: String, $last: Int, $before: String, $offset: Int, $filter: ScalingActivityFilter) {
		scalingGroup(groupId: "` + busyGroup + `") { ` + field + ` }
		other: scalingGroup(groupId: "g") @skip(if: true) { ` + byVariables + ` }
	}`
}

// Invalid arguments are rejected with a code and the name of the argument, and cause no call.
func TestBadInput(t *testing.T) {
	w := newWorld(t)
	own := cursor.ForGroup(upstream.Group{Region: "default", Project: project, ID: busyGroup}, upstream.Filter{})
	good := own.EncodeRow(cursor.Row{Second: newestStart.Unix(), LogID: uuidLog})
	other := cursor.ForGroup(upstream.Group{Region: "default", Project: project, ID: smallGroup}, upstream.Filter{})
	const input, invalid = "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"

	tests := []struct{ name, query, variables, code, names string }{
		{"first -1", inGroup(byVariables), `{"first": -1}`, input, "`first`"},
		{"first 501", inGroup(byVariables), `{"first": 501}`, input, "`first` must be at most 500"},
		{"first 3000000000", inGroup(byVariables), `{"first": 3000000000}`, input, "`first`"},
		{"first text", inGroup(byVariables), `{"first": "5"}`, input, "`first`"},
		{"first fraction", inGroup(byVariables), `{"first": 5.5}`, invalid, "first"},
		{"first true", inGroup(byVariables), `{"first": true}`, invalid, "first"},
		{"last -1", inGroup(byVariables), `{"last": -1}`, input, "`last`"},
		{"last 501", inGroup(byVariables), `{"last": 501}`, input, "`last` must be at most 500"},
		{"last 3000000000", inGroup(byVariables), `{"last": 3000000000}`, input, "`last`"},
		{"last text", inGroup(byVariables), `{"last": "5"}`, input, "`last`"},
		{"offset -1", inGroup(byVariables), `{"offset": -1}`, input, "`offset`"},
		{"offset 3000000000", inGroup(byVariables), `{"offset": 3000000000}`, input, "`offset`"},
		{"first with last", inGroup(byVariables), `{"first": 1, "last": 1}`, input, "`first`"},
		{"offset with last", inGroup(byVariables), `{"offset": 1, "last": 1}`, input, "`offset`"},
		{"offset with after", inGroup(byVariables), `{"offset": 0, "after": "` + good + `"}`, input, "`offset`"},
		{"offset with before", inGroup(byVariables), `{"offset": 0, "before": "` + good + `"}`, input, "`offset`"},

		{"literal first -1", inGroup(`activities(first: -1) { totalCount }`), `{}`, input, "`first`"},
		{"literal first 501", inGroup(`activities(first: 501) { totalCount }`), `{}`, input, "`first`"},
		{"literal first 3000000000", inGroup(`activities(first: 3000000000) { totalCount }`), `{}`, input, "`first`"},
		{"literal first text", inGroup(`activities(first: "5") { totalCount }`), `{}`, invalid, "Int"},

		{"after empty", inGroup(byVariables), `{"after": ""}`, input, "`after`"},
		{"after garbage", inGroup(byVariables), `{"after": "garbage"}`, input, "`after`"},
		{"after cut", inGroup(byVariables), `{"after": "` + good[:len(good)-3] + `"}`, input, "`after`"},
		{"after a number", inGroup(byVariables), `{"after": 5}`, input, "`after`"},
		{"before garbage", inGroup(byVariables), `{"before": "!!!"}`, input, "`before`"},
		{"before cut", inGroup(byVariables), `{"before": "` + good[:8] + `"}`, input, "`before`"},
		{"after of another group", inGroup(byVariables), `{"after": "` + cursorOf(other) + `"}`, "CURSOR_MISMATCH", "`after`"},
		{"before of another filter", inGroup(byVariables), `{"before": "` + good + `", "filter": {"status": "FAIL"}}`, "CURSOR_MISMATCH", "`before`"},
		{"after of another version", inGroup(byVariables), `{"after": "` + "Ag" + good[2:] + `"}`, "CURSOR_EXPIRED", "`after`"},
		{"a cursor where only the count is wanted", inGroup(`activities(after: "garbage") { totalCount }`), `{}`, input, "`after`"},

		{"end before start", inGroup(byVariables), `{"filter": {"startTime": "2026-11-20T12:00:01Z", "endTime": "2026-11-20T12:00:00Z"}}`, input, "`filter.endTime`"},
		{"no time", inGroup(byVariables), `{"filter": {"startTime": "yesterday"}}`, input, "`filter.startTime`"},
		{"a time of no use", inGroup(byVariables), `{"filter": {"endTime": "0001-01-01T00:00:00Z"}}`, input, "`filter.endTime`"},
		{"a time too late", inGroup(byVariables), `{"filter": {"startTime": "9999-12-31T23:59:59-01:00"}}`, input, "`filter.startTime`"},
		{"a literal that is no time", inGroup(`activities(filter: {startTime: "2026-11-20"}) { totalCount }`), `{}`, input, "`filter.startTime`"},
		{"type UNKNOWN", inGroup(byVariables), `{"filter": {"types": ["NORMAL", "UNKNOWN"]}}`, input, "`filter.types`"},
		{"type of none", inGroup(byVariables), `{"filter": {"types": ["NONSENSE"]}}`, invalid, "filter"},
		{"status UNKNOWN", inGroup(byVariables), `{"filter": {"status": "UNKNOWN"}}`, input, "`filter.status`"},
		{"log id empty", inGroup(byVariables), `{"filter": {"logId": ""}}`, input, "`filter.logId`"},
		{"unknown filter", inGroup(byVariables), `{"filter": {"state": "FAIL"}}`, invalid, "state"},
		{"latest of UNKNOWN", inGroup(`latestActivity(filter: $filter) { id }`), `{"filter": {"status": "UNKNOWN"}}`, input, "`filter.status`"},
		{"summary of UNKNOWN", inGroup(`activitySummary(filter: $filter) { total }`), `{"filter": {"types": ["UNKNOWN"]}}`, input, "`filter.types`"},
		{"activity without id", inGroup(`activity(logId: "") { id }`), `{}`, input, "`logId`"},

		{"group without id", `{ scalingGroup(groupId: "") { activities { totalCount } } }`, `{}`, input, "`groupId`"},
		{"unknown region", `{ scalingGroup(groupId: "g", region: "moon") { activities { totalCount } } }`, `{}`, input, "`region`"},
		{"empty project", `{ scalingGroup(groupId: "g", projectId: "") { activities { totalCount } } }`, `{}`, input, "`projectId`"},
		{"a long group id", `{ scalingGroup(groupId: "` + strings.Repeat("g", 129) + `") { region } }`, `{}`, input, "`groupId`"},
		{"a long project id", `{ scalingGroup(groupId: "g", projectId: "` + strings.Repeat("p", 129) + `") { region } }`, `{}`, input, "`projectId`"},
		{"a path for a project", `{ scalingGroup(groupId: "g", projectId: "..") { activities { totalCount } } }`, `{}`, input, "`projectId`"},
		{"a path for a group", `{ scalingGroup(groupId: ".") { activities { totalCount } } }`, `{}`, input, "`groupId`"},

		{"node of garbage", `{ node(id: "garbage") { id } }`, `{}`, input, "`id`"},
		{"node of nothing", `{ node(id: "") { id } }`, `{}`, input, "`id`"},
		{"node of a cut id", `{ node(id: "` + globalid.Object{Group: groupA, LogID: uuidLog}.ID()[:20] + `") { id } }`, `{}`, input, "`id`"},
		{"node of an unknown region", `{ node(id: "` + globalid.Object{Group: upstream.Group{Region: "moon", Project: "p", ID: "g"}, LogID: uuidLog}.ID() + `") { id } }`, `{}`, input, "`id`"},
		{"too many nodes", `{ nodes(ids: [` + strings.Repeat(`"a" `, 101) + `]) { id } }`, `{}`, input, "`ids`"},
		{"too many groups", `{ scalingGroups(groups: [` + strings.Repeat(`{groupId: "g"} `, 101) + `]) { id } }`, `{}`, input, "`groups`"},

		{"feed of none", `{ scalingActivities(groups: []) { totalCount } }`, `{}`, input, "`groups`"},
		{"feed of too many", `{ scalingActivities(groups: [` + strings.Repeat(`{groupId: "g"} `, 101) + `]) { totalCount } }`, `{}`, input, "`groups`"},
		{"feed of a bad group", `{ scalingActivities(groups: [{groupId: "g"}, {groupId: "h", region: "moon"}]) { totalCount } }`, `{}`, input, "`groups[1]`"},
		{"feed first 501", `{ scalingActivities(groups: [{groupId: "g"}], first: 501) { totalCount } }`, `{}`, input, "`first`"},
		{"feed with a group's cursor", `{ scalingActivities(groups: [{groupId: "` + busyGroup + `"}], after: "` + good + `") { totalCount } }`, `{}`, "CURSOR_MISMATCH", "`after`"},
		{"feed with garbage", `{ scalingActivities(groups: [{groupId: "g"}], before: "garbage") { totalCount } }`, `{}`, input, "`before`"},
		{"feed of UNKNOWN", `{ scalingActivities(groups: [{groupId: "g"}], filter: {status: UNKNOWN}) { totalCount } }`, `{}`, input, "`filter.status`"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var variables map[string]json.RawMessage
			if err := json.Unmarshal([]byte(test.variables), &variables); err != nil {
				t.Fatal(err)
			}
			body, _ := json.Marshal(map[string]any{"query": test.query, "variables": variables})
			a := w.send(body)
			e := a.one(t)
			if e.code() != test.code || e.Extensions["retryable"] != false {
				t.Errorf("coded %v, want %s: %s", e.Extensions, test.code, a.raw)
			}
			if test.code == "GRAPHQL_VALIDATION_FAILED" {
				e.Message += " at " + e.path() // the framework names the argument there
			}
			if !strings.Contains(e.Message, test.names) {
				t.Errorf("%q does not name %s", e.Message, test.names)
			}
			if len(a.calls) > 0 {
				t.Errorf("%d upstream calls", len(a.calls))
			}
		})
	}
}

func cursorOf(s cursor.Scope) string {
	return s.EncodeRow(cursor.Row{Second: newestStart.Unix(), LogID: uuidLog})
}

func TestNoProjectAnywhere(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.DefaultProject = "" })
	a := w.ask(`{
		a: scalingGroup(groupId: "g") { id }
		b: scalingGroup(groupId: "g", projectId: "p") { projectId }
		c: scalingGroups(groups: [{groupId: "g"}, {groupId: "g", projectId: "p"}]) { projectId }
	}`, nil)
	if len(a.Errors) != 2 || a.Errors[0].code() != "BAD_USER_INPUT" || a.Errors[1].code() != "BAD_USER_INPUT" {
		t.Errorf("errors in %s", a.raw)
	}
	if want := `{"a":null,"b":{"projectId":"p"},"c":[null,{"projectId":"p"}]}`; string(a.Data) != want {
		t.Errorf("got %s, want %s", a.Data, want)
	}
}

func TestGoodInts(t *testing.T) {
	w := newWorld(t)
	for _, first := range []string{"0", "5", "5.0", "5e2", "null"} {
		body := `{"query": ` + quote(inGroup(byVariables)) + `, "variables": {"first": ` + first + `}}`
		if a := w.send([]byte(body)); len(a.Errors) > 0 {
			t.Errorf("first %s: %s", first, a.raw)
		}
	}
}

func quote(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

// TestForgedCursor sends cursors that lack the checksum of a server with a secret.
func TestForgedCursor(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Secret = "secret" })
	g := upstream.Group{Region: "default", Project: project, ID: busyGroup}
	list := cursor.ForList("groups", upstream.Group{Region: "default", Project: project}, "")
	for _, query := range []string{
		`{ scalingGroup(groupId: "` + busyGroup + `") { activities(after: "` + cursorOf(cursor.ForGroup(g, upstream.Filter{})) + `") { totalCount } } }`,
		`{ scalingActivities(groups: [{groupId: "` + busyGroup + `"}], before: "` + cursorOf(cursor.ForFeed([]upstream.Group{g}, upstream.Filter{})) + `") { totalCount } }`,
		`{ project { scalingGroups(after: "` + list.EncodePosition(cursor.Position{Second: 0, Texts: [2]string{"a", "b"}}) + `") { totalCount } } }`,
	} {
		a := w.ask(query, nil)
		if e := a.one(t); e.code() != "BAD_USER_INPUT" || len(a.calls) > 0 {
			t.Errorf("%s after %d calls: %s", e.code(), len(a.calls), query)
		}
	}
	var page struct {
		ScalingGroup struct {
			Activities struct {
				PageInfo struct{ EndCursor string }
				Nodes    []struct{ LogID string }
			}
		}
	}
	read := func(after string) string {
		a := w.ask(`{ scalingGroup(groupId: "`+busyGroup+`") { activities(first: 1`+after+`) { pageInfo { endCursor } nodes { logId } } } }`, nil)
		if err := json.Unmarshal(a.Data, &page); err != nil || len(a.Errors) > 0 {
			t.Fatalf("%v: %s", err, a.raw)
		}
		return page.ScalingGroup.Activities.Nodes[0].LogID
	}
	first := read("")
	if second := read(`, after: "` + page.ScalingGroup.Activities.PageInfo.EndCursor + `"`); second == first {
		t.Errorf("%s again", first)
	}
}
