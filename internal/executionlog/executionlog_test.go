package executionlog_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"scalegraph/cache/inventory"
	"scalegraph/internal/executionlog"
	"scalegraph/internal/request"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const project, group = "p", "g"

var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// fixture is a group with policies, and their logs read through a cache.
type fixture struct {
	emulator *emulator.Emulator
	logs     *executionlog.Logs
	policies []upstream.PolicyRef
	now      time.Time // of the newest execution
	next     int       // number of the next log id
}

// newFixture serves cached parts for fresh.
func newFixture(tb interface {
	Fatal(...any)
	Cleanup(func())
}, policies int, fresh time.Duration, sw emulator.Switches) *fixture {
	f := &fixture{emulator: emulator.New(sw), now: epoch}
	f.emulator.AddToken("token", project)
	f.emulator.AddGroup(project, group)
	for i := range policies {
		id := fmt.Sprintf("policy-%02d", i)
		f.emulator.PutPolicies(project, emulator.Policy{ID: id, Resource: group})
		f.policies = append(f.policies, upstream.PolicyRef{Region: "r", Project: project, ID: id})
	}
	client, err := upstream.New(upstream.Config{
		Endpoints: map[string]string{"r": "http://upstream.test"}, Transport: f.emulator.Transport(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	cache := inventory.New(client, inventory.Config{Fresh: fresh, Memory: 8 << 20})
	tb.Cleanup(func() { cache.Close(); client.Close() })
	f.logs = executionlog.New(cache)
	return f
}

func (f *fixture) page(q upstream.ExecutionQuery) (upstream.ExecutionPage, error) {
	return f.logs.Executions(request.WithCaller(context.Background(), &request.Caller{Token: "token"}), q)
}

// fire adds an execution of a policy some seconds after the newest one.
func (f *fixture) fire(policy string, after int) {
	f.now = f.now.Add(time.Duration(after) * time.Second)
	f.next++
	id := fmt.Sprintf("%06d", f.next*7919%1_000_003) // in no order
	f.emulator.PutExecutions(project, policy, emulator.Execution{ID: id, Time: f.now, Old: 1, Desire: 2})
}

// points returns the places of all executions that there are now, in order.
func (f *fixture) points() []upstream.ExecutionPoint {
	var all []upstream.ExecutionPoint
	for _, p := range f.policies {
		for _, x := range f.emulator.ExecutionLog(project, p.ID) {
			all = append(all, upstream.ExecutionPoint{Second: x.Time.Unix(), PolicyID: p.ID, LogID: x.ID})
		}
	}
	slices.SortFunc(all, upstream.ExecutionPoint.Compare)
	return all
}

// Logs that grow, expire and vanish while they are walked in either direction, in pages of any size, from a cache or not: what was there at the
// start and stays is seen exactly once and in order, anything else at most once.
func TestWalksSeeEveryExecutionOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ties := rapid.SampledFrom([]emulator.Ties{emulator.TiesNewestFirst, emulator.TiesOldestFirst, emulator.TiesByID, emulator.TiesUnstable}).Draw(rt, "ties")
		fresh := rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(rt, "fresh")
		f := newFixture(rt, rapid.IntRange(1, 20).Draw(rt, "policies"), fresh, emulator.Switches{Ties: ties})
		f.grow(rt, rapid.IntRange(0, 400).Draw(rt, "executions"))
		start := f.points()
		if rapid.Bool().Draw(rt, "cached before") {
			_, _ = f.page(upstream.ExecutionQuery{Policies: f.policies, Count: 100})
			f.grow(rt, rapid.IntRange(0, 20).Draw(rt, "executions since"))
		}
		if fresh == 0 {
			start = f.points()
		}
		seen := f.walk(rt)
		there := map[upstream.ExecutionPoint]bool{}
		for _, p := range f.points() {
			there[p] = true
		}
		found := map[upstream.ExecutionPoint]bool{}
		for i, p := range seen {
			if i > 0 && seen[i-1].Compare(p) >= 0 {
				rt.Fatalf("%v is there twice, or out of order", p)
			}
			found[p] = true
		}
		for _, p := range start {
			if there[p] && !found[p] {
				rt.Fatalf("%v was not seen", p)
			}
		}
	})
}

func (f *fixture) grow(rt *rapid.T, n int) {
	for range n {
		f.fire(rapid.SampledFrom(f.policies).Draw(rt, "policy").ID, rapid.IntRange(0, 3).Draw(rt, "gap"))
	}
}

// walk walks from one end to the other and returns what it saw, the newest first.
func (f *fixture) walk(rt *rapid.T) []upstream.ExecutionPoint {
	backward := rapid.Bool().Draw(rt, "backward")
	var seen []upstream.ExecutionPoint
	q := upstream.ExecutionQuery{Policies: f.policies, Last: backward}
	for more := true; more; {
		q.Count = rapid.IntRange(1, 120).Draw(rt, "count")
		page, err := f.page(q)
		if err != nil || len(page.Unavailable) > 0 {
			rt.Fatalf("%+v: %v, unavailable %v", q, err, page.Unavailable)
		}
		var points []upstream.ExecutionPoint
		for _, e := range page.Rows {
			points = append(points, e.MergedPoint())
		}
		switch {
		case len(points) == 0:
		case backward:
			seen = append(points, seen...)
			q.Before = &seen[0]
		default:
			seen = append(seen, points...)
			q.After = &seen[len(seen)-1]
		}
		more = len(points) > 0 && (backward && page.HasNewer || !backward && page.HasOlder)
		if more {
			f.change(rt)
		}
	}
	return seen
}

// change lets the logs grow, or expire in part, or deletes a policy.
func (f *fixture) change(rt *rapid.T) {
	switch rapid.IntRange(0, 9).Draw(rt, "change") {
	case 0:
		p := rapid.SampledFrom(f.policies).Draw(rt, "expired")
		if log := f.emulator.ExecutionLog(project, p.ID); len(log) > 0 {
			f.emulator.ExpireExecutions(project, p.ID, log[rapid.IntRange(0, len(log)-1).Draw(rt, "from")].Time)
		}
	case 1:
		f.emulator.RemovePolicy(project, rapid.SampledFrom(f.policies).Draw(rt, "deleted").ID)
	default:
		f.grow(rt, rapid.IntRange(0, 30).Draw(rt, "more"))
	}
}

func TestPoliciesThatCannotBeRead(t *testing.T) {
	f := newFixture(t, 3, 0, emulator.Switches{})
	for i := range 9 {
		f.fire(f.policies[i%3].ID, 60)
	}
	q := upstream.ExecutionQuery{Policies: f.policies, Count: 20}
	refuse := func(ids ...string) {
		f.emulator.Fault(func(r *http.Request) *emulator.Fault {
			for _, id := range ids {
				if strings.HasSuffix(r.URL.Path, id) {
					return &emulator.Fault{Status: http.StatusForbidden, Code: "AS.0011"}
				}
			}
			return nil
		})
	}
	refuse("policy-01")
	page, err := f.page(q)
	if err != nil || len(page.Rows) != 6 || page.Total != 6 || len(page.Unavailable) != 1 || page.Unavailable[0].Policy != f.policies[1] {
		t.Errorf("one refused: %d rows, unavailable %v, error %v", len(page.Rows), page.Unavailable, err)
	}
	f.emulator.RemovePolicy(project, "policy-02")
	if page, err = f.page(q); err != nil || len(page.Rows) != 3 || len(page.Unavailable) != 1 {
		t.Errorf("one refused, one gone: %d rows, unavailable %v, error %v", len(page.Rows), page.Unavailable, err)
	}
	refuse("policy-00", "policy-01")
	if _, err = f.page(q); !errors.Is(err, upstream.ErrForbidden) {
		t.Errorf("none can be read: %v", err)
	}
	for _, p := range f.policies {
		f.emulator.RemovePolicy(project, p.ID)
	}
	refuse()
	if page, err = f.page(q); err != nil || len(page.Rows) != 0 || page.AsOf.IsZero() {
		t.Errorf("all gone: %+v, %v", page, err)
	}
}

func TestPartsAreShared(t *testing.T) {
	f := newFixture(t, 4, time.Hour, emulator.Switches{})
	for i := range 4 * 300 {
		f.fire(f.policies[i%4].ID, 10)
	}
	read := func(q upstream.ExecutionQuery) (upstream.ExecutionPage, int) {
		f.emulator.Reset()
		q.Policies = f.policies
		page, err := f.page(q)
		if err != nil {
			t.Fatal(err)
		}
		return page, len(f.emulator.Requests())
	}
	page, calls := read(upstream.ExecutionQuery{Count: 20})
	if calls != 4 {
		t.Errorf("the first page takes %d calls, want one a policy", calls)
	}
	for _, count := range []int{20, 50, 5} {
		if _, calls := read(upstream.ExecutionQuery{Count: count}); calls != 0 {
			t.Errorf("%d rows of what was read take %d calls", count, calls)
		}
	}
	after := page.Rows[19].MergedPoint()
	if _, calls := read(upstream.ExecutionQuery{Count: 20, After: &after}); calls != 0 {
		t.Errorf("the second page takes %d calls", calls)
	}
}
