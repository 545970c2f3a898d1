package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"scalegraph/internal/app"
	"scalegraph/upstream/emulator"
)

const (
	chaosPairs     = 5                      // of a phase without and a phase with the others
	chaosDelay     = 500 * time.Millisecond // of the upstream for groups that are well, much longer than the work of a request
	chaosCallers   = 40                     // healthy ones
	healthyGroups  = 160
	sickGroups     = 20 // half of them hang, half fail
	throttledToken = "throttled"
	sickToken      = "sick" // reads sick groups
	hostileToken   = "hostile"
)

// chaos sends requests of healthy callers, and of others that try to take the server from them. Every page of a healthy caller is read from the
// upstream, so that slots matter.
type chaos struct {
	base   string
	client *http.Client
	sent   map[string]*atomic.Int64 // requests of the others, by kind
}

func chaosGroup(n int) string { return emulator.ID(70_000 + n) }

// TestSoakBesideHostileCallers compares the responses of healthy callers in phases without and with sick groups, a throttled caller and a hostile
// one. None may fail, and the 99th percentile may be twice as high at most. Phases alternate and the median of the ratios counts, so that other
// load of the machine affects both sides.
func TestSoakBesideHostileCallers(t *testing.T) {
	if *soak <= 0 {
		t.Skip("make soak runs it")
	}
	e := emulator.New(emulator.Switches{})
	for n := range chaosCallers {
		e.AddToken(fmt.Sprint("healthy-", n), testProject)
	}
	for _, token := range []string{throttledToken, sickToken, hostileToken} {
		e.AddToken(token, testProject)
	}
	for n := range healthyGroups + sickGroups {
		newSoakLog(e, 30_000+n, 100) // groups of chaosGroup
	}
	e.Fault(chaosFaults)
	upstream := httptest.NewServer(e)
	t.Cleanup(upstream.Close)
	t.Cleanup(upstream.CloseClientConnections)
	r := startReplica(t, build(t), "-upstream", upstream.URL, "-project", testProject, "-fresh=0s", "-stale=0s", "-upstream-timeout=5s", "-upstream-concurrency=128", "-max-subscriptions=200")
	c := &chaos{base: r.base, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 500}}, sent: map[string]*atomic.Int64{}}
	for _, kind := range []string{"sick", "throttled", "maximal", "cursors", "tokens", "subscriptions"} {
		c.sent[kind] = new(atomic.Int64)
	}
	phase := max(time.Second, *soak/(2*chaosPairs))
	c.healthy(t, time.Second) // connections, grants
	if text, err := c.query(t.Context(), hostileToken, maximalQuery, map[string]any{"g": refsOf(100)}); err != nil || strings.Contains(text, "QUERY_TOO_COMPLEX") {
		t.Errorf("the maximal query is not permitted: %v %.300s", err, text)
	}
	var ratios []float64
	for pair := range chaosPairs {
		alone := c.healthy(t, phase)
		ctx, stop := context.WithCancel(t.Context())
		others := c.others(ctx)
		beside := c.healthy(t, phase)
		stop()
		others.Wait()
		a, b := percentile99(alone), percentile99(beside)
		t.Logf("pair %d: p99 %v of %d requests alone, %v of %d beside the others", pair, a.Round(time.Millisecond), len(alone), b.Round(time.Millisecond), len(beside))
		ratios = append(ratios, float64(b)/float64(a))
	}
	slices.Sort(ratios)
	t.Logf("ratios %.2f", ratios)
	if ratio := ratios[len(ratios)/2]; ratio > 2 {
		t.Errorf("the p99 of healthy callers is %.2f times as high beside the others", ratio)
	}
	for kind, n := range c.sent {
		t.Logf("%s: %d requests", kind, n.Load())
		if n.Load() == 0 {
			t.Errorf("no request of the kind %s was sent", kind)
		}
	}
	c.client.CloseIdleConnections()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, r.cmd.Wait()); got != app.ExitOK {
		t.Errorf("exit status %d", got)
	}
	if _, panicked, ok := strings.Cut(r.logs.String(), "panic"); ok {
		t.Errorf("the log has a panic:\n%.2000s", panicked)
	}
}

// chaosFaults delays calls of healthy groups, and has the others fail.
func chaosFaults(r *http.Request) *emulator.Fault {
	if r.Header.Get("X-Auth-Token") == throttledToken {
		f := emulator.Throttled(5 * time.Second)
		return &f
	}
	group := path.Base(r.URL.Path)
	for n := range sickGroups {
		if group == chaosGroup(healthyGroups+n) {
			if n%2 == 0 {
				return &emulator.Fault{Break: emulator.Hang}
			}
			return &emulator.Fault{Status: http.StatusInternalServerError}
		}
	}
	return &emulator.Fault{Delay: chaosDelay}
}

// healthy lets the healthy callers read pages one after the other for a time, and returns the latencies. A failed response is an error of the test.
func (c *chaos) healthy(t *testing.T, length time.Duration) []time.Duration {
	t.Helper()
	var mu sync.Mutex
	var all []time.Duration
	var callers sync.WaitGroup
	end := time.Now().Add(length)
	for n := range chaosCallers {
		callers.Go(func() {
			const own = healthyGroups / chaosCallers
			for i := 0; time.Now().Before(end); i++ {
				start := time.Now()
				text, err := c.query(t.Context(), fmt.Sprint("healthy-", n), pageOf(chaosGroup(n*own+i%own)), nil)
				took := time.Since(start)
				if err != nil || !strings.HasPrefix(text, `{"data":{"scalingGroup":{"activities":{"totalCount":100,`) {
					t.Errorf("a healthy caller got %v %.300s", err, text)
				}
				mu.Lock()
				all = append(all, took)
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	return all
}

func percentile99(latencies []time.Duration) time.Duration {
	slices.Sort(latencies)
	return latencies[len(latencies)*99/100]
}

// others starts the callers that disturb, until ctx ends.
func (c *chaos) others(ctx context.Context) *sync.WaitGroup {
	var running sync.WaitGroup
	repeat := func(kind string, callers int, pause time.Duration, send func(n int)) {
		for range callers {
			running.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					c.sent[kind].Add(1)
					send(n)
					select {
					case <-time.After(pause):
					case <-ctx.Done():
					}
				}
			})
		}
	}
	query := func(token, text string, variables map[string]any, headers ...string) {
		_, _ = c.query(ctx, token, text, variables, headers...) // whatever they get
	}
	repeat("sick", 16, 50*time.Millisecond, func(n int) { query(sickToken, pageOf(chaosGroup(healthyGroups+n%sickGroups)), nil) })
	repeat("throttled", 2, 50*time.Millisecond, func(n int) { query(throttledToken, pageOf(chaosGroup(n%healthyGroups)), nil) })
	repeat("maximal", 2, 200*time.Millisecond, func(int) { query(hostileToken, maximalQuery, map[string]any{"g": refsOf(100)}) })
	repeat("cursors", 2, 50*time.Millisecond, func(n int) {
		query(hostileToken, pageOf(chaosGroup(n%healthyGroups)), map[string]any{"after": fmt.Sprintf("AYqJ2mB7Kj2s%d", n)})
	})
	repeat("tokens", 8, 50*time.Millisecond, func(n int) {
		query(fmt.Sprint("invented-", rand.Int64()), pageOf(chaosGroup(n%healthyGroups)), nil, "Scalegraph-Token", fmt.Sprintf("%s=invented-%d", testProject, rand.Int64()))
	})
	repeat("subscriptions", 4, 50*time.Millisecond, func(n int) {
		short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		_, _ = c.query(short, hostileToken, `subscription($g: [ScalingGroupRef!]!, $since: String) { scalingActivityChanged(groups: $g, since: $since) { kind } }`,
			forgedSubscription(n), "Accept", "text/event-stream")
	})
	return &running
}

// forgedSubscription returns the variables of a subscription to some groups. Every other one has a position that no server has issued.
func forgedSubscription(n int) map[string]any {
	variables := map[string]any{"g": refsOf(1 + n%10)}
	if n%2 == 0 {
		variables["since"] = strings.Repeat("AAAA", 1+n%300)
	}
	return variables
}

// pageOf is a query with the variable $after.
func pageOf(group string) string {
	return `query($after: String) { scalingGroup(groupId: "` + group + `") { activities(first: 20, after: $after) { totalCount nodes { logId type status startTime } } } }`
}

// maximalQuery reads about as much as the limits permit.
const maximalQuery = `query($g: [ScalingGroupRef!]!) { scalingGroups(groups: $g) { activities(first: 19) { totalCount nodes {
	logId type status startTime endTime description addedInstances { instanceId } } } } }`

func refsOf(n int) []any {
	refs := make([]any, n)
	for i := range refs {
		refs[i] = map[string]any{"groupId": chaosGroup(i)}
	}
	return refs
}

// query sends a query and returns the whole response.
func (c *chaos) query(ctx context.Context, token, text string, variables map[string]any, headers ...string) (string, error) {
	body, err := json.Marshal(map[string]any{"query": text, "variables": variables})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/graphql", strings.NewReader(string(body)))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Auth-Token", token)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	response, err := io.ReadAll(resp.Body)
	return string(response), err
}
