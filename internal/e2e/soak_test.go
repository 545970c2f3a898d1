package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"scalegraph/cache/redistest"
	"scalegraph/internal/app"
	"scalegraph/internal/httpserver"
	"scalegraph/internal/testkit"
	"scalegraph/upstream/emulator"
)

var soak = flag.Duration("soak", 0, "how long to load two replicas while upstream and Redis fail in every way; 0: not at all")

// replica is a process of the program.
type replica struct {
	cmd         *exec.Cmd
	logs        *testkit.Buffer
	base, admin string
	resident    []int64            // in bytes, by the second
	midway      map[string]float64 // metrics, when half of the time was over
}

func startReplica(t *testing.T, path string, args ...string) *replica {
	t.Helper()
	cmd, out, logs := command(t.Context(), path, append(args, "-listen=127.0.0.1:0", "-admin-listen=127.0.0.1:0", "-log=text")...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := &replica{cmd: cmd, logs: logs, base: waitForAddress(t, out)}
	testkit.Eventually(t, "the log to say where the metrics are", func() bool {
		found := adminAddress.FindStringSubmatch(logs.String())
		if found != nil {
			r.admin = "http://" + found[1]
		}
		return found != nil
	})
	return r
}

func (r *replica) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	return testkit.Metrics(t, (&server{base: r.admin}).do(t, http.MethodGet, "/metrics", "").body)
}

// live returns the metrics right after a collection of garbage, so that what is allocated is what is held.
func (r *replica) live(t *testing.T) map[string]float64 {
	t.Helper()
	(&server{base: r.admin}).do(t, http.MethodGet, "/debug/pprof/heap?gc=1", "")
	return r.metrics(t)
}

// soaking is the load of a soak test and what was wrong with the responses.
type soaking struct {
	replicas []*replica
	groups   []*soakLog
	client   *http.Client
	walks    atomic.Int64

	mu       sync.Mutex
	outcomes map[string]int // ok, or the code of the first error
	wrong    []string
}

func (s *soaking) fault(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

// ask requests one page; nil if that fails.
func (s *soaking) ask(r *replica, g *soakLog, count int, after string, heavy bool) *soakPage {
	variables := map[string]any{"g": g.id, "n": count, "heavy": heavy}
	if after != "" {
		variables["after"] = after
	}
	body, _ := json.Marshal(map[string]any{"query": soakQuery, "variables": variables})
	req, _ := http.NewRequest(http.MethodPost, r.base+"/graphql", bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Auth-Token", testToken)
	if rand.IntN(50) == 0 {
		req.Header.Set("Cache-Control", "no-cache")
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.fault("%v", err)
		return nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	var response struct {
		Data struct {
			ScalingGroup *struct{ Activities *soakPage }
		}
		Errors []struct{ Extensions struct{ Code string } }
	}
	if err := json.Unmarshal(text, &response); err != nil {
		s.fault("%d %s", resp.StatusCode, text)
		return nil
	}
	outcome := "ok"
	if len(response.Errors) > 0 {
		outcome = response.Errors[0].Extensions.Code
	}
	s.mu.Lock()
	s.outcomes[outcome]++
	s.mu.Unlock()
	if outcome != "ok" {
		return nil
	}
	return response.Data.ScalingGroup.Activities
}

// walk reads a log from its head on, a few pages or all of it, each from any replica.
func (s *soaking) walk(ctx context.Context) {
	g := s.groups[rand.IntN(len(s.groups))]
	if rand.IntN(3) == 0 {
		g = s.groups[rand.IntN(4)] // the growing ones
	}
	count, heavy, pages := 1+rand.IntN(60), rand.IntN(2) == 0, 1+rand.IntN(6)
	after, behind := "", -1
	for pages > 0 && ctx.Err() == nil {
		p := s.ask(s.replicas[rand.IntN(len(s.replicas))], g, count, after, heavy)
		if p == nil {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		if problem := g.check(p, count, behind, heavy); problem != "" {
			s.fault("%s behind %d: %s", g.id, behind, problem)
			return
		}
		if !p.PageInfo.HasNextPage || len(p.Nodes) == 0 {
			break
		}
		g.mu.Lock()
		behind = g.rank[p.Nodes[len(p.Nodes)-1].LogID]
		g.mu.Unlock()
		after, pages = p.PageInfo.EndCursor, pages-1
	}
	s.walks.Add(1)
}

// TestSoak loads two replicas while their upstream and their Redis fail in every way. Every response must be right, nothing may pile up, and the metrics
// must count what the upstream and the clients count.
func TestSoak(t *testing.T) {
	if *soak <= 0 {
		t.Skip("make soak runs it")
	}
	e := emulator.New(emulator.Switches{RetryAfter: emulator.RetryAfterSeconds})
	e.AddToken(testToken, testProject)
	s := &soaking{outcomes: map[string]int{}, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: httpserver.HeaderTimeout / 2}}}
	for n := range 400 {
		s.groups = append(s.groups, newSoakLog(e, n, 250))
	}
	asked := &statuses{Handler: e, count: map[string]int{}}
	upstream := httptest.NewServer(asked)
	t.Cleanup(upstream.Close)
	t.Cleanup(upstream.CloseClientConnections)
	shared, path := redistest.Start(t), build(t)
	for range 2 {
		s.replicas = append(s.replicas, startReplica(t, path, "-upstream", upstream.URL, "-project", testProject, "-redis-url", shared.URL(),
			"-poll=1s", "-upstream-timeout=2s", "-caller-cost=1000000000"))
	}

	ctx, end := context.WithTimeout(t.Context(), *soak)
	defer end()
	listening, leave := context.WithCancel(t.Context())
	defer leave()
	var under, following sync.WaitGroup
	var followers []*follower
	first := len(s.groups[0].rows)
	for n := range 8 {
		base, open := s.replicas[n%2].base, openSocket
		if n < 4 {
			open = func(base, query string) (listener, error) { return openEvents(base, query) }
		}
		f := &follower{name: fmt.Sprint("follower ", n), group: s.groups[n%4].id, patient: true, open: func(query string) (listener, error) { return open(base, query) }}
		followers = append(followers, f)
		following.Go(func() { f.follow(listening) })
	}
	testkit.Eventually(t, "all subscriptions", func() bool {
		return s.replicas[0].metrics(t)["scalegraph_subscriptions"]+s.replicas[1].metrics(t)["scalegraph_subscriptions"] == 8
	})
	e.Fault(randomFaults())
	for n := range 4 {
		under.Go(func() { s.groups[n].grow(ctx) })
	}
	under.Go(func() { disturbRedis(ctx, shared) })
	for range 8 {
		under.Go(func() {
			for ctx.Err() == nil {
				s.walk(ctx)
			}
		})
	}
	began := time.Now()
	for tick := time.NewTicker(time.Second); ctx.Err() == nil; <-tick.C {
		for _, r := range s.replicas {
			r.resident = append(r.resident, resident(t, r.cmd))
			if r.midway == nil && time.Since(began) > *soak/2 {
				r.midway = r.live(t)
			}
		}
	}
	under.Wait()
	e.Fault(nil)

	for n, f := range followers {
		g := s.groups[n%4]
		var ids []string
		for _, r := range g.rows[first:] {
			ids = append(ids, r.id)
		}
		for _, id := range ids[max(0, len(ids)-4):] {
			testkit.Eventually(t, f.name+" to hear of the end", func() bool { return f.over(id) })
		}
		defer f.check(t, ids)
	}
	leave()
	following.Wait()
	s.client.CloseIdleConnections()
	s.judge(t, asked)
	for _, r := range s.replicas {
		if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if got := statusOf(t, r.cmd.Wait()); got != app.ExitOK {
			t.Errorf("exit status %d", got)
		}
		if logs := r.logs.String(); strings.Contains(logs, "panic") || strings.Contains(logs, "level=ERROR") {
			t.Errorf("the log speaks of a panic or an error:\n%.2000s", logs[max(0, strings.Index(logs, "level=ERROR")):])
		}
	}
}

// judge compares what was counted, and what is left.
func (s *soaking) judge(t *testing.T, asked *statuses) {
	t.Helper()
	for i, wrong := range s.wrong {
		if i < 10 {
			t.Error(wrong)
		}
	}
	total := func(prefix, label string) map[string]int {
		sums := map[string]int{}
		for _, r := range s.replicas {
			for name, value := range r.metrics(t) {
				if _, rest, ok := strings.Cut(name, label+`="`); ok && strings.HasPrefix(name, prefix+"{") && !strings.Contains(name, `kind="subscription"`) && value > 0 {
					by, _, _ := strings.Cut(rest, `"`)
					sums[by] += int(value)
				}
			}
		}
		return sums
	}
	var calls map[string]int
	testkit.Eventually(t, "upstream calls to end", func() bool {
		before := asked.now()
		time.Sleep(300 * time.Millisecond)
		calls = total("scalegraph_upstream_calls_total", "status")
		return fmt.Sprint(before) == fmt.Sprint(asked.now()) && (fmt.Sprint(calls) == fmt.Sprint(before) || s.idle(t))
	})
	if want := asked.now(); fmt.Sprint(calls) != fmt.Sprint(want) {
		t.Errorf("the metrics count the upstream calls %v, the upstream counts %v", calls, want)
	}
	if got := total("scalegraph_requests_total", "outcome"); fmt.Sprint(got) != fmt.Sprint(s.outcomes) {
		t.Errorf("the metrics count the outcomes %v, the clients %v", got, s.outcomes)
	}
	t.Logf("%d walks; outcomes %v; upstream calls by status %v", s.walks.Load(), s.outcomes, calls)
	for i, r := range s.replicas {
		r.judge(t, i)
	}
}

// idle reports whether no replica calls the upstream.
func (s *soaking) idle(t *testing.T) bool {
	return !slices.ContainsFunc(s.replicas, func(r *replica) bool {
		return r.metrics(t)[`scalegraph_upstream_calls_in_flight{region="default"}`] > 0
	})
}

// requestPackages are in the stacks of goroutines only while requests, streams or reads of the cache are in flight.
var requestPackages = []string{
	"scalegraph/internal/changefeed.", "scalegraph/internal/gqlhttp.", "scalegraph/internal/paging.", "scalegraph/internal/ratelimit.",
	"scalegraph/resolvers.", "scalegraph/cache.(*flight",
}

// judge checks a replica for leaks.
func (r *replica) judge(t *testing.T, number int) {
	t.Helper()
	stacks := ""
	testkit.Eventually(t, "all goroutines to end", func() bool {
		stacks = (&server{base: r.admin}).do(t, http.MethodGet, "/debug/pprof/goroutine?debug=1", "").body
		return !slices.ContainsFunc(requestPackages, func(name string) bool { return strings.Contains(stacks, name) })
	})
	m := r.live(t)
	if n := m["go_goroutines"]; n > 150 { // those of idle connections to the upstream among them
		t.Errorf("replica %d: %v goroutines", number, n)
	}
	highest, quarter := slices.Max(r.resident), len(r.resident)/4
	mean := func(of []int64) (sum int64) {
		for _, n := range of {
			sum += n
		}
		return sum / int64(max(1, len(of))) >> 20
	}
	second, last := mean(r.resident[quarter:2*quarter]), mean(r.resident[3*quarter:])
	t.Logf("replica %d: resident %d MiB at most, %d in the second quarter, %d in the last; %v goroutines; %v hits in memory, %v in Redis, %v stale, %v faults of Redis",
		number, highest>>20, second, last, m["go_goroutines"], m[`scalegraph_cache_hits_total{tier="memory"}`], m[`scalegraph_cache_hits_total{tier="redis"}`],
		m["scalegraph_cache_stale_total"], m["scalegraph_redis_faults_total"])
	for _, name := range []string{"scalegraph_cache_memory_bytes", "go_memstats_heap_alloc_bytes", "go_memstats_sys_bytes"} {
		t.Logf("replica %d: %s %.0f MiB midway, %.0f at the end", number, name, r.midway[name]/(1<<20), m[name]/(1<<20))
	}
	if highest > 256<<20 {
		t.Errorf("replica %d: %d MiB were resident", number, highest>>20)
	}
	if *soak >= 2*time.Minute && last > second+second/10+8 {
		t.Errorf("replica %d: its memory grew from %d to %d MiB", number, second, last)
	}
}
