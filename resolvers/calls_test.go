package resolvers

import (
	"context"
	"encoding/json"
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

// TestWaysToAskTheSame counts calls of queries whose fields ask for the same in other words.
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

// TestGroupsAreReadConcurrently answers nobody before all ten groups have been asked.
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
			if answer := run.ask(t, query); len(answer.Errors) > 0 {
				t.Fatal(answer.Errors)
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

// aliased asks for fields of n groups.
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

// lean answers as a cache of sections does: with the sections asked for and no others. It remembers the queries.
type lean struct {
	pages *paging.Pager
	fail  func(upstream.Sections) error

	mu    sync.Mutex
	asked []upstream.Sections
}

func (l *lean) Page(ctx context.Context, q upstream.PageQuery) (upstream.Page, error) {
	if err := l.note(q.Sections); err != nil {
		return upstream.Page{}, err
	}
	page, err := l.pages.Page(ctx, q)
	page.Rows = strip(page.Rows, q.Sections)
	return page, err
}

func (l *lean) Feed(ctx context.Context, q upstream.FeedQuery) (upstream.FeedPage, error) {
	if err := l.note(q.Sections); err != nil {
		return upstream.FeedPage{}, err
	}
	page, err := l.pages.Feed(ctx, q)
	page.Rows = strip(page.Rows, q.Sections)
	return page, err
}

func (l *lean) note(s upstream.Sections) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, s)
	if l.fail != nil {
		return l.fail(s)
	}
	return nil
}

func strip(rows []*upstream.Activity, sections upstream.Sections) []*upstream.Activity {
	stripped := make([]*upstream.Activity, len(rows))
	for i, row := range rows {
		r := *row
		if r.Details.Sections &= sections; !r.Details.Sections.Has(upstream.SectionInstances) {
			r.Details.Added, r.Details.Removed, r.Details.Deleted, r.Details.Standby = nil, nil, nil, nil
		}
		if !r.Details.Sections.Has(upstream.SectionFailures) {
			r.Details.Failed = nil
		}
		if !r.Details.Sections.Has(upstream.SectionDescriptions) {
			r.Description = nil
		}
		if !r.Details.Sections.Has(upstream.SectionLoadBalancers) {
			r.Details.Bound, r.Details.BindFailed, r.Details.Unbound, r.Details.UnbindFailed = nil, nil, nil, nil
		}
		stripped[i] = &r
	}
	return stripped
}

// leanWorld is a world whose pages bring nothing that was not asked for.
func leanWorld(t *testing.T) (*world, *lean) {
	w := newWorld(t)
	l := &lean{pages: w.pages(nil)}
	w.url = w.serve(l.pages, func(c *Config) { c.Pages, c.Feeds = l, l })
	return w, l
}

// TestSections wants no heavy part read that nobody asked for, and none read twice.
func TestSections(t *testing.T) {
	const inst, fail, lb, text = upstream.SectionInstances, upstream.SectionFailures, upstream.SectionLoadBalancers, upstream.SectionDescriptions
	one := func(s upstream.Sections) []upstream.Sections { return []upstream.Sections{s} }
	tests := map[string]struct {
		query string
		want  []upstream.Sections
	}{
		"light":             {inGroup(`activities { nodes { id outcome direction durationSeconds } edges { cursor node { logId } } }`), one(0)},
		"descriptions":      {inGroup(`activities { nodes { description } }`), one(text)},
		"reasons":           {inGroup(`activities { nodes { ...on Node { ...on ScalingActivity { why: reasons { oldValue } } } } }`), one(text)},
		"nodes":             {inGroup(`activities { nodes { addedInstances { instanceId } } }`), one(inst)},
		"edges":             {inGroup(`activities { edges { node { failedInstances { instanceId } } } }`), one(fail)},
		"both":              {inGroup(`activities { nodes { standbyInstances { instanceId } } edges { node { unbindFailedLoadBalancers { classicListener } } } }`), one(inst | lb)},
		"every list":        {inGroup(`activities { nodes { removedInstances { instanceId } deletedInstances { instanceId } failedInstances { instanceId } boundLoadBalancers { classicListener } bindFailedLoadBalancers { classicListener } unboundLoadBalancers { classicListener } } }`), one(inst | fail | lb)},
		"fragments":         {inGroup(`activities { ...c }`) + ` fragment c on ScalingActivityConnection { nodes { ...on Node { id ...on ScalingActivity { failedInstances { instanceId } } } } }`, one(fail)},
		"left out":          {inGroup(`activities { nodes { id failedInstances @skip(if: true) { instanceId } ... @include(if: false) { addedInstances { instanceId } } } }`), one(0)},
		"aliases":           {inGroup(`a: activities { nodes { x: addedInstances { instanceId } } } b: activities { nodes { failedInstances { instanceId } } }`), one(inst | fail)},
		"one activity":      {inGroup(`activity(logId: "` + emulator.ID(1005) + `") { addedInstances { instanceId } }`), one(inst)},
		"the latest":        {inGroup(`a: latestActivity { addedInstances { instanceId } } b: latestActivity { boundLoadBalancers { classicListener } }`), one(inst | lb)},
		"a node":            {`{ node(id: "` + activityID(busyGroup, 1005) + `") { id ... on ScalingActivity { failedInstances { instanceId } } } }`, one(fail)},
		"a feed":            {`{ scalingActivities(groups: [{groupId: "` + busyGroup + `"}, {groupId: "` + smallGroup + `"}]) { nodes { failedInstances { instanceId } } } }`, one(fail)},
		"a light feed":      {`{ scalingActivities(groups: [{groupId: "` + busyGroup + `"}, {groupId: "` + smallGroup + `"}]) { nodes { logId } } }`, one(0)},
		"a summary of rows": {strings.ReplaceAll(inGroup(`activitySummary { succeeded failed }`), busyGroup, smallGroup), one(0)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w, l := leanWorld(t)
			a := w.ask(test.query, nil)
			if len(a.Errors) > 0 {
				t.Errorf("errors in %s", a.raw)
			}
			if !slices.Equal(l.asked, test.want) {
				t.Errorf("sections asked for: %v, want %v", l.asked, test.want)
			}
		})
	}
}

func activityID(group string, n int) string {
	return globalid.Object{Group: upstream.Group{Region: "default", Project: project, ID: group}, LogID: emulator.ID(n)}.ID()
}

// deferred asks with @defer and returns all parts of the answer.
func (w *world) deferred(query string) string {
	w.t.Helper()
	w.headers.Set("Accept", "multipart/mixed")
	defer w.headers.Del("Accept")
	body, _ := json.Marshal(map[string]string{"query": query})
	return string(w.post(body))
}

func TestDeferredSectionsAreReadOnceForThePage(t *testing.T) {
	for name, query := range map[string]string{
		"a page": inGroup(`activities(first: 10) { nodes { logId addedInstances { instanceId } ... @defer { failedInstances { failure { reason } } boundLoadBalancers { classicListener } } } }`),
		"a feed": `{ scalingActivities(first: 10, groups: [{groupId: "` + busyGroup + `"}, {groupId: "` + smallGroup + `"}]) { nodes { logId addedInstances { instanceId } ... @defer { failedInstances { failure { reason } } boundLoadBalancers { classicListener } } } } }`,
		"latest": inGroup(`latestActivity { logId addedInstances { instanceId } ... @defer { failedInstances { failure { reason } } boundLoadBalancers { classicListener } } }`),
	} {
		w, l := leanWorld(t)
		text := w.deferred(query)
		if !strings.Contains(text, "AS.7003") || strings.Contains(text, `"errors"`) {
			t.Errorf("%s: got %s", name, text)
		}
		want := []upstream.Sections{upstream.SectionInstances, upstream.SectionFailures | upstream.SectionLoadBalancers}
		if !slices.Equal(l.asked, want) {
			t.Errorf("%s: sections asked for: %v, want %v", name, l.asked, want)
		}
	}
}

// TestDeferredDescriptionsComeWithTheirRows has them read at once: a field that is no list is never read later.
func TestDeferredDescriptionsComeWithTheirRows(t *testing.T) {
	w, l := leanWorld(t)
	text := w.deferred(inGroup(`activities(first: 2) { nodes { logId ... @defer { description reasons { changeReason } } } }`))
	if strings.Count(text, `"description":"`) != 2 || !slices.Equal(l.asked, []upstream.Sections{upstream.SectionDescriptions}) {
		t.Errorf("sections asked for: %v; got %s", l.asked, text)
	}
}

// TestDeferredRowsThatMovedOn lets the log grow between a page and its deferred sections: the rows that the page has lost are
// read alone.
func TestDeferredRowsThatMovedOn(t *testing.T) {
	w, l := leanWorld(t)
	l.fail = func(upstream.Sections) error {
		if len(l.asked) == 2 {
			w.emulator.Insert(project, busyGroup, emulator.Row{ID: emulator.ID(1), Type: emulator.Normal, Status: emulator.Success, Start: newestStart.Add(time.Hour)})
		}
		return nil
	}
	text := w.deferred(inGroup(`activities(first: 2) { nodes { logId ... @defer { addedInstances { instanceName } } } }`))
	for _, name := range []string{"as-config-0", "as-config-1"} {
		if !strings.Contains(text, name) {
			t.Errorf("no %s in %s", name, text)
		}
	}
	if len(l.asked) != 3 {
		t.Errorf("%d pages were read, want 3", len(l.asked))
	}
}

func TestSectionsThatCannotBeRead(t *testing.T) {
	w, l := leanWorld(t)
	l.fail = func(s upstream.Sections) error {
		if s != 0 {
			return fmt.Errorf("no details: %w", upstream.ErrUnavailable)
		}
		return nil
	}
	text := w.deferred(inGroup(`activities(first: 2) { nodes { logId ... @defer { failedInstances { instanceName } } } }`))
	for _, want := range []string{emulator.ID(1000), emulator.ID(1001), "UPSTREAM_UNAVAILABLE", `"path":["scalingGroup","activities","nodes",1,"failedInstances"]`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

func TestSubscriptionsAreRejected(t *testing.T) {
	_, err := New(Config{}).Subscription().ScalingActivityChanged(t.Context(), nil, nil, nil)
	if public := publicError(err); public.Code != "OPERATION_RESOLUTION_FAILURE" || public.Retryable {
		t.Errorf("got %v", public)
	}
}
