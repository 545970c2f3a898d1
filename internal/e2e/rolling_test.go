package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"scalegraph/internal/app"
	"scalegraph/internal/testkit"
)

const (
	rollingConnections = 200
	rollingRequests    = 10_000 // at least, for each kind of load balancer
	rollingFollowers   = 20
)

// Two replicas behind a load balancer without active health checks are restarted in turn: no request fails, and subscriptions resume with the
// cursor of their last change, without repeating or skipping one. The replicas run without privileges, even if the test has them.
func TestReplicasAreRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	program := build(t)
	allowEverybody(t, program)
	t.Run("with upstream keep-alive", func(t *testing.T) { testRollingRestart(t, program, true) })
	t.Run("with a connection for each request", func(t *testing.T) { testRollingRestart(t, program, false) })
}

func testRollingRestart(t *testing.T, program string, keepAlive bool) {
	t.Parallel()
	e, url := newUpstream(t)
	e.AddGroup(testProject, busyGroup)
	replicas := []*rollingReplica{startRollingReplica(t, program, url), startRollingReplica(t, program, url)}
	balancer := startNginx(t, keepAlive, replicas[0].address, replicas[1].address)
	followers, leave := startFollowers(t, balancer)
	var ids []string
	quiet, generated := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(generated)
		ids = generateActivities(e, quiet)
	}()
	endActivities := sync.OnceFunc(func() {
		close(quiet)
		<-generated
	})
	t.Cleanup(endActivities)
	waitForAll(t, "a first change", followers, func(f *follower) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.receivedChange)+len(f.failed) > 0
	})
	subscribed := len(e.Rows(testProject, busyGroup)) // activities from here on started when every follower had a subscription

	l := &load{stop: make(chan struct{})}
	l.start(balancer, rollingConnections)
	t.Cleanup(l.end)
	testkit.Eventually(t, "requests flow", func() bool { return l.done.Load() >= 2000 })
	for _, r := range replicas {
		r.stop(t)
		enough := l.done.Load() + 1000
		testkit.Eventually(t, "the other replica serves", func() bool { return l.done.Load() >= enough })
		r.start(t)
		testkit.Eventually(t, "the restarted replica serves", func() bool { return strings.Count(r.logs.String(), `"msg":"request"`) > 200 })
	}
	testkit.Eventually(t, "enough requests", func() bool { return l.done.Load() >= rollingRequests })
	l.end()
	if n := len(l.failed); n > 0 {
		t.Errorf("%d of %d failed, e.g. %.300s", n, l.done.Load(), l.failed[0])
	}

	endActivities()
	for _, id := range ids[len(ids)-5:] { // the last to end, in any order
		waitForAll(t, "the last changes", followers, func(f *follower) bool { return f.over(id) })
	}
	leave()
	for _, f := range followers {
		f.check(t, ids[subscribed:])
		if f.begun < 2 {
			t.Errorf("%s began %d streams", f.name, f.begun)
		}
	}
	t.Logf("%d requests, %d activities", l.done.Load(), len(ids))
}

// rollingReplica is a process of the program that can be started again on the same address.
type rollingReplica struct {
	program, address, upstream string

	cmd  *exec.Cmd
	logs *testkit.Buffer
}

func startRollingReplica(t *testing.T, program, upstream string) *rollingReplica {
	t.Helper()
	r := &rollingReplica{program: program, address: freeAddress(t), upstream: upstream}
	r.start(t)
	return r
}

// start starts the process. If the test runs as root, the process runs as nobody.
func (r *rollingReplica) start(t *testing.T) {
	t.Helper()
	var out *testkit.Buffer
	r.cmd, out, r.logs = command(context.Background(), r.program, "-listen", r.address, "-upstream", r.upstream, "-project", testProject,
		"-poll=100ms", "-drain-delay=2s", "-log=json")
	if os.Geteuid() == 0 {
		const nobody = 65534
		r.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd := r.cmd
	t.Cleanup(func() { // does nothing after stop
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	waitForAddress(t, out)
}

// stop sends SIGTERM and waits for the end of the process.
func (r *rollingReplica) stop(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, r.cmd.Wait()); got != app.ExitOK {
		t.Errorf("exit status %d\n%.2000s", got, r.logs)
	}
}

// allowEverybody lets other users read the directory of a file, which testing.T.TempDir makes private.
func allowEverybody(t *testing.T, file string) {
	t.Helper()
	for _, dir := range []string{filepath.Dir(file), filepath.Dir(filepath.Dir(file))} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// startFollowers subscribes to busyGroup, half of the followers over WebSockets, until the function that it returns is called.
func startFollowers(t *testing.T, base string) (followers []*follower, leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for i := range rollingFollowers {
		f := &follower{name: fmt.Sprint("events ", i), group: busyGroup, open: func(query string) (listener, error) { return openEvents(base, query) }}
		if i%2 == 1 {
			f.name, f.open = fmt.Sprint("socket ", i), func(query string) (listener, error) { return openSocket(base, query) }
		}
		followers = append(followers, f)
		running.Go(func() { f.follow(ctx) })
	}
	leave = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(leave)
	return followers, leave
}

func waitForAll(t *testing.T, what string, followers []*follower, is func(*follower) bool) {
	t.Helper()
	testkit.Eventually(t, "every follower received "+what, func() bool {
		return !slices.ContainsFunc(followers, func(f *follower) bool { return !is(f) })
	})
}

// load sends requests over many connections until it is ended.
type load struct {
	done   atomic.Int64
	stop   chan struct{}
	once   sync.Once
	under  sync.WaitGroup
	mu     sync.Mutex
	failed []string
}

// start sends requests over this many connections, one after the other on each.
func (l *load) start(base string, connections int) {
	for range connections {
		l.under.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for n := 0; ; n++ {
				select {
				case <-l.stop:
					return
				default:
					l.send(client, base, n)
				}
			}
		})
	}
}

// end waits for the requests in flight. It may be called again.
func (l *load) end() {
	l.once.Do(func() { close(l.stop) })
	l.under.Wait()
}

// send sends a GET if n is even, otherwise a POST.
func (l *load) send(client *http.Client, base string, n int) {
	method, url, body := http.MethodGet, base+countQuery, ""
	if n%2 == 1 {
		method, url, body = http.MethodPost, base+"/graphql", `{"query":"{scalingGroup(groupId:\"`+testGroup+`\"){activities{totalCount}}}"}`
	}
	req, _ := http.NewRequest(method, url, strings.NewReader(body))
	req.Header.Set("X-Auth-Token", testToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	what := fmt.Sprint(method, " ", err)
	if err == nil {
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		what = fmt.Sprint(method, " ", resp.StatusCode, " ", string(text))
		if string(text) == counted {
			l.done.Add(1)
			return
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, what)
}
