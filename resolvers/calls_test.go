package resolvers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/internal/paging"
	"scalegraph/resolvers/globalid"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

func TestEqualPagesAreReadOnce(t *testing.T) {
	w := newWorld(t)
	var q strings.Builder
	for i := range 50 {
		fmt.Fprintf(&q, `a%d: scalingGroup(groupId: "%s") { activities(first: 5) { nodes { logId } totalCount } } `, i, busyGroup)
	}
	a := w.ask("{"+q.String()+"}", nil)
	data := must[map[string]struct {
		Activities struct{ Nodes []struct{ LogID string } }
	}](t, a)
	if len(data) != 50 || len(data["a49"].Activities.Nodes) != 5 {
		t.Errorf("got %s", a.raw)
	}
	if len(a.calls) != 1 {
		t.Errorf("%d upstream calls", len(a.calls))
	}
}

// Fields that request the same in different ways share calls.
func TestWaysToAskTheSame(t *testing.T) {
	w := newWorld(t)
	in := func(fields string) string { return `scalingGroup(groupId: "` + busyGroup + `") { ` + fields + ` }` }
	tests := map[string]struct {
		query string
		calls int
	}{
		"null and absent":       {in(`a: activities(first: 20) { nodes { id } } b: activities(first: null, filter: {}) { nodes { id } } c: activities { nodes { id } }`), 1},
		"types in any order":    {in(`a: activities(filter: {types: [DIFF, NORMAL]}) { nodes { id } } b: activities(filter: {types: [NORMAL, DIFF, DIFF]}) { nodes { id } }`), 1},
		"named in other words":  {in(`activities { nodes { id } }`) + ` b: scalingGroup(groupId: "` + busyGroup + `", region: "default", projectId: "` + project + `") { activities { nodes { id } } }`, 1},
		"counts":                {in(`a: activities { totalCount } b: activities(first: 3) { totalCount asOf } activitySummary { total }`), 1},
		"other page sizes":      {in(`a: activities(first: 1) { nodes { id } } b: activities(first: 2) { nodes { id } }`), 2},
		"other regions":         {in(`activities { totalCount }`) + ` b: scalingGroup(groupId: "` + busyGroup + `", region: "south") { activities { totalCount } }`, 2},
		"rows of a row's group": {in(`activities(first: 5) { nodes { group { activities(first: 5) { nodes { id } } latestActivity { id } } } }`), 2},
		"no activity field":     {in(`id groupId projectId region __typename`), 0},
		"only a type name":      {in(`activities { __typename }`), 1},
		"only page info":        {in(`activities { pageInfo { hasNextPage } }`), 1},
		"skipped":               {in(`activities @skip(if: true) { nodes { id } }`), 0},
	}
	for name, test := range tests {
		a := w.ask("{"+test.query+"}", nil)
		if len(a.Errors) > 0 || len(a.calls) != test.calls {
			t.Errorf("%s: %d calls, want %d: %s", name, len(a.calls), test.calls, a.raw)
		}
	}
}

func TestRequestsShareNothing(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		if a := w.ask(inGroup(`activities { totalCount }`), nil); len(a.calls) != 1 {
			t.Errorf("%d upstream calls", len(a.calls))
		}
	}
}

// inParallel are queries of ten groups.
var inParallel = map[string]string{
	"aliases":   aliased(10, `activities(first: 3) { nodes { id } }`),
	"a list":    `{ scalingGroups(groups: [` + refs(10) + `]) { activities(first: 3) { nodes { id } } } }`,
	"summaries": `{ scalingGroups(groups: [` + refs(10) + `]) { activitySummary { failed } } }`,
	"a feed":    `{ scalingActivities(groups: [` + refs(10) + `], first: 3) { nodes { id } } }`,
	"nodes":     `{ nodes(ids: [` + ids(10) + `]) { id } }`,
}

// The upstream responds only after it has received the calls of all ten groups.
func TestGroupsAreReadConcurrently(t *testing.T) {
	w := newWorld(t)
	for name, query := range inParallel {
		var arrived sync.WaitGroup
		arrived.Add(10)
		first := new(sync.Map)
		w.emulator.OnRequest(func(r emulator.Request) {
			if _, again := first.LoadOrStore(r.Group, true); !again {
				arrived.Done()
			}
			arrived.Wait()
		})
		if a := w.ask(query, nil); len(a.Errors) > 0 {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
}

// TestTenGroupsTakeOneLatency runs the clock of a test, so a busy machine does not matter.
func TestTenGroupsTakeOneLatency(t *testing.T) {
	for name, query := range inParallel {
		synctest.Test(t, func(t *testing.T) {
			pages := paging.New(slow(50 * time.Millisecond))
			run := newRunner(t, New(Config{Pages: pages, Counts: pages, Feeds: pages, Region: "default", DefaultProject: project}))
			start := time.Now()
			if response := run.ask(t, query); len(response.Errors) > 0 {
				t.Fatal(response.Errors)
			}
			if took := time.Since(start); took >= 100*time.Millisecond {
				t.Errorf("%s took %v", name, took)
			}
		})
	}
}

// slow is a source of rows that takes its time.
type slow time.Duration

func (s slow) List(_ context.Context, q upstream.ListQuery) (upstream.Listing, error) {
	time.Sleep(time.Duration(s))
	l := upstream.Listing{Offset: q.Offset, Total: 12, At: time.Now()}
	for i := q.Offset; i < min(12, q.Offset+q.Limit); i++ {
		l.Rows = append(l.Rows, &upstream.Activity{
			Group: q.Group, LogID: emulator.ID(4000 + i), StartTime: newestStart.Add(-time.Duration(i) * time.Minute),
			Details: upstream.Details{Sections: upstream.AllSections},
		})
	}
	if q.Filter.LogID != "" {
		l.Rows, l.Total = l.Rows[:1], 1
	}
	return l, nil
}

// aliased requests fields of n groups.
func aliased(n int, fields string) string {
	var q strings.Builder
	for i := range n {
		fmt.Fprintf(&q, `a%d: scalingGroup(groupId: "%s", region: "%s") { %s } `, i, parallelGroup(i), "default", fields)
	}
	return "{" + q.String() + "}"
}

func refs(n int) string {
	var q strings.Builder
	for i := range n {
		fmt.Fprintf(&q, `{groupId: "%s"} `, parallelGroup(i))
	}
	return q.String()
}

func ids(n int) string {
	var q strings.Builder
	for i := range n {
		fmt.Fprintf(&q, "%q ", globalid.Object{Group: upstream.Group{Region: "default", Project: project, ID: parallelGroup(i)}, LogID: emulator.ID(4000)}.ID())
	}
	return q.String()
}

func parallelGroup(i int) string { return fmt.Sprintf("c0000000-0000-4000-8000-%012d", i) }

// TestParameters compares what GraphQL was sent with what the upstream received.
func TestParameters(t *testing.T) {
	w := newWorld(t)
	tests := map[string]struct {
		query string
		want  string // the parameters, in the order of their names
	}{
		"nothing":    {inGroup(`activities { totalCount }`), "limit=1"},
		"start time": {inGroup(`activities(filter: {startTime: "2026-11-20T13:00:00.9+01:00"}) { totalCount }`), "limit=1 start_time=2026-11-20T12:00:00Z"},
		"end time":   {inGroup(`activities(filter: {endTime: "2026-11-20T11:00:00.1-01:00"}) { totalCount }`), "end_time=2026-11-20T12:00:01Z limit=1"},
		"a type":     {inGroup(`activities(filter: {types: [DIFF]}) { totalCount }`), "limit=1 type=DIFF"},
		"types":      {inGroup(`activities(filter: {types: [NORMAL, DIFF, MANUAL_ADD]}) { totalCount }`), "limit=1 type=DIFF,MANNUAL_ADD,NORMAL"},
		"all types":  {inGroup(`activities(filter: {types: []}) { totalCount }`), "limit=1"},
		"status":     {inGroup(`activities(filter: {status: DOING}) { totalCount }`), "limit=1 status=DOING"},
		"log id":     {inGroup(`activities(filter: {logId: "` + uuidLog + `"}) { totalCount }`), "limit=1 log_id=" + uuidLog},
		"all of them": {
			inGroup(`activities(filter: {startTime: "2026-11-20T00:00:00Z", endTime: "2026-11-21T00:00:00Z", types: [DIFF], status: FAIL, logId: "` + uuidLog + `"}) { totalCount }`),
			"end_time=2026-11-21T00:00:00Z limit=1 log_id=" + uuidLog + " start_time=2026-11-20T00:00:00Z status=FAIL type=DIFF",
		},
		"an activity": {inGroup(`activity(logId: "` + uuidLog + `") { id }`), "log_id=" + uuidLog},
		"the latest":  {inGroup(`latestActivity(filter: {status: SUCCESS}) { id }`), "status=SUCCESS"},
	}
	for _, typ := range upstream.Types() {
		sent := strings.Replace(string(typ), "MANUAL", "MANNUAL", 1)
		tests["type "+string(typ)] = struct{ query, want string }{
			inGroup(fmt.Sprintf(`activities(filter: {types: [%s]}) { totalCount }`, typ)), "limit=1 type=" + sent,
		}
	}
	for name, test := range tests {
		a := w.ask(test.query, nil)
		if len(a.calls) != 1 || len(a.Errors) > 0 {
			t.Errorf("%s: %d calls: %s", name, len(a.calls), a.raw)
			continue
		}
		call := a.calls[0]
		got := parameters(call)
		if !strings.Contains(test.want, "limit=") { // how many rows are read around one is the walk's affair
			got = strings.TrimSpace(strings.Replace(got, fmt.Sprintf("limit=%d", call.Limit), "", 1))
		}
		if got != test.want || call.Group != busyGroup || call.Project != project || call.Header.Get("X-Auth-Token") != token {
			t.Errorf("%s: %s got %q, want %q", name, call.Path, got, test.want)
		}
	}
}

func parameters(call emulator.Request) string {
	var all []string
	for name, values := range call.Query {
		if name == "start_number" && values[0] == "0" {
			continue
		}
		all = append(all, name+"="+strings.Join(values, "&"))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestSubscriptionsAreRejected(t *testing.T) {
	_, err := New(Config{}).Subscription().ScalingActivityChanged(t.Context(), nil, nil, nil)
	if public := publicError(err); public.Code != "OPERATION_RESOLUTION_FAILURE" || public.Retryable {
		t.Errorf("got %v", public)
	}
}
