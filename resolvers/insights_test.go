package resolvers

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"scalegraph/cache"
	"scalegraph/internal/paging"
	"scalegraph/internal/request"
	"scalegraph/resolvers/loaders"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

const insightRefs = `[{groupId: "` + smallGroup + `"}, {groupId: "` + busyGroup + `"}]`

type insightsData struct {
	ActivityCount  int
	Complete       bool
	Newest, Oldest *time.Time
	Failures       []struct {
		Key                  string
		Code                 *string
		Reason               string
		Count, ActivityCount int
		Groups               []struct{ GroupID string }
		FirstSeen, LastSeen  time.Time
		Example              struct {
			LogID          string
			FailureReasons []string
			AddedInstances []struct{ InstanceName string }
		}
	}
	Histogram []struct {
		Start                                                                      time.Time
		Total, Succeeded, PartiallyFailed, Failed, InProgress, ScaledOut, ScaledIn int
	}
	Durations []struct {
		Direction  string
		Count      int
		MaxSeconds int
	}
	Capacity []struct {
		Group  struct{ GroupID string }
		Points []struct {
			Time             time.Time
			Desired, Current *int
		}
	}
	UnavailableGroups []struct {
		Code  string
		Group struct{ GroupID string }
	}
}

func (w *world) insights(t *testing.T, query string) (insightsData, response) {
	t.Helper()
	a := w.ask(query, nil)
	return must[struct{ ScalingInsights insightsData }](t, a).ScalingInsights, a
}

func TestInsightsCountWhatTheLogsHold(t *testing.T) {
	w := newWorld(t)
	for name, filter := range map[string]struct {
		text string
		emulator.Filter
	}{
		"all":       {"null", emulator.Filter{}},
		"by status": {"{status: SUCCESS}", emulator.Filter{Status: emulator.Success}},
		"by type":   {"{types: [DIFF, MODIFY_ELB]}", emulator.Filter{Types: []string{emulator.Diff, emulator.ModifyELB}}},
	} {
		t.Run(name, func(t *testing.T) {
			var rows []emulator.Row
			for _, g := range []string{smallGroup, busyGroup} {
				rows = append(rows, w.emulator.Match(project, g, filter.Filter)...)
			}
			got, _ := w.insights(t, fmt.Sprintf(`{scalingInsights(groups: %s, filter: %s) {activityCount complete newest oldest
				failures {key count activityCount groups {groupId} lastSeen} durations {direction count} capacity {group {groupId} points {time}}
				histogram(interval: HOUR, timeZone: "Asia/Kathmandu") {start total succeeded partiallyFailed failed inProgress}}}`, insightRefs, filter.text))
			checkSums(t, got, rows)
		})
	}
}

func checkSums(t *testing.T, got insightsData, rows []emulator.Row) {
	t.Helper()
	failures, finished := map[string]int{}, 0
	for _, row := range rows {
		for _, f := range row.Failed {
			failures[f.FailedReason]++
		}
		for _, f := range row.UnbindFailed {
			failures[f.FailedReason]++
		}
		if row.Status != emulator.Doing {
			finished++
		}
	}
	if got.ActivityCount != len(rows) || !got.Complete {
		t.Errorf("%d activities, complete %v, want %d", got.ActivityCount, got.Complete, len(rows))
	}
	for _, f := range got.Failures {
		if f.Count != failures[f.Key] {
			t.Errorf("%s: %d failures, want %d", f.Key, f.Count, failures[f.Key])
		}
		delete(failures, f.Key)
	}
	if len(failures) > 0 {
		t.Errorf("missing failures: %v", failures)
	}
	sum := 0
	for i, b := range got.Histogram {
		sum += b.Total
		if b.Succeeded+b.PartiallyFailed+b.Failed+b.InProgress != b.Total || i > 0 && b.Start.Sub(got.Histogram[i-1].Start) != time.Hour || b.Start.Minute() != 15 {
			t.Errorf("bucket %+v", b)
		}
	}
	if sum != len(rows) {
		t.Errorf("the histogram counts %d, want %d", sum, len(rows))
	}
	for _, d := range got.Durations {
		finished -= d.Count
	}
	points := 0
	for _, c := range got.Capacity {
		points += len(c.Points)
	}
	if finished != 0 || len(got.Capacity) != 2 {
		t.Errorf("%d durations are missing, %d capacities", finished, len(got.Capacity))
	}
	if points != len(rows) && len(rows) < 200 {
		t.Errorf("%d points, want %d", points, len(rows))
	}
}

// All aliases share one pass, whatever their arguments, and figures that are not selected cost nothing.
func TestInsightsShareOnePass(t *testing.T) {
	w := newWorld(t)
	const fields = `{activityCount a: histogram(interval: DAY) {total} b: histogram(interval: HOUR, timeZone: "Europe/Berlin") {total}
		c: capacity(points: 6) {points {time}} d: capacity {points {time}} e: failures(first: 1) {count} f: failures {count}}`
	a := w.ask(fmt.Sprintf(`query($n: Int = 6) {x: scalingInsights(groups: %s) %s y: scalingInsights(groups: %s) {durations {count} capacity(points: $n) {points {time}}}}`,
		insightRefs, fields, insightRefs), nil)
	must[any](t, a)
	if most := 262/98 + 2 + 1; len(a.calls) > most {
		t.Errorf("%d calls, want at most %d", len(a.calls), most)
	}
}

func TestInsightsOfExample(t *testing.T) {
	w := newWorld(t)
	got, a := w.insights(t, fmt.Sprintf(`{scalingInsights(groups: [{groupId: %q}]) {failures(first: 1) {code reason example {logId failureReasons addedInstances {instanceName}}}}}`, smallGroup))
	f := got.Failures[0]
	if f.Code == nil || *f.Code != "AS.7003" || f.Reason != "AS.7003" || f.Example.LogID != emulator.ID(2000) || !slices.Equal(f.Example.FailureReasons, []string{"AS.7003"}) ||
		len(f.Example.AddedInstances) != 2 {
		t.Errorf("%+v", f)
	}
	if len(a.calls) != 1 {
		t.Errorf("%d calls, want 1", len(a.calls))
	}
}

func TestInsightsAreCompleteWithExactlyMaxRows(t *testing.T) {
	w := newWorld(t)
	for maxRows, complete := range map[int]bool{261: false, 262: true, 263: true, 98: false} {
		got, _ := w.insights(t, fmt.Sprintf(`{scalingInsights(groups: %s, maxRows: %d) {activityCount complete}}`, insightRefs, maxRows))
		if got.Complete != complete || got.ActivityCount != min(maxRows, 262) {
			t.Errorf("maxRows %d: %+v", maxRows, got)
		}
	}
	got, _ := w.insights(t, fmt.Sprintf(`{scalingInsights(groups: [{groupId: %q}]) {activityCount complete newest failures {key} histogram(interval: DAY) {total} durations {count} capacity {points {time}}}}`, emptyGroup))
	if got.ActivityCount != 0 || !got.Complete || got.Newest != nil || len(got.Failures)+len(got.Histogram)+len(got.Durations) > 0 {
		t.Errorf("of no rows: %+v", got)
	}
}

func TestInsightsNameUnavailableGroups(t *testing.T) {
	w := newWorld(t)
	got, _ := w.insights(t, fmt.Sprintf(`{scalingInsights(groups: [{groupId: %q}, {groupId: %q}]) {activityCount complete unavailableGroups {code group {groupId}} capacity {group {groupId}}}}`, smallGroup, noGroup))
	if got.ActivityCount != 12 || !got.Complete || len(got.UnavailableGroups) != 1 || got.UnavailableGroups[0].Group.GroupID != noGroup ||
		got.UnavailableGroups[0].Code != "NOT_FOUND" || len(got.Capacity) != 1 {
		t.Errorf("%+v", got)
	}
	a := w.ask(fmt.Sprintf(`{scalingInsights(groups: [{groupId: %q}]) {activityCount}}`, noGroup), nil)
	if e := a.one(t); e.code() != "NOT_FOUND" {
		t.Errorf("no group can be read: %v", e)
	}
}

func TestInsightsRejectBadArguments(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct{ arguments, field, message string }{
		"no rows":          {", maxRows: 0", "activityCount", "maxRows"},
		"too many rows":    {", maxRows: 20001", "activityCount", "maxRows"},
		"unknown zone":     {"", `histogram(interval: DAY, timeZone: "Mars/Base") {total}`, "timeZone"},
		"zone of a server": {"", `histogram(interval: DAY, timeZone: "Local") {total}`, "timeZone"},
		"few points":       {"", "capacity(points: 5) {points {time}}", "points"},
		"negative causes":  {"", "failures(first: -1) {key}", "first"},
		"many causes":      {"", "failures(first: 501) {key}", "first"},
		"UNKNOWN":          {", filter: {status: UNKNOWN}", "activityCount", "filter.status"},
	} {
		a := w.ask(fmt.Sprintf(`{scalingInsights(groups: %s%s) {%s}}`, insightRefs, c.arguments, c.field), nil)
		if e := a.one(t); e.code() != "BAD_USER_INPUT" || !strings.HasPrefix(e.Message, "`"+c.message+"`") || len(a.calls) > 0 {
			t.Errorf("%s: %d calls, %v", name, len(a.calls), e)
		}
	}
	old := sampleRow(0, 9000)
	old.Start = newestStart.AddDate(-1, 0, 0)
	w.emulator.Insert(project, smallGroup, old)
	e := w.ask(fmt.Sprintf(`{scalingInsights(groups: %s) {histogram(interval: HOUR) {total}}}`, insightRefs), nil).one(t)
	if e.code() != "BAD_USER_INPUT" || e.path() != "scalingInsights.histogram" {
		t.Errorf("too many buckets: %v at %s", e, e.path())
	}
}

func TestInsightsOfProject(t *testing.T) {
	w := newProjectWorld(t, 3)
	w.emulator.Insert(project, groupID(0), sampleRows(5, 100)...)
	w.emulator.Insert(project, groupID(2), sampleRows(7, 200)...)
	for filter, want := range map[string]int{"": 12, `(groups: {name: "002"})`: 7, `(groups: {name: "none"})`: 0, "(maxRows: 4)": 4} {
		a := w.ask("{project {scalingInsights"+filter+" {activityCount complete asOf stale unavailableGroups {code} failures {key} capacity {points {time}} histogram(interval: DAY) {total}}}}", nil)
		got := must[struct {
			Project struct{ ScalingInsights insightsData }
		}](t, a).Project.ScalingInsights
		if got.ActivityCount != want || got.Complete != (want != 4) {
			t.Errorf("%q: %d activities, complete %v, want %d", filter, got.ActivityCount, got.Complete, want)
		}
	}
	for name, c := range map[string]struct{ filter, code string }{"status": {"{status: UNKNOWN}", "BAD_USER_INPUT"}} {
		if e := w.ask("{project {scalingInsights(groups: "+c.filter+") {activityCount}}}", nil).one(t); e.code() != c.code {
			t.Errorf("%s: %v", name, e)
		}
	}
	many := newProjectWorld(t, 201)
	if e := many.ask("{project {scalingInsights {activityCount}}}", nil).one(t); e.code() != "QUERY_TOO_COMPLEX" {
		t.Errorf("201 groups: %v", e)
	}
}

// The end of the budget of upstream calls ends the pass, not the request.
func TestInsightsEndWithBudget(t *testing.T) {
	w := newWorld(t)
	client, err := upstream.New(upstream.Config{Endpoints: map[string]string{"default": w.upstream}})
	if err != nil {
		t.Fatal(err)
	}
	logs := cache.New(client, cache.Config{Fresh: time.Minute, Stale: time.Minute, StaleIfError: time.Hour, Grant: time.Hour, GrantIfError: time.Hour, Memory: 64 << 20})
	t.Cleanup(func() { logs.Close(); client.Close() })
	rng := rand.New(rand.NewPCG(1, 2))
	rows := sampleRows(1500, 50_000)
	rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	w.emulator.Insert(project, emptyGroup, rows...)
	r := New(Config{Pages: paging.New(logs), Region: "default", DefaultProject: project})
	ctx := request.WithCaller(loaders.WithState(t.Context()), &request.Caller{Token: token, MaxCalls: 5})
	groups := []upstream.Group{{Region: "default", Project: project, ID: emptyGroup}}
	got, err := r.readInsights(ctx, groups, passPlan{maxRows: maxPassRows})
	if err != nil || got.Complete || got.ActivityCount == 0 || got.ActivityCount == 1500 {
		t.Fatalf("%+v, error %v", got, err)
	}
	t.Logf("%d rows", got.ActivityCount)
}
