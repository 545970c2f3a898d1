package inventory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"scalegraph/cache/redistest"
	"scalegraph/internal/redisx"
	"scalegraph/internal/request"
	"scalegraph/upstream"
	"scalegraph/upstream/emulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	project   = "p1"
	allGroups = "token-of-all-groups"
	someToken = "token-of-some-groups"
)

var p = upstream.Project{Region: "r", ID: project}

// newEmulator has a project with n groups, of which those with an odd number are in the enterprise project "odd".
func newEmulator(n int) *emulator.Emulator {
	e := emulator.New(emulator.Switches{})
	for i := range n {
		g := emulator.Group{ID: groupID(i), Name: fmt.Sprintf("group-%03d", i)}
		if i%2 == 1 {
			g.EnterpriseProject = "odd"
		}
		e.PutGroup(project, g)
	}
	e.AddToken(allGroups, project)
	e.AddToken(someToken, project)
	e.LimitToken(someToken, "odd")
	return e
}

func groupID(i int) string { return fmt.Sprintf("g%03d", i) }

// newCache returns a cache over e. The configuration is that of the defaults unless change changes it.
func newCache(t *testing.T, e *emulator.Emulator, change func(*Config)) *Cache {
	t.Helper()
	client, err := upstream.New(upstream.Config{
		Endpoints: map[string]string{"r": "http://upstream.test"}, Transport: e.Transport(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Fresh: 5 * time.Second, Stale: 10 * time.Second, StaleIfError: 15 * time.Minute, Memory: 8 << 20}
	if change != nil {
		change(&cfg)
	}
	c := New(client, cfg)
	t.Cleanup(func() { c.Close(); client.Close() })
	return c
}

// newReplica returns a cache over e that shares a Redis.
func newReplica(t *testing.T, e *emulator.Emulator, server *redistest.Server, change func(*Config)) *Cache {
	t.Helper()
	client, err := redisx.Open(redisx.Config{URL: server.URL(), Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return newCache(t, e, func(cfg *Config) {
		if cfg.Redis = client; change != nil {
			change(cfg)
		}
	})
}

func as(token string) context.Context {
	return request.WithCaller(context.Background(), &request.Caller{Token: token})
}

func ids(s upstream.Snapshot[upstream.GroupDetails]) []string {
	var list []string
	for _, g := range s.Entries {
		list = append(list, g.Group.ID)
	}
	slices.Sort(list)
	return list
}

func unavailable(*http.Request) *emulator.Fault {
	return &emulator.Fault{Status: http.StatusServiceUnavailable}
}

func TestListsDifferByCredential(t *testing.T) {
	e := newEmulator(30)
	c := newCache(t, e, nil)
	for range 2 { // the second time from memory
		for token, want := range map[string]int{allGroups: 30, someToken: 15} {
			list, err := c.Groups(as(token), p)
			if err != nil || len(list.Entries) != want {
				t.Fatalf("%s lists %v with %v, want %d groups", token, ids(list), err, want)
			}
		}
	}
	if n := len(e.Requests()); n != 2 {
		t.Errorf("%d calls, want one a credential", n)
	}
}

func TestKindsOfCallsHaveTheirOwnPermission(t *testing.T) {
	e := newEmulator(2)
	e.SetMembers(project, groupID(0), emulator.Member{ID: "i1", Name: "one"})
	e.RestrictToken(allGroups, emulator.LacksPermission, emulator.Instances)
	c := newCache(t, e, nil)
	g := upstream.Group{Region: "r", Project: project, ID: groupID(0)}
	if _, err := c.Instances(as(someToken), g); !errors.Is(err, upstream.ErrNotFound) && err == nil {
		t.Error("a token that does not see the group reads its instances")
	}
	if _, err := c.Group(as(allGroups), g); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Instances(as(allGroups), g); !errors.Is(err, upstream.ErrForbidden) {
		t.Errorf("instances: %v, want forbidden", err)
	}
}

func TestConcurrentReadsOfOneCredentialShareACall(t *testing.T) {
	e := newEmulator(3)
	gate := make(chan struct{})
	e.Fault(func(*http.Request) *emulator.Fault { <-gate; return nil })
	c := newCache(t, e, nil)
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if list, err := c.Groups(as(allGroups), p); err != nil || len(list.Entries) != 3 {
				t.Errorf("%d groups, %v", len(list.Entries), err)
			}
		})
	}
	close(gate)
	wg.Wait()
	if n := len(e.Requests()); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestReplicasShareWhatOneRead(t *testing.T) {
	server := redistest.Start(t)
	e := newEmulator(30)
	a, b := newReplica(t, e, server, nil), newReplica(t, e, server, nil)
	var wg sync.WaitGroup
	for range 20 {
		for _, c := range []*Cache{a, b} {
			wg.Go(func() {
				if list, err := c.Groups(as(someToken), p); err != nil || len(list.Entries) != 15 {
					t.Errorf("%d groups, %v", len(list.Entries), err)
				}
			})
		}
	}
	wg.Wait()
	if n := len(e.Requests()); n > 2 {
		t.Errorf("%d calls, want at most one a replica", n)
	}
	if list, err := b.Groups(as(allGroups), p); err != nil || len(list.Entries) != 30 {
		t.Errorf("the other token lists %d groups, %v", len(list.Entries), err)
	}
}

// TestExecutionsInRedis checks that another replica serves the parts of execution logs without a call, to the same credential only, and that
// values which are cut, or which belong to another key, are misses.
func TestExecutionsInRedis(t *testing.T) {
	server := redistest.Start(t)
	e := newEmulator(2)
	const policies = 3
	for i := range policies {
		id := fmt.Sprintf("p%d", i)
		e.PutPolicies(project, emulator.Policy{ID: id, Resource: groupID(1)})
		e.PutExecutions(project, id, emulator.Execution{ID: "x" + id, Time: time.Unix(1_700_000_000, 0)})
	}
	// calls reads the log of every policy and returns the number of upstream calls.
	calls := func(c *Cache, token string) int {
		t.Helper()
		before := e.Count()
		for i := range policies {
			policy := upstream.PolicyRef{Region: "r", Project: project, ID: fmt.Sprintf("p%d", i)}
			part, err := c.Executions(as(token), policy, upstream.ExecutionFilter{}, upstream.Range{Limit: 100}, false)
			if err != nil || len(part.Entries[0].Entries) != 1 || part.Entries[0].Entries[0].LogID != "xp"+fmt.Sprint(i) {
				t.Fatalf("policy %d: %+v, %v", i, part.Entries, err)
			}
		}
		return e.Count() - before
	}
	if n := calls(newReplica(t, e, server, nil), allGroups); n != policies {
		t.Errorf("%d calls of the first replica", n)
	}
	if n := calls(newReplica(t, e, server, nil), allGroups); n != 0 {
		t.Errorf("%d calls of the second replica", n)
	}
	keys := server.Do("KEYS", "sg1:i:*").([]any)
	if len(keys) != policies {
		t.Fatalf("keys %v", keys)
	}
	if n := calls(newReplica(t, e, server, nil), someToken); n != policies {
		t.Errorf("%d calls with another token", n)
	}
	values := make([]any, policies)
	for i, k := range keys {
		values[i] = server.Do("GET", k)
	}
	server.Do("SET", keys[0], values[1])
	server.Do("SET", keys[1], values[0])
	server.Do("SET", keys[2], values[2].(string)[:20])
	if n := calls(newReplica(t, e, server, nil), allGroups); n != policies {
		t.Errorf("%d calls after the values were exchanged", n)
	}
}

// A rejection by one replica ends the access to cached values for the credential on all replicas, also while the upstream fails.
func TestRejectionReachesOtherReplicas(t *testing.T) {
	server := redistest.Start(t)
	e := newEmulator(4)
	brief := func(cfg *Config) { cfg.Fresh, cfg.Stale = time.Nanosecond, 0 }
	a, b := newReplica(t, e, server, brief), newReplica(t, e, server, brief)
	for _, c := range []*Cache{a, b} {
		if _, err := c.Groups(as(allGroups), p); err != nil {
			t.Fatal(err)
		}
	}
	e.RevokeToken(allGroups)
	if _, err := a.Groups(as(allGroups), p); !errors.Is(err, upstream.ErrUnauthenticated) {
		t.Fatalf("a revoked token: %v", err)
	}
	e.Fault(unavailable)
	if list, err := b.Groups(as(allGroups), p); err == nil {
		t.Errorf("the other replica serves %d groups to a revoked token", len(list.Entries))
	}
}

func TestStaleListStandsInForAFailingUpstream(t *testing.T) {
	e := newEmulator(4)
	c := newCache(t, e, func(cfg *Config) { cfg.Fresh, cfg.Stale = time.Nanosecond, 0 })
	fresh, err := c.Groups(as(allGroups), p)
	if err != nil || fresh.Stale {
		t.Fatalf("%v, stale %v", err, fresh.Stale)
	}
	for name, failure := range map[string]struct {
		fault func(*http.Request) *emulator.Fault
		want  error // for a credential that has read nothing
	}{
		"unavailable": {unavailable, upstream.ErrUnavailable},
		"throttled":   {emulator.Always(emulator.Throttled(0)), upstream.ErrRateLimited},
	} {
		e.Fault(failure.fault)
		stale, err := c.Groups(as(allGroups), p)
		if err != nil || !stale.Stale || !stale.AsOf.Equal(fresh.AsOf) || len(stale.Entries) != 4 {
			t.Errorf("%s: %d groups as of %v, stale %v, %v", name, len(stale.Entries), stale.AsOf, stale.Stale, err)
		}
		if _, err := c.Groups(as(someToken), p); !errors.Is(err, failure.want) {
			t.Errorf("%s: another credential: %v, want %v", name, err, failure.want)
		}
	}
	e.Fault(nil)
	e.RevokeToken(allGroups)
	if _, err := c.Groups(as(allGroups), p); !errors.Is(err, upstream.ErrUnauthenticated) {
		t.Errorf("a revoked token: %v", err)
	}
}

func TestForbiddenProjectNeedsNoUpstreamCall(t *testing.T) {
	e := newEmulator(1)
	c := newCache(t, e, nil)
	ctx := request.WithCaller(context.Background(), &request.Caller{Token: allGroups, ProjectsOnly: true, Projects: []string{"p2"}})
	if _, err := c.Groups(ctx, p); !errors.Is(err, request.ErrProjectForbidden) || len(e.Requests()) > 0 {
		t.Errorf("%v after %d calls", err, len(e.Requests()))
	}
}

func TestWholeListCosts(t *testing.T) {
	for n, want := range map[int]int{0: 1, 30: 1, 100: 1, 101: 2, 200: 2, 250: 3, 301: 4} {
		e := newEmulator(n)
		list, err := newCache(t, e, nil).Groups(as(allGroups), p)
		if err != nil || len(list.Entries) != n {
			t.Fatalf("%d of %d groups, %v", len(list.Entries), n, err)
		}
		if got := len(e.Requests()); got != want {
			t.Errorf("%d groups: %d calls, want %d", n, got, want)
		}
	}
}

// A list that changes between the calls is read again: no group that stayed is missing or duplicated.
func TestListThatMovesIsReadAgain(t *testing.T) {
	e := newEmulator(250)
	calls := 0
	e.Fault(func(*http.Request) *emulator.Fault {
		if calls++; calls == 2 {
			e.RemoveGroup(project, groupID(3))
			e.PutGroup(project, emulator.Group{ID: "new"})
		}
		return nil
	})
	list, err := newCache(t, e, nil).Groups(as(allGroups), p)
	if err != nil {
		t.Fatal(err)
	}
	got := ids(list)
	if len(got) != 250 || slices.Contains(got, groupID(3)) || !slices.Contains(got, "new") || !slices.Contains(got, groupID(100)) {
		t.Errorf("%d groups: %v", len(got), got)
	}
}

// A request that missed the cache before another one filled it makes no second call.
func TestReadThatBeginsAfterAnotherEndedMakesNoCall(t *testing.T) {
	e := newEmulator(3)
	c := newCache(t, e, nil)
	k := c.key(as(allGroups), upstream.CallGroups, upstream.Group{Region: p.Region, Project: p.ID})
	if _, err := c.Groups(as(allGroups), p); err != nil {
		t.Fatal(err)
	}
	load := func(context.Context) (upstream.Snapshot[upstream.GroupDetails], error) {
		t.Error("the list is read again")
		return upstream.Snapshot[upstream.GroupDetails]{}, nil
	}
	if o := <-c.fetch(as(allGroups), k, newFetch(c, k, load)); o.err != nil || o.value != c.inMemory(k) {
		t.Errorf("got %+v", o)
	}
}
