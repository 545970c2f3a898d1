package scale_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scalegraph/cache"
	"scalegraph/cache/redistest"
	"scalegraph/internal/paging"
	"scalegraph/internal/paging/pagingtest"
	"scalegraph/internal/redisx"
	"scalegraph/internal/request"
	"scalegraph/internal/scale"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

const project = "p"

func groupOf(n int) upstream.Group {
	return upstream.Group{Region: "r", Project: project, ID: fmt.Sprintf("g%03d", n)}
}

// newUpstream has groups with rows as an autoscaling group writes them.
func newUpstream(groups, rows, credentials int) *emulator.Emulator {
	e := emulator.New(emulator.Switches{})
	for i := range credentials {
		e.AddToken(fmt.Sprint("token-", i), project)
	}
	for n := range groups {
		var list []emulator.Row
		for i := range rows {
			list = append(list, row(n, i, time.Now().Add(time.Duration(i-rows)*time.Minute)))
		}
		e.Insert(project, groupOf(n).ID, list...)
	}
	return e
}

func row(group, i int, start time.Time) emulator.Row {
	id := emulator.DeriveID(project, groupOf(group).ID, uint64(i))
	return emulator.Row{
		ID: id, Status: emulator.Success, Type: emulator.Normal, Start: start, End: start.Add(40 * time.Second), InstanceValue: i % 20, DesireValue: i%20 + 1,
		Added:       []emulator.Instance{{ID: emulator.DeriveID(project, id, 1), Name: "as-config-shop_" + strings.ToUpper(id[:8])}},
		Description: emulator.Describe(emulator.Reason{ChangeReason: "ALARM", OldValue: i % 20, ChangeTime: start.UTC().Format(time.RFC3339), NewValue: i%20 + 1, PolicyID: emulator.DeriveID(project, "policy", 0), PolicyName: "cpu-above-70"}),
	}
}

// Clients of several credentials poll the newest rows of groups that grow, for four minutes of simulated time: the upstream calls are at most those
// of the estimate, and not so few that the estimate says nothing.
func TestCallsAgreeWithTheEstimate(t *testing.T) {
	for _, c := range []struct{ groups, credentials, clients int }{{1, 1, 50}, {20, 1, 40}, {10, 10, 50}, {5, 40, 80}} {
		t.Run(fmt.Sprintf("%d groups, %d credentials, %d clients", c.groups, c.credentials, c.clients), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const length = 4 * time.Minute
				e := newUpstream(c.groups, 200, c.credentials)
				client := pagingtest.Client(t, e)
				cached := cache.New(client, cache.Config{
					Memory: 16 << 20, Fresh: scale.Measured.Fresh, Stale: 10 * time.Second, StaleIfError: time.Hour, Grant: scale.Measured.Grant, GrantIfError: time.Hour,
				})
				t.Cleanup(cached.Close)
				pages, began := paging.New(cached), time.Now()
				for at := time.Duration(0); at < length; at += time.Second {
					for n := range c.groups {
						if int(at.Seconds())%30 == n {
							e.Insert(project, groupOf(n).ID, row(n, 1000+int(at.Seconds()), time.Now()))
						}
					}
					for i := range c.clients {
						caller := request.WithCaller(t.Context(), &request.Caller{Token: fmt.Sprint("token-", i%c.credentials)})
						if _, err := pages.Page(caller, upstream.PageQuery{Group: groupOf(i / c.credentials % c.groups), Count: 20}); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(time.Until(began.Add(at + time.Second)))
				}
				pairs := min(c.clients, c.groups*c.credentials)
				calls, most := float64(e.Count()), scale.Measured.Calls(float64(c.groups), float64(pairs))*length.Seconds()+float64(pairs+c.groups)
				if calls > most || calls < most/4 {
					t.Errorf("%.0f calls, the estimate is %.0f", calls, most)
				}
				t.Logf("%.0f calls, the estimate is %.0f", calls, most)
			})
		})
	}
}

// What a block of rows takes in Redis is within the estimate.
func TestBlocksAgreeWithTheEstimate(t *testing.T) {
	const groups, rows = 10, 20 * 94
	server := redistest.Start(t)
	e := newUpstream(groups, rows, 1)
	client, err := redisx.Open(redisx.Config{URL: server.URL(), Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	cached := cache.New(pagingtest.Client(t, e), cache.Config{Fresh: time.Minute, Grant: time.Hour, StaleIfError: time.Hour, Redis: client})
	used := func() int {
		var n int
		for line := range strings.Lines(fmt.Sprint(server.Do("INFO", "memory"))) {
			if _, err := fmt.Sscanf(line, "used_memory:%d", &n); err == nil {
				return n
			}
		}
		t.Fatal("Redis does not say how much memory it uses")
		return 0
	}
	before := used()
	pages, caller := paging.New(cached), request.WithCaller(t.Context(), &request.Caller{Token: "token-0"})
	for n := range groups {
		q := upstream.PageQuery{Group: groupOf(n), Count: 500, Sections: upstream.SectionDescriptions | upstream.SectionInstances}
		for more := true; more; {
			page, err := pages.Page(caller, q)
			if err != nil {
				t.Fatal(err)
			}
			if more = page.HasOlder; more {
				last := page.Rows[len(page.Rows)-1].Point()
				q.After = &last
			}
		}
	}
	cached.Close() // waits until everything is written
	each := (used() - before) / (groups * rows / scale.Measured.RowsOfBlock)
	if each > scale.Measured.BytesOfBlock || each < scale.Measured.BytesOfBlock/4 {
		t.Errorf("a block takes %d bytes, the estimate is %d", each, scale.Measured.BytesOfBlock)
	}
	t.Logf("a block takes %d bytes, the estimate is %d", each, scale.Measured.BytesOfBlock)
}

// The table of docs/scale.md has the results of the estimate.
func TestDocumentHasTheEstimates(t *testing.T) {
	text, err := os.ReadFile("../../docs/scale.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, users := range []int{1_000, 100_000, 10_000_000} {
		for _, own := range []bool{false, true} {
			l := scale.Load{
				DailyUsers: users, RequestsEach: 300, PeakFactor: 4, Groups: max(10, users/20), Rows: 2000, OwnCredentials: own, ConcurrentUsers: 0.05, GroupsEach: 2,
			}
			e, credentials := scale.Measured.Estimate(l), "one"
			if own {
				credentials = "each user's own"
			}
			want := fmt.Sprintf("| %d | %s | %d | %.0f | %d | %.0f | %.1f |", users, credentials, l.Groups, e.Requests, e.Replicas, e.UpstreamCalls, e.RedisBytes/1e9)
			if !strings.Contains(string(text), want) {
				t.Errorf("docs/scale.md lacks %s", want)
			}
		}
	}
}
